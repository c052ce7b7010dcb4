"""What single answers mean: texts, hardware addresses, numbers, and the parts of an index."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_WRITTEN_MAC = re.compile(
    r"^[0-9a-fA-F]{1,2}([:.-][0-9a-fA-F]{1,2}){5}$|^[0-9a-fA-F]{12}$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$"
)
_SHARED = re.compile(
    r"^(?:00:00:00:00:00:00|ff:ff:ff:ff:ff:ff|ee:ee:ee:ee:ee:ee|00:00:5e:00:0[12]:..|00:00:0c:07:ac:..|00:00:0c:9f:f.:..)$"
)
"""Of no machine: none, everybody, Calico's, VRRP's (RFC 9568, 7.3), HSRP's."""
_LONGEST = 255


def text(value: Any, longest: int = _LONGEST) -> str:
    """Return octets as readable text, in one line, without what pads it; not UTF-8 counts as Latin-1."""
    if not isinstance(value, str):
        return ""
    octets = value.encode("latin-1", "ignore")
    try:
        said = octets.decode("utf-8")
    except UnicodeDecodeError:
        said = value
    kept = "".join(c if c.isprintable() else " " for c in said.rstrip("\0"))
    return " ".join(kept.split())[:longest].strip()


def number(value: Any, most: int) -> int | None:
    """Return a whole number from 0 to `most`; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def mac(value: Any) -> str | None:
    """Return a hardware address, given as six octets or written out; None where it is none, or of a group."""
    if not isinstance(value, str):
        return None
    if len(value) == 6:
        octets = value.encode("latin-1", "replace")
    elif _WRITTEN_MAC.match(value):
        pairs = re.split(r"[:.-]", value)
        digits = "".join(p.zfill(2) for p in pairs) if len(pairs) == 6 else re.sub(r"[^0-9a-fA-F]", "", value)
        octets = bytes.fromhex(digits)
    else:
        return None
    return mac_of(octets)


def mac_of(octets: Sequence[int]) -> str | None:
    """Return the hardware address that six numbers are; None where it is none, or of a group."""
    if len(octets) != 6 or any(not 0 <= o <= 255 for o in octets) or octets[0] & 1:
        return None
    found = ":".join(f"{o:02x}" for o in octets)
    return None if found in ("00:00:00:00:00:00", "ee:ee:ee:ee:ee:ee") else found


def is_own(address: str) -> bool:
    """Tell whether a hardware address is one that its maker burnt in, and of one machine only."""
    return not int(address[:2], 16) & 2 and not _SHARED.match(address)


def index(dotted: str) -> tuple[int, ...]:
    """Return the numbers of an index; none where it is malformed."""
    parts = dotted.split(".")
    return tuple(int(p) for p in parts) if all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts) else ()


def inet(kind: int, octets: Sequence[int]) -> IpAddress | None:
    """Return an address by its InetAddressType (RFC 4001): 1 ipv4, 2 ipv6, 3 and 4 the same with a zone."""
    length = {1: 4, 2: 16, 3: 4, 4: 16}.get(kind)
    if length is None or len(octets) < length or any(not 0 <= o <= 255 for o in octets):
        return None
    return ipaddress.ip_address(bytes(octets[:length]))


def is_placed(address: IpAddress) -> bool:
    """Tell whether an address means one thing in the whole network: no loopback, link-local or multicast one."""
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.version == 4 and int(address) >= 0xF0000000)
    )
