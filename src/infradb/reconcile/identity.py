"""What makes two things one: hard keys and corroborated pairs in comparable form, and what contradicts.

The rules are those of `docs/concepts.md`; each case has a test by its own name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infradb.model.describe import EntityType

JUNK = frozenset(
    {
        "", "0", "00020003-0004-0005-0006-000700080009", "0123456789", "03000200-0400-0500-0006-000700080009",
        "12345678-1234-5678-90ab-cddeefaabbcc", "123456789", "1234567890", "chassis serial number",
        "default string", "empty", "fefefefe-fefe-fefe-fefe-fefefefefefe", "invalid", "n/a", "na", "no asset tag",
        "none", "not applicable", "not available", "not present", "not settable", "not specified", "null", "o.e.m.",
        "oem", "standard", "system manufacturer", "system serial number", "to be filled by o.e.m.",
        "to be filled by oem", "unknown", "xxxxxxxx",
    }
)  # fmt: skip
"""Values that vendors leave in firmware and that identify nothing."""
_UUID = re.compile(r"^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4}-[0-9a-f]{12})$")
_SHOWS_ITS_HOST = ("smbios_uuid", "vendor", "serial_number")
_SHARED_MAC = re.compile(
    r"^(?:00:00:00:00:00:00|ff:ff:ff:ff:ff:ff|ee:ee:ee:ee:ee:ee|00:00:5e:00:0[12]:..|00:00:0c:07:ac:..|00:00:0c:9f:f.:.."
    r"|02:42:..:..:..:..)$"
)
"""Hardware addresses that stand for no machine: none, everybody, Calico's, VRRP's (RFC 9568, 7.3), HSRP's, Docker's."""


def hard_keys(entity_type: EntityType, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the identifiers in `values`, strongest first, as (scheme, comparable value).

    An LXC container shows its host's firmware, so firmware identifies it not at all.
    """
    found: list[tuple[str, str]] = []
    for key in entity_type.hard_keys:
        parts = [values.get(f) for f in key.fields]
        if any(p is None for p in parts):
            continue
        if key.each:
            found += [("+".join(key.fields), pair) for pair in _pairs(parts, values)]
            continue
        if values.get("host_type") == "lxc" and key.fields[0] in _SHOWS_ITS_HOST:
            continue
        comparable = [_comparable(f, str(p)) for f, p in zip(key.fields, parts, strict=True)]
        if comparable[-1] not in JUNK:
            found.append(("+".join(key.fields), "|".join(comparable)))
    return found


def contradicts(entity_type: EntityType, pairs: Sequence[tuple[str, str]], held: Mapping[str, set[str]]) -> bool:
    """Tell whether an exclusive identifier differs while no stronger one agrees."""
    seen: dict[str, set[str]] = {}
    for scheme, value in pairs:
        seen.setdefault(scheme, set()).add(value)
    for key in entity_type.hard_keys:
        scheme = "+".join(key.fields)
        mine, theirs = seen.get(scheme), held.get(scheme)
        if not mine or not theirs:
            continue
        if mine & theirs:
            return False
        if key.exclusive:
            return True
    return False


def compatible(table: str, observed: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Tell whether two descriptions may be of one thing as far as their kinds go."""
    if table != "hosts":
        return True
    kinds = {observed.get("host_type"), row.get("host_type")} - {None, "docker_host"}
    numbers = {observed.get("vmid"), row.get("vmid")} - {None}
    return len(kinds) <= 1 and len(numbers) <= 1


def _pairs(parts: Sequence[Any], values: Mapping[str, Any]) -> list[str]:
    """Return each hardware address that stands for the machine, together with what corroborates it."""
    rest = [str(p).strip().lower() for p in parts[1:]]
    return ["|".join([mac, *rest]) for mac in dict.fromkeys(map(str.lower, parts[0])) if _is_own(mac, values)]


def _is_own(mac: str, values: Mapping[str, Any]) -> bool:
    """Tell whether a hardware address singles out a machine.

    Multicast and shared ones do not. Locally administered ones (IEEE 802, 8.4: the second bit of the first octet) are
    made up by software, so only a guest's count: its hypervisor configured them for that very NIC.
    """
    if _SHARED_MAC.match(mac):
        return False
    first = int(mac[:2], 16)
    if first & 1:
        return False
    return not first & 2 or values.get("host_type") in ("vm", "lxc") or values.get("vmid") is not None


def _comparable(field: str, value: str) -> str:
    text = value.strip().lower()
    if field == "container_id":
        return text[:12]
    if field == "smbios_uuid":
        return _either_byte_order(text)
    return text


def _either_byte_order(uuid: str) -> str:
    """Return one form for a UUID and its twin with the first three fields byte-swapped (SMBIOS 2.6, 7.2.1)."""
    match = _UUID.match(uuid)
    if not match:
        return uuid
    if len(set(uuid.replace("-", ""))) == 1:
        return ""
    swapped = "-".join([*("".join(reversed(re.findall("..", part))) for part in match.groups()[:3]), match[4]])
    return min(uuid, swapped)
