"""Needs that stand in the rows as they are: each is one SELECT, to be asked by either end.

What needs and what is needed is alive in each; where a reference goes with its owner, that follows from the one row.
"""

from typing import Literal, NamedTuple

End = Literal["dependent", "dependency"]


class PlainNeeds(NamedTuple):
    """Needs of one kind."""

    dependent: str
    """Table of what needs."""
    dependency: str
    """Table of what is needed."""
    sql: str
    """SELECT of the fields of a `Need`, in their order."""
    grouped: bool
    """Whether some of them stand in for each other."""


_TABLES = {
    "c": "docker_containers", "d": "storage_devices", "g": "proxmox_containers", "h": "hosts", "p": "hosts",
    "r": "proxy_routes", "s": "services", "t": "sites", "w": "docker_volumes", "x": "proxmox_storages",
    "y": "certificates", "b": "storage_devices",
}  # fmt: skip
"""What the letters of the ends below stand for."""
_OWNERS = {
    "c.docker_host_id": "hosts", "g.host_id": "hosts", "d.host_id": "hosts", "n.host_id": "hosts",
    "k.proxmox_container_id": "proxmox_containers", "v.docker_container_id": "docker_containers",
}  # fmt: skip


def _need(
    ends: str, words: str, source: str, *, strength: str = "'hard'", group: str = "", origin: str = "observed"
) -> PlainNeeds:
    dependent, dependency = ends.split(" -> ")
    return PlainNeeds(
        _OWNERS.get(dependent) or _TABLES[dependent[0]],
        _OWNERS.get(dependency) or _TABLES[dependency[0]],
        f"SELECT {dependent} AS dependent, {dependency} AS dependency, '{words}' AS words, {strength} AS strength,"
        f" '{group}' AS in_group, '' AS rule, '{origin}' AS origin FROM {source}",
        bool(group),
    )


_DECLARED = PlainNeeds(
    "services",
    "services",
    "SELECT d.dependent_service_id AS dependent, d.dependency_service_id AS dependency, 'needs' AS words,"
    " coalesce(d.dependency_type, 'hard') AS strength, coalesce(d.redundancy_group, '') AS in_group,"
    " coalesce(d.redundancy_rule, '') AS rule, d.origin AS origin FROM service_dependencies d"
    " WHERE d.retired_at IS NULL",
    grouped=True,
)

_RUNNING = (
    _need(
        "s.id -> c.id", "runs in",
        "services s JOIN docker_containers c ON c.id = s.docker_container_id AND c.retired_at IS NULL"
        " WHERE s.retired_at IS NULL",
    ),
    _need(
        "s.id -> h.id", "runs on",
        "services s JOIN hosts h ON h.id = s.host_id AND h.retired_at IS NULL"
        " WHERE s.retired_at IS NULL AND s.docker_container_id IS NULL",
    ),
    _need("c.id -> c.docker_host_id", "runs on", "docker_containers c WHERE c.retired_at IS NULL"),
    _need("g.host_id -> g.id", "is guest", "proxmox_containers g WHERE g.retired_at IS NULL"),
    _need(
        "g.id -> h.id", "is a guest of",
        "proxmox_containers g JOIN hosts h ON h.id = g.proxmox_host_id AND h.retired_at IS NULL"
        " WHERE g.retired_at IS NULL AND coalesce(g.ha_state, '') NOT IN ('started', 'enabled')",
    ),
    _need(
        "h.id -> p.id", "runs on",
        "hosts h JOIN hosts p ON p.id = h.parent_host_id AND p.retired_at IS NULL WHERE h.retired_at IS NULL AND NOT"
        " EXISTS (SELECT 1 FROM proxmox_containers g WHERE g.host_id = h.id AND g.retired_at IS NULL)",
    ),
    _need(
        "h.id -> t.id", "stands in",
        "hosts h JOIN sites t ON t.id = h.site_id AND t.retired_at IS NULL WHERE h.retired_at IS NULL",
    ),
)  # fmt: skip

# Where containers run, their own mounts say who uses a file system; elsewhere any program of the host may.
_USED_BY_WHOM = (
    "CASE WHEN EXISTS (SELECT 1 FROM docker_containers c WHERE c.docker_host_id = d.host_id AND c.retired_at IS NULL)"
    " THEN 'optional' ELSE 'soft' END"
)
_MOUNTED = "d.retired_at IS NULL AND d.mount_point <> '/' AND d.device_type <> 'loop'"
_NETWORK_MOUNTS = "('nfs', 'smb')"
_MANY_MEMBERS = "coalesce(CAST(d.raid_members AS TEXT), '') LIKE '%,%'"


def _under(place: str, path: str) -> str:
    """Return the test whether a path lies at or below a mount point."""
    return f"substr({path} || '/', 1, length({place}) + 1) = {place} || '/'"


