"""What a node_exporter's metrics say about its machine (prometheus/node_exporter, 1.5 and newer). Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infradb.clock import to_instant
from infradb.collectors.node_exporter.parse_network import (
    hardware_addresses,
    has_own_hardware,
    parse_addresses,
    parse_interfaces,
)
from infradb.errors import SourceMalformed
from infradb.machines import is_junk, mount_source, smbios_uuid, storage_kind
from infradb.model.physical import Host, StorageDevice
from infradb.observation import Answer, Observation, Rejected, answer_of, observed
from infradb.transport.exposition import Metrics, read_metrics

PARSER_VERSION = 1
"""Raised whenever the same metrics are to be understood in another way."""

_NO_CLOCK_BEFORE = 978_307_200  # 2001: a machine without a battery for its clock starts in 1970
# Mounts here come and go with containers; what runs them is asked for them.
_CONTAINERS_PLACES = ("/var/lib/docker/", "/var/lib/containers/", "/var/lib/kubelet/", "/snap/", "/run/")
_NEEDED = ("cpu", "filesystem", "meminfo", "netclass", "netdev", "os", "uname")
_MACHINES = ("qemu", "kvm", "vmware", "innotek", "microsoft corporation", "xen", "bhyve", "google", "amazon ec2")


def parse_exporter(text: str, url: str) -> tuple[dict[str, list[Answer]], tuple[str, ...]]:
    """Return the answers about one machine by part, the host first, and what is missing of it in sentences.

    A part that the exporter does not tell is not among them. Raises `SourceMalformed` where the page holds no metrics,
    or none of a node_exporter.
    """
    metrics = read_metrics(text, f"GET /metrics at {url}")
    name = metrics.labels("node_uname_info").get("nodename", "").strip()
    if not name or name == "(none)":
        hint = "is it a node_exporter, and is its collector uname on?"
        raise SourceMalformed(
            f"GET /metrics at {url}: the metrics do not name the machine (node_uname_info)", hint=hint
        )
    host = f"exporter/{url.split('://', 1)[1].removesuffix('/metrics')}"
    used = _used_memory(metrics)
    parts = {
        "host": [_answer(observed(host, Host, _host(metrics, name)), {host: {"used_ram_mb": used}} if used else {})],
        "interfaces": [_answer(said) for said in parse_interfaces(metrics, host)],
        "addresses": [_answer(said) for said in parse_addresses(metrics, host)],
        "storage": _storage(metrics, host),
    }
    failed = sorted(c for c, ok in metrics.by("node_scrape_collector_success", "collector").items() if ok == 0)
    errors = [
        f"{url}: its collector {name} failed, so what it tells is missing (its own log says why)"
        for name in failed
        if name in _NEEDED
    ]
    if metrics.unreadable:
        errors.append(f"{url}: {metrics.unreadable} lines make no sense (is the answer whole?)")
    return {part: answers for part, answers in parts.items() if answers}, tuple(errors)


def _answer(said: tuple[Observation | Rejected, ...], measured: Mapping[str, Mapping[str, Any]] = {}) -> Answer:
    return answer_of(said, PARSER_VERSION, measured)


def _host(metrics: Metrics, name: str) -> dict[str, Any]:
    kernel, release = metrics.labels("node_uname_info"), metrics.labels("node_os_info")
    own = has_own_hardware(metrics)
    total = metrics.value("node_memory_MemTotal_bytes")
    cores = {s.labels.get("cpu") for s in metrics.of("node_cpu_seconds_total")} - {None}
    values = {
        "hostname": name.split(".")[0] or name,
        "status": "active",
        "host_type": _host_type(metrics),
        "cpu_cores": len(cores) or None,
        "cpu_model": metrics.labels("node_cpu_info").get("model_name"),
        "total_ram_mb": int(total // 2**20) if total and total > 0 else None,
        "os_name": release.get("name"),
        "os_version": release.get("version_id"),
        "kernel": kernel.get("release"),
        "architecture": kernel.get("machine"),
        # Without hardware of its own it is a container, which is shown its host's firmware and time of boot.
        **({"mac_addresses": hardware_addresses(metrics), "boot_time_at": _boot_time(metrics)} if own else {}),
        **(_firmware(metrics.labels("node_dmi_info")) if own else {}),
    }
    return {n: v for n, v in values.items() if v}


def _host_type(metrics: Metrics) -> str | None:
    """Return what it is where the systemd collector says so (1.8 and newer), or the firmware is a hypervisor's."""
    said = metrics.labels("node_systemd_virtualization_info").get("virtualization_type", "")
    if said in ("lxc", "lxc-libvirt"):
        return "lxc"
    vendor = metrics.labels("node_dmi_info").get("system_vendor", "").lower()
    if has_own_hardware(metrics) and (said in ("kvm", "qemu", "vmware", "xen") or vendor.startswith(_MACHINES)):
        return "vm"
    return "physical" if said == "none" else None


def _firmware(dmi: Mapping[str, str]) -> dict[str, Any]:
    said = {n: " ".join(v.split()) for n, v in dmi.items() if not is_junk(v)}
    return {
        "vendor": said.get("system_vendor") or said.get("board_vendor"),
        "model": said.get("product_name") or said.get("board_name"),
        "serial_number": said.get("product_serial"),
        "smbios_uuid": smbios_uuid(said.get("product_uuid", "")),
    }


def _boot_time(metrics: Metrics) -> str | None:
    started = metrics.value("node_boot_time_seconds") or 0
    if not _NO_CLOCK_BEFORE < started < 2**33:
        return None
    # The kernel works it out anew for every question, which a second more or less must not show.
    return to_instant(datetime.fromtimestamp(round(started / 60) * 60, UTC))


def _used_memory(metrics: Metrics) -> int | None:
    total = metrics.value("node_memory_MemTotal_bytes")
    free = metrics.value("node_memory_MemAvailable_bytes")
    return int(max(total - free, 0) // 2**20) if total and free is not None else None


def _storage(metrics: Metrics, host: str) -> list[Answer]:
    """Return each mounted device once, by the mount with the shortest path."""
    mounts: dict[str, tuple[str, str]] = {}
    for sample in metrics.of("node_filesystem_size_bytes"):
        device, place = mount_source(sample.labels.get("device", "")), sample.labels.get("mountpoint", "")
        is_source = device.startswith(("/dev/", "//")) or ":/" in device
        if is_source and not place.startswith(_CONTAINERS_PLACES) and sample.value > 0:
            mount = (place, sample.labels.get("fstype", ""))
            mounts[device] = min(mounts.get(device, mount), mount)
    total, free, available = (metrics.by(f"node_filesystem_{n}_bytes", "mountpoint") for n in ("size", "free", "avail"))
    answers = []
    for device, (place, filesystem) in sorted(mounts.items()):
        key, kind = f"{host}/device/{device}", storage_kind(device, filesystem)
        values: dict[str, Any] = {
            "host_id": host,
            "device_name": device,
            "device_type": kind,
            "filesystem_type": filesystem,
            "mount_point": place,
        }
        size = total.get(place, 0)
        if kind not in ("nfs", "smb", "zfs", "mergerfs"):  # theirs changes with every byte that is written elsewhere
            values["capacity_gb"] = _gigabytes(size)
        measured = {"used_gb": _gigabytes(max(size - free.get(place, size), 0))}
        if place in available:
            measured["available_gb"] = _gigabytes(max(available[place], 0))
        answers.append(_answer(observed(key, StorageDevice, values), {key: measured}))
    return answers


def _gigabytes(size: float) -> float:
    return round(size / 1e9, 3)
