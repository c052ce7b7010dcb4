"""Turns what was read into scopes. Absence means something only in a scope that was read whole, with every right.

A guest is one answer, in the scope of the node that it is on, so that one that moves is one update. Its addresses,
which come and go by themselves, are answers of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from infradb.collectors.proxmox.client import in_words
from infradb.collectors.proxmox.keys import guest_key, interface_key
from infradb.collectors.proxmox.nics import fixed_addresses
from infradb.collectors.proxmox.parse_addresses import address_answers
from infradb.collectors.proxmox.parse_backups import newest
from infradb.collectors.proxmox.parse_cluster import node_answers, storage_answers
from infradb.collectors.proxmox.parse_firewall import Datacenter, Zone, guest_firewall, is_on, node_firewall
from infradb.collectors.proxmox.parse_guests import Besides, Configuration, guest_answer
from infradb.collectors.proxmox.parse_ha import ha_answers
from infradb.collectors.proxmox.parse_inside import Inside
from infradb.collectors.proxmox.parse_networks import network_answers
from infradb.collectors.proxmox.parse_nodes import Port, disk_answers, port_answers, read_ports, system_answer
from infradb.collectors.proxmox.reading import GuestReading, NodeReading, Part, Reading
from infradb.collectors.proxmox.rights import (
    AGENTS,
    GUESTS,
    NETWORKS,
    NODES,
    POOLS,
    STATUS,
    STORAGES,
    rights_of,
)
from infradb.errors import CollectionError
from infradb.observation import Answer, ScopeResult


class Scopes:
    """The scopes of one run."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.cluster = reading, reading.cluster
        self.missing = reading.permissions.missing
        self.configs = {v: g.config for v, g in reading.guests.items() if isinstance(g.config, Configuration)}
        self.ports = {
            name: read_ports(node.network)
            for name, node in reading.nodes.items()
            if not isinstance(node.network, CollectionError)
        }
        self.fixed = fixed_addresses((c.guest, c.nics) for c in self.configs.values())
        lists = [n.backups for n in reading.nodes.values() if not isinstance(n.backups, CollectionError)]
        self.backups = newest([*(b for found in lists for b in found), *reading.volumes])

    def all(self) -> list[ScopeResult]:
        """Return every scope, those whose things others belong to first."""
        firsts = [self._cluster(), *self._each_node(self._interfaces), self._networks(), self._nodes()]
        middle = [*self._each_node(self._disks), self._storages()]
        guests = [s for build in (self._guests, self._addresses, self._firewall) for s in self._each_node(build)]
        return [*firsts, *middle, *guests, self._ha()]

    def has_scope(self, found: Sequence[ScopeResult]) -> Callable[[str], bool] | None:
        """Return what tells whether a scope still is one; None where the list of nodes is not whole."""
        if any(s.name == "cluster" and s.status != "complete" for s in found):
            return None
        nodes = frozenset(self.reading.nodes)
        return lambda name: "/" not in name or name.partition("/")[2] in nodes

    def parts(self) -> dict[int, list[str]]:
        """Return the native keys of what belongs to each guest."""
        found = {}
        for vmid, config in self.configs.items():
            key = guest_key(vmid)
            found[vmid] = [interface_key(key, n.name) for n in config.nics] + [
                f"{key}/disk/{d.name}" for d in config.drives
            ]
        return found

    # --- the cluster as a whole ---------------------------------------------------------------------------------------

    def _cluster(self) -> ScopeResult:
        problems = [*self.missing(STATUS), *_failures(self.reading.lists["/cluster/status"]), *self.cluster.errors]
        return _scope("cluster", node_answers(self.cluster), [*problems, *self._no_quorum()])

    def _networks(self) -> ScopeResult:
        lists, subnets = self.reading.lists, self.reading.subnets
        zones, vnets = lists["/cluster/sdn/zones"], lists["/cluster/sdn/vnets"]
        inside = [g.inside for g in self.reading.guests.values()]
        problems = [*self.missing(NETWORKS, GUESTS, AGENTS), *self._offline()]
        problems += [p for part in (zones, vnets) for p in _failures(part)]
        problems += _failures(subnets) if not _failures(vnets) else ()
        networks = [n.network for n in self.reading.nodes.values()]
        configs = [g.config for g in self.reading.guests.values()]
        problems += [p for parts in (networks, configs, inside) for p in _some_failed(parts, "sources of networks")]
        known = [a for own in self.fixed.values() for a in own]
        held = [a for one in inside if isinstance(one, Inside) for a in one.addresses]
        ports = [p for own in self.ports.values() for p in own]
        answers = network_answers(_or_empty(zones), _or_empty(vnets), _or_none(subnets) or {}, ports, [*known, *held])
        return _scope("networks", answers, problems)

    def _nodes(self) -> ScopeResult:
        answers, problems = [], [*self.missing(NODES), *self._offline(), *self._no_quorum()]
        for name, node in self.reading.nodes.items():
            parts = (node.status, node.config, node.network, node.backups)
            problems += [f"{name}: {p}" for part in parts for p in _failures(part)]
            if not isinstance(node.status, CollectionError):
                ports: Sequence[Port] = self.ports.get(name, ())
                known_as = self.cluster.nodes[name].address
                answers.append(system_answer(name, node.status, _or_none(node.config) or {}, ports, known_as))
        return _scope("nodes", answers, problems)

    def _storages(self) -> ScopeResult:
        listed = self.reading.lists["/storage"]
        away = sorted({s.name for s in self.cluster.storages if not s.available and s.node in self.cluster.online})
        problems = [*self.missing(STORAGES), *_failures(listed), *self._offline(), *self._no_quorum()]
        if away:
            problems.append(
                f"storages are not available: {', '.join(away[:10])} (`pvesm status` on the node tells why)"
            )
        return _scope("storages", storage_answers(self.cluster, _or_empty(listed)), problems)

    def _ha(self) -> ScopeResult:
        resources, rules = self.reading.lists["/cluster/ha/resources"], self.reading.lists["/cluster/ha/rules"]
        problems = [*self.missing(STATUS), *_failures(resources), *_failures(rules), *self._no_quorum()]
        answers = ha_answers(_or_empty(resources), _or_empty(rules), self.cluster.guests)
        if isinstance(resources, CollectionError) or isinstance(rules, CollectionError):
            answers = []  # half of it would take the other half away
        return _scope("ha", answers, problems)

    # --- node by node -------------------------------------------------------------------------------------------------

    def _each_node(self, build: Any) -> Iterator[ScopeResult]:
        for name in self.cluster.nodes:
            node = self.reading.nodes.get(name)
            yield build(name, node if node is not None else _away(name))

    def _interfaces(self, name: str, node: NodeReading) -> ScopeResult:
        problems = [*self.missing(NETWORKS), *_failures(node.network), *_odd(node.network, "iface", "interfaces")]
        return _scope(f"interfaces/{name}", port_answers(name, self.ports.get(name, ())), problems)

    def _disks(self, name: str, node: NodeReading) -> ScopeResult:
        problems = [*self.missing(STATUS, *rights_of(name)), *_failures(node.disks), *_failures(node.pools)]
        problems += [*_odd(node.disks, "devpath", "disks"), *_odd(node.pools, "name", "pools")]
        return _scope(f"disks/{name}", disk_answers(name, _or_empty(node.disks), _or_empty(node.pools)), problems)

    def _guests(self, name: str, node: NodeReading) -> ScopeResult:
        shared = frozenset(s.name for s in self.cluster.storages if s.shared)
        own = {v: g for v, g in self.reading.guests.items() if self.cluster.guests[v].node == name}
        answers = [
            guest_answer(self.configs[v], self.cluster, shared, self._besides(v, g))
            for v, g in own.items()
            if v in self.configs
        ]
        problems = [*self.missing(GUESTS, POOLS), *_some_failed([g.config for g in own.values()], "guests")]
        return _scope(
            f"guests/{name}", answers, [*problems, *self.cluster.errors, *_when_away(node), *self._no_quorum()]
        )

    def _besides(self, vmid: int, guest: GuestReading) -> Besides:
        system = guest.inside.system if isinstance(guest.inside, Inside) else {}
        datacenter = self.reading.datacenter
        on = is_on(guest.firewall, datacenter) if isinstance(datacenter, Datacenter) else None
        return Besides(system, self.backups.get(vmid, {}), on)

    def _addresses(self, name: str, node: NodeReading) -> ScopeResult:
        own = {v: g for v, g in self.reading.guests.items() if self.cluster.guests[v].node == name}
        answers = []
        for vmid, guest in own.items():
            reported = guest.inside.addresses if isinstance(guest.inside, Inside) else ()
            answers += address_answers(vmid, reported, self.fixed.get(vmid, ()))
        problems = [*self.missing(GUESTS, AGENTS), *_some_failed([g.config for g in own.values()], "guests")]
        problems += _some_failed([g.inside for g in own.values()], "guests' systems")
        return _scope(f"addresses/{name}", answers, [*problems, *_when_away(node), *self._no_quorum()])

    def _firewall(self, name: str, node: NodeReading) -> ScopeResult:
        datacenter = self.reading.datacenter
        problems = [
            *self.missing(STATUS, GUESTS, NETWORKS, *rights_of(name)),
            *_failures(datacenter),
            *_failures(node.firewall),
        ]
        guests = {v: g for v, g in self.reading.guests.items() if self.cluster.guests[v].node == name}
        problems += _some_failed([g.config for g in guests.values()], "guests")
        answers: list[Answer] = []
        if isinstance(datacenter, Datacenter):
            if not isinstance(node.firewall, CollectionError):
                answers += node_firewall(name, node.firewall, datacenter)
            for vmid, guest in guests.items():
                if isinstance(guest.firewall, Zone):
                    answers += guest_firewall(self.cluster.guests[vmid], guest.firewall, datacenter)
        return _scope(f"firewall/{name}", answers, [*problems, *self._no_quorum()])

    # --- what stands in the way ---------------------------------------------------------------------------------------

    def _no_quorum(self) -> list[str]:
        if self.cluster.quorate:
            return []
        up, of = len(self.cluster.online), len(self.cluster.nodes)
        seen = f"{up} of {of} nodes see each other, and what this one knows may be old"
        return [f"the cluster has no quorum: {seen} (`pvecm status` tells more; mend that first)"]

    def _offline(self) -> list[str]:
        return [p for name in self.cluster.offline for p in _failures(_offline(name))]


