"""What nodes say of themselves: their system, interfaces and disks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from infradb.collectors.proxmox.keys import address_key, interface_key, network_key, node_key
from infradb.collectors.proxmox.noted import noted
from infradb.collectors.proxmox.said import Said, answer, say
from infradb.collectors.proxmox.values import (
    Interface,
    address,
    flag,
    gigabytes,
    interface,
    mac,
    number,
    objects,
    text,
    words,
)
from infradb.model.network import IpAddress
from infradb.model.physical import Host, NetworkInterface, StorageDevice
from infradb.model.services import Service
from infradb.observation import Answer

_TYPES = {
    "eth": "physical", "bridge": "bridge", "OVSBridge": "bridge", "vnet": "bridge", "bond": "bond", "OVSBond": "bond",
    "vlan": "vlan", "OVSIntPort": "virtual", "OVSPort": "virtual", "fabric": "virtual", "unknown": "virtual",
}  # fmt: skip
_DEBIAN = {"6": "10", "7": "11", "8": "12", "9": "13"}
"""Release of Proxmox VE -> the Debian it is made from (pve-docs, release notes)."""
_VERSION = re.compile(r"pve-manager/(?P<version>[0-9][\w.~+-]*)")
_HEALTH = {"PASSED": "passed", "OK": "passed", "UNKNOWN": "unknown"}
_PORT = 8006
_BURNT_IN = re.compile(r"enx([0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Port:
    """One interface of a node (pve-manager, API2/Network: index)."""

    name: str
    kind: str
    addresses: tuple[Interface, ...]
    gateways: tuple[str, ...]
    vlan_id: int | None
    link: str | None
    """Interface below it: of a VLAN its link, of a bond's member the bond."""
    bridge: str | None
    members: tuple[str, ...]
    mtu: int | None
    active: bool
    comment: str | None
    mac: str | None


def read_ports(raw: Sequence[Any]) -> list[Port]:
    """Return a node's interfaces, what others lie on first; aliases (`eth0:1`) belong to their interface."""
    entries = {name: e for e in objects(raw) if (name := text(e.get("iface"))) and text(e.get("type")) in _TYPES}
    bonds = {m: n for n, e in entries.items() if _TYPES[e["type"]] == "bond" for m in _members(e)}
    bridges = {m: n for n, e in entries.items() if _TYPES[e["type"]] == "bridge" for m in _members(e)}
    order = {"physical": 0, "bond": 0, "bridge": 1, "vlan": 2, "virtual": 3}
    ports = [_port(name, entry, bonds, bridges) for name, entry in entries.items()]
    # A bond before its members, a bridge before a VLAN on it; what the kernel names alike, by name.
    ports.sort(key=lambda p: (order[p.kind], p.link is not None, p.name))
    tags = {p.name: p.vlan_id for p in ports}
    return [_with_tag(p, tags) for p in ports]


def port_answers(node: str, ports: Sequence[Port]) -> list[Answer]:
    """Return a node's interfaces."""
    owner, names = node_key(node), {p.name for p in ports}
    answers = []
    for port in ports:
        key = interface_key(owner, port.name)
        facts = {
            "interface_type": port.kind,
            "mac_address": port.mac,
            "mtu": port.mtu,
            "vlan_id": port.vlan_id if port.kind == "vlan" else None,
            "bridge_name": port.bridge,
            "bridge_ports": sorted(port.members) if port.kind == "bridge" else None,
            "parent_interface_id": interface_key(owner, port.link) if port.link in names else None,
            "link_status": "up" if port.active else "down",
            "description": port.comment,
        }
        named = {"host_id": owner, "interface_name": port.name}
        answers.append(answer(key, [named, facts], partial(say, key, NetworkInterface, named, **facts)))
    return answers


