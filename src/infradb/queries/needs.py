"""Builds the graph of needs from what is stored: the same for now and for a time before."""

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from infradb.graph.needs import Graph, Need, Node
from infradb.model.catalog import ENTITY_TYPES
from infradb.queries.naming import labels
from infradb.queries.snapshot import snapshot
from infradb.store.database import Connection

_PRIVATE_TO_HOSTS = "host:"
_TOLERATED = {"raid1": -1, "mirror": -1, "raid5": 1, "raidz1": 1, "raidz": 1, "raid6": 2, "raidz2": 2, "raidz3": 3}
"""RAID level -> how many members may fail; -1 for all but one."""


def needs_graph(connection: Connection, as_of: str | None = None) -> Graph:
    """Return the graph of everything that lives, or lived at an instant; raise `BeforeHistory`."""
    return _Builder(snapshot(connection, as_of) if as_of else connection).graph()


class _Builder:
    """Asks one question for each kind of need."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.nodes: dict[int, Node] = {}
        self.unknown: dict[str, int] = {}
        self.by_address: dict[str, int] = {}
        self.by_name: dict[str, set[int]] = defaultdict(set)

    def graph(self) -> Graph:
        self._read_nodes()
        self._read_names()
        needs: list[Need] = []
        for question in _QUESTIONS:
            needs += question(self)
        return Graph.of(self.nodes, needs)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.query(sql)

    def host_at(self, place: str, what: str) -> int:
        """Return the host that has an address or, if only one has, a name; else a node for what is unknown there."""
        text = place.strip("[]").lower().rstrip(".")
        found = self.by_address.get(_canonical(text))
        named = self.by_name.get(text) or self.by_name.get(text.partition(".")[0]) or set()
        if found is None and len(named) == 1:
            found = next(iter(named))
        if found is not None:
            return found
        if text not in self.unknown:
            self.unknown[text] = -1 - len(self.unknown)
            self.nodes[self.unknown[text]] = Node(self.unknown[text], "", f"unknown {what} at {text}")
        return self.unknown[text]

    def _read_nodes(self) -> None:
        ids: list[int] = []
        for entity_type in ENTITY_TYPES:
            fields = [f if f in entity_type.fields else "NULL" for f in ("criticality", "owner", "start_order")]
            sql = f"SELECT id, {', '.join(fields)} FROM {entity_type.table} WHERE retired_at IS NULL"
            for id_, criticality, owner, start in self.connection.query(sql):
                self.nodes[id_] = Node(id_, entity_type.table, "", criticality, owner, start)
                ids.append(id_)
        names = labels(self.connection, ids)
        starts: dict[int, Any] = dict(
            self.connection.query(
                "SELECT host_id, start_order FROM proxmox_containers"
                " WHERE retired_at IS NULL AND start_order IS NOT NULL"
            )
        )
        for id_, node in self.nodes.items():
            start = starts.get(id_, node.start_order)
            self.nodes[id_] = Node(id_, node.table, names.get(id_, str(id_)), node.criticality, node.owner, start)

    def _read_names(self) -> None:
        sql = (
            "SELECT ip_address, host_id FROM ip_addresses WHERE retired_at IS NULL AND host_id IS NOT NULL"
            f" AND vrf NOT LIKE '{_PRIVATE_TO_HOSTS}%' AND vrf NOT LIKE 'docker:%'"
        )
        self.by_address.update(dict(self.connection.query(sql)))
        for id_, name, address in self.rows("SELECT id, hostname, management_ip FROM hosts WHERE retired_at IS NULL"):
            self.by_name[name.lower()].add(id_)
            if address:
                self.by_address.setdefault(address, id_)


def _declared(at: _Builder) -> Iterator[Need]:
    """Services that need services, as people or inference said."""
    sql = (
        "SELECT dependent_service_id, dependency_service_id, coalesce(dependency_type, 'hard'),"
        " coalesce(redundancy_group, ''), coalesce(redundancy_rule, 'all'), origin FROM service_dependencies"
        " WHERE retired_at IS NULL"
    )
    for dependent, dependency, strength, group, rule, origin in at.rows(sql):
        yield Need(dependent, dependency, "needs", strength, group, rule, origin)


def _places(at: _Builder) -> Iterator[Need]:
    """What runs where: services in containers or on hosts, containers on hosts."""
    for id_, container, host in at.rows(
        "SELECT id, docker_container_id, host_id FROM services WHERE retired_at IS NULL"
    ):
        if container or host:
            yield Need(id_, container or host, "runs in" if container else "runs on")
    for id_, host in at.rows("SELECT id, docker_host_id FROM docker_containers WHERE retired_at IS NULL"):
        yield Need(id_, host, "runs on")


def _guests(at: _Builder) -> Iterator[Need]:
    """Guests on their nodes; those under high availability on any node of the cluster that has room for them."""
    sql = (
        "SELECT g.host_id, g.cluster, g.proxmox_host_id, g.ha_state, h.total_ram_mb FROM proxmox_containers g"
        " JOIN hosts h ON h.id = g.host_id WHERE g.retired_at IS NULL"
    )
    guests = at.rows(sql)
    room = {
        id_: (total or 0) - (used or 0) if total else None
        for id_, total, used in at.rows("SELECT id, total_ram_mb, used_ram_mb FROM hosts WHERE retired_at IS NULL")
    }
    clusters: dict[str, set[int]] = defaultdict(set)
    for _, cluster, node, _, _ in guests:
        clusters[cluster].add(node)
    placed = set()
    for guest, cluster, node, ha_state, memory in guests:
        placed.add(guest)
        if ha_state not in ("started", "enabled"):
            yield Need(guest, node, "runs on")
            continue
        others = [n for n in clusters[cluster] if n != node and _has_room(room.get(n), memory)]
        for one in (node, *sorted(others)):
            yield Need(guest, one, "runs on" if one == node else "can move to", group="node", rule="any")
    for id_, parent in at.rows(
        "SELECT id, parent_host_id FROM hosts WHERE retired_at IS NULL AND parent_host_id IS NOT NULL"
    ):
        if id_ not in placed:
            yield Need(id_, parent, "runs on")


def _has_room(room: int | None, memory: int | None) -> bool:
    """Tell whether a node can take a guest: where nobody knows, it counts as able to."""
    return room is None or memory is None or room >= memory


def _storages(at: _Builder) -> Iterator[Need]:
    """Guests' disks on storages, storages on their nodes or on the pool of their name there."""
    sql = (
        "SELECT g.host_id, d.proxmox_storage_id, d.disk_name FROM guest_disks d"
        " JOIN proxmox_containers g ON g.id = d.proxmox_container_id"
        " WHERE d.retired_at IS NULL AND d.proxmox_storage_id IS NOT NULL"
    )
    for guest, storage, disk in at.rows(sql):
        yield Need(guest, storage, f"has its disk {disk} on")
    pools = {
        (host, name): id_
        for id_, host, name in at.rows("SELECT id, host_id, device_name FROM storage_devices WHERE retired_at IS NULL")
    }
    for id_, host, name in at.rows(
        "SELECT id, host_id, storage_name FROM proxmox_storages WHERE retired_at IS NULL AND host_id IS NOT NULL"
    ):
        yield Need(id_, host, "is in")
        if (host, name) in pools:
            yield Need(id_, pools[host, name], "lies on")


