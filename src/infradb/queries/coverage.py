"""Blind spots: what is known to be there and seen by nobody who could tell more, ranked by what depends on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infradb.store.database import Connection

INSIDE = ("local", "ssh", "ansible", "node_exporter", "opnsense", "ingested")
"""Kinds of sources that see a machine from inside."""


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """Something that is known to be there, and who could tell more about it."""

    what: str
    """Name of the thing, with its kind."""
    lacks: str
    """What nobody knows of it."""
    depends: int
    """How many services, containers, guests and routes stand on it."""
    command: str
    """The one command that closes the gap."""


def blind_spots(connection: Connection) -> list[BlindSpot]:
    """Return every blind spot, the one on which most depends first."""
    found = [
        *_hosts(connection),
        *_engines(connection),
        *_addresses(connection),
        *_gateways(connection),
        *_sources(connection),
    ]
    return sorted(found, key=lambda b: (-b.depends, b.what))


def _told_by(entity: str, kinds: tuple[str, ...]) -> str:
    """Return the SQL that asks whether a source of these kinds speaks about an entity now."""
    names = ", ".join(f"'{k}'" for k in kinds)
    return (
        "EXISTS (SELECT 1 FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        f" WHERE c.entity_id = {entity} AND c.withdrawn_at IS NULL AND s.kind IN ({names}))"
    )


_ON_HOST = """
 (SELECT count(*) FROM services v WHERE v.host_id = h.id AND v.retired_at IS NULL)
 + (SELECT count(*) FROM docker_containers d WHERE d.docker_host_id = h.id AND d.retired_at IS NULL)
 + (SELECT count(*) FROM hosts g WHERE g.parent_host_id = h.id AND g.retired_at IS NULL)
 + (SELECT count(*) FROM proxy_routes r WHERE r.retired_at IS NULL
    AND r.backend_url LIKE '%//' || h.hostname || ':%')
"""
"""What stands on a host `h`."""
_ADDRESS = (
    "coalesce(h.management_ip, (SELECT min(a.ip_address) FROM ip_addresses a WHERE a.host_id = h.id"
    " AND a.retired_at IS NULL AND a.vrf = 'default'))"
)


def _hosts(connection: Connection) -> Iterator[BlindSpot]:
    """Machines that run and that nobody has seen from inside."""
    sql = f"""
SELECT h.hostname, h.host_type, {_ADDRESS}, {_ON_HOST},
 (SELECT min(g.os_type) FROM proxmox_containers g WHERE g.host_id = h.id AND g.retired_at IS NULL)
FROM hosts h WHERE h.retired_at IS NULL AND h.status IN ('active', 'unknown') AND h.kernel IS NULL
 AND NOT {_told_by("h.id", INSIDE)}"""
    for name, kind, address, depends, system in connection.query(sql):
        where = address or name
        if kind == "network_device":
            if not _speaks(connection, "snmp", name):
                command = f"infradb sources add snmp {_word(name)} hosts={where} community=ask"
                yield BlindSpot(
                    f"hosts/{name}", "its interfaces, neighbours and what is behind its ports", depends, command
                )
        elif system and str(system).startswith("w"):
            continue  # Windows guests: nothing reads them from inside yet
        else:
            lacks = "what runs inside: services, disks, addresses"
            command = f"infradb sources add ssh {_word(name)} hosts=infradb@{where}"
            yield BlindSpot(f"hosts/{name}", lacks, depends, command)


def _speaks(connection: Connection, kind: str, hostname: str) -> bool:
    sql = f"SELECT 1 FROM hosts h WHERE h.hostname = ? AND h.retired_at IS NULL AND {_told_by('h.id', (kind,))}"
    return bool(connection.query(sql, (hostname,)))


def _engines(connection: Connection) -> Iterator[BlindSpot]:
    """Docker hosts whose engine no source reads."""
    sql = f"""
SELECT h.hostname, {_ADDRESS}, {_ON_HOST} FROM hosts h
WHERE h.retired_at IS NULL AND NOT {_told_by("h.id", ("docker", "ingested", "demo"))}
 AND (h.is_docker_host OR EXISTS (SELECT 1 FROM services v WHERE v.host_id = h.id AND v.retired_at IS NULL
      AND v.process IN ('dockerd', 'containerd', 'docker-proxy')))"""
    for name, address, depends in connection.query(sql):
        command = f"infradb sources add docker {_word(name)}-docker url=ssh://infradb@{address or name}"
        yield BlindSpot(f"hosts/{name}", "its containers: no source reads its Docker engine", depends, command)


def _addresses(connection: Connection) -> Iterator[BlindSpot]:
    """Addresses that answer, or that something needs, and whose machine nobody knows."""
    sql = """
SELECT a.ip_address, a.mac_vendor,
 (SELECT count(*) FROM proxy_routes r WHERE r.retired_at IS NULL AND r.backend_url LIKE '%//' || a.ip_address || ':%')
 + (SELECT count(*) FROM storage_devices d WHERE d.retired_at IS NULL
    AND d.device_name LIKE '%' || a.ip_address || ':/%')
 + (SELECT count(*) FROM network_routes n WHERE n.retired_at IS NULL AND n.gateway_ip = a.ip_address)
FROM ip_addresses a
WHERE a.retired_at IS NULL AND a.host_id IS NULL AND a.docker_container_id IS NULL AND a.vrf = 'default'
 AND a.allocation_type <> 'reserved'"""
    for address, vendor, depends in connection.query(sql):
        lacks = "the machine that has it" + (f" (its card is of {vendor})" if vendor else "")
        command = f"infradb sources add ssh host-{_word(address)} hosts=infradb@{address}"
        yield BlindSpot(f"ip_addresses/{address}", lacks, depends, command)


def _gateways(connection: Connection) -> Iterator[BlindSpot]:
    """Ways out whose rules nobody reads."""
    sql = f"""
SELECT n.gateway, min(h.hostname), count(DISTINCT n.id) FROM networks n
JOIN ip_addresses a ON a.ip_address = n.gateway AND a.vrf = n.vrf AND a.retired_at IS NULL
JOIN hosts h ON h.id = a.host_id
WHERE n.retired_at IS NULL AND n.vrf = 'default'
 AND NOT EXISTS (SELECT 1 FROM firewall_rules f WHERE f.firewall_host_id = h.id AND f.retired_at IS NULL)
 AND NOT {_told_by("h.id", ("opnsense", "demo"))} GROUP BY n.gateway"""
    for gateway, name, networks in connection.query(sql):
        command = f"infradb sources add opnsense {_word(name)} url=https://{gateway}"
        yield BlindSpot(f"hosts/{name}", "its firewall rules, which decide who reaches what", networks, command)


def _sources(connection: Connection) -> Iterator[BlindSpot]:
    """Sources whose last run failed: what they told is as old as their last success."""
    sql = (
        "SELECT s.name, (SELECT count(*) FROM claims c JOIN scopes p ON p.id = c.scope_id"
        " WHERE p.source_id = s.id AND c.answer IS NULL AND c.withdrawn_at IS NULL)"
        " FROM sources s JOIN discovery_runs r ON r.id = (SELECT max(d.id) FROM discovery_runs d"
        " WHERE d.source_id = s.id) WHERE s.enabled AND r.status = 'failed'"
    )
    for name, told in connection.query(sql):
        yield BlindSpot(f"sources/{name}", "anything new: its last run failed", told, f"infradb sources doctor {name}")


def _word(name: Any) -> str:
    """Return a name of a source made of the name of a thing."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in str(name))
