"""Arrays, pools and volumes: md(4), ZFS, btrfs and LVM, each as one device over several."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infradb.collectors.linux.mounts import gigabytes
from infradb.collectors.linux.sections import Facts

_MD_ARRAY = re.compile(
    r"^(md\S+) : (active|inactive)(?: \((?:auto-)?read-only\))? ?(raid\d+|linear|multipath|faulty)? ?(.*)$"
)
_MD_MEMBER = re.compile(r"^([^\[\s]+)\[\d+\]((?:\([A-Z]\))*)$")
_LVS = {
    "report": [
        {
            "lv": [
                dict.fromkeys(
                    (
                        "lv_name", "vg_name", "lv_dm_path", "lv_size", "lv_layout", "pool_lv", "data_percent",
                        "lv_health_status", "devices",
                    ),
                    str,
                )
            ]
        }
    ]
}  # fmt: skip
_VDEV = re.compile(r"^(mirror|raidz\d?|draid\d?[:\w]*)-\d+$")
_OTHER_VDEVS = ("logs", "cache", "spares", "special", "dedup")


@dataclass(slots=True)
class Pool:
    """One array, pool or volume."""

    level: str = ""
    members: list[str] = field(default_factory=list)
    health: str = ""
    size: int | None = None
    """Bytes, where the pool itself knows."""
    parent: str = ""
    measured: dict[str, float] = field(default_factory=dict)
    mount: str = ""


def md_arrays(facts: Facts) -> dict[str, Pool]:
    """Return the arrays of /proc/mdstat by path; progress of a rebuild is left out, as it never stands still."""
    arrays: dict[str, Pool] = {}
    current: Pool | None = None
    for line in facts.lines("mdstat"):
        if said := _MD_ARRAY.match(line):
            members = [m for m in map(_MD_MEMBER.match, said[4].split()) if m]
            current = Pool(
                level=said[3] or "",
                members=sorted(f"/dev/{m[1]}" for m in members if "(F)" not in m[2]),
                health="online" if said[2] == "active" else "inactive",
            )
            arrays[f"/dev/{said[1]}"] = current
        elif current is not None:
            if (wanted := re.search(r"\[(\d+)/(\d+)\]", line)) and int(wanted[2]) < int(wanted[1]):
                current.health = "degraded"
            if current.health == "degraded" and re.search(r"\b(recovery|reshape) =", line):
                current.health = "rebuilding"
    return arrays


def zfs_pools(facts: Facts) -> dict[str, Pool]:
    """Return the pools of zpool(8) by name, with their usable space by zfs(8)."""
    pools: dict[str, Pool] = {}
    for line in facts.lines("zpool-list"):
        name, size, health = [*line.split("\t"), "", ""][:3]
        pools[name] = Pool(health=health.strip().lower(), size=int(size) if size.isdecimal() else None)
    for line in facts.lines("zfs-list"):
        name, used, available, mount = [*line.split("\t"), "", "", ""][:4]
        if name in pools and used.isdecimal() and available.isdecimal():
            pools[name].measured = {"used_gb": gigabytes(int(used)), "available_gb": gigabytes(int(available))}
            pools[name].mount = mount if mount.startswith("/") else ""
    for name, (levels, members) in _zfs_layout(facts.lines("zpool-status")).items():
        if name in pools:
            pools[name].level = "+".join(sorted(levels))
            pools[name].members = sorted(members)
    return pools


def _zfs_layout(lines: list[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Return kinds of data vdevs and leaf devices of each pool, by the indented tree of `zpool status`."""
    layout: dict[str, tuple[set[str], set[str]]] = {}
    pool, in_tree, in_data, in_vdev = "", False, True, False
    for line in lines:
        words = line.split()
        if words[0] == "pool:" and len(words) > 1:
            pool, in_tree = words[1], False
            layout[pool] = (set(), set())
        elif words[0] == "NAME" and pool:
            in_tree, in_data = True, True
        elif words[0] == "errors:":
            in_tree = False
        elif in_tree and words[0] != pool:
            depth = len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
            if words[0] in _OTHER_VDEVS:
                in_data = False
            elif in_data and (vdev := _VDEV.match(words[0])):
                layout[pool][0].add(vdev[1])
                in_vdev = True
            elif in_data and words[0].startswith("/"):
                # A disk directly below the pool (10 columns in) is striped.
                if not in_vdev or depth <= 10:
                    layout[pool][0].add("single")
                layout[pool][1].add(words[0])
    return layout


def btrfs_pools(facts: Facts) -> dict[str, Pool]:
    """Return the mounted btrfs file systems that lie on several devices, by label or UUID (sysfs, fs/btrfs)."""
    pools: dict[str, Pool] = {}
    for uuid, values in facts.table("btrfs").items():
        members = sorted(f"/dev/{name}" for name in values.get("device", []))
        missing = bool(values.get("missing"))
        if len(members) < 2 and not missing:
            continue
        label = values.get("label", [""])[0]
        name = label if label and label not in pools else uuid
        pools[name] = Pool(
            level="+".join(sorted(values.get("profile", []))),
            members=members,
            health="degraded" if missing else "online",
        )
    return pools


def lvm_volumes(facts: Facts) -> dict[str, Pool]:
    """Return the volumes of lvs(8) by path, also those that are not active now."""
    spoken = facts.json("lvs", _LVS)
    rows: list[Mapping[str, str]] = []
    for report in (spoken or {}).get("report", []):
        rows += [row for row in report.get("lv", []) if row.keys() >= {"lv_name", "vg_name"}]
    paths = {(row["vg_name"], row["lv_name"]): row["lv_dm_path"] for row in rows if row.get("lv_dm_path")}
    volumes: dict[str, Pool] = {}
    for row in rows:
        if not (path := row.get("lv_dm_path", "")):
            continue
        volume = volumes.setdefault(path, Pool())
        volume.size = int(row["lv_size"]) if row.get("lv_size", "").isdecimal() else None
        volume.members += [d.split("(")[0] for d in row.get("devices", "").split(",") if d.startswith("/")]
        if pool := row.get("pool_lv", ""):
            volume.parent = paths.get((row["vg_name"], pool), "")
        layout = row.get("lv_layout", "").split(",")
        raids = [word for word in layout if word.startswith("raid") and word != "raid"]
        if "raid" in layout or "mirror" in layout:
            volume.level = raids[0] if raids else "mirror"
            volume.health = row.get("lv_health_status") or "online"
        _measure_thin(volume, row, is_pool="pool" in layout)
    return volumes


def _measure_thin(volume: Pool, row: Mapping[str, str], *, is_pool: bool) -> None:
    try:
        share = float(row.get("data_percent") or "")
    except ValueError:
        return
    if volume.size is not None:
        used = volume.size * share / 100
        volume.measured = {"used_gb": gigabytes(used)}
        if is_pool:
            volume.measured["available_gb"] = gigabytes(volume.size - used)
