"""Guests of a Proxmox cluster and the storages they lie on."""

from typing import Annotated, Literal

from infradb.model.entity import Entity, Measured, Runtime, key
from infradb.model.types import (
    Count,
    HostId,
    Instant,
    JsonList,
    JsonValue,
    Name,
    OwningHostId,
    OwningProxmoxContainerId,
    ProxmoxStorageId,
    Size,
    Text,
    Vmid,
)

VM_ONLY = ("vm_type", "boot_disk")
LXC_ONLY = ("os_template", "unprivileged", "rootfs_storage", "rootfs_size_gb", "mount_points", "nesting", "keyctl")


def _null(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{c} IS NULL" for c in columns)


class ProxmoxContainer(Entity):
    """The virtualization side of a guest: a virtual machine or an LXC container of a Proxmox cluster."""

    table = "proxmox_containers"
    named_by = ("proxmox_host_id", "vmid")
    natural_keys = (key("cluster", "vmid", unique=True),)
    adopted_by = key("proxmox_host_id", "vmid", "container_type")
    short_names = ("guests", "vms")
    grace_seconds = 3600
    listed = ("vmid", "host_id", "container_type", "proxmox_host_id", "cluster", "os_type", "auto_start", "start_order")
    indexes = (("host_id",), ("proxmox_host_id",))
    constraints = {
        "vm_columns": f"container_type = 'vm' OR ({_null(VM_ONLY)})",
        "lxc_columns": f"container_type = 'lxc' OR ({_null(LXC_ONLY)})",
    }

    host_id: OwningHostId
    """The guest itself, as a host."""

    proxmox_host_id: HostId
    """Node that it runs on."""

    cluster: Name = "default"
    """Cluster that the number is unique in; of a lone node its own name."""

    vmid: Vmid
    """Number of the guest."""

    container_type: Literal["vm", "lxc"]
    """Virtual machine or container."""

    vm_type: Literal["qemu", "kvm"] | None = None
    """Hypervisor of a virtual machine."""

    os_type: Text | None = None
    """Operating system as the configuration names it."""

    os_template: Text | None = None
    """Template that a container was made from."""

    unprivileged: bool | None = None
    """Whether a container runs in its own user namespace."""

    boot_disk: Text | None = None
    """Disk that a virtual machine boots from."""

    disks: JsonValue | None = None
    """Disks of a virtual machine besides the boot disk, as configured."""

    rootfs_storage: Text | None = None
    """Storage that holds a container's root file system."""

    rootfs_size_gb: Size | None = None
    """Size of a container's root file system in GB."""

    mount_points: JsonValue | None = None
    """Further mounts of a container, as configured."""

    nics: JsonValue | None = None
    """Network interfaces, as configured."""

    nesting: bool | None = None
    """Whether a container may run containers."""

    keyctl: bool | None = None
    """Whether a container may use keyctl(2)."""

    auto_start: bool | None = None
    """Whether it starts with its node."""

    start_order: Count | None = None
    """Place in the order of start."""

    template: bool | None = None
    """Whether it is a template for others."""

    pool: Text | None = None
    """Resource pool that it belongs to."""

    ha_state: Text | None = None
    """State that the high availability manager is asked to keep: started, stopped, ignored, disabled."""

    ha_group: Text | None = None
    """Nodes that it may run on, as the name of the group or affinity rule."""

    snapshots: JsonList | None = None
    """Names of its snapshots, oldest first."""

    firewall_enabled: bool | None = None
    """Whether its firewall is in force."""

    last_backup_at: Annotated[Instant | None, Runtime()] = None
    """When its last backup ended."""

    last_backup_status: Annotated[Text | None, Runtime()] = None
    """How its last backup ended."""


class ProxmoxStorage(Entity):
    """A storage that guests' disks lie on."""

    table = "proxmox_storages"
    named_by = ("cluster", "storage_name")
    natural_keys = (key("cluster", "node", "storage_name", unique=True),)
    listed = ("storage_name", "cluster", "node", "storage_type", "total_gb", "used_gb", "shared")
    grace_seconds = 3600
    indexes = (("host_id",),)

    cluster: Name = "default"
    """Cluster that it is defined in."""

    node: Text = ""
    """Node that it belongs to; empty where it is shared."""

    storage_name: Name
    """What it is called."""

    host_id: HostId | None = None
    """Node that it belongs to, as a host."""

    storage_type: Text | None = None
    """Plug-in: dir, zfspool, lvmthin, nfs, rbd, pbs …"""

    content: JsonList | None = None
    """What it may hold: images, rootdir, backup, iso, vztmpl, snippets."""

    shared: bool | None = None
    """Whether all nodes see the same content."""

    enabled: bool | None = None
    """Whether it is in use."""

    total_gb: Annotated[Size | None, Measured(dead_band=0.02)] = None
    """Size in GB (10^9 bytes); measured, because that of a data set or a share moves with whatever lies beside it."""

    used_gb: Annotated[Size | None, Measured(dead_band=0.02)] = None
    """Used space in GB (10^9 bytes)."""


class GuestDisk(Entity):
    """A disk of a guest and the storage that it lies on."""

    table = "guest_disks"
    named_by = ("proxmox_container_id", "disk_name")
    natural_keys = (key("proxmox_container_id", "disk_name", unique=True),)
    listed = ("proxmox_container_id", "disk_name", "proxmox_storage_id", "volume", "size_gb", "backup")
    grace_seconds = 3600
    indexes = (("proxmox_storage_id",),)

    proxmox_container_id: OwningProxmoxContainerId
    """Guest that has it."""

    disk_name: Name
    """Its place in the configuration: scsi0, rootfs, mp0."""

    proxmox_storage_id: ProxmoxStorageId | None = None
    """Storage that holds it; none where a device or a folder of the node is passed through."""

    volume: Text | None = None
    """Volume as the configuration names it: local-zfs:vm-101-disk-0."""

    size_gb: Size | None = None
    """Size in GB (10^9 bytes)."""

    mount_point: Text | None = None
    """Where a container mounts it."""

    backup: bool | None = None
    """Whether backups hold it."""
