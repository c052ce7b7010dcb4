"""Which addresses a device has, and which it sees beside it with their hardware address."""

import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from infradb.collectors.snmp.parse_interfaces import Interfaces, vlan_of_name
from infradb.collectors.snmp.parse_system import PARSER_VERSION, host_key
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.values import IpAddress as Ip
from infradb.collectors.snmp.values import index, inet, is_placed, mac, number, text
from infradb.model.network import IpAddress, Network
from infradb.observation import Answer, Observation, digest_of

_UNICAST = 1
_DHCP = 4
_PREFIX_TABLE = (1, 3, 6, 1, 2, 1, 4, 32, 1)
_INVALID = 2
_GONE_STATES = (5, 6, 7)
"""ipNetToPhysicalState (RFC 4293): invalid, unknown, incomplete."""


class Own(NamedTuple):
    """An address that a device has."""

    address: Ip
    interface: int
    prefix_length: int | None
    dynamic: bool


def address_key(address: Ip) -> str:
    """Return the native key of an address; whoever sees it, it is one."""
    return f"address/{address}"


def own_addresses(facts: DeviceFacts, known: Interfaces) -> list[Own]:
    """Return a device's addresses, sorted; none of Docker's bridges, which the Docker collector reads."""
    found: dict[Ip, Own] = {}
    for own in (*_old_table(facts), *_new_table(facts)):
        if not is_placed(own.address) or own.interface in known.left_out:
            continue
        before = found.get(own.address)
        if before is None:
            found[own.address] = own
        else:  # the older table has the mask, the newer one the origin
            length = before.prefix_length if before.prefix_length is not None else own.prefix_length
            found[own.address] = before._replace(prefix_length=length, dynamic=before.dynamic or own.dynamic)
    return [found[a] for a in sorted(found, key=lambda a: (a.version, int(a)))]


def address_answers(facts: DeviceFacts, known: Interfaces) -> list[Answer]:
    """Return the networks that a device has an address in, then its addresses."""
    networks: dict[str, Answer] = {}
    addresses: list[Answer] = []
    for own in own_addresses(facts, known):
        values: dict[str, Any] = {"ip_address": str(own.address), "host_id": host_key(facts.name)}
        if key := known.key(own.interface):
            values["interface_id"] = key
        values["allocation_type"] = "dhcp" if own.dynamic else "static"
        if (network := _network(own)) is not None:
            values["network_id"] = f"network/{network}"
            networks.setdefault(str(network), _network_answer(network, known, own.interface))
        addresses.append(_answer(address_key(own.address), IpAddress.table, values))
    return [*networks.values(), *addresses]


def neighbour_answers(facts: DeviceFacts, known: Interfaces) -> list[Answer]:
    """Return the addresses beside a device with their hardware address, from its ARP and neighbour tables."""
    own = {o.address for o in own_addresses(facts, known)}
    seen = {
        address: hardware
        for address, hardware, interface in (*_arp_table(facts), *_neighbour_table(facts))
        if is_placed(address) and address not in own and interface not in known.left_out
    }
    ordered = sorted(seen, key=lambda a: (a.version, int(a)))
    return [_answer(address_key(a), IpAddress.table, {"ip_address": str(a), "mac_address": seen[a]}) for a in ordered]


def _answer(key: str, table: str, values: dict[str, Any]) -> Answer:
    observation = Observation(key, table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (observation,))


def _network_answer(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, known: Interfaces, interface: int
) -> Answer:
    values: dict[str, Any] = {"network_name": str(network), "cidr": str(network)}
    if tag := vlan_of_name(known.names.get(interface, "")):
        values["vlan_id"] = tag
    return _answer(f"network/{network}", Network.table, values)


def _network(own: Own) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network around an address; a lone address (a loopback's, a virtual one) has none."""
    if not own.prefix_length or own.prefix_length >= own.address.max_prefixlen:
        return None
    return ipaddress.ip_network(f"{own.address}/{own.prefix_length}", strict=False)


def _old_table(facts: DeviceFacts) -> Iterator[Own]:
    masks = facts.column("addresses", "ipAdEntNetMask")
    for dotted, interface in facts.column("addresses", "ipAdEntIfIndex").items():
        address, at = inet(1, index(dotted)), number(interface, 2**31)
        if address is not None and at:
            yield Own(address, at, _length_of(masks.get(dotted)), dynamic=False)


def _new_table(facts: DeviceFacts) -> Iterator[Own]:
    types = facts.column("addresses", "ipAddressType")
    prefixes = facts.column("addresses", "ipAddressPrefix")
    origins = facts.column("addresses", "ipAddressOrigin")
    for dotted, interface in facts.column("addresses", "ipAddressIfIndex").items():
        parts, at = index(dotted), number(interface, 2**31)
        address = inet(parts[0], parts[2:]) if len(parts) > 2 and parts[1] == len(parts) - 2 else None
        if address is not None and at and types.get(dotted, _UNICAST) == _UNICAST:
            yield Own(address, at, _length_in(prefixes.get(dotted), address), origins.get(dotted) == _DHCP)


def _length_of(mask: Any) -> int | None:
    try:
        return ipaddress.ip_network(f"0.0.0.0/{text(mask)}").prefixlen
    except ValueError:
        return None


def _length_in(pointer: Any, address: Ip) -> int | None:
    """Return the length at the end of a pointer into ipAddressPrefixTable (RFC 4293)."""
    parts = index(pointer) if isinstance(pointer, str) else ()
    if parts[: len(_PREFIX_TABLE)] != _PREFIX_TABLE:
        return None
    return parts[-1] if 0 < parts[-1] <= address.max_prefixlen else None


def _arp_table(facts: DeviceFacts) -> Iterator[tuple[Ip, str, int]]:
    types = facts.column("arp", "ipNetToMediaType")
    for dotted, raw in facts.column("arp", "ipNetToMediaPhysAddress").items():
        parts, hardware = index(dotted), mac(raw)
        address = inet(1, parts[1:]) if len(parts) == 5 else None
        if address is not None and hardware and types.get(dotted) != _INVALID:
            yield address, hardware, parts[0]


def _neighbour_table(facts: DeviceFacts) -> Iterator[tuple[Ip, str, int]]:
    types = facts.column("arp", "ipNetToPhysicalType")
    states = facts.column("arp", "ipNetToPhysicalState")
    for dotted, raw in facts.column("arp", "ipNetToPhysicalPhysAddress").items():
        parts, hardware = index(dotted), mac(raw)
        address = inet(parts[1], parts[3:]) if len(parts) > 3 and parts[2] == len(parts) - 3 else None
        if address is None or not hardware or types.get(dotted) == _INVALID or states.get(dotted) in _GONE_STATES:
            continue
        yield address, hardware, parts[0]