def system_answer(
    node: str, status: Mapping[str, Any], config: Mapping[str, Any], ports: Sequence[Port], known_as: str | None
) -> Answer:
    """Return what a node says of its system (pve-manager, API2/Nodes: status, config), with addresses and API."""
    key, found = node_key(node), _VERSION.search(str(status.get("pveversion")))
    memory, processors, kernel = (_inner(status, n) for n in ("memory", "cpuinfo", "current-kernel"))
    total, used = number(memory.get("total")), number(memory.get("used"))
    version = found["version"] if found else None
    release = text(kernel.get("release")) or next(
        iter(words(str(status.get("kversion", "")).removeprefix("Linux "))), None
    )
    facts = {
        "cpu_cores": number(processors.get("cpus")) or None,
        "cpu_model": text(processors.get("model")),
        "total_ram_mb": total // 2**20 if total else None,
        "kernel": release,
        "architecture": text(kernel.get("machine")),
        "os_name": "Debian GNU/Linux" if version else None,
        "os_version": _DEBIAN.get(version.partition(".")[0]) if version else None,
        "mac_addresses": sorted({p.mac for p in ports if p.mac and p.kind == "physical"}) or None,
        **noted(None, config.get("description")),
    }
    addresses = sorted({(str(a.ip), str(a.network), p.name) for p in ports for a in p.addresses})
    measured = {key: {"used_ram_mb": used // 2**20 if used else None}}
    parse = partial(_parse_system, node, facts, addresses, version, known_as)
    return answer(key, [facts, addresses, version, known_as], parse, measured)


def disk_answers(node: str, disks: Sequence[Any], pools: Sequence[Any]) -> list[Answer]:
    """Return a node's disks with their health (pve-storage, Diskmanage), and its ZFS pools (API2/Disks/ZFS)."""
    owner, answers = node_key(node), []
    for entry in objects(disks):
        if path := text(entry.get("devpath")):
            serial = text(entry.get("serial"))
            facts = {
                "device_type": "disk",
                "model": (text(entry.get("model")) or "").replace("_", " ").strip() or None,
                "serial_number": None if serial in (None, "unknown") else serial,
                "capacity_gb": gigabytes(number(entry.get("size"))),
                "smart_status": _health(entry.get("health")),
            }
            answers.append(_device(owner, path, facts, {}))
    for entry in objects(pools):
        if name := text(entry.get("name")):
            facts = {
                "device_type": "zfs",
                "capacity_gb": gigabytes(number(entry.get("size"))),
                "health_status": (text(entry.get("health")) or "unknown").lower(),
            }
            spaces = {
                "used_gb": gigabytes(number(entry.get("alloc"))),
                "available_gb": gigabytes(number(entry.get("free"))),
            }
            answers.append(_device(owner, name, facts, spaces))
    return answers


def _device(owner: str, name: str, facts: Mapping[str, Any], measured: Mapping[str, Any]) -> Answer:
    key, named = f"{owner}/device/{name}", {"host_id": owner, "device_name": name}
    return answer(key, [named, facts], partial(say, key, StorageDevice, named, **facts), {key: measured})


def _health(value: Any) -> str:
    said = str(value).upper() if isinstance(value, str) else "UNKNOWN"
    return "failed" if said.startswith("FAIL") else _HEALTH.get(said, "unknown")


def _parse_system(
    node: str,
    facts: Mapping[str, Any],
    addresses: Sequence[tuple[str, str, str]],
    version: str | None,
    known_as: str | None,
) -> Said:
    key = node_key(node)
    said = say(key, Host, {"hostname": node}, **facts)
    if version:
        named = {"host_id": key, "service_name": "Proxmox VE", "protocol": "tcp", "port": _PORT}
        where = f"[{known_as}]" if known_as and ":" in known_as else known_as or node
        url = f"https://{where}:{_PORT}"
        said += say(f"{key}/api", Service, named, service_type="web", version=version, endpoint_url=url)
    for inner, network, port in addresses:
        places = {
            "host_id": key,
            "interface_id": interface_key(key, port),
            "network_id": network_key(network),
            "allocation_type": "static",
        }
        said += say(address_key(key, inner), IpAddress, {"ip_address": inner}, **places)
    return said


def _inner(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _members(entry: Mapping[str, Any]) -> list[str]:
    return [
        m
        for name in ("slaves", "ovs_bonds", "bridge_ports", "ovs_ports")
        for m in words(entry.get(name))
        if m != "none"
    ]


def _port(name: str, entry: Mapping[str, Any], bonds: Mapping[str, str], bridges: Mapping[str, str]) -> Port:
    kind = _TYPES[entry["type"]]
    dotted = re.fullmatch(r".+\.(\d{1,4})", name)
    tag = number(entry.get("vlan-id")) or number(entry.get("ovs_tag")) or (int(dotted[1]) if dotted else None)
    return Port(
        name,
        kind,
        tuple(sorted(_addresses(entry), key=str)),
        tuple(found for n in ("gateway", "gateway6") if (found := address(entry.get(n)))),
        tag if tag is not None and 0 < tag < 4095 else None,
        (text(entry.get("vlan-raw-device")) or name.rpartition(".")[0] or None) if kind == "vlan" else bonds.get(name),
        bridges.get(name) or text(entry.get("ovs_bridge")),
        tuple(_members(entry)) if kind in ("bridge", "bond") else (),
        number(entry.get("mtu")),
        bool(flag(entry.get("active"))),
        text(entry.get("comments"), 1000),
        _burnt_in(name, entry) if kind == "physical" else None,
    )


def _addresses(entry: Mapping[str, Any]) -> Iterator[Interface]:
    for whole, alone, mask in (("cidr", "address", "netmask"), ("cidr6", "address6", "netmask6")):
        found = interface(entry.get(whole)) or (entry.get(mask) and interface(entry.get(alone), entry.get(mask)))
        if found:
            yield found


def _burnt_in(name: str, entry: Mapping[str, Any]) -> str | None:
    """Return the hardware address that udev names an interface by (systemd.net-naming-scheme(7): enx…)."""
    others = entry.get("altnames")
    for other in [name, *(others if isinstance(others, list) else [])]:
        if isinstance(other, str) and (match := _BURNT_IN.fullmatch(other)):
            return mac(":".join(match[1][i : i + 2] for i in range(0, 12, 2)))
    return None


def _with_tag(port: Port, tags: Mapping[str, int | None]) -> Port:
    """Give a bridge with one tagged port that port's tag: `vmbr20` on `eno1.20` carries VLAN 20."""
    if port.kind != "bridge" or len(port.members) != 1 or port.vlan_id:
        return port
    (member,) = port.members
    dotted = re.fullmatch(r".+\.(\d{1,4})", member)
    tag = tags.get(member) or (int(dotted[1]) if dotted else None)
    return replace(port, vlan_id=tag) if tag else port
