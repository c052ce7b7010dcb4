"""Turns what the kernel, the firmware and the operating system say into one host."""

from datetime import UTC, datetime
from typing import Any

from infradb.clock import to_instant
from infradb.collectors.linux.mounts import read_mounts
from infradb.collectors.linux.sections import Facts
from infradb.machine_id import machine_id_hash
from infradb.machines import is_junk, smbios_uuid, ssh_fingerprint

_APPLICATION_CONTAINERS = ("docker", "podman", "rkt", "proot", "pouch", "oci", "wsl", "systemd-nspawn", "openvz")
_SYSTEM_CONTAINERS = ("lxc", "lxc-libvirt")
_JAILS = ("jail",)
_MACHINES = ("kvm", "qemu", "bochs", "xen", "vmware", "virtualbox", "innotek", "microsoft corp", "bhyve", "google")
_NO_CLOCK_BEFORE = 978_307_200  # 2001: a machine without a battery for its clock starts in 1970
_NO_CLOCK_AFTER = 253_370_764_800  # the year 9999
_CLOCKS_AGREE = 60
"""Seconds by which the clock of another machine may differ from ours before its times are taken as off by that much."""
SYSTEM_SECTIONS = ("hostname", "kernel", "os-release", "boot", "processor", "memory", "virtualization", "firmware")


def virtualization(facts: Facts) -> str:
    """Return what the machine runs in, as systemd-detect-virt(1) names it; `none` on hardware, empty if unknown."""
    said = facts.fields("virtualization")
    # What started the container says more than the mark that Docker leaves in images.
    for label in ("run", "environ"):
        if label in said:
            return said[label]
    marks = [said[label] for label in ("file", "detect") if said.get(label)]
    if marks and not (marks[0] in ("docker", "podman") and _has_own_disk(facts)):
        return marks[0]
    if "cgroup" in said:
        return {"libpod": "podman"}.get(said["cgroup"], said["cgroup"])
    firmware = facts.fields("firmware")
    vendor = " ".join(firmware.get(label, "") for label in ("sys_vendor", "product_name", "tree-model")).lower()
    if "hypervisor" in said or any(word in vendor for word in _MACHINES) or "dummy-virt" in vendor:
        return "vm-other"
    return "none" if firmware else ""


def _has_own_disk(facts: Facts) -> bool:
    """Tell whether the root is a whole file system on a device, which no engine gives to a container.

    Machines made from a container's image (Firecracker, imported images) keep the mark /.dockerenv.
    """
    roots = [mount for mount in read_mounts(facts) if mount.place == "/"]
    return bool(roots) and roots[-1].root == "/" and roots[-1].source.startswith("/dev/")


def is_container(facts: Facts) -> bool:
    """Tell whether the machine shares its kernel with others, and so sees hardware that is not its own."""
    return virtualization(facts) in _SYSTEM_CONTAINERS + _APPLICATION_CONTAINERS + _JAILS


def machine_hash(facts: Facts) -> str | None:
    """Return the keyed hash of the machine's own machine-id; an application container has its image's, if any."""
    if virtualization(facts) in _APPLICATION_CONTAINERS:
        return None
    return machine_id_hash(facts.text("machine-id"))


def short_hostname(facts: Facts) -> str:
    """Return the machine's name without its domain; empty where it could not be read."""
    name = facts.text("hostname")
    return name.split(".")[0] or name


def parse_host(facts: Facts, management_ip: str | None) -> dict[str, Any]:
    """Return the values of the host; what nobody can know from inside is not among them."""
    kernel = facts.fields("kernel")
    release = _os_release(facts)
    processor = facts.fields("processor")
    cores = processor.get("count", "0")
    values: dict[str, Any] = {
        "hostname": short_hostname(facts),
        "status": "active",
        "host_type": _host_type(facts),
        "cpu_cores": int(cores) if cores.isdecimal() and int(cores) else None,
        "cpu_model": _cpu_model(processor),
        "total_ram_mb": _memory(facts).get("MemTotal"),
        "machine_id_hash": machine_hash(facts),
        "ssh_host_key": ssh_fingerprint(facts.lines("host-keys"), facts.host_key),
        "os_name": release.get("NAME"),
        "os_version": release.get("VERSION_ID"),
        "kernel": kernel.get("release"),
        "architecture": kernel.get("machine"),
        "boot_time_at": _boot_time(facts),
        "management_ip": management_ip,
        # A socket says that an engine runs; its absence says nothing, it may be somewhere else.
        "is_docker_host": True if facts.lines("docker-sockets") else None,
        "docker_engine_id": _engine_id(facts),
        **_firmware(facts),
    }
    return {name: value for name, value in values.items() if value is not None}


