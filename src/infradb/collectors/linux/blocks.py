"""The machine's block devices as raw facts, from lsblk(8) or, where that is missing, from sysfs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.linux.sections import Facts

# Memory, empty drives, flash without a file system, and a ZFS volume's number, which changes at every import.
_NO_STORAGE = re.compile(r"^(ram|zram|sr|fd|mtdblock|zd)\d|^mmcblk\d+(boot\d|rpmb)|^(loop|nbd)\d+$")
# Parts that LVM makes volumes of (lvmthin(7), lvmraid(7)).
_LVM_PART = re.compile(
    r"(_tmeta|_tdata|-tpool|_rimage_\d+|_rmeta_\d+|_mimage_\d+|_mlog|_cdata|_cmeta|_corig|_vdata|_vorigin|_pmspare|"
    r"-real|-cow)$"
)
_DEVICE: dict[str, Any] = {
    "name": str, "kname": str, "maj:min": str, "type": str, "size": (int, str), "fstype": str, "model": str,
    "serial": str,
}  # fmt: skip
_DEVICE["children"] = [_DEVICE]
_LSBLK = {"blockdevices": [_DEVICE]}
_SECTOR = 512
_DM_TYPES = {"LVM": "lvm", "CRYPT": "crypt", "mpath": "mpath"}


@dataclass(slots=True)
class Block:
    """One block device."""

    path: str
    """Path of the device: `/dev/sda1`, `/dev/mapper/pve-root`."""
    kernel_name: str
    numbers: str
    kind: str
    """Type as lsblk(8) calls it: disk, part, raid1, lvm, crypt, loop."""
    size: int
    """Bytes."""
    filesystem: str = ""
    model: str = ""
    serial: str = ""
    backing_file: str = ""
    parents: list[str] = field(default_factory=list)
    """Paths of the devices that it lies on."""


def read_blocks(facts: Facts) -> dict[str, Block]:
    """Return the block devices by path, those that others lie on first, without what is no storage."""
    table = facts.table("block-devices")
    if unsized := [name for name, values in table.items() if not _sectors(values.get("size"))]:
        facts.malformed["block-devices"] = f"says no size of {', '.join(unsized[:3])}"
    spoken = facts.json("lsblk", _LSBLK)
    blocks: dict[str, Block] = {}
    if isinstance(spoken, dict):
        for entry, parent in _walk(spoken.get("blockdevices") or [], ""):
            _add_entry(blocks, entry, parent)
    else:
        _add_from_sysfs(blocks, table)
    for block in blocks.values():
        values = table.get(block.kernel_name, {})
        block.backing_file = values.get("loop/backing_file", [""])[0]
        block.model = block.model or values.get("device/model", [""])[0].strip()
        block.serial = block.serial or (values.get("serial") or values.get("device/serial") or [""])[0].strip()
    for path in [path for path, block in blocks.items() if _is_none(block)]:
        if path in blocks:  # a partition may have gone with its disk
            _remove(blocks, path)
    return blocks


def _walk(entries: list[dict[str, Any]], parent: str) -> Iterator[tuple[dict[str, Any], str]]:
    for entry in entries:
        yield entry, parent
        yield from _walk(entry.get("children") or [], str(entry.get("name") or ""))


def _add_entry(blocks: dict[str, Block], entry: dict[str, Any], parent: str) -> None:
    path = str(entry.get("name") or "")
    if not path:
        return
    if path not in blocks:
        blocks[path] = Block(
            path=path,
            kernel_name=str(entry.get("kname") or path).removeprefix("/dev/"),
            numbers=str(entry.get("maj:min") or "").strip(),
            kind=str(entry.get("type") or "disk"),
            size=_bytes(entry.get("size")),
            filesystem=str(entry.get("fstype") or ""),
            model=str(entry.get("model") or "").strip(),
            serial=str(entry.get("serial") or "").strip(),
        )
    if parent and parent not in blocks[path].parents:
        blocks[path].parents.append(parent)


def _bytes(said: int | str | None) -> int:
    """Return a size as lsblk(8) prints it: a number, before util-linux 2.33 as text."""
    return int(said) if isinstance(said, int) or (said or "").isdecimal() else 0  # type: ignore[arg-type]


def _sectors(said: Sequence[str] | None) -> str:
    return said[0] if said and said[0].isdecimal() and len(said[0]) < 19 else ""


def _is_none(block: Block) -> bool:
    if block.size == 0 or block.kind == "rom":
        return True
    if block.backing_file:
        return "/snapd/" in block.backing_file or block.filesystem == "squashfs"
    return bool(_NO_STORAGE.match(block.kernel_name) or _LVM_PART.search(block.path))


def _remove(blocks: dict[str, Block], path: str) -> None:
    """Take a device away; what lies on it then lies on what it lay on, unless it is a device by itself."""
    gone = blocks.pop(path)
    for block in list(blocks.values()):
        if path in block.parents:
            block.parents = [p for p in block.parents if p != path]
            block.parents += [p for p in gone.parents if p not in block.parents]
            if block.kind == "part":
                _remove(blocks, block.path)


def _add_from_sysfs(blocks: dict[str, Block], table: dict[str, dict[str, list[str]]]) -> None:
    paths: dict[str, str] = {}
    for name, values in table.items():
        mapped = values.get("dm/name", [""])[0]
        paths[name] = f"/dev/mapper/{mapped}" if mapped else f"/dev/{name}"
        for part in values.get("partition", []):
            paths[part.split(" ")[0]] = f"/dev/{part.split(' ')[0]}"
    for name, values in table.items():
        kind = "loop" if name.startswith("loop") else "raid" if re.match(r"md\d", name) else "disk"
        if "dm/name" in values:
            kind = _DM_TYPES.get(values.get("dm/uuid", [""])[0].split("-")[0], "dm")
        blocks[paths[name]] = Block(
            path=paths[name],
            kernel_name=name,
            numbers=values.get("dev", [""])[0],
            kind=kind,
            size=int(_sectors(values.get("size")) or 0) * _SECTOR,
            parents=[paths[below] for below in values.get("slave", []) if below in paths],
        )
        for part in values.get("partition", []):
            part_name, _, size = part.partition(" ")
            blocks[paths[part_name]] = Block(
                path=paths[part_name],
                kernel_name=part_name,
                numbers="",
                kind="part",
                size=int(_sectors([size]) or 0) * _SECTOR,
                parents=[paths[name]],
            )
