"""Disks of virtual machines and mounts of containers, as configurations name them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.collectors.proxmox.values import flag, gigabytes, numbered, properties, words

_VM = ("scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "unused")
_LXC = ("mp", "unused")
_BOOTABLE = ("scsi", "virtio", "sata", "ide")


@dataclass(frozen=True, slots=True)
class Drive:
    """One disk or mount."""

    name: str
    """Its place: scsi0, efidisk0, unused0, rootfs, mp0."""
    raw: str
    """As configured."""
    volume: str
    """Volume `storage:name`, or the path of a device or folder of the node that is passed through."""
    options: Mapping[str, str]
    backup: bool
    """Whether backups hold it."""

    @property
    def storage(self) -> str | None:
        """Return the storage that holds it; None where something of the node is passed through."""
        return None if self.volume.startswith("/") else self.volume.partition(":")[0]

    @property
    def size_gb(self) -> float | None:
        """Return its size in GB."""
        return gigabytes(self.options.get("size"))

    @property
    def shown(self) -> dict[str, str]:
        """Return it as one object."""
        return {"volume": self.volume, **self.options}


def drives(kind: str, config: Mapping[str, str]) -> tuple[Drive, ...]:
    """Return the disks of a guest; no CD-ROM drives and no cloud-init images, which are CD-ROMs too (qm.conf(5)).

    `none,media=cdrom` is an empty drive, `unused0` a volume that is attached no more.
    """
    keys = ["rootfs", *numbered(dict(config), _LXC)] if kind == "lxc" else numbered(dict(config), _VM)
    found = (_drive(kind, key, config[key]) for key in keys if key in config)
    return tuple(drive for drive in found if drive)


def boot_drive(config: Mapping[str, str], found: Sequence[Drive]) -> str | None:
    """Return the disk that a virtual machine boots from: the first of `boot: order=…`, else `bootdisk` (before 6.3)."""
    names = {d.name for d in found}
    ordered = [n for n in words(properties(config.get("boot", ""), "legacy").get("order")) if n in names]
    candidates = [*ordered, config.get("bootdisk", "")]
    return next((n for n in candidates if n in names and n.startswith(_BOOTABLE)), None)


def volume_facts(drive: Drive) -> dict[str, Any]:
    """Return what is noted of a disk besides its storage."""
    return {
        "volume": drive.volume,
        "size_gb": drive.size_gb,
        "mount_point": "/" if drive.name == "rootfs" else drive.options.get("mp"),
        "backup": drive.backup,
    }


def _drive(kind: str, name: str, raw: str) -> Drive | None:
    options = properties(raw, "volume" if kind == "lxc" else "file")
    volume = options.pop("volume" if kind == "lxc" else "file", "")
    if not volume or volume in ("none", "cdrom") or options.get("media") == "cdrom":
        return None
    if not volume.startswith("/") and ":" not in volume:
        return None
    said = flag(options.get("backup"))
    unused = name.startswith("unused")
    # A virtual machine's disks are in its backups unless said otherwise, a container's mounts only where said.
    usual = not unused and (kind == "vm" or name == "rootfs")
    counts = usual if said is None or name == "rootfs" else said and not unused
    return Drive(name, raw, volume, options, counts and not volume.startswith("/") if kind == "lxc" else counts)
