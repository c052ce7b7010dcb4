"""Takes single values out of answers that may hold anything; what does not fit is None, and nothing raises.

Perl sends numbers as texts and texts as numbers, depending on who wrote the value last.
"""

import ipaddress
import math
import re
from collections.abc import Iterable
from typing import Any

from infradb.model.types import canonical_mac

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
_LARGEST = 2**53
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
_NO_MACS = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "ee:ee:ee:ee:ee:ee"})


def text(value: Any, longest: int = 255) -> str | None:
    """Return a text without surrounding blanks, None where there is none; numbers count as texts.

    >>> text(" pve1 "), text(8), text(""), text([1])
    ('pve1', '8', None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # PostgreSQL takes no NUL.
    found = str(value)[: longest * 2].replace("\x00", "").strip()[:longest]
    return found or None


def number(value: Any) -> int | None:
    """Return a whole number, also of a text: `"2048"`; None for what is none or unlikely large."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return value if isinstance(value, int) and abs(value) <= _LARGEST else None


def flag(value: Any) -> bool | None:
    """Return a switch: 1, `"1"`, true and `"on"` are on."""
    if isinstance(value, str):
        return {"1": True, "on": True, "yes": True, "true": True, "0": False, "off": False, "no": False}.get(
            value.strip().lower()
        )
    return bool(value) if isinstance(value, bool | int) else None


def objects(data: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, whatever else may be in it."""
    return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []


def properties(value: str, default: str = "") -> dict[str, str]:
    """Take apart a property string (pve-docs, "JSON schema property strings"): `local:vm-1,size=32G`.

    A part without a name is that of `default`, and only the first such counts.

    >>> properties("local-lvm:vm-100-disk-0,size=32G", "file")
    {'file': 'local-lvm:vm-100-disk-0', 'size': '32G'}
    """
    found: dict[str, str] = {}
    for part in value.split(","):
        name, separator, inner = part.strip().partition("=")
        if not separator or "/" in name or ":" in name:  # a path or a volume may hold a = of its own
            name, inner = default, part.strip()
        if name and inner:
            found.setdefault(name, inner)
    return found


def gigabytes(value: Any) -> float | None:
    """Return a size in GB (10^9 bytes) from bytes or from a text in binary units: `32G` is 34.36 GB."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        size = float(match[1]) * _UNITS[match[2].upper()] if match else None
    else:
        size = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return round(size / 1e9, 3) if size is not None and 0 <= size < 2**70 else None


def mac(value: Any) -> str | None:
    """Return a hardware address that can stand for one interface: no multicast, no filler."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", value.strip()):
        return None
    found = canonical_mac(value)
    return None if found in _NO_MACS or int(found[:2], 16) & 1 else found


def interface(value: Any, prefix: Any = None) -> Interface | None:
    """Return an address with its prefix that means the same everywhere; None for loopback and link-local ones."""
    if not isinstance(value, str) or not value:
        return None
    try:
        found = ipaddress.ip_interface(f"{value.split('%')[0]}/{prefix}" if prefix is not None else value)
    except ValueError:
        return None
    inner = found.ip
    return None if inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified else found


def address(value: Any) -> str | None:
    """Return a lone address in canonical form."""
    found = interface(value.split("/")[0]) if isinstance(value, str) else None
    return str(found.ip) if found else None


def words(value: Any) -> list[str]:
    """Return the parts of a list in one text: `a;b, c`."""
    return [part for part in re.split(r"[;,\s]+", value) if part] if isinstance(value, str) else []


def numbered(config: dict[str, str], prefixes: Iterable[str]) -> list[str]:
    """Return the keys of a configuration that are one of these with a number, in their natural order: net2, net10."""
    wanted = "|".join(map(re.escape, prefixes))
    found = [
        (match[1], int(match[2]), key) for key in config if (match := re.fullmatch(rf"({wanted})(\d{{1,4}})", key))
    ]
    order = list(prefixes)
    return [key for _, _, key in sorted(found, key=lambda f: (order.index(f[0]), f[1]))]
