"""Builds what the lab's machines are: hosts with their parts, guests, storages, cables, networks and ways."""

import ipaddress
from typing import Any

from infradb.importers.demo.derive import Meter, mac, start_of, uuid
from infradb.importers.demo.gather import Gathered, Part
from infradb.importers.demo.machines import CLUSTERS, GUESTS, MACHINES, SITES, TAGS
from infradb.importers.demo.shapes import Disk, Guest, Machine, Nic
from infradb.importers.demo.wiring import CABLES, FORWARDS, NETWORKS, RULES, STALE_ADDRESS, STORAGES
from infradb.model.network import FirewallRule, IpAddress, MacSighting, Network, NetworkRoute, Vlan
from infradb.model.physical import Host, Link, NetworkInterface, Site, StorageDevice
from infradb.model.proxmox import GuestDisk, ProxmoxContainer, ProxmoxStorage

_FIREWALL, _SWITCH = "opnsense", "sw-core"
_STALE_SINCE = "2024-03-02T18:20:00Z"
_LAST_BACKUP = "2026-11-20T02:{:02}:00Z"


def host_key(name: str) -> str:
    """Return the native key of a host."""
    return f"hosts/{name}"


def tell_hardware(gathered: Gathered, meter: Meter, instant: str) -> None:
    """Tell machines and networks, parents before children."""
    for name, values in SITES.items():
        gathered.tell((f"sites/{name}", Site(**values)))
    for machine in MACHINES:
        gathered.tell(*_machine(machine, meter))
    for switch, port, host, nic_name in CABLES:
        a, b = _nic_key(switch, port), _nic_key(host, nic_name)
        gathered.tell((f"links/{switch}/{port}", Link(interface_a_id=a, interface_b_id=b, kind="cable")))
    _tell_switch(gathered)
    for values in NETWORKS:
        gathered.tell((f"networks/{values['network_name']}", Network(**values)))
    for storage in STORAGES:
        gathered.tell(_storage(storage, meter))
    for guest in GUESTS:
        gathered.tell(_guest(guest), _guest_disk(guest))
    _tell_ways(gathered, instant)


def _tell_switch(gathered: Gathered) -> None:
    """Tell the VLANs of the core switch, and which hardware addresses it sees behind its cables."""
    for values in NETWORKS:
        vlan = Vlan(host_id=host_key(_SWITCH), vlan_id=values["vlan_id"], vlan_name=values["network_name"])
        gathered.tell((f"vlans/{_SWITCH}/{values['vlan_id']}", vlan))
    cards = {(m.name, n.name): _nic(m, n).mac_address for m in MACHINES for n in m.nics}
    for switch, port, host, nic_name in CABLES:
        seen = cards.get((host, nic_name))
        if switch == _SWITCH and seen:
            sighting = MacSighting(interface_id=_nic_key(switch, port), mac_address=seen, vlan_id=1)
            gathered.tell((f"mac_sightings/{switch}/{port}", sighting))


def _tell_ways(gathered: Gathered, instant: str) -> None:
    for machine in MACHINES:
        for nic in machine.nics:
            if nic.address:
                gathered.tell(_address(machine, nic, instant))
    for machine in MACHINES:
        for part in _routes(machine):
            gathered.tell(part)
    for number, rule in enumerate(RULES, 1):
        gathered.tell(_rule(number, rule))


def _machine(machine: Machine, meter: Meter) -> list[Part]:
    parts: list[Part] = [(host_key(machine.name), Host(**_host_values(machine, meter)))]
    parts += [(_nic_key(machine.name, nic.name), _nic(machine, nic)) for nic in machine.nics]
    parts += [(_disk_key(machine.name, disk.name), _disk(machine, disk, meter)) for disk in machine.disks]
    return parts


