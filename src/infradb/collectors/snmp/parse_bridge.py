"""What a bridge knows: its VLANs, and which hardware addresses are behind which of its ports."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infradb.collectors.snmp.parse_interfaces import Interfaces
from infradb.collectors.snmp.parse_system import PARSER_VERSION, host_key
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.values import index, mac_of, number, text
from infradb.model.network import MacSighting, Vlan
from infradb.model.physical import NetworkInterface
from infradb.observation import Answer, Observation, digest_of

_LEARNED = 3
"""dot1dTpFdbStatus and dot1qTpFdbStatus (RFC 4188, RFC 4363); others are the bridge's own or set by hand."""
_MANAGED = 5
_ETHERNET_VLAN = 1
_RESERVED = frozenset({1002, 1003, 1004, 1005})
"""VLANs that Cisco reserves for Token Ring and FDDI."""


class Membership(NamedTuple):
    """Which ports of a bridge carry a VLAN; None where the device does not say so readably."""

    name: str
    untagged: frozenset[int] | None
    tagged: frozenset[int] | None


class Sighting(NamedTuple):
    """A hardware address behind an interface of a bridge."""

    interface: int
    address: str
    vlan: int


def vlans(facts: DeviceFacts, known: Interfaces) -> dict[int, Membership]:
    """Return the VLANs of a device: those that are configured, and those that are only in use."""
    names = {v: text(raw) for v, raw in _by_vlan(facts, "dot1qVlanStaticName").items()}
    for tag, raw in _by_vlan(facts, "vtpVlanName").items():
        if _by_vlan(facts, "vtpVlanType").get(tag, _ETHERNET_VLAN) == _ETHERNET_VLAN and tag not in _RESERVED:
            names.setdefault(tag, text(raw))
    current = _by_vlan(facts, "dot1qVlanCurrentEgressPorts")
    egress = {**_by_vlan(facts, "dot1qVlanStaticEgressPorts"), **current}
    untagged = {**_by_vlan(facts, "dot1qVlanStaticUntaggedPorts"), **_by_vlan(facts, "dot1qVlanCurrentUntaggedPorts")}
    found = {}
    for tag in sorted({*names, *current}):
        carrying, plain = _ports(egress.get(tag), known), _ports(untagged.get(tag), known)
        tagged = None if carrying is None or plain is None else carrying - plain
        found[tag] = Membership(names.get(tag) or f"VLAN {tag}", plain, tagged)
    return found


def vlan_answers(facts: DeviceFacts, known: Interfaces) -> list[Answer]:
    """Return the VLANs of a device, then the tag of each access port."""
    found = vlans(facts, known)
    answers = []
    for tag, member in found.items():
        values: dict[str, Any] = {"host_id": host_key(facts.name), "vlan_id": tag, "vlan_name": member.name}
        for field, ports in (("untagged_ports", member.untagged), ("tagged_ports", member.tagged)):
            if ports is not None and member.tagged is not None:
                values[field] = [known.names[n] for n in sorted(ports)]
        answers.append(_answer(f"{host_key(facts.name)}/vlan/{tag}", Vlan.table, values))
    for n, tag in _access_ports(facts, known, found).items():
        key = known.key(n)
        if key is not None:
            values = {"host_id": host_key(facts.name), "interface_name": known.names[n], "vlan_id": tag}
            answers.append(_answer(key, NetworkInterface.table, values))
    return answers


def sightings(facts: DeviceFacts, known: Interfaces) -> tuple[list[Sighting], int]:
    """Return what is behind each port, sorted, and how many entries lie on ports that are no known interface."""
    found: set[Sighting] = set()
    placeless = 0
    for address, vlan, port in (*_tagged_entries(facts), *_plain_entries(facts)):
        interface = known.ports.get(port)
        if interface is None or interface not in known.names:
            # A few agents number ports as interfaces and have no table that says so; that is not for us to guess.
            placeless += interface not in known.left_out
            continue
        found.add(Sighting(interface, address, vlan))
    return sorted(found), placeless