def _devices(at: _Builder) -> Iterator[Need]:
    """Devices on devices, arrays on as many members as they need, hosts on what they boot from."""
    sql = (
        "SELECT id, host_id, device_name, parent_device_id, mount_point, device_type, raid_level, raid_members"
        " FROM storage_devices WHERE retired_at IS NULL"
    )
    rows = at.rows(sql)
    names = {(host, name): id_ for id_, host, name, *_ in rows}
    for id_, host, _, parent, mount, kind, level, members in rows:
        listed = orjson.loads(members) if isinstance(members, str) else members
        found = [names[host, m] for m in listed or () if (host, m) in names]
        if len(found) > 1:
            rule = str(_least(len(found), level))
            for member in found:
                yield Need(id_, member, "is made of", group="members", rule=rule)
        elif parent:
            yield Need(id_, parent, "lies on")
        if mount == "/" and kind not in ("nfs", "smb"):
            yield Need(host, id_, "boots from")


def _least(members: int, level: str | None) -> int:
    tolerated = _TOLERATED.get((level or "").lower(), 0)
    return 1 if tolerated < 0 else max(1, members - tolerated)


def _mounts(at: _Builder) -> Iterator[Need]:
    """Network mounts on their servers, known or not; hosts and containers on what they have mounted."""
    mounts: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for id_, host, name, mount in at.rows(
        "SELECT id, host_id, device_name, mount_point FROM storage_devices"
        " WHERE retired_at IS NULL AND device_type IN ('nfs', 'smb')"
    ):
        server = name.removeprefix("//").partition("/")[0] if name.startswith("//") else name.rpartition(":/")[0]
        if server:
            yield Need(id_, at.host_at(server, "file server"), "is served by")
        if mount:
            mounts[host].append((mount.rstrip("/") + "/", id_))
            yield Need(host, id_, "mounts", "soft")
    sql = (
        "SELECT v.docker_container_id, c.docker_host_id, v.host_path FROM docker_container_volumes v"
        " JOIN docker_containers c ON c.id = v.docker_container_id"
        " WHERE v.retired_at IS NULL AND v.host_path IS NOT NULL"
    )
    for container, host, path in at.rows(sql):
        fitting = [(m, d) for m, d in mounts.get(host, ()) if f"{path.rstrip('/')}/".startswith(m)]
        if fitting:
            yield Need(container, max(fitting)[1], f"keeps {path} on")