def _host_values(machine: Machine, meter: Meter) -> dict[str, Any]:
    values: dict[str, Any] = {"hostname": machine.name, "host_type": machine.kind, "status": "active", **machine.more}
    guest = next((g for g in GUESTS if g.name == machine.name), None)
    if guest:
        values |= {"parent_host_id": host_key(guest.node), "vmid": guest.vmid}
    else:
        values["site_id"] = "sites/nuremberg" if machine.kind == "cloud" else "sites/house"
    if machine.ram_mb:
        values |= {"total_ram_mb": machine.ram_mb, "cpu_cores": machine.cores}
    if machine.kind in ("physical", "vm", "lxc", "cloud") and "os_name" in values:
        values.setdefault("architecture", "x86_64")
    if machine.kind == "vm" or machine.name in ("pve1", "pve2", "nas", "pbs", "vps1"):
        values["smbios_uuid"] = uuid(machine.name)
    if values.get("is_docker_host"):
        values["docker_engine_id"] = uuid(f"engine {machine.name}")
    if machine.name in TAGS:
        values["tags"] = TAGS[machine.name]
    if values["status"] == "active" and machine.ram_mb:
        values["used_ram_mb"] = round(meter.share(machine.ram_mb, machine.used_ram))
        values["boot_time_at"] = start_of(machine.name)
    return values


def _nic(machine: Machine, nic: Nic) -> NetworkInterface:
    values: dict[str, Any] = {"link_status": "up" if nic.up else "down", **nic.more}
    if "parent" in values:
        values["parent_interface_id"] = _nic_key(machine.name, values.pop("parent"))
    if nic.mac:
        # A bridge or a VLAN has the address of what lies below it.
        below = nic.more.get("bridge_ports", [nic.more.get("parent", nic.name)])[0]
        values["mac_address"] = mac(f"{machine.name} {below}", machine.more.get("vendor"))
    if nic.speed:
        values["speed_mbps"] = nic.speed
    values.setdefault("mtu", 1500)
    return NetworkInterface(host_id=host_key(machine.name), interface_name=nic.name, interface_type=nic.kind, **values)


def _disk(machine: Machine, disk: Disk, meter: Meter) -> StorageDevice:
    values = dict(disk.more)
    if disk.parent:
        values["parent_device_id"] = _disk_key(machine.name, disk.parent)
    if disk.used is not None:
        used = round(meter.share(disk.capacity_gb, disk.used), 1)
        values |= {"used_gb": used, "available_gb": round(disk.capacity_gb - used, 1)}
    return StorageDevice(
        host_id=host_key(machine.name),
        device_name=disk.name,
        device_type=disk.kind,
        capacity_gb=disk.capacity_gb,
        **values,
    )


def _storage(row: tuple[str, str, str, str, list[str], float, float], meter: Meter) -> Part:
    cluster, node, name, kind, content, size_gb, used = row
    owner = {"host_id": host_key(node)} if node else {}
    entity = ProxmoxStorage(
        cluster=cluster,
        node=node,
        storage_name=name,
        storage_type=kind,
        content=content,
        shared=not node,
        enabled=True,
        total_gb=size_gb,
        used_gb=round(meter.share(size_gb, used), 1),
        **owner,
    )
    return f"proxmox_storages/{cluster}/{node or 'shared'}/{name}", entity


def _guest(guest: Guest) -> Part:
    cluster = CLUSTERS[guest.node]
    values: dict[str, Any] = {
        **guest.more,
        "auto_start": guest.auto_start,
        "template": guest.more.get("template", False),
    }
    prefix = "vm" if guest.kind == "vm" else "subvol"
    disk = f"{guest.storage}:{prefix}-{guest.vmid}-disk-0"
    if guest.kind == "vm":
        values |= {"boot_disk": "scsi0", "disks": {"scsi0": f"{disk},size={guest.size_gb}G,ssd=1,discard=on"}}
    else:
        values |= {"rootfs_storage": guest.storage, "rootfs_size_gb": guest.size_gb}
    if guest.start_order is not None:
        values["start_order"] = guest.start_order
    if guest.backup:
        values |= {"last_backup_at": _LAST_BACKUP.format(guest.vmid % 60), "last_backup_status": guest.backup}
    entity = ProxmoxContainer(
        host_id=host_key(guest.name),
        proxmox_host_id=host_key(guest.node),
        cluster=cluster,
        vmid=guest.vmid,
        container_type=guest.kind,
        **values,
    )
    return f"proxmox_containers/{cluster}/{guest.vmid}", entity