def sighting_answers(found: list[Sighting], known: Interfaces) -> list[Answer]:
    """Return an answer per hardware address behind a port."""
    return [sighting_answer(key, s.address, s.vlan, "fdb") for s in found if (key := known.key(s.interface))]


def sighting_answer(interface: str, address: str, vlan: int, seen_by: str) -> Answer:
    """Return that a hardware address was seen behind an interface, which is named by its native key."""
    values = {"interface_id": interface, "mac_address": address, "vlan_id": vlan, "seen_by": seen_by}
    return _answer(f"{interface}/{seen_by}/{vlan}/{address}", MacSighting.table, values)


def _answer(key: str, table: str, values: Mapping[str, Any]) -> Answer:
    observation = Observation(key, table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (observation,))


def _access_ports(facts: DeviceFacts, known: Interfaces, found: Mapping[int, Membership]) -> dict[int, int]:
    """Return interface -> tag of ports that carry one VLAN only, untagged.

    A bridge with one VLAN has not divided anything: what is on its ports is no VLAN that anybody meant.
    """
    tagged = {n for member in found.values() for n in member.tagged or ()}
    access: dict[int, int] = {}
    for dotted, raw in facts.column("vlans", "dot1qPvid").items():
        port, tag = index(dotted), number(raw, 4094)
        interface = known.ports.get(port[0]) if len(port) == 1 else None
        if interface is None or not tag or tag not in found or interface in tagged or interface not in known.names:
            continue
        if len(found) > 1 and interface in (found[tag].untagged or ()):
            access[interface] = tag
    return access


def _by_vlan(facts: DeviceFacts, column: str) -> dict[int, Any]:
    """Return a column by VLAN, which is the last number of its index whatever comes before."""
    found = {}
    for dotted, value in facts.column("vlans", column).items():
        parts = index(dotted)
        if parts and 0 < parts[-1] < 4095:
            found[parts[-1]] = value
    return found


def _ports(raw: Any, known: Interfaces) -> frozenset[int] | None:
    """Return the interfaces in a PortList (RFC 4363): a bit per port, the first one the highest.

    None where a port is named that the bridge does not have: some devices send something else there.
    """
    if not isinstance(raw, str) or not known.ports:
        return None
    octets = raw.encode("latin-1", "replace")
    numbers = [8 * place + bit + 1 for place, octet in enumerate(octets) for bit in range(8) if octet & (0x80 >> bit)]
    if any(n not in known.ports for n in numbers):
        return None
    return frozenset(known.ports[n] for n in numbers if known.ports[n] in known.names)


def _tagged_entries(facts: DeviceFacts) -> Iterator[tuple[str, int, int]]:
    """Yield (hardware address, VLAN, port); the index has the number of the forwarding table, not the VLAN's."""
    tables: dict[int, set[int]] = {}
    for dotted, raw in facts.column("vlans", "dot1qVlanFdbId").items():
        parts, table = index(dotted), number(raw, 2**32)
        if parts and table is not None and 0 < parts[-1] < 4095:
            tables.setdefault(table, set()).add(parts[-1])
    statuses = facts.column("fdb", "dot1qTpFdbStatus")
    for dotted, raw in facts.column("fdb", "dot1qTpFdbPort").items():
        parts, port = index(dotted), number(raw, 2**31)
        address = mac_of(parts[1:]) if len(parts) == 7 else None
        if address and port and statuses.get(dotted, _LEARNED) in (_LEARNED, _MANAGED):
            sharing = tables.get(parts[0], set())
            # A table that several VLANs share (RFC 4363, SVL) does not say in which of them it was.
            yield address, next(iter(sharing)) if len(sharing) == 1 else 0, port


def _plain_entries(facts: DeviceFacts) -> Iterator[tuple[str, int, int]]:
    statuses = facts.column("fdb", "dot1dTpFdbStatus")
    for dotted, raw in facts.column("fdb", "dot1dTpFdbPort").items():
        parts, port = index(dotted), number(raw, 2**31)
        address = mac_of(parts) if len(parts) == 6 else None
        if address and port and statuses.get(dotted, _LEARNED) in (_LEARNED, _MANAGED):
            yield address, 0, port
