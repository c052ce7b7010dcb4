"""Understands how compose files write ports, sizes, mounts and commands (Compose specification, Services)."""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

_PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]*?):)?(?P<published>\d{1,5}(?:-\d{1,5})?)?:)?"
    r"(?P<target>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]?)i?b?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  (read, not bound)
_MOST_PORTS = 1000


class Unclear(Exception):
    """Raised for what only a running container can tell, or what nobody understands."""


def published_ports(value: Any) -> list[dict[str, Any]]:
    """Return published ports as the Docker collector writes them; raise `Unclear` where the engine picks them.

    >>> published_ports(["8080:80", "127.0.0.1:53:53/udp"])[1]
    {'container_port': 80, 'protocol': 'tcp', 'host_ip': '0.0.0.0', 'host_port': 8080}
    """
    rows: dict[tuple[int, str, str, int], dict[str, Any]] = {}
    for entry in value if isinstance(value, list) else ():
        for inner, protocol, ip, outer in _long(entry) if isinstance(entry, Mapping) else _short(entry):
            address = "0.0.0.0" if ip.strip("[]") in _EVERYWHERE else ip.strip("[]")  # noqa: S104
            row = {"container_port": inner, "protocol": protocol, "host_ip": address, "host_port": outer}
            rows[inner, protocol, address, outer] = row
    return [rows[key] for key in sorted(rows)]


def _short(entry: Any) -> Iterator[tuple[int, str, str, int]]:
    found = _PORT.fullmatch(entry) if isinstance(entry, str) else None
    if found is None or found["published"] is None:
        raise Unclear
    inner, outer = _range(found["target"]), _range(found["published"])
    if len(inner) != len(outer):  # a range for one port: the engine picks
        raise Unclear
    for one, other in zip(inner, outer, strict=True):
        yield one, found["protocol"] or "tcp", found["ip"] or "", other


def _long(entry: Mapping[str, Any]) -> Iterator[tuple[int, str, str, int]]:
    ip, protocol = entry.get("host_ip") or "", entry.get("protocol") or "tcp"
    published, target = str(entry.get("published") or ""), str(entry.get("target") or "")
    if not isinstance(ip, str) or not isinstance(protocol, str) or not published.isdigit() or not target.isdigit():
        raise Unclear
    yield _range(target)[0], protocol, ip, _range(published)[0]


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not 0 < len(found) <= _MOST_PORTS or found[-1] > 65535 or found[0] < 1:
        raise Unclear
    return found


def size_in_bytes(value: Any) -> int | None:
    """Return a size such as `64m`, `1.5gb` or a number of bytes; None where there is none. Raises `Unclear`.

    >>> size_in_bytes("64m")
    67108864
    """
    if value in (None, "", "0"):
        return None
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or len(found["number"]) > 18:
        raise Unclear
    return int(float(found["number"]) * 1024 ** _POWERS[found["unit"].lower()])


def number(value: Any) -> float | None:
    """Return a number such as `0.5`; None where there is none. Raises `Unclear`."""
    if value in (None, "", "0"):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise Unclear from error
    if not 0 < found < 10**6:
        raise Unclear
    return found


def words(value: Any) -> list[str]:
    """Return a command as a list, split as a shell would; raise `Unclear`."""
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return value
    try:
        return shlex.split(value) if isinstance(value, str) else _none(value)
    except ValueError as error:
        raise Unclear from error


def _none(value: Any) -> list[str]:
    if value is None:
        return []
    raise Unclear


def mount_of(value: Any) -> dict[str, Any]:
    """Return a mount's type, source, target and read_only, from the short or the long form; raise `Unclear`."""
    if isinstance(value, Mapping):
        said = {n: value.get(n) for n in ("type", "source", "target")}
        if not isinstance(said["target"], str) or not isinstance(said["source"], str | None):
            raise Unclear
        return {**said, "read_only": str(value.get("read_only")).lower() == "true"}
    parts = value.split(":") if isinstance(value, str) else []
    if not 1 <= len(parts) <= 3 or not parts[-1]:
        raise Unclear
    source, target = (parts[0], parts[1]) if len(parts) > 1 else (None, parts[0])
    modes = parts[2].split(",") if len(parts) == 3 else []
    kind = "bind" if source and source.startswith(("/", ".", "~")) else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": "ro" in modes}
