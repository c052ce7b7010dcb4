"""Which networks there are: those of the SDN, those that nodes are attached to, those that guests have addresses in."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infradb.collectors.proxmox.keys import network_key
from infradb.collectors.proxmox.nics import Held
from infradb.collectors.proxmox.parse_nodes import Port
from infradb.collectors.proxmox.said import answer, say
from infradb.collectors.proxmox.values import address, number, objects, properties, text
from infradb.model.network import Network
from infradb.observation import Answer

_TAGGED_ZONES = frozenset({"vlan", "qinq"})
"""Kinds of SDN zone whose tag is a VLAN; in the others it is a VXLAN identifier (pve-docs, SDN)."""


@dataclass(slots=True)
class Known:
    """What is known of one network; who speaks first counts."""

    cidr: str
    names: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    vlans: list[int] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


def network_answers(
    zones: Sequence[Any],
    vnets: Sequence[Any],
    subnets: Mapping[str, Sequence[Any]],
    ports: Iterable[Port],
    addresses: Iterable[Held],
) -> list[Answer]:
    """Return all networks, each once; `subnets` are those of each vnet (pve-network, API2/Network/SDN)."""
    found: dict[str, Known] = {}
    _add_sdn(found, zones, vnets, subnets)
    for port in sorted(ports, key=lambda p: p.name):
        for at in port.addresses:
            if at.network.prefixlen < at.network.max_prefixlen:
                gateways = [g for g in port.gateways if _within(g, str(at.network))]
                _add(found, str(at.network), None, gateways[0] if gateways else None, port.vlan_id)
    for held in sorted(addresses, key=lambda a: (a.ip, a.nic)):
        if held.network:
            _add(found, held.network, None, held.gateway, held.vlan_id)
    return [_answer(known) for _, known in sorted(found.items())]


def _answer(known: Known) -> Answer:
    key, named = network_key(known.cidr), {"cidr": known.cidr, "network_name": (known.names or [known.cidr])[0]}
    facts = {
        "gateway": known.gateways[0] if known.gateways else None,
        # Tags that differ mean that somebody routes between them, or a mistake: none is the network's.
        "vlan_id": known.vlans[0] if len(set(known.vlans)) == 1 else None,
        **known.more,
    }
    return answer(key, [named, facts], partial(say, key, Network, named, **facts))


def _add(found: dict[str, Known], cidr: str, name: str | None, gateway: str | None, vlan: int | None) -> Known:
    known = found.setdefault(cidr, Known(cidr))
    known.names += [name] if name else []
    known.gateways += [gateway] if gateway else []
    known.vlans += [vlan] if vlan else []
    return known


def _add_sdn(
    found: dict[str, Known], zones: Sequence[Any], vnets: Sequence[Any], subnets: Mapping[str, Sequence[Any]]
) -> None:
    kinds = {text(z.get("zone")): z for z in objects(zones)}
    for vnet in sorted(objects(vnets), key=lambda v: str(v.get("vnet"))):
        name = text(vnet.get("vnet"))
        zone = kinds.get(text(vnet.get("zone")), {})
        tag = number(vnet.get("tag")) if text(zone.get("type")) in _TAGGED_ZONES else None
        for subnet in objects(list(subnets.get(name or "", ()))):
            cidr = _cidr(subnet)
            if cidr is None:
                continue
            called = text(vnet.get("alias")) or name
            known = _add(found, cidr, called, address(subnet.get("gateway")), tag if tag and tag < 4095 else None)
            known.more |= _handed_out(subnet, zone)


def _handed_out(subnet: Mapping[str, Any], zone: Mapping[str, Any]) -> dict[str, Any]:
    ranges = subnet.get("dhcp-range")
    pairs = [r if isinstance(r, dict) else properties(str(r)) for r in ranges if r] if isinstance(ranges, list) else []
    first, server = (pairs[0] if pairs else {}), address(subnet.get("dhcp-dns-server"))
    return {
        "dhcp_enabled": bool(zone.get("dhcp")) and bool(pairs),
        "dhcp_range_start": address(first.get("start-address")),
        "dhcp_range_end": address(first.get("end-address")),
        "dns_servers": [server] if server else None,
    }


def _cidr(subnet: Mapping[str, Any]) -> str | None:
    """Return a subnet's range: its `cidr`, else its id, which is zone, address and length with dashes between."""
    said = text(subnet.get("cidr")) or "/".join(str(subnet.get("subnet", "")).rsplit("-", 2)[1:])
    try:
        return str(ipaddress.ip_network(said, strict=False))
    except ValueError:
        return None


def _within(inner: str, cidr: str) -> bool:
    network, at = ipaddress.ip_network(cidr), ipaddress.ip_address(inner)
    return at.version == network.version and at in network
