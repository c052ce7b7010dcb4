"""Takes secrets out of what sources say, before anything else sees it. When unsure, it redacts.

A value goes by its name (`POSTGRES_PASSWORD`), or by its looks (a URL with a password in it, a token of a known
shape). Every function is idempotent. Most texts hold no secret and come again and again (`PATH=…`), so those found
clean are remembered; the rest is first looked at in one piece.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from infradb.redaction_rules import REDACTED, applicable, is_secret
from infradb.secret_names import Verdict, name_verdict

__all__ = [
    "REDACTED",
    "is_secret",
    "redact_arguments",
    "redact_described",
    "redact_document",
    "redact_environment",
    "redact_json",
    "redact_mapping",
    "redact_text",
]

_KEPT = 1 << 16
"""How many clean texts are remembered."""
_LONGEST_KEPT = 512
_MANY = 8
_ROUNDS = 8
_clean: set[str] = {"", REDACTED}
_clean_names: set[str] = set()
_clean_commands: set[str] = set()


def redact_text(text: str) -> str:
    """Return a text, such as a command line or a note, without the secrets in it.

    >>> redact_text("psql postgresql://app:hunter2@db/app --password=hunter2 -v")
    'psql postgresql://app:***@db/app --password=*** -v'
    """
    if text in _clean:
        return text
    before, after = text, _once(text)
    for _ in range(_ROUNDS):
        if after == before:
            _remember((after,))
            return after
        before, after = after, _once(after)
    return REDACTED


def redact_mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping, such as labels, with its secret values replaced; every name stays.

    >>> redact_mapping({"POSTGRES_PASSWORD": "hunter2", "TZ": "Europe/Brussels"})
    {'POSTGRES_PASSWORD': '***', 'TZ': 'Europe/Brussels'}
    """
    return redact_described((), mapping)[1]


def redact_environment(entries: Sequence[str]) -> list[str]:
    """Return a process's environment, one `NAME=value` each, with its secret values replaced.

    >>> redact_environment(["TZ=Europe/Brussels", "POSTGRES_PASSWORD=hunter2"])
    ['TZ=Europe/Brussels', 'POSTGRES_PASSWORD=***']
    """
    return redact_described(entries, {})[0]


def redact_described(entries: Sequence[str], mapping: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return an environment and labels as the two functions above do, for little more than the price of one."""
    unknown = [] if _clean.issuperset(entries) else [entry for entry in entries if entry not in _clean]
    if _found_clean(unknown, mapping):
        return list(entries), dict(mapping)
    return (
        [entry if entry in _clean else _redact_entry(entry) for entry in entries],
        {name: _redact_named(name, value) for name, value in mapping.items()},
    )


def redact_arguments(arguments: Sequence[str]) -> str:
    """Return a program and its arguments as one line, as `docker ps` shows them, without the secrets in it.

    >>> redact_arguments(["server", "--admin-password", "correct horse", "--port", "80"])
    'server --admin-password *** --port 80'
    """
    joined = " ".join(arguments)
    if joined in _clean_commands:
        return joined
    redacted = redact_text(" ".join(_redact_list(arguments)))
    if redacted == joined and len(joined) <= _LONGEST_KEPT:
        if len(_clean_commands) >= _KEPT:
            _clean_commands.clear()
        _clean_commands.add(joined)
    return redacted


def redact_json(value: Any) -> Any:
    """Return a JSON value with the secrets in its objects, lists and texts replaced."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {name: _redact_named(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return _redact_list(value)
    return value


def redact_document(text: str) -> str:
    """Return a JSON document with its secrets replaced; one that is malformed is replaced whole."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return REDACTED
    redacted = redact_json(value)
    return text if redacted == value else orjson.dumps(redacted).decode()


def _redact_named(name: str, value: Any) -> Any:
    if is_secret(name, value):
        return REDACTED
    return redact_json(value)


def _redact_list(values: Iterable[Any]) -> list[Any]:
    """Redact each value, and also the one after an option such as `--password`, as in a list of arguments."""
    result: list[Any] = []
    option = ""
    for value in values:
        named = option and isinstance(value, str) and not value.startswith("-") and is_secret(option, value)
        result.append(REDACTED if named else redact_json(value))
        option = value if isinstance(value, str) and value.startswith("-") and "=" not in value else ""
    return result


def _redact_entry(entry: str) -> str:
    name, separator, value = entry.partition("=")
    redacted = f"{name}{separator}{REDACTED if is_secret(name, value) else redact_text(value)}"
    _remember((redacted,))
    return redacted


def _found_clean(entries: Sequence[str], mapping: Mapping[str, Any]) -> bool:
    """Tell whether there is no secret in unknown entries and in a mapping, and remember what was looked at."""
    if not _clean_names.issuperset(mapping) and not _names_clean(mapping):
        return False
    names, texts = [], []
    for entry in entries:
        name, _, text = entry.partition("=")
        names.append(name)
        texts.append(text)
    if not _clean_names.issuperset(names) and not _names_clean(names):
        return False
    try:
        texts += [text for text in mapping.values() if text not in _clean]
        joined = "\n".join(texts)
    except TypeError:  # a number, a list, an object
        return False
    # A rule that does not apply to the joined text applies to none of its parts.
    if joined and (rules := applicable(joined)) and any(rule(text) != text for text in texts for rule in rules):
        return False
    if len(texts) >= _MANY:  # a few among known ones are most likely this thing's own: its name, its address
        _remember(entries)
        _remember(texts)
    return True


def _names_clean(names: Iterable[str]) -> bool:
    for name in names:
        if name not in _clean_names:
            if name_verdict(str(name)) is not Verdict.HARMLESS:
                return False
            if len(_clean_names) >= _KEPT:
                _clean_names.clear()
            _clean_names.add(name)
    return True


def _remember(texts: Iterable[str]) -> None:
    if len(_clean) >= _KEPT:
        _clean.clear()
    _clean.update([text for text in texts if len(text) <= _LONGEST_KEPT])


def _once(text: str) -> str:
    for rule in applicable(text):
        text = rule(text)
    return text
