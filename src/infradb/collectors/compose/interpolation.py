"""Fills variables into what a compose file says (Compose specification, Interpolation), from `.env` alone.

infradb's own environment is none of compose's business, and whoever starts compose may have set what `.env` does not.
So a text with a variable that is not set is unknown, not empty.
"""

import re
from collections.abc import Mapping
from typing import Any

from infradb.errors import SourceMalformed

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*[=:]\s*(?P<value>.*)")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<how>:?[-?+])?")
_DEEPEST = 20
_LONGEST = 100_000


class Unknown:
    """Stands for a value that hangs on a variable that is not set."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


def read_environment(text: str) -> dict[str, str]:
    """Return the variables of a `.env` file: quotes, comments and `export` as compose reads them.

    >>> read_environment("# mine\\nTAG=1.2  # newest\\nexport NAME='a b'\\n")
    {'TAG': '1.2', 'NAME': 'a b'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not (said := _LINE.fullmatch(line)):
            continue
        value = said["value"].strip()
        if value[:1] in ("'", '"') and (end := value.find(value[0], 1)) > 0:
            found[said["name"]] = value[1:end]
        else:
            found[said["name"]] = re.split(r"\s+#", value, maxsplit=1)[0].strip()
    return found


class Interpolation:
    """Fills in variables, and remembers which were not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.unset: set[str] = set()

    def fill(self, value: Any) -> Any:
        """Return a value of a compose file with every variable in it filled in."""
        if isinstance(value, str):
            return self._text(value, 0) if "$" in value else value
        if isinstance(value, Mapping):
            return {name: self.fill(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        return value

    def _text(self, text: str, depth: int) -> str | Unknown:
        if depth > _DEEPEST or len(text) > _LONGEST:
            raise SourceMalformed("variables are nested too deeply", hint="is it a compose file?")
        parts: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            parts.append(text[at:dollar])
            filled: str | Unknown
            if text.startswith("$$", dollar):
                filled, at = "$", dollar + 2
            elif text.startswith("${", dollar) and (end := _closing(text, dollar + 2)) > 0:
                filled, at = self._braced(text[dollar + 2 : end], depth), end + 1
            elif name := _PLAIN.match(text, dollar + 1):
                filled, at = self._variable(name[0]), name.end()
            else:
                filled, at = "$", dollar + 1
            if isinstance(filled, Unknown):
                return UNKNOWN
            parts.append(filled)
        return "".join([*parts, text[at:]])

    def _braced(self, inner: str, depth: int) -> str | Unknown:
        said = _BRACED.match(inner)
        if said is None:
            return UNKNOWN
        name, how, rest = said["name"], said["how"] or "", inner[said.end() :]
        value = self._variables.get(name)
        is_there = value is not None and (value != "" or not how.startswith(":"))
        if how.endswith("+"):
            return self._text(rest, depth + 1) if is_there else ""
        if is_there:
            return value or ""
        return self._text(rest, depth + 1) if how.endswith("-") else self._variable(name)

    def _variable(self, name: str) -> str | Unknown:
        if name in self._variables:
            return self._variables[name]
        self.unset.add(name)
        return UNKNOWN


def _closing(text: str, start: int) -> int:
    """Return where the brace ends that opened before `start`; -1 where it does not."""
    depth = 1
    for at in range(start, len(text)):
        if text.startswith("${", at):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
    return -1