_STORED = (
    _need(
        "k.proxmox_container_id -> x.id", "has its disk on",
        "guest_disks k JOIN proxmox_storages x ON x.id = k.proxmox_storage_id AND x.retired_at IS NULL"
        " WHERE k.retired_at IS NULL",
    ),
    _need(
        "x.id -> h.id", "is in",
        "proxmox_storages x JOIN hosts h ON h.id = x.host_id AND h.retired_at IS NULL WHERE x.retired_at IS NULL",
    ),
    _need(
        "x.id -> d.id", "lies on",
        "proxmox_storages x JOIN storage_devices d ON d.host_id = x.host_id AND d.device_name = x.storage_name"
        " AND d.retired_at IS NULL WHERE x.retired_at IS NULL",
    ),
    # A storage does not say on which pool it lies; where its node has one pool only, it is that one.
    _need(
        "x.id -> d.id", "lies on",
        "proxmox_storages x JOIN storage_devices d ON d.host_id = x.host_id AND d.device_type = 'zfs'"
        " AND d.retired_at IS NULL WHERE x.retired_at IS NULL AND x.storage_type = 'zfspool' AND 1 = (SELECT count(*)"
        " FROM storage_devices o WHERE o.host_id = x.host_id AND o.device_type = 'zfs' AND o.retired_at IS NULL)",
        origin="inferred",
    ),
    _need(
        "x.id -> d.id", "is mounted as",
        "proxmox_storages x JOIN storage_devices d ON d.mount_point = '/mnt/pve/' || x.storage_name"
        f" AND d.device_type IN {_NETWORK_MOUNTS} AND d.retired_at IS NULL WHERE x.retired_at IS NULL"
        " AND EXISTS (SELECT 1 FROM proxmox_storages n WHERE n.cluster = x.cluster AND n.host_id = d.host_id"
        " AND n.retired_at IS NULL)",
        group="mounts",
    ),
    _need(
        "d.id -> b.id", "lies on",
        "storage_devices d JOIN storage_devices b ON b.id = d.parent_device_id AND b.retired_at IS NULL"
        f" WHERE d.retired_at IS NULL AND NOT {_MANY_MEMBERS}",
    ),
    # A guest's disk is one of its node's storages; what it sees of it does not fail by itself.
    _need(
        "d.host_id -> d.id", "boots from",
        "storage_devices d WHERE d.retired_at IS NULL AND d.mount_point = '/' AND d.device_type <> 'loop' AND NOT"
        " EXISTS (SELECT 1 FROM proxmox_containers g WHERE g.host_id = d.host_id AND g.retired_at IS NULL)",
    ),
    _need("d.host_id -> d.id", "keeps data on", f"storage_devices d WHERE {_MOUNTED}", strength=_USED_BY_WHOM),
    _need(
        "v.docker_container_id -> w.id", "keeps data in",
        "docker_container_volumes v JOIN docker_volumes w ON w.id = v.docker_volume_id AND w.retired_at IS NULL"
        " WHERE v.retired_at IS NULL",
    ),
    _need(
        "v.docker_container_id -> d.id", "keeps data on",
        "docker_container_volumes v JOIN docker_containers c ON c.id = v.docker_container_id"
        f" JOIN storage_devices d ON d.host_id = c.docker_host_id AND {_MOUNTED}"
        f" AND {_under('d.mount_point', 'v.host_path')}"
        " WHERE v.retired_at IS NULL AND v.host_path IS NOT NULL AND NOT EXISTS (SELECT 1 FROM storage_devices o"
        " WHERE o.host_id = d.host_id AND o.retired_at IS NULL AND length(o.mount_point) > length(d.mount_point)"
        f" AND {_under('o.mount_point', 'v.host_path')})",
    ),
)  # fmt: skip

_REACHED = (
    _need(
        "n.host_id -> h.id", "reaches other networks through",
        "network_routes n JOIN hosts h ON h.id = n.gateway_host_id AND h.retired_at IS NULL"
        " WHERE n.retired_at IS NULL AND n.destination_network = 'default' AND n.host_id IS NOT NULL",
        strength="'soft'", group="gateway",
    ),
    _need(
        "r.id -> s.id", "is served by",
        "proxy_routes r JOIN services s ON s.id = r.proxy_service_id AND s.retired_at IS NULL"
        " WHERE r.retired_at IS NULL",
    ),
    _need(
        "r.id -> y.id", "shows",
        "proxy_routes r JOIN certificates y ON y.id = r.certificate_id AND y.retired_at IS NULL"
        " WHERE r.retired_at IS NULL",
    ),
    # Several backends of one name are one row each; they stand in for each other.
    _need(
        "r.id -> s.id", "leads to",
        "proxy_routes r JOIN proxy_routes o ON o.proxy = r.proxy AND o.entry = r.entry AND o.hostname = r.hostname"
        " AND o.path = r.path AND o.retired_at IS NULL AND o.enabled"
        " JOIN services s ON s.id = o.backend_service_id AND s.retired_at IS NULL WHERE r.retired_at IS NULL",
        group="backends",
    ),
)  # fmt: skip

PLAIN_NEEDS = (_DECLARED, *_RUNNING, *_STORED, *_REACHED)
