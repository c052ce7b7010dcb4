"""Turns block devices, pools and mounts into storage devices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.linux import freebsd
from infradb.collectors.linux.blocks import Block, read_blocks
from infradb.collectors.linux.mounts import (
    BLOCKLESS_FILESYSTEMS,
    DISK_FILESYSTEMS,
    Mount,
    Space,
    first_mount,
    gigabytes,
    read_mounts,
)
from infradb.collectors.linux.parse_system import is_container
from infradb.collectors.linux.pools import Pool, btrfs_pools, lvm_volumes, md_arrays, zfs_pools
from infradb.collectors.linux.sections import Facts
from infradb.machines import is_junk, mount_source
from infradb.model.physical import StorageDevice
from infradb.observation import Observation

_SMART = {"smart_status": {"passed": bool}, "device": {"name": str}}
_TYPES = {"disk": "disk", "part": "partition", "md": "partition", "lvm": "lvm", "crypt": "crypt", "loop": "loop"}


@dataclass(slots=True)
class Device:
    """One storage device on its way to an observation."""

    name: str
    values: dict[str, Any]
    measured: dict[str, float] = field(default_factory=dict)
    parent: str = ""


def device_key(name: str) -> str:
    """Return the native key of a storage device."""
    return f"device/{name}"


def parse_storage(facts: Facts) -> tuple[list[Observation], dict[str, dict[str, float]]]:
    """Return the devices, what others lie on first, and the measured values by native key."""
    mounts, space = read_mounts(facts), Space(facts)
    if is_container(facts):
        devices = _in_container(read_blocks(facts), mounts, space)
    else:
        devices = _of_machine(facts, mounts, space)
    devices += _blockless(mounts, space)
    unique = {device.name: device for device in reversed(devices)}
    ordered = _parents_first(unique)
    observations = [_observe(device, unique) for device in ordered]
    return observations, {device_key(d.name): d.measured for d in ordered if d.measured}


def _of_machine(facts: Facts, mounts: Sequence[Mount], space: Space) -> list[Device]:
    blocks = freebsd.disks(facts) if freebsd.is_freebsd(facts) else read_blocks(facts)
    pools = btrfs_pools(facts)
    paths = {f"/dev/{block.kernel_name}": path for path, block in blocks.items()}
    for pool in pools.values():
        # sysfs knows /dev/dm-0, everybody else /dev/mapper/data.
        pool.members = sorted(paths.get(member, member) for member in pool.members)
    pooled = {member for pool in pools.values() for member in pool.members}
    # A member's own row says nothing about the mount: it is the pool's.
    own_mounts = [m for m in mounts if not (m.kind == "btrfs" and m.source in pooled)]
    devices = {path: _block_device(block, own_mounts, space) for path, block in blocks.items()}
    for path, array in md_arrays(facts).items():
        device = devices.setdefault(path, Device(path, {"device_type": "raid"}))
        _add_pool(device, array)
    for path, volume in lvm_volumes(facts).items():
        device = devices.setdefault(path, Device(path, {"device_type": "lvm"}))
        _add_volume(device, volume)
    found = list(devices.values())
    for name, pool in zfs_pools(facts).items():
        found.append(_pool_device(name, "zfs", pool))
    for name, pool in pools.items():
        found.append(_btrfs_device(name, pool, blocks, mounts, space))
    health = _smart(facts)
    for device in found:
        if device.name in health:
            device.values["smart_status"] = health[device.name]
    return found


def _block_device(block: Block, mounts: Iterable[Mount], space: Space) -> Device:
    values: dict[str, Any] = {
        "device_type": "raid" if block.kind.startswith(("raid", "linear")) else _TYPES.get(block.kind, "other"),
        "capacity_gb": gigabytes(block.size),
    }
    if block.kind == "disk":
        if not is_junk(block.model):
            values["model"] = " ".join(block.model.split())
        if not is_junk(block.serial):
            values["serial_number"] = block.serial
    device = Device(block.path, values, parent=block.parents[0] if len(block.parents) == 1 else "")
    mount = first_mount(m for m in mounts if m.source == block.path or (m.numbers == block.numbers and block.numbers))
    if mount is not None:
        values |= {"filesystem_type": mount.kind, "mount_point": mount.place}
        device.measured = space.of(mount)
    elif block.filesystem:
        values["filesystem_type"] = block.filesystem
    return device


def _add_pool(device: Device, pool: Pool) -> None:
    said = {"raid_level": pool.level, "raid_members": pool.members, "health_status": pool.health}
    device.values |= {name: value for name, value in said.items() if value}


def _add_volume(device: Device, volume: Pool) -> None:
    device.values["device_type"] = "lvm"
    if volume.size is not None:
        device.values["capacity_gb"] = gigabytes(volume.size)
    if volume.level:
        device.values |= {"raid_level": volume.level, "health_status": volume.health}
    device.measured = device.measured or volume.measured
    lies_on = sorted(set(volume.members))
    device.parent = volume.parent or (lies_on[0] if len(lies_on) == 1 else device.parent)


def _pool_device(name: str, kind: str, pool: Pool) -> Device:
    device = Device(name, {"device_type": kind, "filesystem_type": kind}, measured=pool.measured)
    if pool.size is not None:
        device.values["capacity_gb"] = gigabytes(pool.size)
    if pool.mount:
        device.values["mount_point"] = pool.mount
    _add_pool(device, pool)
    return device


def _btrfs_device(name: str, pool: Pool, blocks: dict[str, Block], mounts: Sequence[Mount], space: Space) -> Device:
    sizes = [block.size for block in blocks.values() if block.path in pool.members]
    pool.size = sum(sizes) if sizes else None
    mount = first_mount(m for m in mounts if m.kind == "btrfs" and m.source in pool.members)
    if mount is not None:
        pool.mount, pool.measured = mount.place, space.of(mount)
    return _pool_device(name, "btrfs", pool)


def _blockless(mounts: Sequence[Mount], space: Space) -> list[Device]:
    """Return what lies on no block device; its size is left out, that of a ZFS behind it never stands still."""
    devices: list[Device] = []
    sources = {m.source for m in mounts if m.kind in BLOCKLESS_FILESYSTEMS}
    for source in sorted(sources):
        mount = first_mount(m for m in mounts if m.source == source and m.kind in BLOCKLESS_FILESYSTEMS)
        if mount is None:
            continue
        values: dict[str, Any] = {
            "device_type": BLOCKLESS_FILESYSTEMS[mount.kind],
            "filesystem_type": mount.kind,
            "mount_point": mount.place,
        }
        branches = source.split(":")
        if mount.kind == "fuse.mergerfs" and all(branch.startswith("/") for branch in branches):
            values["raid_members"] = branches
        devices.append(Device(mount_source(source), values, measured=space.of(mount)))
    return devices


def _in_container(blocks: dict[str, Block], mounts: Sequence[Mount], space: Space) -> list[Device]:
    """Return what is mounted whole: the disks that a container sees are its host's."""
    devices: list[Device] = []
    for source in dict.fromkeys(m.source for m in mounts if m.kind in DISK_FILESYSTEMS):
        whole = [m for m in mounts if m.source == source and (m.root == "/" or m.place == "/")]
        if (mount := first_mount(whole)) is None:
            continue
        values: dict[str, Any] = {"filesystem_type": mount.kind, "mount_point": mount.place}
        if block := blocks.get(source):
            values |= _block_device(block, (), space).values
            values |= {"filesystem_type": mount.kind}
            values.pop("serial_number", None)
            values.pop("model", None)
        else:
            values["device_type"] = "zfs" if mount.kind == "zfs" else "other"
        devices.append(Device(source, values, measured=space.of(mount)))
    return devices


def _smart(facts: Facts) -> dict[str, str]:
    """Return the health of disks by path (smartctl(8)); one that sleeps is not asked."""
    health: dict[str, str] = {}
    for answer in facts.json_lines("smart", _SMART):
        status = answer.get("smart_status") or {}
        name = (answer.get("device") or {}).get("name")
        if name and isinstance(status.get("passed"), bool):
            health[str(name)] = "passed" if status["passed"] else "failed"
    return health


def _parents_first(devices: dict[str, Device]) -> list[Device]:
    ordered: dict[str, Device] = {}
    for name in sorted(devices):
        trail: list[str] = []
        while name in devices and name not in ordered and name not in trail:
            trail.append(name)
            name = devices[name].parent
        ordered.update((each, devices[each]) for each in reversed(trail))
    return list(ordered.values())


def _observe(device: Device, known: dict[str, Device]) -> Observation:
    values = {"host_id": "host", "device_name": device.name, **device.values}
    if device.parent in known:
        values["parent_device_id"] = device_key(device.parent)
    return Observation(device_key(device.name), StorageDevice.table, values)
