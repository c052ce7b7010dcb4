"""What is mounted where (proc(5), mountinfo), and how full it is (df(1))."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from infradb.collectors.linux.sections import Facts

DISK_FILESYSTEMS = frozenset(
    (
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "vfat", "msdos", "exfat", "ntfs", "ntfs3", "f2fs", "jfs",
        "reiserfs", "bcachefs", "hfsplus",
    )
)  # fmt: skip
BLOCKLESS_FILESYSTEMS = {
    "nfs": "nfs",
    "nfs4": "nfs",
    "cifs": "smb",
    "smb3": "smb",
    "smbfs": "smb",
    "fuse.mergerfs": "mergerfs",
    "ceph": "other",
    "9p": "other",
    "virtiofs": "other",
    "fuse.sshfs": "other",
    "fuse.glusterfs": "other",
    "fuse.rclone": "other",
    "ubifs": "other",
    "jffs2": "other",
}
"""File systems that lie on no block device of this machine -> device_type."""

# Mounts here come and go with containers; what runs them is asked for them.
_CONTAINERS_PLACES = ("/var/lib/docker/", "/var/lib/containers/", "/var/lib/containerd/", "/var/lib/kubelet/", "/snap/")
_DF_LINE = re.compile(r"^(?P<source>.*?)\s+(\d+|-)\s+(?P<used>\d+)\s+(?P<free>-?\d+)\s+(\d+%|-)\s+(?P<mount>/.*)$")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system."""

    numbers: str
    """Major and minor number of its device: `8:1`."""
    root: str
    """What of the file system is mounted: `/` unless it is a bind mount or a subvolume."""
    place: str
    kind: str
    source: str


def read_mounts(facts: Facts) -> list[Mount]:
    """Return the mounts in the order in which they were made, without those of containers."""
    mounts = []
    for line in facts.lines("mounts"):
        before, _, after = line.partition(" - ")
        where, what = before.split(" "), after.split(" ")
        if len(where) >= 5 and len(what) >= 2:
            mount = Mount(where[2], _plain(where[3]), _plain(where[4]), what[0], _plain(what[1]))
            if not mount.place.startswith(_CONTAINERS_PLACES):
                mounts.append(mount)
    return mounts


def first_mount(mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount by which a file system is known: the first of the whole, else the first of a part."""
    several = list(mounts)
    return next((m for m in several if m.root == "/"), several[0] if several else None)


class Space:
    """Used and available space, by mount point and by source."""

    def __init__(self, facts: Facts) -> None:
        self._by_place: dict[str, dict[str, float]] = {}
        self._by_source: dict[str, dict[str, float]] = {}
        for line in facts.lines("space"):
            if said := _DF_LINE.match(line):
                amounts = {
                    "used_gb": gigabytes(int(said["used"]) * 1024),
                    "available_gb": gigabytes(max(int(said["free"]), 0) * 1024),
                }
                self._by_place.setdefault(said["mount"], amounts)
                self._by_source.setdefault(said["source"], amounts)

    def of(self, mount: Mount) -> dict[str, float]:
        """Return `used_gb` and `available_gb` of a mount; nothing where df(1) did not say."""
        return self._by_place.get(mount.place) or self._by_source.get(mount.source) or {}


def gigabytes(size: float) -> float:
    """Return a number of bytes in GB (10^9 bytes), to the megabyte."""
    return round(size / 1e9, 3)


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
