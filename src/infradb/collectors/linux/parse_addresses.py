"""Turns the links' addresses into addresses and the networks that they lie in."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.collectors.linux.links import Address, Link, left_out
from infradb.collectors.linux.parse_interfaces import interface_key, interface_type
from infradb.collectors.linux.routes import Route
from infradb.model.network import IpAddress, Network
from infradb.observation import Observation

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IpInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_OWN_SPACE = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("::1/128"),
    ipaddress.ip_network("fe80::/10"),
)
DEFAULT_VRF = "default"


@dataclass(frozen=True, slots=True)
class Placed:
    """An address, where it is and in which address space."""

    at: IpInterface
    link: Link
    vrf: str
    said: Address


def is_own_space(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address means something else on every machine: loopback and link-local."""
    return any(address.version == net.version and address in net for net in _OWN_SPACE)


def place_addresses(links: Sequence[Link], own_vrf: str) -> list[Placed]:
    """Return each address once, in the space it lies in.

    Addresses on Docker's bridges are the Docker collector's; temporary ones (RFC 8981) are replaced every day. A
    link-local address that several links share (a bridge and its VLANs have one MAC) counts for the first of them.
    """
    foreign = left_out(links)
    placed: dict[tuple[str, str], Placed] = {}
    for link in links:
        if link.name in foreign:
            continue
        for said in link.addresses:
            if said.temporary:
                continue
            try:
                at = ipaddress.ip_interface(f"{said.local.split('%')[0]}/{said.prefix_length}")
            except ValueError:
                continue
            vrf = own_vrf if is_own_space(at.ip) else DEFAULT_VRF
            placed.setdefault((vrf, str(at.ip)), Placed(at, link, vrf, said))
    return list(placed.values())


def network_key(vrf: str, network: IpNetwork) -> str:
    """Return the native key of a network."""
    return f"network/{vrf}/{network}"


def parse_networks(placed: Iterable[Placed], routes: Sequence[Route], links: Sequence[Link]) -> list[Observation]:
    """Return the networks that the machine is attached to, by their prefixes; host routes are none."""
    gateways = _gateways(routes)
    by_name = {link.name: link for link in links}
    found: dict[str, Observation] = {}
    for each in placed:
        network = each.at.network
        if network.prefixlen == network.max_prefixlen:
            continue
        values: dict[str, Any] = {"network_name": str(network), "cidr": str(network), "vrf": each.vrf}
        if (tag := _vlan_of(each.link, by_name)) is not None:
            values["vlan_id"] = tag
        inside = [g for g in gateways if each.vrf == DEFAULT_VRF and g.version == network.version and g in network]
        if inside:
            values["gateway"] = str(inside[0])
        key = network_key(each.vrf, network)
        found.setdefault(key, Observation(key, Network.table, values))
    return list(found.values())


def parse_addresses(placed: Sequence[Placed]) -> list[Observation]:
    """Return the machine's addresses, each in the smallest network that the machine knows around it."""
    networks = {(e.vrf, e.at.network) for e in placed if e.at.network.prefixlen < e.at.network.max_prefixlen}
    lengths = sorted({network.prefixlen for _, network in networks}, reverse=True)
    return [_observe(each, _around(each, networks, lengths)) for each in placed]


def management_address(placed: Sequence[Placed], routes: Sequence[Route]) -> str | None:
    """Return the source address of the default route, of IPv4 rather than of IPv6, not through a tunnel."""
    tunnels = {each.link.name for each in placed if interface_type(each.link) == "tunnel"}
    ways = [r for r in routes if r.destination == "default" and r.table == "main" and r.interface]
    for way in sorted(ways, key=lambda r: (r.version, r.interface in tunnels, r.metric)):
        own = [p for p in placed if p.link.name == way.interface and p.vrf == DEFAULT_VRF]
        own = [p for p in own if p.at.version == way.version]
        if way.source in {str(p.at.ip) for p in own}:
            return way.source
        near = [p for p in own if way.gateway and _contains(p.at.network, way.gateway)]
        if chosen := near or own:
            return str(chosen[0].at.ip)
    return None


def _around(each: Placed, networks: set[tuple[str, IpNetwork]], lengths: Sequence[int]) -> IpNetwork | None:
    """Return the smallest of the networks that holds an address; a router may have ten thousand of each."""
    for length in lengths:
        if length < each.at.max_prefixlen:
            network = ipaddress.ip_network((each.at.ip, length), strict=False)
            if (each.vrf, network) in networks:
                return network
    return None


def _observe(each: Placed, around: IpNetwork | None) -> Observation:
    values: dict[str, Any] = {
        "ip_address": str(each.at.ip),
        "vrf": each.vrf,
        "host_id": "host",
        "interface_id": interface_key(each.link.name),
        "allocation_type": "static",
    }
    if around is not None:
        values["network_id"] = network_key(each.vrf, around)
    if interface_type(each.link) == "loopback":
        values["allocation_type"] = "virtual"
    elif each.said.dynamic:
        values["allocation_type"] = "dhcp"
    return Observation(f"address/{each.vrf}/{each.at.ip}", IpAddress.table, values)


def _vlan_of(link: Link, by_name: Mapping[str, Link]) -> int | None:
    """Return the tag of a VLAN's link, or of the only VLAN that is a port of a bridge."""
    if link.vlan_id is not None:
        return link.vlan_id
    tags = {other.vlan_id for other in by_name.values() if other.master == link.name and other.vlan_id is not None}
    return tags.pop() if link.kind == "bridge" and len(tags) == 1 else None


def _gateways(routes: Sequence[Route]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    ways = [r for r in routes if r.destination == "default" and r.table == "main" and r.gateway]
    return [ipaddress.ip_address(way.gateway) for way in sorted(ways, key=lambda r: r.metric)]


def _contains(network: IpNetwork, address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.version == network.version and parsed in network
