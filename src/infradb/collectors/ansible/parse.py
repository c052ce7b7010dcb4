"""What Ansible's facts say about a machine (ansible.builtin.setup, ansible-core 2.14 to 2.19). Pure."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from infradb.collectors.ansible.parse_network import hardware_addresses, parse_network
from infradb.errors import SourceMalformed
from infradb.machine_id import machine_id_hash
from infradb.machines import is_junk, mount_source, smbios_uuid, ssh_fingerprint, storage_kind
from infradb.model.physical import Host, StorageDevice
from infradb.observation import Answer, Observation, Rejected, answer_of, observed

PARSER_VERSION = 1
"""Raised whenever the same facts are to be understood in another way."""

_APPLICATION_CONTAINERS = ("docker", "podman", "container", "containerd", "oci", "wsl", "systemd-nspawn", "openvz")
_LONG_NAMES = {
    "Alpine": "Alpine Linux",
    "Archlinux": "Arch Linux",
    "CentOS": "CentOS Linux",
    "Debian": "Debian GNU/Linux",
    "Fedora": "Fedora Linux",
    "RedHat": "Red Hat Enterprise Linux",
    "Rocky": "Rocky Linux",
}
_PREFIX_OF_CACHE = re.compile(r"^s\d+_")
# Mounts here come and go with containers; what runs them is asked for them.
_CONTAINERS_PLACES = ("/var/lib/docker/", "/var/lib/containers/", "/var/lib/kubelet/", "/snap/", "/etc/")

Facts = Mapping[str, Any]


def read_facts(content: Any, name: str) -> dict[str, Any]:
    """Return the facts that a file holds, without the prefix `ansible_` of their names.

    A file is what `gather_facts` cached (ansible-core 2.19 wraps that as JSON in `__payload__`), or what `ansible -m
    setup --tree` wrote. Raises `SourceMalformed` where it holds no facts of a machine.
    """
    if isinstance(content, Mapping) and isinstance(content.get("__payload__"), str):
        try:
            content = orjson.loads(content["__payload__"])
        except orjson.JSONDecodeError:
            content = None
    if isinstance(content, Mapping) and isinstance(content.get("ansible_facts"), Mapping):
        content = content["ansible_facts"]
    facts = {str(n).removeprefix("ansible_"): v for n, v in content.items()} if isinstance(content, Mapping) else {}
    if not _text(facts, "hostname", "nodename"):
        hint = "is it a file of a fact cache, and was `gather_subset` not switched off?"
        raise SourceMalformed(f"{name} holds no facts of a machine", hint=hint)
    return facts


def gathered_at(facts: Facts, changed_at: float, now: float) -> float:
    """Return when the facts were gathered, by the machine's own clock unless that is off, else by the file's time."""
    date = facts.get("date_time")
    try:
        own = float(date["epoch"]) if isinstance(date, Mapping) else changed_at
    except (KeyError, TypeError, ValueError, OverflowError):
        own = changed_at
    # A clock that runs ahead or never was set says nothing about age.
    return own if 10**9 < own <= now + 86400 else changed_at


def parse_facts(facts: Facts, name: str, *, whole: bool = True, fresh: bool = True) -> Answer:
    """Return what the facts say: the host, its interfaces, networks, addresses and mounted storage.

    Facts that are not `fresh` measure nothing any more: others know better.
    """
    host = f"host/{_PREFIX_OF_CACHE.sub('', name).removesuffix('.json').removesuffix('.yml').removesuffix('.yaml')}"
    kind = _virtualization(facts)
    storage, measured = _storage(facts, host)
    said = [*observed(host, Host, _host(facts, kind)), *parse_network(facts, host), *storage]
    if not isinstance(said[0], Observation):  # without its host nothing has a place
        return answer_of([said[0]], PARSER_VERSION)
    used = _used_memory(facts)
    if used is not None:
        measured[host] = {"used_ram_mb": used}
    return answer_of(said, PARSER_VERSION, measured if fresh else {}, whole=whole)


def _text(facts: Facts, *names: str) -> str:
    """Return the first of the facts that is a text and says something."""
    for name in names:
        value = facts.get(name)
        if isinstance(value, str) and not is_junk(value):
            return " ".join(value.split())
    return ""


def _number(value: Any, most: float = 2**53) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= most else None


def _virtualization(facts: Facts) -> str:
    """Return `physical`, `vm`, `lxc`, `container`, or nothing where nobody can tell."""
    kind, role = str(facts.get("virtualization_type") or ""), str(facts.get("virtualization_role") or "")
    guest = facts.get("virtualization_tech_guest")
    techs = {kind, *map(str, guest)} if isinstance(guest, list) else {kind}
    if role == "guest" and techs & {"lxc", "lxc-libvirt"}:
        return "lxc"
    if role == "guest" and techs & set(_APPLICATION_CONTAINERS):
        # Machines made from an image keep the mark /.dockerenv; no engine gives a whole disk to a container.
        roots = [m for m in _mounts(facts) if m.get("mount") == "/" and str(m.get("device")).startswith("/dev/")]
        return "vm" if roots else "container"
    if role == "guest":
        return "vm"
    return "physical" if role in ("host", "NA") else ""


def _host(facts: Facts, kind: str) -> dict[str, Any]:
    name = _text(facts, "hostname", "nodename")
    keys = [
        f"{facts.get(f'ssh_host_key_{k}_public_keytype') or t} {facts.get(f'ssh_host_key_{k}_public')}"
        for k, t in (("ed25519", "ssh-ed25519"), ("ecdsa", "ecdsa-sha2-nistp256"), ("rsa", "ssh-rsa"))
        if isinstance(facts.get(f"ssh_host_key_{k}_public"), str)
    ]
    route, system = facts.get("default_ipv4"), _os_name(facts)
    is_debian = system == "Debian GNU/Linux"
    values = {
        "hostname": name.split(".")[0] or name,
        "host_type": kind if kind != "container" else None,
        "management_ip": route.get("address") if isinstance(route, Mapping) else None,
        "cpu_cores": _number(facts.get("processor_vcpus")),
        "cpu_model": _cpu_model(facts.get("processor")),
        "total_ram_mb": _number(facts.get("memtotal_mb")),
        "machine_id_hash": machine_id_hash(str(facts.get("machine_id"))) if kind != "container" else None,
        "ssh_host_key": ssh_fingerprint(keys),
        "os_name": system,
        # Debian's VERSION_ID has no minor number, Ansible's has.
        "os_version": _text(facts, "distribution_major_version" if is_debian else "distribution_version"),
        "kernel": _text(facts, "kernel"),
        "architecture": _text(facts, "architecture"),
        # A container is shown the firmware of its host.
        **(_firmware(facts) if kind in ("physical", "vm") else {}),
    }
    if kind == "vm":
        values["mac_addresses"] = hardware_addresses(facts)
    return {n: v for n, v in values.items() if v}


def _cpu_model(processors: Any) -> str | None:
    """Return the model from a list of number, vendor and model for each processor; elsewhere of models alone."""
    names = [p for p in processors if isinstance(p, str)] if isinstance(processors, list) else []
    if len(names) >= 3 and names[0].isdigit():
        return " ".join(names[2].split())
    return next((" ".join(n.split()) for n in names if " " in n), None)


def _os_name(facts: Facts) -> str:
    """Return the name as os-release(5) has it where Ansible's own is a shorter one, so that sources agree."""
    name = _text(facts, "distribution")
    return _LONG_NAMES.get(name, name)