def measure_host(facts: Facts) -> dict[str, Any]:
    """Return the memory in use in MiB: MemTotal without MemAvailable (proc(5), meminfo)."""
    memory = _memory(facts)
    if "MemTotal" not in memory:
        return {}
    free = memory.get("MemAvailable", sum(memory.get(name, 0) for name in ("MemFree", "Buffers", "Cached")))
    return {"used_ram_mb": max(memory["MemTotal"] - free, 0)}


def boot_mark(facts: Facts) -> str:
    """Return what changes exactly when the machine or the container is started again, unlike the time of boot."""
    boot = facts.fields("boot")
    started = boot.get("boot_id") or (boot.get("btime", "") if "init" not in boot else "")
    return f"{started}/{boot.get('init', '')}/{_boot_time(facts) is None}"


def _host_type(facts: Facts) -> str | None:
    kind = virtualization(facts)
    if kind in _SYSTEM_CONTAINERS:
        return "lxc"
    if kind in ("", *_APPLICATION_CONTAINERS, *_JAILS):
        return None
    return "physical" if kind == "none" else "vm"


def _engine_id(facts: Facts) -> str | None:
    """Return what the running engine calls itself, as it keeps it in its folder; it is the ID of its `/info`."""
    lines = facts.lines("docker-engine")
    return lines[0].strip() if lines and facts.lines("docker-sockets") else None


def _os_release(facts: Facts) -> dict[str, str]:
    found = {}
    for line in facts.lines("os-release"):
        name, _, value = line.partition("=")
        found[name.strip()] = value.strip().strip("\"'")
    return {name: value for name, value in found.items() if value}


def _cpu_model(processor: dict[str, str]) -> str | None:
    for label in ("model name", "cpu model", "lscpu", "Hardware", "system type"):
        if model := processor.get(label):
            return " ".join(model.split())
    return None


def _memory(facts: Facts) -> dict[str, int]:
    """Return the fields of /proc/meminfo in MiB."""
    found = {}
    for line in facts.lines("memory"):
        name, _, rest = line.partition(":")
        amount = rest.split()
        if amount and amount[0].isdecimal():
            found[name] = int(amount[0]) // 1024
    return found


def _boot_time(facts: Facts) -> str | None:
    boot = facts.fields("boot")
    try:
        started = float(boot["btime"])
        if virtualization(facts) in _SYSTEM_CONTAINERS:
            # /proc/stat is its host's; the uptime is the container's own (lxcfs).
            started = float(boot["now"]) - float(boot["uptime"])
        if facts.asked_at is not None and abs(off := facts.asked_at - float(boot["now"])) > _CLOCKS_AGREE:
            started += off
        if not _NO_CLOCK_BEFORE <= started < _NO_CLOCK_AFTER:
            return None
        return to_instant(datetime.fromtimestamp(int(started), UTC))
    except (KeyError, ValueError, OverflowError):
        return None


def _firmware(facts: Facts) -> dict[str, Any]:
    """Return what the firmware says about the machine; a container is shown its host's."""
    if is_container(facts):
        return {}
    said = {name: " ".join(value.split()) for name, value in facts.fields("firmware").items() if not is_junk(value)}
    return {
        # Who builds a machine from parts has a board with a name and a system without.
        "vendor": said.get("sys_vendor") or said.get("board_vendor"),
        "model": said.get("product_name") or said.get("board_name") or said.get("tree-model"),
        "serial_number": said.get("product_serial") or said.get("tree-serial-number"),
        "smbios_uuid": smbios_uuid(said.get("product_uuid", "")),
    }
