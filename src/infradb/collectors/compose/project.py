"""Makes one project of a compose file, its override, its variables and what it extends (Compose specification)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infradb.collectors.compose.client import Written
from infradb.collectors.compose.interpolation import Interpolation, read_environment
from infradb.errors import CollectionError, SourceMalformed

_MOST_VALUES = 100_000
_DEEPEST = 60
_MOST_EXTENDS = 10
_REPLACED = frozenset({"command", "entrypoint", "test"})
"""Lists of which the later one counts; others are put together."""


@dataclass(frozen=True, slots=True)
class Project:
    """What one project is to run."""

    name: str
    folder: Path
    services: Mapping[str, Mapping[str, Any]]
    networks: Mapping[str, Mapping[str, Any]]
    volumes: Mapping[str, Mapping[str, Any]]
    errors: tuple[str, ...] = ()
    """What could not be known, one sentence each."""


def read_project(
    written: Written, read: Callable[[Path], str], *, name: str | None = None, profiles: Sequence[str] = ()
) -> Project:
    """Return the project of its files; `read` gives the text of a file that a service extends.

    Raises `SourceMalformed` where one is no compose file.
    """
    variables = read_environment(written.environment)
    filling = Interpolation(variables)
    merged: dict[str, Any] = {}
    for file, text in zip(written.files, written.texts, strict=True):
        merged = _merge(merged, filling.fill(_load(file, text)))
    if not isinstance(merged.get("services"), dict):
        raise SourceMalformed(f"{written.files[0]} has no services", hint="is it a compose file?")
    errors = []
    services: dict[str, Mapping[str, Any]] = {}
    active = {*profiles, *variables.get("COMPOSE_PROFILES", "").split(",")}
    for service in sorted(merged["services"]):
        try:
            whole = _extended(service, merged["services"], written.files[0], filling, read, 0)
        except CollectionError as error:
            errors.append(f"{written.files[0]}: service {service}: {error} ({error.hint})")
            continue
        wanted = {p for p in _list(whole.get("profiles")) if isinstance(p, str)}
        if not wanted or wanted & active:
            services[service] = whole
    if merged.get("include"):
        errors.append(f"{written.files[0]}: what it includes is not read (give those files as sources of their own)")
    errors += [
        f"{written.files[0]}: the variable {v} is not set in .env (what hangs on it is left out)"
        for v in sorted(filling.unset)
    ]
    called = name or variables.get("COMPOSE_PROJECT_NAME") or merged.get("name") or written.folder.absolute().name
    if not isinstance(called, str):
        hint = "set it in .env, or `project` of the source"
        raise SourceMalformed(f"{written.files[0]}: the name of the project hangs on a variable", hint=hint)
    return Project(
        project_name(called),
        written.folder,
        services,
        _named(merged, "networks"),
        _named(merged, "volumes"),
        tuple(errors),
    )


def project_name(text: str) -> str:
    """Return a name as compose writes it: lower case, letters, digits, dashes and underscores.

    >>> project_name("My Shop.v2")
    'myshopv2'
    """
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-") or "default"


def _load(file: Path, text: str) -> dict[str, Any]:
    import yaml

    from infradb.collectors.compose.yaml_texts import TextLoader

    try:
        # Derived from the safe loader: it makes texts, lists and mappings and nothing else.
        content = yaml.load(text, TextLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        at = getattr(error, "problem_mark", None)
        where = f", line {at.line + 1}" if at else ""
        raise SourceMalformed(f"{file}{where}: it is no YAML", hint="`docker compose config` says more") from error
    if not isinstance(content, dict):
        raise SourceMalformed(f"{file} is no compose file", hint="it has to hold `services:`")
    _count(content, file)
    return {str(n): v for n, v in content.items()}


def _count(content: Any, file: Path) -> None:
    """Refuse what a few aliases (YAML 1.2, 7.1) make of a small file: more values than anybody writes."""
    waiting, count = [(content, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > _MOST_VALUES or depth > _DEEPEST:
            raise SourceMalformed(f"{file} holds too much, or nests too deeply", hint="is it a compose file?")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(one, depth + 1) for one in inner]


def _extended(
    name: str,
    services: Mapping[str, Any],
    file: Path,
    filling: Interpolation,
    read: Callable[[Path], str],
    depth: int,
) -> dict[str, Any]:
    """Return a service with what it extends below it."""
    said: dict[str, Any] | None = services.get(name)
    if not isinstance(said, dict):
        raise SourceMalformed(f"there is no service {name!r} in {file.name}", hint="check the name after `extends`")
    base = said.get("extends")
    if not base:
        return said
    if depth >= _MOST_EXTENDS:
        raise SourceMalformed("services extend each other in a circle", hint="check `extends`")
    of = base if isinstance(base, dict) else {"service": base}
    other, called = of.get("file"), str(of.get("service") or "")
    if isinstance(other, str):
        file = file.parent / other
        found = filling.fill(_load(file, read(file))).get("services")
        services = found if isinstance(found, dict) else {}
    own = {n: v for n, v in said.items() if n != "extends"}
    below = _extended(called, services, file, filling, read, depth + 1)
    # Compose does not inherit these: the other file may not have them.
    inherited = {n: v for n, v in below.items() if n not in ("depends_on", "links", "volumes_from")}
    merged: dict[str, Any] = _merge(inherited, own)
    return merged


def _merge(below: Any, above: Any, name: str = "") -> Any:
    """Return two files or services as one (Compose specification, Merge)."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{n: _merge(below[n], v, n) if n in below else v for n, v in above.items()}}
    if isinstance(below, list) and isinstance(above, list) and name not in _REPLACED:
        if name == "volumes":
            places = {target_of(v) for v in above}
            return [*(v for v in below if target_of(v) not in places), *above]
        return [*(v for v in below if v not in above), *above]
    return above


def target_of(volume: Any) -> str:
    """Return where a volume appears in its container: `data:/var/lib/data:ro`, or the long form."""
    if isinstance(volume, dict):
        return str(volume.get("target") or "")
    parts = str(volume).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _named(merged: Mapping[str, Any], what: str) -> dict[str, Mapping[str, Any]]:
    found = merged.get(what)
    return {str(n): v if isinstance(v, dict) else {} for n, v in found.items()} if isinstance(found, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
