"""What guests are: where they run and how they are configured (qm.conf(5), pct.conf(5))."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infradb.collectors.proxmox.drives import Drive, boot_drive, drives, volume_facts
from infradb.collectors.proxmox.keys import guest_key, interface_key, node_key, place_key, storage_key
from infradb.collectors.proxmox.nics import Nic
from infradb.collectors.proxmox.noted import noted
from infradb.collectors.proxmox.parse_cluster import Cluster, Guest
from infradb.collectors.proxmox.said import Said, answer, say
from infradb.collectors.proxmox.values import flag, number, objects, properties, text
from infradb.model.physical import Host, NetworkInterface
from infradb.model.proxmox import GuestDisk, ProxmoxContainer
from infradb.observation import Answer
from infradb.redaction import redact_json, redact_text

_SYSTEMS = {
    "alpine": "Alpine Linux", "archlinux": "Arch Linux", "debian": "Debian GNU/Linux", "devuan": "Devuan GNU/Linux",
    "fedora": "Fedora Linux", "gentoo": "Gentoo", "nixos": "NixOS", "ubuntu": "Ubuntu",
}  # fmt: skip
"""ostype of a container (pct.conf(5)) -> NAME of its os-release."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "x86_64": "x86_64", "aarch64": "aarch64"}
_DEFAULT_MEMORY = 512
# Logins, keys and scripts; and what changes by itself.
_NEVER = frozenset({"cipassword", "ciuser", "sshkeys", "digest", "args", "env", "lxc", "lock", "vmstate", "snaptime"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """A guest's configuration as far as it is read."""

    guest: Guest
    raw: Mapping[str, str]
    nics: tuple[Nic, ...]
    drives: tuple[Drive, ...]
    snapshots: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what the guest is called."""
        own = text(self.raw.get("name" if self.guest.kind == "vm" else "hostname"), 253)
        return own or self.guest.name or f"{'VM' if self.guest.kind == 'vm' else 'CT'}{self.guest.vmid}"

    @property
    def macs(self) -> list[str]:
        """Return the hardware addresses that the hypervisor gave to the guest."""
        return sorted({nic.mac for nic in self.nics if nic.mac})

    @property
    def uuid(self) -> str | None:
        """Return the SMBIOS UUID of a virtual machine; a container shows its node's."""
        if self.guest.kind != "vm":
            return None
        found = text(properties(self.raw.get("smbios1", "")).get("uuid"))
        return found.lower() if found else None

    @property
    def asks_agent(self) -> bool:
        """Tell whether a guest agent is said to run in a virtual machine."""
        return bool(flag(properties(self.raw.get("agent", ""), "enabled").get("enabled")))


def read_configuration(guest: Guest, raw: Mapping[str, Any], snapshots: Sequence[Any]) -> Configuration:
    """Understand a guest's configuration as the API gives it; secrets, scripts and locks are left out."""
    config = {str(n): v for n, value in raw.items() if n not in _NEVER and (v := text(value, 60_000)) is not None}
    config |= {n: redact_text(config[n]) for n in ("description", "tags") if n in config}
    taken = [(number(s.get("snaptime")) or 0, name) for s in objects(snapshots) if (name := text(s.get("name")))]
    names = tuple(name for _, name in sorted(taken) if name != "current")
    return Configuration(guest, config, Nic.read_all(guest.kind, config), drives(guest.kind, config), names)


@dataclass(frozen=True, slots=True)
class Besides:
    """What else goes into a guest's answer, so that one guest is one answer and one change of it one update."""

    system: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the host that its own system told."""
    backup: Mapping[str, Any] = field(default_factory=dict)
    """Fields of its place that tell of the last backup."""
    firewall_enabled: bool | None = None


def guest_answer(config: Configuration, cluster: Cluster, shared: frozenset[str], besides: Besides) -> Answer:
    """Return a guest: the machine, its place in the cluster, its disks and interfaces.

    `shared` names the storages that are the same on every node.
    """
    guest, key = config.guest, guest_key(config.guest.vmid)
    machine = {"status": guest.status, "parent_host_id": node_key(guest.node), **_machine(config)}
    machine |= noted(config.raw.get("tags"), config.raw.get("description")) | dict(besides.system)
    place = _vm(config) if guest.kind == "vm" else _container(config)
    place |= {**_common(config), "pool": guest.pool, "firewall_enabled": besides.firewall_enabled, **besides.backup}
    named = {
        "host_id": key,
        "proxmox_host_id": node_key(guest.node),
        "vmid": guest.vmid,
        "container_type": guest.kind,
        **({"cluster": cluster.name} if cluster.name else {}),
    }
    disks, nics = [d.raw for d in config.drives], [n.facts for n in config.nics]
    raw = [config.name, machine, named, place, disks, nics, sorted(shared)]
    parse = partial(_parse, config, machine, named, place, shared)
    return answer(key, raw, parse, {key: {"used_ram_mb": guest.used_ram_mb}}, whole=True)


def _machine(config: Configuration) -> dict[str, Any]:
    raw = config.raw
    cores, sockets = number(raw.get("cores")), number(raw.get("sockets")) or 1
    if config.guest.kind == "vm":
        cores = number(raw.get("vcpus")) or (cores or 1) * sockets
    memory = number(properties(raw.get("memory", ""), "current").get("current"))
    return {
        "smbios_uuid": config.uuid,
        "mac_addresses": config.macs or None,
        "cpu_cores": cores,
        "total_ram_mb": memory or _DEFAULT_MEMORY,
        "os_name": _SYSTEMS.get(raw.get("ostype", "")) if config.guest.kind == "lxc" else None,
        "architecture": _MACHINES.get(raw.get("arch", "")),
    }


def _common(config: Configuration) -> dict[str, Any]:
    raw = config.raw
    startup = properties(raw.get("startup", ""), "order")
    return {
        "os_type": raw.get("ostype"),
        "nics": [nic.shown for nic in config.nics] or None,
        "auto_start": bool(flag(raw.get("onboot"))),
        "start_order": number(startup.get("order")),
        "snapshots": list(config.snapshots) or None,
        "template": bool(flag(raw.get("template"))),
    }


def _vm(config: Configuration) -> dict[str, Any]:
    boots = boot_drive(config.raw, config.drives)
    others = {d.name: redact_json(d.shown) for d in config.drives if d.name != boots}
    return {"vm_type": "qemu", "boot_disk": boots, "disks": others or None}


def _container(config: Configuration) -> dict[str, Any]:
    features = properties(config.raw.get("features", ""))
    root = next((d for d in config.drives if d.name == "rootfs"), None)
    mounts = {d.name: redact_json(d.shown) for d in config.drives if d.name.startswith("mp")}
    return {
        "unprivileged": bool(flag(config.raw.get("unprivileged"))),
        "rootfs_storage": root.storage if root else None,
        "rootfs_size_gb": root.size_gb if root else None,
        "mount_points": mounts or None,
        "nesting": bool(flag(features.get("nesting"))),
        "keyctl": bool(flag(features.get("keyctl"))),
    }


def _parse(
    config: Configuration,
    machine: Mapping[str, Any],
    named: Mapping[str, Any],
    place: Mapping[str, Any],
    shared: frozenset[str],
) -> Said:
    guest, key, there = config.guest, guest_key(config.guest.vmid), place_key(config.guest.vmid)
    said = say(key, Host, {"hostname": config.name, "host_type": guest.kind, "vmid": guest.vmid}, **machine)
    said += say(there, ProxmoxContainer, named, **place)
    for drive in config.drives:
        facts = volume_facts(drive)
        if drive.storage:
            facts["proxmox_storage_id"] = storage_key(drive.storage, "" if drive.storage in shared else guest.node)
        disk = {"proxmox_container_id": there, "disk_name": drive.name}
        said += say(f"{key}/disk/{drive.name}", GuestDisk, disk, **facts)
    for nic in config.nics:
        port = {"host_id": key, "interface_name": nic.system_name}
        said += say(interface_key(key, nic.name), NetworkInterface, port, **nic.facts)
    return said
