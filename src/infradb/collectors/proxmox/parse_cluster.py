"""What the cluster says of itself: its nodes, where each guest is, and its storages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infradb.collectors.proxmox.keys import node_key, storage_key
from infradb.collectors.proxmox.said import Said, answer, say
from infradb.collectors.proxmox.values import address, flag, gigabytes, number, objects, text, words
from infradb.model.physical import Host
from infradb.model.proxmox import ProxmoxStorage
from infradb.observation import Answer

_KINDS = {"qemu": "vm", "lxc": "lxc"}


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the cluster lists it."""

    name: str
    online: bool
    address: str | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest as the cluster lists it, also where its node is offline."""

    vmid: int
    kind: str
    """vm or lxc."""
    node: str
    name: str | None
    status: str
    template: bool
    pool: str | None
    used_ram_mb: int | None

    @property
    def api(self) -> str:
        """Return the word for its kind in paths of the API."""
        return "qemu" if self.kind == "vm" else "lxc"

    @property
    def runs(self) -> bool:
        """Tell whether it runs."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class StorageSeen:
    """One storage as one node sees it."""

    name: str
    node: str
    shared: bool
    available: bool
    kind: str | None
    content: tuple[str, ...]
    total_gb: float | None
    used_gb: float | None

    @property
    def place(self) -> str:
        """Return the node that it belongs to; empty where it is shared."""
        return "" if self.shared else self.node


@dataclass(frozen=True, slots=True)
class Cluster:
    """What everything of a cluster hangs on."""

    name: str | None
    """Name of the cluster, of a lone node its own; None where the token may not ask."""
    quorate: bool
    nodes: dict[str, Node]
    guests: dict[int, Guest]
    storages: tuple[StorageSeen, ...]
    errors: tuple[str, ...] = ()

    @property
    def online(self) -> list[str]:
        """Return the names of the nodes that are up."""
        return [name for name, node in self.nodes.items() if node.online]

    @property
    def offline(self) -> list[str]:
        """Return the names of the nodes that are not."""
        return [name for name, node in self.nodes.items() if not node.online]


def read_cluster(status: Sequence[Any] | None, resources: Sequence[Any]) -> Cluster:
    """Understand `GET /cluster/status` (None where it is refused) and `GET /cluster/resources` (API2/Cluster.pm).

    The list of resources holds every node and, as far as the token has VM.Audit and Datastore.Audit, every guest and
    storage, also of nodes that are offline.
    """
    stated = {text(e.get("name")): e for e in objects(status) if e.get("type") == "node"}
    head = next((e for e in objects(status) if e.get("type") == "cluster"), None)
    name = text(head.get("name")) if head else next(iter(stated), None) if len(stated) == 1 else None
    nodes: dict[str, Node] = {}
    guests: dict[int, Guest] = {}
    storages: list[StorageSeen] = []
    odd = len(resources) - len(objects(resources))
    for entry in objects(resources):
        match entry.get("type"):
            case "node":
                node = _node(entry, stated.get(text(entry.get("node")), {}))
                nodes.update({node.name: node} if node else {})
                odd += node is None
            case "qemu" | "lxc":
                guest = _guest(entry)
                guests.update({guest.vmid: guest} if guest else {})
                odd += guest is None
            case "storage":
                storage = _storage(entry)
                storages += [storage] if storage else []
                odd += storage is None
    errors = (f"{odd} entries of GET /cluster/resources could not be understood",) if odd else ()
    quorate = head is None or flag(head.get("quorate")) is not False
    return Cluster(name, quorate, nodes, guests, tuple(storages), errors)


def node_answers(cluster: Cluster) -> list[Answer]:
    """Return the nodes with what is known of them whether they are up or not."""
    answers = []
    for node in cluster.nodes.values():
        # Who does not see a node cannot tell whether it is down or cut off.
        key, status = node_key(node.name), "active" if node.online else "unknown"
        raw = [node.name, status, node.address]
        answers.append(answer(key, raw, partial(_parse_node, key, node, status), {key: node.measured}))
    return answers


def storage_answers(cluster: Cluster, configured: Sequence[Any]) -> list[Answer]:
    """Return the storages that could be read; a shared one counts once, for all nodes together."""
    switched_off = {text(e.get("storage")): e for e in objects(configured) if flag(e.get("disable"))}
    found: dict[str, StorageSeen] = {}
    for seen in cluster.storages:
        key = storage_key(seen.name, seen.place)
        if seen.available and (key not in found or seen.node < found[key].node):
            found[key] = seen
    answers = [_storage_answer(key, seen, cluster.name) for key, seen in sorted(found.items())]
    for name, entry in switched_off.items():
        if name is not None and flag(entry.get("shared")):
            kind, content = text(entry.get("type")), tuple(sorted(words(entry.get("content"))))
            seen = StorageSeen(name, "", True, False, kind, content, None, None)
            answers.append(_storage_answer(storage_key(name, ""), seen, cluster.name))
    return answers


def _parse_node(key: str, node: Node, status: str) -> Said:
    named = {"hostname": node.name, "host_type": "physical"}
    return say(key, Host, named, status=status, management_ip=node.address)


def _node(entry: Mapping[str, Any], stated: Mapping[str, Any]) -> Node | None:
    name = text(entry.get("node"))
    if name is None:
        return None
    told = flag(stated.get("online"))
    online = told if told is not None else entry.get("status") == "online"
    memory = number(entry.get("mem"))
    measured = {"used_ram_mb": memory // 2**20} if online and memory else {}
    return Node(name, online, address(stated.get("ip")), measured)


def _guest(entry: Mapping[str, Any]) -> Guest | None:
    vmid, node = number(entry.get("vmid")), text(entry.get("node"))
    if vmid is None or not 0 < vmid < 10**9 or node is None:
        return None
    status = {"running": "active", "paused": "active", "suspended": "active", "stopped": "stopped"}
    memory = number(entry.get("mem"))
    state = status.get(str(entry.get("status")), "unknown")
    return Guest(
        vmid,
        _KINDS[str(entry.get("type"))],
        node,
        text(entry.get("name"), 253),
        state,
        bool(flag(entry.get("template"))),
        text(entry.get("pool")),
        memory // 2**20 if memory and state == "active" else None,
    )


def _storage(entry: Mapping[str, Any]) -> StorageSeen | None:
    name, node = text(entry.get("storage")), text(entry.get("node"))
    if name is None or node is None:
        return None
    total = gigabytes(number(entry.get("maxdisk")))
    return StorageSeen(
        name,
        node,
        bool(flag(entry.get("shared"))),
        entry.get("status") == "available",
        text(entry.get("plugintype")),
        tuple(sorted(words(entry.get("content")))),
        total or None,
        gigabytes(number(entry.get("disk"))) if total else None,
    )


def _storage_answer(key: str, seen: StorageSeen, cluster: str | None) -> Answer:
    named = {"storage_name": seen.name, "node": seen.place, **({"cluster": cluster} if cluster else {})}
    facts = {
        "host_id": node_key(seen.node) if seen.place else None,
        "storage_type": seen.kind,
        "content": list(seen.content) or None,
        "shared": seen.shared,
        "enabled": seen.available,
    }
    measured = {key: {"total_gb": seen.total_gb, "used_gb": seen.used_gb}}
    return answer(key, [named, facts], lambda: say(key, ProxmoxStorage, named, **facts), measured)
