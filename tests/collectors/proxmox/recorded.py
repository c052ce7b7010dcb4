"""Recorded answers and what each parser makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from infradb.collectors.proxmox.parse_addresses import address_answers
from infradb.collectors.proxmox.parse_backups import newest, read_jobs, read_log, read_volumes
from infradb.collectors.proxmox.parse_cluster import Cluster, node_answers, read_cluster, storage_answers
from infradb.collectors.proxmox.parse_firewall import Datacenter, Zone, guest_firewall, node_firewall
from infradb.collectors.proxmox.parse_guests import Besides, guest_answer, read_configuration
from infradb.collectors.proxmox.parse_ha import ha_answers
from infradb.collectors.proxmox.parse_inside import Inside
from infradb.collectors.proxmox.parse_networks import network_answers
from infradb.collectors.proxmox.parse_nodes import disk_answers, port_answers, read_ports, system_answer
from infradb.observation import Answer

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.json"))
SHARED = frozenset({"ceph", "nfs", "nas"})
HEAD = [{"type": "cluster", "name": "kestrel", "quorate": 1}]
GUESTS = [
    {"type": "qemu", "vmid": 101, "node": "pve1", "name": "web", "status": "running"},
    {"type": "lxc", "vmid": 201, "node": "pve1", "name": "db1", "status": "running"},
]


def load(name: str) -> dict[str, Any]:
    """Return a case."""
    content: dict[str, Any] = orjson.loads((CASES / f"{name}.json").read_bytes())
    return content


def _list(value: Any) -> list[Any]:
    """What the client makes sure of: a list is one."""
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def cluster(*entries: Any) -> Cluster:
    """Return a cluster with these entries in its list of resources."""
    return read_cluster(HEAD, list(entries))


def zone(raw: Any) -> Zone:
    """Return one zone of the firewall."""
    found = _object(raw)
    sets = {n: _list(s) for n, s in _object(found.get("sets")).items()}
    return Zone(_object(found.get("options")), _list(found.get("rules")), _list(found.get("aliases")), sets)


def datacenter(raw: Any) -> Datacenter:
    """Return the firewall of a datacenter."""
    found = _object(raw)
    groups = {n: _list(g) for n, g in _object(found.get("groups")).items()}
    return Datacenter(
        zone(found.get("datacenter")), groups, {n: _list(v) for n, v in _object(found.get("vnets")).items()}
    )


def answers(kind: str, raw: Any) -> list[Answer]:
    """Return the answers that a case's raw answers make."""
    raw = _object(raw) if kind != "ports" else raw
    match kind:
        case "guest":
            found = cluster(raw.get("entry"))
            return [
                guest_answer(
                    read_configuration(g, _object(raw.get("config")), _list(raw.get("snapshots"))),
                    found,
                    SHARED,
                    Besides(),
                )
                for g in found.guests.values()
            ]
        case "ports":
            return port_answers("pve1", read_ports(_list(raw)))
        case "system":
            return [system_answer("pve1", _object(raw.get("status")), _object(raw.get("config")), (), "10.0.10.11")]
        case "disks":
            return disk_answers("pve1", _list(raw.get("disks")), _list(raw.get("pools")))
        case "sdn":
            subnets = {v: _list(s) for v, s in _object(raw.get("subnets")).items()}
            return network_answers(_list(raw.get("zones")), _list(raw.get("vnets")), subnets, (), ())
        case "ha":
            return ha_answers(_list(raw.get("resources")), _list(raw.get("rules")), cluster(*GUESTS).guests)
        case "firewall":
            whole, guest = datacenter(raw), cluster(*GUESTS).guests[101]
            return [
                *node_firewall("pve1", zone(raw.get("node")), whole),
                *guest_firewall(guest, zone(raw.get("guest")), whole),
            ]
        case "inside":
            inside = insides(raw)
            return [a for i in inside for a in address_answers(i.config.guest.vmid, i.addresses, ())]
        case "cluster":
            found = read_cluster(_list(raw.get("status")), _list(raw.get("resources")))
            return [*node_answers(found), *storage_answers(found, [])]
        case _:
            return []


def insides(raw: dict[str, Any]) -> list[Inside]:
    """Return what guests' systems say."""
    found = cluster(raw.get("entry"))
    configs = [read_configuration(g, _object(raw.get("config")), []) for g in found.guests.values()]
    return [Inside.read(c, _list(raw.get("interfaces")), raw.get("osinfo")) for c in configs]


def backups(raw: Any) -> dict[int, dict[str, str]]:
    """Return the last backup of each guest."""
    found = _object(raw)
    jobs = read_jobs([found.get("task")])
    logged = [b for job in jobs for b in read_log(job, _list(found.get("lines")))]
    return newest([*logged, *read_volumes(_list(found.get("volumes")))])