def _firmware(facts: Facts) -> dict[str, Any]:
    return {
        "vendor": _text(facts, "system_vendor", "board_vendor"),
        "model": _text(facts, "product_name", "board_name"),
        "serial_number": _text(facts, "product_serial"),
        "smbios_uuid": smbios_uuid(_text(facts, "product_uuid")),
    }


def _used_memory(facts: Facts) -> int | None:
    """Return the memory in use without caches, in MiB."""
    memory = facts.get("memory_mb")
    without_caches = memory.get("nocache") if isinstance(memory, Mapping) else None
    return _number(without_caches.get("used")) if isinstance(without_caches, Mapping) else None


def _mounts(facts: Facts) -> list[Mapping[str, Any]]:
    mounts = facts.get("mounts")
    return [m for m in mounts if isinstance(m, Mapping)] if isinstance(mounts, list) else []


def _storage(facts: Facts, host: str) -> tuple[list[Observation | Rejected], dict[str, dict[str, Any]]]:
    """Return each mounted source once, by the mount with the shortest path."""
    found: dict[str, Mapping[str, Any]] = {}
    for mount in sorted(_mounts(facts), key=lambda m: str(m.get("mount"))):
        device, place = mount.get("device"), mount.get("mount")
        if isinstance(device, str) and isinstance(place, str) and not place.startswith(_CONTAINERS_PLACES):
            found.setdefault(mount_source(device), mount)
    said: list[Observation | Rejected] = []
    measured: dict[str, dict[str, Any]] = {}
    for device, mount in found.items():
        filesystem = str(mount.get("fstype") or "")
        kind = storage_kind(device, filesystem)
        values = {
            "host_id": host,
            "device_name": device,
            "device_type": kind,
            "filesystem_type": filesystem or None,
            "mount_point": mount["mount"],
        }
        total, free = (_number(mount.get(n), 2**62) for n in ("size_total", "size_available"))
        if total and kind not in ("nfs", "smb", "zfs", "mergerfs"):  # theirs changes with what is written elsewhere
            values["capacity_gb"] = round(total / 1e9, 3)
        if total and free is not None:
            key = f"{host}/device/{device}"
            # What is used is not said: the difference counts the blocks that are kept for root as well.
            measured[key] = {"available_gb": round(free / 1e9, 3)}
        said += observed(f"{host}/device/{device}", StorageDevice, {n: v for n, v in values.items() if v})
    return said, measured


def age_in_words(seconds: float) -> str:
    """Return an age as people say it: `3 days`, `5 hours`."""
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else f"{seconds / 3600:.0f} hours"
