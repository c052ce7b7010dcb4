"""What follows from what several sources said, and what none of them could say alone."""

from collections.abc import Iterator
from typing import Any

from infradb.observation import Answer, Observation, ScopeResult, digest_of
from infradb.store.database import Connection

SOURCE = "inferred"
_VERSION = 1


def conclusions(connection: Connection) -> tuple[ScopeResult, ...]:
    """Return everything that follows now, one complete scope per kind of conclusion."""
    return (ScopeResult("addresses", "complete", tuple(_addresses(connection))),)


def _addresses(connection: Connection) -> Iterator[Answer]:
    """Say whose an address is that was only seen with a hardware address: the one host that has that interface.

    A scan, an ARP table or a lease knows address and hardware address; a hypervisor, a machine itself or a switch knows
    whose hardware address it is. Nothing follows where two hosts have it, and nothing is said of what nobody else sees.
    """
    sql = f"""
SELECT ae.uid, a.mac_address, min(he.uid), count(DISTINCT i.host_id), min(ie.uid), count(DISTINCT i.id)
FROM ip_addresses a JOIN entities ae ON ae.id = a.id
JOIN network_interfaces i ON i.mac_address = a.mac_address AND i.retired_at IS NULL
 AND i.interface_type NOT IN ('bridge', 'loopback', 'tunnel')
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


def _said(key: str, table: str, values: dict[str, Any]) -> Answer:
    said = [Observation(key, table, values)]
    return Answer(key, digest_of([table, values], _VERSION), lambda: said)


def _told(entity: str, by: str) -> str:
    """Return the SQL that asks whether conclusions (`=`), or anybody else (`<>`), speak about an entity."""
    return (
        "EXISTS (SELECT 1 FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        f" WHERE c.entity_id = {entity} AND c.withdrawn_at IS NULL AND s.name {by} '{SOURCE}')"
    )
