"""Reads haproxy.cfg into its sections (configuration manual 2.6, 2: "Configuration file format")."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_SECTIONS = frozenset(
    {"global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "resolvers", "mailers", "program",
     "cache", "ring", "fcgi-app", "http-errors", "log-forward", "crt-store", "traces", "log-profile", "acme"}
)  # fmt: skip
_WITH_DEFAULTS = ("frontend", "backend", "listen")


@dataclass(slots=True)
class Section:
    """A frontend, a backend, or both in one."""

    kind: str
    name: str
    lines: list[list[str]] = field(default_factory=list)
    """Its lines in words, those of its defaults first."""

    def all(self, keyword: str) -> Iterator[list[str]]:
        """Yield the words after a keyword, of each line that begins with it."""
        return (words[1:] for words in self.lines if words[0] == keyword)

    def last(self, keyword: str) -> list[str]:
        """Return the words after the last line with a keyword; empty where there is none."""
        found: list[str] = []
        for found in self.all(keyword):  # noqa: B007  the last one counts
            pass
        return found

    @property
    def mode(self) -> str:
        """Return http or tcp, which is what HAProxy takes where nothing is said."""
        return next(iter(self.last("mode")), "tcp")

    @property
    def disabled(self) -> bool:
        """Tell whether it is switched off."""
        return any(True for _ in self.all("disabled"))


def sections(text: str) -> tuple[list[Section], list[str]]:
    """Return the frontends, backends and listen sections, and what could not be read."""
    found: list[Section] = []
    problems: list[str] = []
    defaults: dict[str, list[list[str]]] = {"": []}
    current: list[list[str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            problems.append(f"line {number} is not understood: {str(error).lower()} (`haproxy -c` says more)")
            continue
        if not words:
            continue
        if words[0] not in _SECTIONS:
            current.append(words)
            continue
        current = []
        name = words[1] if len(words) > 1 else ""
        if words[0] == "defaults":
            # Without a name it holds for all that comes after it.
            defaults[name if name != "from" else ""] = current
            defaults[""] = current
        elif words[0] in _WITH_DEFAULTS and name:
            current = list(defaults.get(_from(words), defaults[""]))
            found.append(Section(words[0], name, current))
    return found, problems


def _from(words: Sequence[str]) -> str:
    return words[words.index("from") + 1] if "from" in words[2:-1] else ""
