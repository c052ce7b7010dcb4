"""What follows from what several sources said, and what none of them could say alone."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from infradb.model.endpoints import Endpoint, backend_endpoint
from infradb.observation import Answer, Observation, ScopeResult, digest_of
from infradb.store.database import Connection

SOURCE = "inferred"
_VERSION = 1
_NO_MACHINES = "('bridge', 'loopback', 'tunnel')"
"""Kinds of interfaces whose hardware address is another's, or none."""


def conclusions(connection: Connection) -> tuple[ScopeResult, ...]:
    """Return everything that follows now, one complete scope per kind of conclusion."""
    return (
        ScopeResult("addresses", "complete", tuple(_addresses(connection))),
        ScopeResult("links", "complete", tuple(_links(connection))),
        ScopeResult("backends", "complete", tuple(_backends(connection))),
    )


def _addresses(connection: Connection) -> Iterator[Answer]:
    """Say whose an address is that was only seen with a hardware address: the one host that has that interface.

    A scan, an ARP table or a lease knows address and hardware address; a hypervisor, a machine itself or a switch knows
    whose hardware address it is. Nothing follows where two hosts have it, and nothing is said of what nobody else sees.
    """
    sql = f"""
SELECT ae.uid, a.mac_address, min(he.uid), count(DISTINCT i.host_id), min(ie.uid), count(DISTINCT i.id)
FROM ip_addresses a JOIN entities ae ON ae.id = a.id
JOIN network_interfaces i ON i.mac_address = a.mac_address AND i.retired_at IS NULL
 AND i.interface_type NOT IN {_NO_MACHINES}
JOIN hosts h ON h.id = i.host_id AND h.retired_at IS NULL
JOIN entities he ON he.id = h.id JOIN entities ie ON ie.id = i.id
WHERE a.retired_at IS NULL AND a.mac_address IS NOT NULL AND a.docker_container_id IS NULL
 AND a.mac_address NOT LIKE '00:00:5e:00:%' AND a.mac_address <> '00:00:00:00:00:00'
 AND (a.host_id IS NULL OR {_told("a.id", "=")}) AND {_told("a.id", "<>")}
GROUP BY ae.uid, a.mac_address ORDER BY ae.uid"""
    for uid, _mac, host, hosts, interface, interfaces in connection.query(sql):
        if hosts == 1:
            values: dict[str, Any] = {"host_id": f"uid:{host}"}
            if interfaces == 1:
                values["interface_id"] = f"uid:{interface}"
            yield _said(f"uid:{uid}", "ip_addresses", values)


def _links(connection: Connection) -> Iterator[Answer]:
    """Say that a port of a switch and a card meet: the port behind which that card's address, and no other, was seen.

    A port with several addresses behind it leads to another switch or to a hypervisor, so nothing follows; and where
    a link of either end is known otherwise, that one counts.
    """
    sql = f"""
SELECT pe.uid, ie.uid FROM network_interfaces p JOIN entities pe ON pe.id = p.id
JOIN (SELECT interface_id, min(mac_address) AS mac FROM mac_sightings WHERE retired_at IS NULL
      GROUP BY interface_id HAVING count(DISTINCT mac_address) = 1) s ON s.interface_id = p.id
JOIN network_interfaces i ON i.mac_address = s.mac AND i.retired_at IS NULL AND i.interface_type NOT IN {_NO_MACHINES}
 AND i.interface_type <> 'vlan' AND i.host_id <> p.host_id
JOIN entities ie ON ie.id = i.id
WHERE p.retired_at IS NULL
 AND (SELECT count(*) FROM network_interfaces o WHERE o.mac_address = s.mac AND o.retired_at IS NULL
      AND o.interface_type NOT IN {_NO_MACHINES} AND o.interface_type <> 'vlan') = 1
 AND NOT EXISTS (SELECT 1 FROM links l WHERE l.retired_at IS NULL AND {_told("l.id", "<>")}
      AND (l.interface_a_id IN (p.id, i.id) OR l.interface_b_id IN (p.id, i.id)))
ORDER BY pe.uid"""
    for port, card in connection.query(sql):
        first, second = sorted((port, card))
        values = {"interface_a_id": f"uid:{first}", "interface_b_id": f"uid:{second}", "kind": "fdb"}
        yield _said(f"link/{first}/{second}", "links", values)