def _offline(node: str) -> CollectionError:
    return CollectionError(f"{node} is offline", hint="what it holds stays as it was until it is back")


def _away(node: str) -> NodeReading:
    error = _offline(node)
    return NodeReading(error, error, error, error, error, error, error)


def _when_away(node: NodeReading) -> Sequence[str]:
    """Return a problem where a node is offline; a call of its own that failed is told elsewhere."""
    return _failures(node.status) if node.status is node.backups else ()


def _scope(name: str, answers: list[Answer], problems: Iterable[str]) -> ScopeResult:
    errors = tuple(dict.fromkeys(problems))
    unique = {a.key: a for a in reversed(answers)}  # of two things under one name the first counts
    kept = [a for a in answers if unique[a.key] is a]
    return ScopeResult(name, "partial" if errors else "complete", kept, errors)


def _failures(part: Part) -> tuple[str, ...]:
    return (in_words(part),) if isinstance(part, CollectionError) else ()


def _some_failed(parts: Iterable[Part], what: str) -> tuple[str, ...]:
    every = list(parts)
    failed = [p for p in every if isinstance(p, CollectionError)]
    return (f"{len(failed)} of {len(every)} {what} could not be read: {in_words(failed[0])}",) if failed else ()


def _odd(part: Part, key: str, what: str) -> tuple[str, ...]:
    """Return a problem where a list has entries that name nothing: what they would have named is not absent."""
    entries = part if isinstance(part, list) else []
    odd = sum(not isinstance(e, dict) or not isinstance(e.get(key), str) for e in entries)
    return (
        (f"{odd} of {len(entries)} {what} could not be understood: is this a version that infradb reads?",)
        if odd
        else ()
    )


def _or_empty(part: Part) -> list[Any]:
    return part if isinstance(part, list) else []


def _or_none(part: Part) -> Any:
    return None if isinstance(part, CollectionError) else part
