"""What neighbours announce on the ports of a device (IEEE 802.1AB), and which interfaces those ports are."""

import ipaddress
from typing import Any, NamedTuple

from infradb.collectors.snmp.parse_interfaces import Interfaces
from infradb.collectors.snmp.parse_system import short_name
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.values import index, inet, is_placed, mac, number, text

CHASSIS_MAC = 4
PORT_MAC, PORT_NAME = 3, 5
"""LldpPortIdSubtype; interfaceAlias, networkAddress, agentCircuitId and local name no interface by themselves."""
_CUT_AT = 16


class Announcement(NamedTuple):
    """What one neighbour says on one port."""

    interface: int
    """ifIndex of the port here."""

    chassis: str
    """Its chassis, with the form: `4/00:1c:73:b4:fd:69`."""

    mac: str | None
    """Its chassis where that is a hardware address."""

    name: str
    """Its name without domain."""

    addresses: tuple[str, ...]
    """Addresses at which it is managed, IPv4 first."""

    port_kind: int
    port: str
    port_mac: str | None
    described: str
    """Description of its port."""


def announcements(facts: DeviceFacts, known: Interfaces) -> list[Announcement]:
    """Return what neighbours announce on the ports of a device, sorted."""
    local = local_ports(facts, known)
    managed = _managed_at(facts)
    found = []
    for dotted, raw in facts.column("lldp", "lldpRemChassisId").items():
        at = index(dotted)  # time mark, local port, number of the neighbour
        interface = local.get(at[1]) if len(at) == 3 else None
        if interface is None:
            continue

        def said(column: str, dotted: str = dotted) -> Any:
            return facts.column("lldp", column).get(dotted)

        kind = number(said("lldpRemChassisIdSubtype"), 7) or 0
        hardware = mac(raw) if kind == CHASSIS_MAC else None
        port_kind = number(said("lldpRemPortIdSubtype"), 7) or 0
        found.append(
            Announcement(
                interface,
                f"{kind}/{hardware or text(raw)}",
                hardware,
                short_name(said("lldpRemSysName")),
                managed.get(at[1:], ()),
                port_kind,
                text(said("lldpRemPortId")),
                mac(said("lldpRemPortId")) if port_kind == PORT_MAC else None,
                text(said("lldpRemPortDesc")),
            )
        )
    return sorted(set(found))


def local_ports(facts: DeviceFacts, known: Interfaces) -> dict[int, int]:
    """Return LLDP's port number -> ifIndex.

    The number need be neither the interface's nor the bridge port's (IEEE 802.1AB, LldpPortNumber), though it mostly
    is one: what the port is called decides, and the number only where nothing is said against it.
    """
    ids, kinds = facts.column("lldp", "lldpLocPortId"), facts.column("lldp", "lldpLocPortIdSubtype")
    descriptions = facts.column("lldp", "lldpLocPortDesc")
    numbers = {at[0] for dotted in ids if len(at := index(dotted)) == 1}
    numbers |= {at[1] for dotted in facts.column("lldp", "lldpRemChassisId") if len(at := index(dotted)) == 3}
    found: dict[int, int] = {}
    for n in numbers:
        raw, described = ids.get(str(n)), text(descriptions.get(str(n)))
        same = n if n in known.names else known.ports.get(n)
        agrees = same in known.names and known.ports.get(n, same) == same
        if kinds.get(str(n)) == PORT_MAC and (hardware := mac(raw)):
            sharing = with_mac(hardware, described, known)
            at_last = same if same in sharing else None
            interface = next(iter(sharing)) if len(sharing) == 1 else at_last
        else:
            called = text(raw)
            by_name = [known.spoken[t] for t in (called, described) if t in known.spoken]
            numbered = same if agrees and called in ("", str(n)) else None
            interface = by_name[0] if by_name else numbered
        if interface is not None:
            found[n] = interface
    return found


def _managed_at(facts: DeviceFacts) -> dict[tuple[int, ...], tuple[str, ...]]:
    """Return (local port, number of the neighbour) -> the addresses at which it is managed, from the table's index."""
    found: dict[tuple[int, ...], set[str]] = {}
    for dotted in facts.column("lldp", "lldpRemManAddrIfSubtype"):
        parts = index(dotted)  # time mark, port, number, family (IANA), length, octets
        if len(parts) > 5 and parts[4] == len(parts) - 5:
            address = inet(parts[3], parts[5:])
            if address is not None and is_placed(address):
                found.setdefault(parts[1:3], set()).add(str(address))
    return {at: tuple(sorted(said, key=_ipv4_first)) for at, said in found.items()}


def _ipv4_first(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def with_mac(hardware: str, described: str, known: Interfaces) -> set[int]:
    """Return the interface with a hardware address; where a bridge or VLANs share it, the one that is also named."""
    sharing = {n for n, m in known.macs.items() if m == hardware and n in known.names}
    named = known.spoken.get(described)
    return {named} if named is not None and named in sharing else sharing


def port_name(said: Announcement) -> str | None:
    """Return the interface's name in an announcement; some agents cut it after 16 characters when they pass it on."""
    if said.port_kind != PORT_NAME or not said.port:
        return None
    cut = len(said.port) == _CUT_AT and (
        not any(c.isdigit() for c in said.port)
        or (said.described.startswith(said.port) and said.described[_CUT_AT : _CUT_AT + 1].isalnum())
    )
    return None if cut else said.port