def _guest_disk(guest: Guest) -> Part:
    cluster = CLUSTERS[guest.node]
    place, prefix = ("scsi0", "vm") if guest.kind == "vm" else ("rootfs", "subvol")
    entity = GuestDisk(
        proxmox_container_id=f"proxmox_containers/{cluster}/{guest.vmid}",
        disk_name=place,
        proxmox_storage_id=f"proxmox_storages/{cluster}/{guest.node}/{guest.storage}",
        volume=f"{guest.storage}:{prefix}-{guest.vmid}-disk-0",
        size_gb=guest.size_gb,
        backup=guest.backup is not None,
    )
    return f"guest_disks/{cluster}/{guest.vmid}/{place}", entity


def _address(machine: Machine, nic: Nic, instant: str) -> Part:
    stale = nic.address == STALE_ADDRESS
    network = NETWORKS[0] if stale else _network_of(nic.address)
    entity = IpAddress(
        ip_address=nic.address,
        interface_id=_nic_key(machine.name, nic.name),
        host_id=host_key(machine.name),
        allocation_type="reserved" if machine.name == "ap-living" else "static",
        hostname=f"{machine.name}.kestrel.example",
        last_seen_at=_STALE_SINCE if stale else instant,
        **({"network_id": f"networks/{network['network_name']}"} if network else {}),
    )
    return f"ip_addresses/{nic.address}", entity


def _network_of(address: str) -> dict[str, Any] | None:
    return next((n for n in NETWORKS if ipaddress.ip_address(address) in ipaddress.ip_network(n["cidr"])), None)


def _routes(machine: Machine) -> list[Part]:
    routes: list[Part] = []
    for nic in machine.nics:
        network = _network_of(nic.address) if nic.address else None
        if network is None:
            continue
        key, host = f"network_routes/{machine.name}", host_key(machine.name)
        connected = NetworkRoute(
            host_id=host, destination_network=network["cidr"], interface_name=nic.name, route_type="connected"
        )
        routes.append((f"{key}/{network['cidr']}", connected))
        if machine.name != _FIREWALL:
            default = NetworkRoute(
                host_id=host,
                destination_network="default",
                gateway_ip=network["gateway"],
                gateway_host_id=host_key(_FIREWALL),
                interface_name=nic.name,
                route_type="default",
            )
            routes.append((f"{key}/default", default))
    return routes


def _rule(number: int, row: tuple[str, str, str, str, str, str, str, bool, str]) -> Part:
    interface, action, direction, protocol, source, destination, port, enabled, description = row
    native_id = uuid(f"rule {description}")
    nat = {"nat_to": FORWARDS[port]} if action == "nat" else {}
    entity = FirewallRule(
        firewall_host_id=host_key(_FIREWALL),
        native_id=native_id,
        chain=interface,
        rule_number=number,
        action=action,
        direction=direction,
        protocol=protocol,
        source_network=source,
        source_port="any",
        destination_network=destination,
        destination_port=port,
        interface=interface,
        enabled=enabled,
        description=description,
        **nat,
    )
    return f"firewall_rules/{_FIREWALL}/{native_id}", entity


def _nic_key(host: str, name: str) -> str:
    return f"network_interfaces/{host}/{name}"


def _disk_key(host: str, name: str) -> str:
    return f"storage_devices/{host}/{name.removeprefix('/dev/')}"