def _backends(connection: Connection) -> Iterator[Answer]:
    """Say which service a proxy's route leads to: the only one that answers at the backend's address and port."""
    sql = f"""
SELECT e.uid, r.backend_url, s.host_id FROM proxy_routes r JOIN entities e ON e.id = r.id
LEFT JOIN services s ON s.id = r.proxy_service_id
WHERE r.retired_at IS NULL AND (r.backend_service_id IS NULL OR {_told("r.id", "=")}) AND {_told("r.id", "<>")}
ORDER BY e.uid"""
    routes = connection.query(sql)
    listeners = _listeners(connection) if routes else {}
    uids: dict[int, str] = dict(
        connection.query("SELECT e.id, e.uid FROM entities e JOIN services s ON s.id = e.id WHERE s.retired_at IS NULL")
        if routes
        else []
    )
    for route, url, proxy_host in routes:
        endpoint = backend_endpoint(url)
        found = listeners.get(_place(endpoint, proxy_host), set()) if endpoint else set()
        if len(found) == 1:
            (service,) = found
            yield _said(f"uid:{route}", "proxy_routes", {"backend_service_id": f"uid:{uids[service]}"})


def _place(endpoint: Endpoint, proxy_host: int | None) -> tuple[Any, int, str]:
    """Return where a backend is: an address or a name, or the proxy's own machine where it is known."""
    if endpoint.host == "localhost" or endpoint.host.startswith("127.") or endpoint.host == "::1":
        return proxy_host, endpoint.port, endpoint.protocol
    return endpoint.host, endpoint.port, endpoint.protocol


def _listeners(connection: Connection) -> dict[tuple[Any, int, str], set[int]]:
    """Return (address, name or host, port, protocol) -> the services that answer there.

    A container answers at its own address, and under its name and its compose service's, with its inner port; at its
    host's addresses with the published one. Addresses of Docker's networks are those of one host each: where two
    engines gave one address, there are two services, and nothing follows.
    """
    places: dict[int, set[Any]] = defaultdict(set)
    for owner, address in connection.query(
        "SELECT host_id, ip_address FROM ip_addresses WHERE retired_at IS NULL AND host_id IS NOT NULL"
    ):
        places[owner].add(str(ipaddress.ip_address(address)))
    for host, name in connection.query("SELECT id, hostname FROM hosts WHERE retired_at IS NULL"):
        places[host] |= {host, name.lower(), name.lower().partition(".")[0]}
    inner: dict[int, set[Any]] = defaultdict(set)
    engines: dict[int, int] = {}
    for id_, host, name, service in connection.query(
        "SELECT id, docker_host_id, container_name, compose_service FROM docker_containers WHERE retired_at IS NULL"
    ):
        inner[id_] |= {n.lower() for n in (name, service) if n}
        engines[id_] = host
    for owner, address in connection.query(
        "SELECT docker_container_id, ip_address FROM ip_addresses"
        " WHERE retired_at IS NULL AND docker_container_id IS NOT NULL"
    ):
        inner[owner].add(address)
    found: dict[tuple[Any, int, str], set[int]] = defaultdict(set)
    for id_, host, container, protocol, port, published in connection.query(
        "SELECT id, host_id, docker_container_id, coalesce(protocol, 'tcp'), port, published_port FROM services"
        " WHERE retired_at IS NULL AND port IS NOT NULL"
    ):
        if container:
            for place in inner[container]:
                found[place, port, protocol].add(id_)
            for place in places[engines.get(container, 0)] if published else ():
                found[place, published, protocol].add(id_)
        elif host:
            for place in places[host]:
                found[place, port, protocol].add(id_)
    return found


def _said(key: str, table: str, values: dict[str, Any]) -> Answer:
    said = [Observation(key, table, values)]
    return Answer(key, digest_of([table, values], _VERSION), lambda: said)


def _told(entity: str, by: str) -> str:
    """Return the SQL that asks whether conclusions (`=`), or anybody else (`<>`), speak about an entity."""
    return (
        "EXISTS (SELECT 1 FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        f" WHERE c.entity_id = {entity} AND c.withdrawn_at IS NULL AND s.name {by} '{SOURCE}')"
    )
