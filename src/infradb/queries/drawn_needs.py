"""Needs that take more than one row to see: members of arrays, high availability, file servers, resolvers, cables."""

import ipaddress
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from infradb.graph.needs import Need
from infradb.store.database import Connection

_TOLERATED = {"raid10": 1, "mirror": 1, "raid4": 1, "raid5": 1, "raidz1": 1, "raidz": 1, "raid1": 1, "raid1c3": 2}
_TOLERATED |= {"raid6": 2, "raidz2": 2, "raid1c4": 3, "raidz3": 3}
"""RAID level or profile -> how many members may fail, whichever they are (md(4), zpoolconcepts(7), mkfs.btrfs(8))."""
_KINDS_OF_LINK = {"cable": 0, "lldp": 1, "fdb": 2}
"""The surest first."""


@dataclass(slots=True)
class Places:
    """Finds who is at an address or has a name; what nobody knows gets a number below zero."""

    connection: Connection
    unknown: dict[str, int] = field(default_factory=dict)
    """What it is to people -> its number: `unknown machine at 10.0.0.5`."""
    _known: dict[str, int] = field(default_factory=dict)

    def at(self, place: str) -> int:
        """Return the container or host at an address or with a name, or the number that stands for an unknown one."""
        text = _canonical(place)
        if text not in self._known:
            self._known[text] = self._find(text) or self.number(f"unknown machine at {text}")
        return self._known[text]

    def number(self, label: str) -> int:
        """Return the number that stands for something unknown."""
        return self.unknown.setdefault(label, -1 - len(self.unknown))

    def _find(self, text: str) -> int | None:
        sql = (
            "SELECT coalesce(a.docker_container_id, a.host_id) FROM ip_addresses a WHERE a.vrf = 'default'"
            " AND a.ip_address = ? AND a.retired_at IS NULL"
            " UNION ALL SELECT id FROM hosts WHERE management_ip = ? AND retired_at IS NULL"
        )
        found = [i for (i,) in self.connection.query(sql, (text, text)) if i]
        if not found and not _is_address(text):
            sql = "SELECT id FROM hosts WHERE lower(hostname) IN (?, ?) AND retired_at IS NULL"
            named = {i for (i,) in self.connection.query(sql, (text, text.partition(".")[0]))}
            found = list(named) if len(named) == 1 else []
        return int(found[0]) if found else None


def drawn_needs(connection: Connection, places: Places) -> list[Need]:
    """Return all of them."""
    return [need for question in _QUESTIONS for need in question(connection, places)]


def _members(connection: Connection, places: Places) -> Iterator[Need]:
    """Arrays and pools on as many of their members as they need; a member that nobody knows is one all the same."""
    sql = (
        "SELECT d.id, d.host_id, h.hostname, d.device_type, d.raid_level, d.raid_members"
        " FROM storage_devices d JOIN hosts h ON h.id = d.host_id WHERE d.retired_at IS NULL"
        " AND CAST(d.raid_members AS TEXT) LIKE '%,%'"
    )
    arrays = connection.query(sql)
    parts = _by_name(connection, {host for _, host, *_ in arrays})
    for id_, host, hostname, kind, level, text in arrays:
        listed = [str(m) for m in _read(text)]
        for name in listed:
            member = _member(parts[host], name) or places.number(f"unknown device {hostname}/{name}")
            if kind == "mergerfs":
                # Each file lies on one branch: whoever looks for it there misses it.
                yield Need(id_, member, "is made of", "soft")
            rule = str(_least(len(listed), kind, level))
            yield Need(id_, member, "is made of", group="members", rule=rule)


