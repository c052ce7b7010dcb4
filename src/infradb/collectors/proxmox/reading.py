"""Reads a cluster: everything that is one call for all first, then node by node and guest by guest, side by side."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infradb.collectors.proxmox.client import ProxmoxClient, attempt
from infradb.collectors.proxmox.parse_backups import Backup, read_jobs, read_log, read_volumes
from infradb.collectors.proxmox.parse_cluster import Cluster, Guest, read_cluster
from infradb.collectors.proxmox.parse_firewall import Datacenter, Zone, is_filtered
from infradb.collectors.proxmox.parse_guests import Configuration, read_configuration
from infradb.collectors.proxmox.parse_inside import Inside
from infradb.collectors.proxmox.rights import AGENTS, Permissions
from infradb.collectors.proxmox.values import flag, number, objects, text
from infradb.errors import CollectionError, SourceMalformed

_MOST_LOGS = 5
"""Logs of backup jobs that are read of each node, newest first."""
_LISTS = ("rules", "groups", "aliases", "ipset")
Part = Any
"""What a call gave, or the `CollectionError` that it ended with."""


@dataclass(slots=True)
class NodeReading:
    """What one node that is up answered."""

    status: Part = None
    config: Part = None
    network: Part = None
    disks: Part = None
    pools: Part = None
    firewall: Part = None
    backups: Part = None


@dataclass(slots=True)
class GuestReading:
    """What was read of one guest; None where it was not asked for."""

    config: Part
    inside: Part = None
    firewall: Part = None


@dataclass(slots=True)
class Reading:
    """Everything that one run read."""

    cluster: Cluster
    permissions: Permissions
    lists: Mapping[str, Part]
    """Path -> what `GET path` gave."""
    datacenter: Part
    subnets: Part
    nodes: dict[str, NodeReading] = field(default_factory=dict)
    guests: dict[int, GuestReading] = field(default_factory=dict)
    volumes: list[Backup] = field(default_factory=list)


class Reader:
    """Reads one cluster through one client, in bounded parallel."""

    def __init__(self, client: ProxmoxClient, permissions: Permissions) -> None:
        self.client, self.permissions = client, permissions
        self.settings = client.settings

    def read(self) -> Reading:
        """Return what the cluster shows; raise `CollectionError` where it does not even list its nodes and guests."""
        with ThreadPoolExecutor(self.settings.parallel, thread_name_prefix="proxmox") as pool:
            version = pool.submit(self.client.get_object, "/version")
            wanted = ["/cluster/status", "/cluster/resources", "/cluster/tasks", "/storage", "/cluster/ha/resources",
                      "/cluster/sdn/zones", "/cluster/sdn/vnets"]  # fmt: skip
            parts = dict(zip(wanted, pool.map(self._optional, wanted), strict=True))
            if isinstance(resources := parts["/cluster/resources"], CollectionError):
                raise resources
            release = number(str(version.result().get("release", "")).partition(".")[0]) or 0
            parts["/cluster/ha/rules"] = self._optional("/cluster/ha/rules") if release >= 9 else []
            status = parts["/cluster/status"]
            cluster = read_cluster(None if isinstance(status, CollectionError) else status, resources)
            reading = Reading(
                cluster,
                self.permissions,
                parts,
                attempt(partial(self._datacenter, pool, parts)),
                attempt(partial(self._subnets, pool, parts)),
            )
            nodes = {name: pool.submit(self._node, name) for name in cluster.online}
            volumes = [pool.submit(self._volumes, *place) for place in self._backup_places(cluster)]
            there = [g for g in cluster.guests.values() if g.node in nodes]
            guests = pool.map(partial(self._guest, reading.datacenter), there)
            reading.guests = dict(zip((g.vmid for g in there), guests, strict=True))
            reading.nodes = {name: node.result() for name, node in nodes.items()}
            reading.volumes = [backup for found in volumes for backup in found.result()]
        return reading

    def _optional(self, path: str, **names: Any) -> Part:
        """Return a list, or an empty one where this version does not have it yet (HTTP 501)."""
        found = attempt(partial(self.client.get_list, path, **names))
        return [] if isinstance(found, CollectionError) and found.status == 501 else found

    def _subnets(self, pool: ThreadPoolExecutor, parts: Mapping[str, Part]) -> dict[str, list[Any]]:
        vnets = _names(_value(parts["/cluster/sdn/vnets"]), "vnet")
        read = pool.map(lambda v: self.client.get_list("/cluster/sdn/vnets/{vnet}/subnets", vnet=v), vnets)
        return dict(zip(vnets, read, strict=True))

    def _datacenter(self, pool: ThreadPoolExecutor, parts: Mapping[str, Part]) -> Datacenter:
        get = self.client.get_list
        options = self.client.get_object("/cluster/firewall/options")
        rules, groups, aliases, sets = pool.map(
            get, [f"/cluster/firewall/{n}" for n in ("rules", "groups", "aliases", "ipset")]
        )
        zone = Zone(options, rules, aliases, self._sets("/cluster/firewall/ipset/{ipset}", sets))
        named = {g: get("/cluster/firewall/groups/{group}", group=g) for g in _names(groups, "group")}
        vnets = _names(_value(parts["/cluster/sdn/vnets"]), "vnet")
        inner = {v: _value(self._optional("/cluster/sdn/vnets/{vnet}/firewall/rules", vnet=v)) for v in vnets}
        return Datacenter(zone, named, {v: found for v, found in inner.items() if found})

    def _sets(self, path: str, raw: list[Any], **names: Any) -> dict[str, list[Any]]:
        return {n: self.client.get_list(path, ipset=n, **names) for n in _names(raw, "name")}

    def _node(self, node: str) -> NodeReading:
        read = self.client
        return NodeReading(
            status=attempt(lambda: read.get_object("/nodes/{node}/status", node=node)),
            config=attempt(lambda: read.get_object("/nodes/{node}/config", node=node)),
            network=attempt(lambda: read.get_list("/nodes/{node}/network", node=node)),
            disks=attempt(lambda: read.get_list("/nodes/{node}/disks/list", node=node)),
            pools=attempt(lambda: read.get_list("/nodes/{node}/disks/zfs", node=node)),
            firewall=attempt(
                lambda: Zone(
                    read.get_object("/nodes/{node}/firewall/options", node=node),
                    read.get_list("/nodes/{node}/firewall/rules", node=node),
                )
            ),
            backups=attempt(lambda: self._backups(node)),
        )

    def _backups(self, node: str) -> list[Backup]:
        """Return the backups that a node's newest jobs made; the logs of jobs for several guests tell of which."""
        found: list[Backup] = []
        logs = 0
        for job in read_jobs(self.client.vzdump_tasks(node)):
            if job.alone:
                found.append(job.alone)
            elif logs < _MOST_LOGS:
                logs += 1
                found += read_log(job, self.client.task_log(node, job.upid))
        return found

    def _backup_places(self, cluster: Cluster) -> list[tuple[str, str]]:
        """Return (node, storage) of what holds backups that the token may list, shared ones once."""
        places: dict[tuple[str, str], tuple[str, str]] = {}
        for seen in cluster.storages:
            if "backup" in seen.content and seen.available and self.permissions.reads_backups_of(seen.name):
                places.setdefault((seen.place, seen.name), (seen.node, seen.name))
        return list(places.values())

    def _volumes(self, node: str, storage: str) -> list[Backup]:
        found = attempt(lambda: self.client.backups(node, storage))
        # The logs tell as well; what is only here is then not known.
        return [] if isinstance(found, CollectionError) else read_volumes(found)

    def _guest(self, datacenter: Part, guest: Guest) -> GuestReading:
        reading = GuestReading(attempt(lambda: self._configuration(guest)))
        config = reading.config
        if isinstance(config, CollectionError):
            return reading
        if self.settings.guest_firewalls and isinstance(datacenter, Datacenter) and is_filtered(config, datacenter):
            reading.firewall = attempt(lambda: self._guest_firewall(guest))
            if isinstance(reading.firewall, CollectionError):  # half of a guest would take the other half away
                return GuestReading(reading.firewall)
        if guest.runs and self.settings.agents:
            reading.inside = attempt(lambda: self._inside(config))
        return reading

    def _configuration(self, guest: Guest) -> Configuration:
        base = f"/nodes/{{node}}/{guest.api}/{{vmid}}"
        names: dict[str, Any] = {"node": guest.node, "vmid": guest.vmid}
        raw = self.client.get_object(f"{base}/config", **names)
        # `parent` is there as soon as a snapshot is, and spares the call for all others.
        snapshots = self.client.get_list(f"{base}/snapshot", **names) if raw.get("parent") else []
        return read_configuration(guest, raw, snapshots)

    def _inside(self, config: Configuration) -> Inside | None:
        guest = config.guest
        if guest.kind == "lxc":
            found: Any = self.client.get_list("/nodes/{node}/lxc/{vmid}/interfaces", node=guest.node, vmid=guest.vmid)
            return Inside.read(config, found, None)
        if not config.asks_agent or not self.permissions.has(AGENTS, f"/vms/{guest.vmid}"):
            return None
        found = self.client.agent("network-get-interfaces", guest.node, guest.vmid)
        if found is None:
            return None
        if not isinstance(found, list):
            hint = "is the guest agent in it a current one?"
            raise SourceMalformed(f"the guest agent of {guest.vmid} does not answer with a list", hint=hint)
        return Inside.read(config, found, self.client.agent("get-osinfo", guest.node, guest.vmid))

    def _guest_firewall(self, guest: Guest) -> Zone:
        base = f"/nodes/{{node}}/{guest.api}/{{vmid}}/firewall"
        names: dict[str, Any] = {"node": guest.node, "vmid": guest.vmid}
        options = self.client.get_object(f"{base}/options", **names)
        if not flag(options.get("enable")):  # whatever rules it has, they are not in force
            return Zone(options)
        rules = self.client.get_list(f"{base}/rules", **names)
        aliases, sets = self.client.get_list(f"{base}/aliases", **names), self.client.get_list(f"{base}/ipset", **names)
        return Zone(options, rules, aliases, self._sets(f"{base}/ipset/{{ipset}}", sets, **names))


def _value(part: Part) -> Any:
    """Return what a call gave, or raise what it ended with."""
    if isinstance(part, CollectionError):
        raise part
    return part


def _names(raw: Iterable[Any], key: str) -> list[str]:
    return sorted({name for entry in objects(list(raw)) if (name := text(entry.get(key)))})