def _compose(at: _Builder) -> Iterator[Need]:
    """Containers that share another's network, and those that compose starts after others."""
    sql = (
        "SELECT id, docker_host_id, container_id, compose_project, compose_service, network_mode, labels"
        " FROM docker_containers WHERE retired_at IS NULL"
    )
    rows = at.rows(sql)
    by_id = {native[:12]: id_ for id_, _, native, *_ in rows if native}
    by_service: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for id_, host, _, project, service, _, _ in rows:
        by_service[host, project, service].append(id_)
    for id_, host, _, project, _, mode, text in rows:
        if mode and mode.startswith("container:") and (other := by_id.get(mode.removeprefix("container:")[:12])):
            yield Need(id_, other, "shares the network of")
        said = orjson.loads(text) if isinstance(text, str) else text or {}
        after = str(said.get("com.docker.compose.depends_on") or "")
        for name in (part.partition(":")[0].strip() for part in after.split(",")):
            others = by_service.get((host, project, name), []) if name and project else []
            for other in others:
                yield Need(id_, other, "is started after", group=f"service {name}", rule="any", origin="declared")


def _ways(at: _Builder) -> Iterator[Need]:
    """Hosts on their gateways, and on any of the resolvers of their networks."""
    for host, gateway_host, gateway in at.rows(
        "SELECT host_id, gateway_host_id, gateway_ip FROM network_routes WHERE retired_at IS NULL"
        " AND destination_network = 'default' AND host_id IS NOT NULL AND gateway_ip <> ''"
    ):
        yield Need(host, gateway_host or at.host_at(gateway, "gateway"), "reaches other networks through", "soft")
    sql = (
        "SELECT DISTINCT a.host_id, n.dns_servers FROM ip_addresses a JOIN networks n ON n.id = a.network_id"
        " WHERE a.retired_at IS NULL AND n.retired_at IS NULL AND a.host_id IS NOT NULL AND n.dns_servers IS NOT NULL"
    )
    for host, text in at.rows(sql):
        servers = orjson.loads(text) if isinstance(text, str) else text
        for server in servers or ():
            yield Need(host, at.host_at(str(server), "resolver"), "asks for names", "soft", "resolvers", "any")


def _routes(at: _Builder) -> Iterator[Need]:
    """Names that users ask a proxy for: on the proxy, on any of their backends, on the certificate."""
    sql = (
        "SELECT id, proxy_service_id, backend_service_id, certificate_id, hostname, path FROM proxy_routes"
        " WHERE retired_at IS NULL"
    )
    for id_, proxy, backend, certificate, *_ in at.rows(sql):
        if proxy:
            yield Need(id_, proxy, "is served by")
        if backend:
            yield Need(id_, backend, "leads to")
        if certificate:
            yield Need(id_, certificate, "shows")


def _switches(at: _Builder) -> Iterator[Need]:
    """Machines on the switches that they are plugged into; several uplinks stand in for each other."""
    sql = (
        "SELECT a.host_id, b.host_id FROM links l JOIN network_interfaces a ON a.id = l.interface_a_id"
        " JOIN network_interfaces b ON b.id = l.interface_b_id WHERE l.retired_at IS NULL"
    )
    kinds: dict[int, str] = dict(at.rows("SELECT id, host_type FROM hosts WHERE retired_at IS NULL"))
    for a, b in at.rows(sql):
        for end, other in ((a, b), (b, a)):
            if kinds.get(other) == "network_device" and kinds.get(end) != "network_device":
                yield Need(end, other, "is plugged into", group="uplinks", rule="any")


_QUESTIONS: Sequence[Callable[[_Builder], Iterator[Need]]] = (
    _declared, _places, _guests, _storages, _devices, _mounts, _compose, _ways, _routes, _switches,
)  # fmt: skip


def _canonical(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return text
