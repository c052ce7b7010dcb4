"""Where a machine is reached, and what it is called in its source."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infradb.errors import SettingsError

DEFAULT_PORT = 22
_TARGET = re.compile(
    r"^(?:(?P<user>[^@\s:/]+)@)?(?:\[(?P<bracketed>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[\w.-]+))(?::(?P<port>\d{1,5}))?$"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One machine: `USER@HOST:PORT`, where the user and the port may be missing."""

    host: str
    """Name or address, in lower case."""

    port: int = DEFAULT_PORT

    user: str | None = None
    """Account there; None is the source's."""

    @property
    def name(self) -> str:
        """Return what the machine is called in its source: the host, and its port unless that is 22."""
        host = f"[{self.host}]" if ":" in self.host and self.port != DEFAULT_PORT else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"


def parse_target(text: str) -> Target:
    """Return the machine that a text names; raise `ValueError`.

    >>> parse_target("admin@Web1.lan:2222").name, parse_target("[2001:db8::5]").name
    ('web1.lan:2222', '2001:db8::5')
    """
    said = _TARGET.match(text.strip())
    port = int(said["port"] or DEFAULT_PORT) if said else 0
    if said is None or not 0 < port < 65536:
        raise ValueError(f"{text!r} is no host: write HOST, USER@HOST, HOST:PORT or [IPV6]:PORT")
    return Target((said["bracketed"] or said["host"]).lower(), port, said["user"])


def is_list(entry: str) -> bool:
    """Tell whether an entry names a file with one machine a line: `@/etc/infradb/hosts`."""
    return entry.startswith("@")


def expand(entries: Iterable[str]) -> list[Target]:
    """Return the machines of all entries, those in files too; raise `SettingsError` where a file or a line is wrong."""
    found: dict[str, Target] = {}
    for entry in entries:
        for text, place in _lines(entry) if is_list(entry) else [(entry, "hosts")]:
            try:
                target = parse_target(text)
            except ValueError as error:
                raise SettingsError(f"{place}: {error}", hint="one machine a line; # starts a comment") from error
            if target.name in found:
                raise SettingsError(f"{place}: {target.name} is there twice", hint="take one of the two out")
            found[target.name] = target
    return list(found.values())


def _lines(entry: str) -> list[tuple[str, str]]:
    path = Path(entry[1:])
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingsError(f"the list of hosts {path} cannot be read: {why}", hint="check the path") from error
    bare = [(line.partition("#")[0].strip(), f"{path}:{number}") for number, line in enumerate(lines, 1)]
    return [(text, place) for text, place in bare if text]
