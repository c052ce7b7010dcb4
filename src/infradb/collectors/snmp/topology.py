"""Who is at the other end of each port: what neighbours announce by LLDP (IEEE 802.1AB), and what that makes of links.

An announcement names a chassis and a port, each in one of several forms. Where the other end is a device of the same
source, its own tables say which interface that is. Elsewhere only a port that is announced by its interface's name
can be told; one that is announced by its hardware address becomes a sighting, and any other is nobody's guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.snmp.parse_addresses import own_addresses
from infradb.collectors.snmp.parse_bridge import Sighting, sighting_answer, sightings
from infradb.collectors.snmp.parse_interfaces import Interfaces, interface_key
from infradb.collectors.snmp.parse_lldp import PORT_NAME, Announcement, announcements, local_ports, port_name, with_mac
from infradb.collectors.snmp.parse_system import PARSER_VERSION, chassis_mac, short_name
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.values import index, is_own, mac, text
from infradb.model.physical import Host, Link, NetworkInterface
from infradb.observation import Answer, Observation, digest_of


@dataclass(frozen=True)
class Topology:
    """What all devices of a source together say about who meets where."""

    devices: Mapping[str, DeviceFacts]
    interfaces: Mapping[str, Interfaces]
    heard: Mapping[str, Sequence[Announcement]] = field(default_factory=dict)
    """Device -> announcements that it heard."""

    groups: Mapping[str, str] = field(default_factory=dict)
    """Chassis of a neighbour -> chassis that stands for it: some announce another one on each port."""

    unread: frozenset[str] = frozenset()
    """Names and addresses of devices of the source that did not answer now."""


def topology(devices: Iterable[DeviceFacts], interfaces: Mapping[str, Interfaces]) -> Topology:
    """Return who meets where; devices that did not answer are known by name only."""
    read = {d.name: d for d in devices if not d.error}
    heard = {name: announcements(facts, interfaces[name]) for name, facts in read.items()}
    unread = {t for d in devices if d.error for t in (d.name, short_name(d.name), d.address or "") if t}
    return Topology(read, interfaces, heard, _groups(a for found in heard.values() for a in found), frozenset(unread))


def lldp_answers(name: str, at: Topology) -> list[Answer]:
    """Return the neighbours of a device that are read by nobody here, with their ports, then links and sightings."""
    hosts: dict[str, Answer] = {}
    ports: dict[str, Answer] = {}
    links: dict[str, Answer] = {}
    for said in at.heard[name]:
        here = at.interfaces[name].key(said.interface)
        device = device_of(said, at)
        if here is None or device == name:
            continue
        there = None
        if device is not None:
            there = _port_of_device(said, at.devices[device], at.interfaces[device])
        elif (host := _neighbour(said, at)) is not None:
            hosts.setdefault(host.key, host)
            if (port := port_name(said)) is not None:
                there = interface_key(host.key, port)
                values = {"host_id": host.key, "interface_name": port}
                ports.setdefault(there, _answer(there, NetworkInterface.table, values))
        if there is not None:
            link = link_answer(here, there, "lldp")
            links.setdefault(link.key, link)
        elif said.port_mac:
            sighting = sighting_answer(here, said.port_mac, 0, "lldp")
            links.setdefault(sighting.key, sighting)
    return [*hosts.values(), *ports.values(), *links.values()]


def fdb_links(at: Topology) -> dict[str, list[Answer]]:
    """Return device -> links to interfaces of other devices of the source that are alone behind one of its ports.

    None from a port where a neighbour announces itself. An address that is alone behind ports of two devices is
    behind both of them, and which of the two is next to it is not known.
    """
    alone: dict[str, list[tuple[str, Sighting]]] = {}
    for name, facts in at.devices.items():
        found, _ = sightings(facts, at.interfaces[name])
        announced = {a.interface for a in at.heard[name]}
        behind: dict[int, set[str]] = {}
        for one in found:
            behind.setdefault(one.interface, set()).add(one.address)
        for one in found:
            if len(behind[one.interface]) == 1 and one.interface not in announced:
                alone.setdefault(one.address, []).append((name, one))
    links: dict[str, list[Answer]] = {}
    for address, places in alone.items():
        owners = [(n, i) for n, known in at.interfaces.items() if (i := known.by_mac(address)) is not None]
        if len(owners) != 1 or len({(n, s.interface) for n, s in places}) != 1 or owners[0][0] == places[0][0]:
            continue
        (name, one), (owner, interface) = places[0], owners[0]
        here, there = at.interfaces[name].key(one.interface), at.interfaces[owner].key(interface)
        if here and there and not any(a.interface == interface for a in at.heard.get(owner, ())):
            links.setdefault(name, []).append(link_answer(here, there, "fdb"))
    return links


def link_answer(one: str, other: str, kind: str) -> Answer:
    """Return a link between two interfaces, named by their native keys; the same from either end."""
    first, second = sorted((one, other))
    values = {"interface_a_id": first, "interface_b_id": second, "kind": kind}
    return _answer(f"link/{first}/{second}", Link.table, values)


def device_of(said: Announcement, at: Topology) -> str | None:
    """Return which device of the source announces itself: by its chassis, else by name and address together."""
    matching = [
        name
        for name, facts in at.devices.items()
        if said.mac is not None and (said.mac == chassis_mac(facts) or said.mac in at.interfaces[name].macs.values())
    ]
    if len(matching) == 1:
        return matching[0]
    named = [
        name
        for name, facts in at.devices.items()
        if said.name
        and said.name == short_name(facts.scalars.get("sysName"))
        and {*said.addresses} & {facts.address, *(str(o.address) for o in own_addresses(facts, at.interfaces[name]))}
    ]
    return named[0] if len(named) == 1 else None


def _neighbour(said: Announcement, at: Topology) -> Answer | None:
    """Return the host that a neighbour is; None where it does not say enough to be told from others.

    That is its name together with a hardware address that its maker burnt in. A device of this source that could not
    be read now is left out: it would be taken for another one.
    """
    if {said.name, *said.addresses} & at.unread:
        return None
    stands = at.groups.get(said.chassis, said.chassis)
    alike = [
        a
        for found in at.heard.values()
        for a in found
        if a.name == said.name and at.groups.get(a.chassis, a.chassis) == stands
    ]
    macs = sorted({a.mac for a in alike if a.mac and is_own(a.mac)})
    if not said.name or not macs:
        return None
    values: dict[str, Any] = {"hostname": said.name, "mac_addresses": macs}
    addresses = sorted({a.addresses[0] for a in alike if a.addresses})
    if len(addresses) == 1:
        values["management_ip"] = addresses[0]
    return _answer(f"neighbour/{stands}", Host.table, values)


def _port_of_device(said: Announcement, facts: DeviceFacts, known: Interfaces) -> str | None:
    """Return the interface that a port of a device of the source is, by what the device itself calls its ports."""
    kinds, local = facts.column("lldp", "lldpLocPortIdSubtype"), local_ports(facts, known)
    found = set()
    for dotted, raw in facts.column("lldp", "lldpLocPortId").items():
        at = index(dotted)
        same = mac(raw) == said.port_mac if said.port_mac else text(raw) == said.port
        if same and kinds.get(dotted) == said.port_kind and len(at) == 1 and at[0] in local:
            found.add(local[at[0]])
    if not found and said.port_mac:
        found = with_mac(said.port_mac, said.described, known)
    elif not found and said.port_kind == PORT_NAME and said.port in known.spoken:
        found = {known.spoken[said.port]}
    return known.key(found.pop()) if len(found) == 1 else None


def _groups(heard: Iterable[Announcement]) -> dict[str, str]:
    """Return chassis -> the one that stands for it, for neighbours that announce another chassis on each port.

    Those are one where both their name and an address at which they are managed agree.
    """
    by_place: dict[tuple[str, str], set[str]] = {}
    for said in heard:
        for address in said.addresses if said.name else ():
            by_place.setdefault((said.name, address), set()).add(said.chassis)
    stands: dict[str, str] = {}

    def top(chassis: str) -> str:
        while stands.get(chassis, chassis) != chassis:
            chassis = stands[chassis]
        return chassis

    for together in by_place.values():
        lowest = min(map(top, together))
        for chassis in together:
            stands[top(chassis)] = lowest
            stands.setdefault(chassis, lowest)
    return {chassis: top(chassis) for chassis in stands}


def _answer(key: str, table: str, values: Mapping[str, Any]) -> Answer:
    observation = Observation(key, table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (observation,))


def shared_devices(devices: Iterable[DeviceFacts]) -> dict[str, str]:
    """Return device -> the earlier one of the source that it is: two addresses of one switch in `hosts`."""
    first: dict[tuple[str, str], str] = {}
    found: dict[str, str] = {}
    for facts in devices:
        chassis = chassis_mac(facts) or mac(facts.scalars.get("dot1dBaseBridgeAddress"))
        if facts.error or not chassis:
            continue
        identity = (chassis, text(facts.scalars.get("sysName")))
        if identity in first:
            found[facts.name] = first[identity]
        else:
            first[identity] = facts.name
    return found