def _by_name(connection: Connection, hosts: Collection[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for host in hosts:
        sql = "SELECT id, device_name, mount_point FROM storage_devices WHERE host_id = ? AND retired_at IS NULL"
        for id_, name, mount in connection.query(sql, (host,)):
            found[host] |= {mount: id_, name: id_} if mount else {name: id_}
    return found


def _member(names: dict[str, int], member: str) -> int | None:
    """Return the device that an array calls a member: sda for /dev/sda, a folder for what is mounted there."""
    return names.get(member) or names.get(f"/dev/{member}")


def _least(members: int, kind: str, level: str | None) -> int:
    if kind == "mergerfs":
        return 1
    level = (level or "").lower()
    if level == "raid1" and kind != "btrfs":
        return 1
    return max(1, members - _TOLERATED.get(level, 0))


def _high_availability(connection: Connection, places: Places) -> Iterator[Need]:
    """Guests under high availability: on their node, or any other of the cluster that has room for them."""
    sql = (
        "SELECT g.id, g.cluster, g.proxmox_host_id, g.ha_state, h.total_ram_mb, h.status FROM proxmox_containers g"
        " JOIN hosts h ON h.id = g.host_id WHERE g.retired_at IS NULL"
    )
    guests = connection.query(sql)
    movable = [g for g in guests if g[3] in ("started", "enabled")]
    if not movable:
        return
    room: dict[int, float] = {}
    for id_, total in connection.query("SELECT id, total_ram_mb FROM hosts WHERE retired_at IS NULL"):
        room[id_] = float("inf") if total is None else total
    clusters: dict[str, set[int]] = defaultdict(set)
    for _, cluster, node, _, memory, status in guests:
        clusters[cluster].add(node)
        if status != "stopped" and node in room:
            room[node] -= memory or 0
    nodes = "SELECT cluster, host_id FROM proxmox_storages WHERE host_id IS NOT NULL AND retired_at IS NULL"
    for cluster, node in connection.query(nodes):
        clusters[cluster].add(node)
    for guest, cluster, node, _, memory, _ in movable:
        yield Need(guest, node, "is a guest of", group="node")
        for other in sorted(clusters[cluster] - {node}):
            if room.get(other, -1) >= (memory or 0):
                yield Need(guest, other, "can move to", group="node")


def _file_servers(connection: Connection, places: Places) -> Iterator[Need]:
    """Network mounts and volumes: on their server, and on what the shared folder lies on there."""
    sql = (
        "SELECT id, device_name FROM storage_devices WHERE retired_at IS NULL AND device_type IN ('nfs', 'smb')"
        " AND device_name LIKE '%/%'"
    )
    for id_, name in connection.query(sql):
        server, _, path = name[2:].partition("/") if name.startswith("//") else name.rpartition(":")
        if server:
            yield from _served(connection, places, id_, server, path)
    sql = "SELECT id, options FROM docker_volumes WHERE retired_at IS NULL AND CAST(options AS TEXT) LIKE '%addr=%'"
    for id_, text in connection.query(sql):
        options = _read(text)
        server = str(options.get("o", "")).partition("addr=")[2].partition(",")[0]
        if server:
            yield from _served(connection, places, id_, server, str(options.get("device", "")).removeprefix(":"))


def _served(connection: Connection, places: Places, id_: int, server: str, path: str) -> Iterator[Need]:
    host = places.at(server.rpartition("@")[2])
    yield Need(id_, host, "is served by")
    if path.startswith("/"):
        sql = (
            "SELECT id FROM storage_devices WHERE host_id = ? AND retired_at IS NULL AND mount_point <> '/'"
            " AND substr(? || '/', 1, length(mount_point) + 1) = mount_point || '/' ORDER BY length(mount_point) DESC"
            " LIMIT 1"
        )
        for (device,) in connection.query(sql, (host, path)):
            yield Need(id_, device, "lies on")


def _compose(connection: Connection, places: Places) -> Iterator[Need]:
    """Containers that share another's network, and those that compose starts after others.

    That one is started after another says when, not that it stops with it: it counts as soft.
    """
    asks = "network_mode LIKE 'container:%' OR CAST(labels AS TEXT) LIKE '%compose.depends_on\": \"_%'"
    asks += " OR CAST(labels AS TEXT) LIKE '%compose.depends_on\":\"_%'"
    names = "id, docker_host_id, container_id, container_name, compose_project, compose_service"
    asking = connection.query(
        f"SELECT {names}, network_mode, labels FROM docker_containers WHERE retired_at IS NULL AND ({asks})"
    )
    if not asking:
        return
    by_name: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for id_, host, native, name, project, service in connection.query(
        f"SELECT {names} FROM docker_containers WHERE retired_at IS NULL"
    ):
        by_name[host, name].append(id_)
        by_name[host, (native or name)[:12]].append(id_)
        by_name[host, project, service].append(id_)
    for id_, host, _, _, project, _, mode, text in asking:
        other = (mode or "").partition("container:")[2]
        if owner := by_name.get((host, other)) or by_name.get((host, other[:12])):
            yield Need(id_, owner[0], "shares the network of")
        after = str((_read(text) or {}).get("com.docker.compose.depends_on") or "")
        for service in (part.partition(":")[0].strip() for part in after.split(",") if project):
            for one in by_name.get((host, project, service), ()):
                yield Need(id_, one, "is started after", "soft", f"service {service}", origin="declared")


def _gateways(connection: Connection, places: Places) -> Iterator[Need]:
    """Hosts on gateways of which only the address is known."""
    sql = (
        "SELECT host_id, gateway_ip FROM network_routes WHERE retired_at IS NULL AND destination_network = 'default'"
        " AND host_id IS NOT NULL AND gateway_ip <> '' AND gateway_host_id IS NULL"
    )
    for host, gateway in connection.query(sql):
        yield Need(host, places.at(gateway), "reaches other networks through", "soft", "gateway")


def _resolvers(connection: Connection, places: Places) -> Iterator[Need]:
    """Hosts on any of the resolvers of their networks: the service that answers there, where it is known."""
    servers: dict[int, list[int]] = {}
    sql = "SELECT id, dns_servers FROM networks WHERE retired_at IS NULL AND dns_servers IS NOT NULL"
    for network, text in connection.query(sql):
        servers[network] = [_resolver(connection, places.at(str(s))) for s in _read(text)]
    if not servers:
        return
    sql = (
        "SELECT DISTINCT a.host_id, a.network_id FROM ip_addresses a JOIN hosts h ON h.id = a.host_id"
        " AND h.retired_at IS NULL WHERE a.retired_at IS NULL AND a.network_id IS NOT NULL"
    )
    for host, network in connection.query(sql):
        for server in servers.get(network, ()):
            yield Need(host, server, "asks for names", "soft", "resolvers")


def _resolver(connection: Connection, at: int) -> int:
    """Return the service on port 53 of a host or container, else the host or container itself."""
    sql = (
        "SELECT s.id FROM services s LEFT JOIN docker_containers c ON c.id = s.docker_container_id"
        " WHERE s.retired_at IS NULL AND s.service_type = 'dns'"
        " AND ((s.port = 53 AND ? IN (s.docker_container_id, s.host_id))"
        " OR (c.docker_host_id = ? AND (s.published_port = 53 OR (s.port = 53 AND c.network_mode = 'host'))))"
    )
    found = {i for (i,) in connection.query(sql, (at, at))}
    return int(found.pop()) if len(found) == 1 else at


def _cables(connection: Connection, places: Places) -> Iterator[Need]:
    """Hosts on any of their cabled interfaces, these on the ports at the other end, ports on their switch.

    A switch needs the one before it on the way to a gateway; which way that is, is known only where a gateway is.
    """
    sql = (
        "SELECT l.kind, a.id, a.host_id, b.id, b.host_id FROM links l"
        " JOIN network_interfaces a ON a.id = l.interface_a_id AND a.retired_at IS NULL"
        " JOIN network_interfaces b ON b.id = l.interface_b_id AND b.retired_at IS NULL WHERE l.retired_at IS NULL"
    )
    links = connection.query(sql)
    if not links:
        return
    sql = "SELECT gateway_host_id FROM network_routes WHERE retired_at IS NULL AND destination_network = 'default'"
    gateways = {i for (i,) in connection.query(sql)}
    sql = "SELECT id FROM hosts WHERE host_type = 'network_device' AND retired_at IS NULL"
    switches = {i for (i,) in connection.query(sql)} - gateways
    between = switches | gateways
    far = _distances(gateways, ((a, b) for _, _, a, _, b in links if a in between and b in between))
    best: dict[int, int] = defaultdict(lambda: len(_KINDS_OF_LINK))
    for kind, a, _, b, _ in links:
        for nic in (a, b):
            best[nic] = min(best[nic], _KINDS_OF_LINK[kind])
    for kind, *ends in links:
        for nic, host, port, switch in (ends, (*ends[2:], *ends[:2])):
            below = host not in switches or (switch in far and far.get(host, 0) == far[switch] + 1)
            if switch in switches and below and best[nic] == _KINDS_OF_LINK[kind]:
                yield Need(host, nic, "is plugged in at", group="uplinks")
                yield Need(nic, port, "is cabled to", group="ports")
                yield Need(port, switch, "is a port of")


def _distances(starts: Iterable[int], pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return how many cables away from the nearest start each thing is."""
    beside: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        beside[a].add(b)
        beside[b].add(a)
    far = dict.fromkeys(starts, 0)
    waiting = deque(far)
    while waiting:
        at = waiting.popleft()
        for other in beside[at] - far.keys():
            far[other] = far[at] + 1
            waiting.append(other)
    return far


_QUESTIONS: Sequence[Callable[[Connection, Places], Iterator[Need]]] = (
    _members, _high_availability, _file_servers, _compose, _gateways, _resolvers, _cables,
)  # fmt: skip


def _read(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _canonical(place: str) -> str:
    """Return an address or a name in the one form in which it is looked up."""
    text = place.strip().strip("[]").lower().rstrip(".").partition("%")[0]
    return str(ipaddress.ip_address(text)) if _is_address(text) else text
