"""Gateways: of networks, and of the routes that hosts have."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from infradb.model.types import address_key, network_keys
from infradb.quality.rule import Defect, Question, Rule


@dataclass(frozen=True, slots=True)
class _Link:
    """A network that a host is in."""

    first: bytes
    last: bytes
    network_id: int | None = None
    cidr: str = ""
    gateway: str | None = None

    def contains(self, key: bytes) -> bool:
        return self.first <= key <= self.last


def _outside(question: Question) -> Iterator[Defect]:
    sql = "SELECT id, cidr, gateway, first_key, last_key FROM networks WHERE retired_at IS NULL AND gateway IS NOT NULL"
    for id_, cidr, gateway, first, last in question.query(sql):
        # A lone address has its gateway outside, and a link-local gateway (RFC 4291, 2.5.6) is in no other network.
        if (
            not cidr.endswith(("/32", "/128"))
            and not _is_link_local(gateway)
            and not first <= address_key(gateway) <= last
        ):
            yield Defect(id_, evidence={"gateway": gateway, "cidr": cidr})


def _unreachable(question: Question) -> Iterator[Defect]:
    for route_id, host_id, gateway, links in _default_routes(question):
        key = address_key(gateway)
        family = [link for link in links if _is_ipv4(link.first) == _is_ipv4(key)]
        if family and not any(link.contains(key) for link in family):
            yield Defect(route_id, other_id=host_id, evidence={"gateway": gateway})


def _differs(question: Question) -> Iterator[Defect]:
    routers = set(
        question.query("SELECT host_id, ip_address FROM ip_addresses WHERE retired_at IS NULL AND host_id IS NOT NULL")
    )
    for route_id, host_id, gateway, links in _default_routes(question):
        key = address_key(gateway)
        inside = [link for link in links if link.gateway and link.contains(key)]
        # The host that has the network's gateway is that gateway: it leaves by another way.
        if inside and all(gateway != link.gateway and (host_id, link.gateway) not in routers for link in inside):
            first = inside[0]
            evidence = {"gateway": gateway, "network": first.cidr, "expected": first.gateway}
            yield Defect(route_id, other_id=host_id, evidence=evidence)


def _default_routes(question: Question) -> Iterator[tuple[int, int, str, list[_Link]]]:
    """Yield each host's default routes through a gateway, with the networks that the host is in."""
    links: dict[int, list[_Link]] = defaultdict(list)
    sql = (
        "SELECT DISTINCT a.host_id, n.id, n.cidr, n.gateway, n.first_key, n.last_key FROM ip_addresses a"
        " JOIN networks n ON n.id = a.network_id"
        " WHERE a.retired_at IS NULL AND n.retired_at IS NULL AND a.host_id IS NOT NULL"
    )
    for host_id, network_id, cidr, gateway, first, last in question.query(sql):
        links[host_id].append(_Link(first, last, network_id, cidr, gateway))
    sql = (
        "SELECT host_id, destination_network FROM network_routes WHERE retired_at IS NULL AND host_id IS NOT NULL"
        " AND gateway_ip = '' AND destination_network <> 'default'"
    )
    for host_id, destination in question.query(sql):
        links[host_id].append(_Link(*network_keys(destination)))
    sql = (
        "SELECT id, host_id, gateway_ip FROM network_routes WHERE retired_at IS NULL AND host_id IS NOT NULL"
        " AND destination_network = 'default' AND routing_table = 'main' AND gateway_ip <> '' ORDER BY id"
    )
    for route_id, host_id, gateway in question.query(sql):
        if not _is_link_local(gateway):
            yield route_id, host_id, gateway, links[host_id]


def _is_ipv4(key: bytes) -> bool:
    return key.startswith(b"\0" * 10 + b"\xff\xff")


def _is_link_local(address: str) -> bool:
    return address.startswith("fe") and ipaddress.ip_address(address).is_link_local


RULES = (
    Rule(
        "gateway-outside-network",
        "high",
        "A network's gateway lies outside the network",
        "Nobody in the network can reach its gateway directly, so nothing leaves it. Mostly a typing error, or the"
        " network was renumbered.",
        "Correct the gateway: `infradb set NETWORK gateway=…`, and on the DHCP server that hands it out.",
        "the gateway {gateway} of {thing} lies outside {cidr}",
        check=_outside,
    ),
    Rule(
        "gateway-unknown",
        "low",
        "A network's gateway is an address that nobody is known to have",
        "What leads out of the network is not in the database, so what breaks when it dies is not known either.",
        "Add the router as a source, or by hand: `infradb add ips ip_address=… host=…`. If the gateway is wrong,"
        " correct it.",
        "the gateway {gateway} of {thing} is no known address",
        sql="""\
SELECT n.id AS entity_id, n.gateway, n.cidr
FROM networks n
WHERE n.retired_at IS NULL AND n.gateway IS NOT NULL AND n.gateway NOT LIKE 'fe80:%'
  AND n.vrf NOT LIKE 'docker:%' AND n.vrf NOT LIKE 'host:%'
  AND EXISTS (SELECT 1 FROM ip_addresses a WHERE a.network_id = n.id AND a.retired_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM ip_addresses g
                  WHERE g.vrf = n.vrf AND g.ip_address = n.gateway AND g.retired_at IS NULL)""",
    ),
    Rule(
        "gateway-address-taken",
        "high",
        "A host has a gateway's address, but is not the gateway",
        "The host itself leaves the network through another address of it, so it is no gateway: it took the address,"
        " and others now send their packets to it.",
        "Give the host another address; or correct the network's gateway, where that moved.",
        "{thing} is the gateway of {network}, but {other}, which has it, leaves through {leaves_through}",
        sql="""\
SELECT a.id AS entity_id, a.host_id AS other_id, n.cidr AS network, r.gateway_ip AS leaves_through
FROM networks n
JOIN ip_addresses a ON a.vrf = n.vrf AND a.ip_address = n.gateway AND a.retired_at IS NULL
JOIN network_routes r ON r.host_id = a.host_id AND r.destination_network = 'default' AND r.routing_table = 'main'
 AND r.gateway_ip <> '' AND r.gateway_ip <> n.gateway AND r.retired_at IS NULL
JOIN ip_addresses g ON g.vrf = n.vrf AND g.ip_address = r.gateway_ip AND g.retired_at IS NULL
 AND g.ip_key >= n.first_key AND g.ip_key <= n.last_key
WHERE n.retired_at IS NULL""",
    ),
    Rule(
        "route-gateway-unreachable",
        "high",
        "A host's default route leads to a gateway that lies in none of its networks",
        "The host cannot reach the gateway directly, so it reaches nothing outside its own networks. Counted are the"
        " networks of its addresses and what its own routes say is on the link.",
        "Correct the gateway or the prefix length in the host's network configuration.",
        "{other} has the default gateway {gateway}, which lies in none of its networks",
        check=_unreachable,
    ),
    Rule(
        "route-gateway-differs",
        "low",
        "A host's default gateway is not its network's",
        "Most machines of a network leave it by one way. One that leaves by another is often a leftover of a router"
        " that was replaced; firewall rules on the right one do not apply to it.",
        "Correct the host's gateway, or the network's; waive it where the second router is meant.",
        "{other} leaves {network} through {gateway}, but the network's gateway is {expected}",
        check=_differs,
    ),
)
