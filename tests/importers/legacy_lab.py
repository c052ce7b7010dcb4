"""Makes old infrastructure databases to test and measure the import with: both layouts, any size, any dirt.

``build(path, layout="after", scale=500)`` makes about 240,000 rows. Each kind of dirt says what of it must be
found in quarantine afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.importers.legacy_dirt import DIRT, SECRET, Writer

__all__ = ["DIRT", "ENGINES", "GUESTS", "LAYOUTS", "NODES", "PER_ENGINE", "SECRET", "Lab", "build"]
FOLDER = Path(__file__).parent
LAYOUTS = ("before", "after")
IMAGES = (
    ("postgres", "16", 5432, "database"),
    ("nextcloud", "30", 80, "web"),
    ("ghcr.io/immich-app/immich-server", "v1.120", 2283, "web"),
    ("traefik", "v3.1", 443, "proxy"),
    ("prom/prometheus", "v2.54", 9090, "monitoring"),
    ("redis", "7", 6379, "cache"),
)
NODES, GUESTS, ENGINES, PER_ENGINE, ADDRESSES = 3, 14, 5, 16, 17
"""Of each unit of scale: machines, guests, Docker hosts among these, containers of each, addresses."""


@dataclass
class Lab:
    """What was made."""

    path: Path
    layout: str
    expected: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """Kind of dirt -> native key and field that must be in quarantine; the field is empty for whole rows."""

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        with closing(sqlite3.connect(self.path)) as database:
            names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {
                name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
                for name in names
                if not name.startswith("sqlite_")
            }


def build(
    path: Path, *, layout: str = "before", scale: int = 1, dirt: Collection[str] | bool = (), seed: int = 1
) -> Lab:
    """Make a database; `dirt` names kinds of `DIRT`, True means all of them.

    The same arguments make the same rows.

    Only created_at and updated_at are the time of making.
    """
    lab = Lab(path, layout)
    database = sqlite3.connect(path)
    try:
        database.executescript((FOLDER / f"schema_{layout}.sql").read_text())
        database.execute("PRAGMA foreign_keys = OFF")
        writer, random = Writer(database, layout), Random(seed)
        _fill(writer, scale, random)
        database.execute("PRAGMA ignore_check_constraints = ON")
        for kind in DIRT if dirt is True else dirt or ():
            lab.expected[kind] = set(DIRT[kind](writer))
        database.commit()
    finally:
        database.close()
    return lab


def _fill(writer: Writer, scale: int, random: Random) -> None:
    hosts = (NODES + GUESTS) * scale
    engines = [n for n in range(1, hosts + 1) if _place(n) >= NODES + GUESTS - ENGINES]
    _networks(writer, scale)
    _hosts(writer, hosts, random)
    _guests(writer, hosts)
    _engines(writer, engines, random)
    _services(writer, hosts, PER_ENGINE * len(engines))
    _history(writer, scale, hosts)


def _place(number: int) -> int:
    return (number - 1) % (NODES + GUESTS)


def _kind(number: int) -> str:
    place = _place(number)
    if place < NODES:
        return "physical"
    if place >= NODES + GUESTS - ENGINES:
        return "docker_host"
    return "vm" if place % 2 else "lxc"


def _node(number: int) -> int:
    return number - _place(number) + number % NODES


def _networks(writer: Writer, scale: int) -> None:
    writer.put(
        "networks",
        "network_name cidr vlan_id gateway dns_servers dhcp_enabled dhcp_range_start dhcp_range_end security_zone",
        (
            (
                f"lan{n}",
                f"10.{n >> 8}.{n & 255}.0/24",
                n % 4000 + 1,
                f"10.{n >> 8}.{n & 255}.1",
                '["9.9.9.9"]',
                n % 2,
                f"10.{n >> 8}.{n & 255}.100",
                f"10.{n >> 8}.{n & 255}.199",
                "private",
            )
            for n in range(scale)
        ),
    )
    addresses = (
        (f"10.{n >> 8}.{n & 255}.{host + 2}", n + 1, n * 17 + host + 1)
        for n in range(scale)
        for host in range(ADDRESSES)
    )
    writer.put(
        "ip_addresses",
        "ip_address network_id host_id interface_id allocation_type",
        ((text, network, host, host, ("static", "dhcp", "reserved")[host % 3]) for text, network, host in addresses),
    )
    writer.put(
        "network_routes",
        "source_network_id destination_network gateway_ip gateway_host_id route_type interface_name",
        ((n + 1, "default", f"10.{n >> 8}.{n & 255}.1", n * 17 + 1, "default", "vmbr0") for n in range(scale)),
    )
    writer.put(
        "firewall_rules",
        "firewall_host_id rule_number action direction protocol source_network destination_network destination_port",
        (
            (n * 17 + 1, rule, "allow", "in", "tcp", "any", f"10.0.{rule}.0/24", "443")
            for n in range(scale)
            for rule in (1, 2)
        ),
    )


def _hosts(writer: Writer, hosts: int, random: Random) -> None:
    writer.put(
        "hosts",
        "hostname host_type management_ip status cpu_cores total_ram_mb "
        "used_ram_mb parent_host_id vmid purpose criticality notes",
        (
            (
                f"{_kind(n).replace('_', '-')}-{n}",
                _kind(n),
                f"10.9.{n % 250}.{n // 250 % 250}",
                "stopped" if n % 13 == 0 else "active",
                random.choice((None, 4, 16)),
                32768,
                random.randrange(32768),
                None if _place(n) < NODES else _node(n),
                None if _kind(n) in ("physical", "docker_host") else 100 + n,
                "lab",
                random.choice(("critical", "low", None)),
                "rack 3",
            )
            for n in range(1, hosts + 1)
        ),
    )
    writer.put(
        "network_interfaces",
        "host_id interface_name interface_type mac_address bridge_ports link_status speed_mbps",
        (
            (
                n,
                "vmbr0" if _place(n) < NODES else "eth0",
                "bridge" if _place(n) < NODES else "virtual",
                f"bc:24:11:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}",
                '["eno1"]' if _place(n) < NODES else None,
                "up",
                1000,
            )
            for n in range(1, hosts + 1)
        ),
    )
    writer.put(
        "storage_devices",
        "host_id device_name device_type model serial_number "
        "capacity_gb filesystem_type mount_point used_gb raid_members smart_status",
        (
            (n, "rpool", "zfs", "ST4000", f"S{n:06d}", 4000, "zfs", "/", n % 4000, '["sda", "sdb"]', "passed")
            for n in range(1, hosts + 1)
            if _place(n) < NODES
        ),
    )


def _guests(writer: Writer, hosts: int) -> None:
    nics, config = '[{"model": "virtio", "bridge": "vmbr0"}]', '{"net0": "name=eth0,bridge=vmbr0,ip=dhcp"}'
    guests = [n for n in range(1, hosts + 1) if _kind(n) in ("vm", "lxc")]
    vms = [(n, _node(n), 100 + n, "qemu", "l26", nics, "scsi0", '["scsi1"]', 1, 0) for n in guests if _kind(n) == "vm"]
    lxc = [
        (n, _node(n), 100 + n, "debian-12", 1, "local-zfs", 8, "[]", config, 1, 0, 1)
        for n in guests
        if _kind(n) == "lxc"
    ]
    vm_columns = (
        "host_id proxmox_host_id vmid vm_type os_type network_interfaces boot_disk additional_disks auto_start template"
    )
    lxc_columns = (
        "host_id proxmox_host_id vmid os_template unprivileged rootfs_storage rootfs_size_gb mount_points "
        "network_config nesting keyctl auto_start"
    )
    if writer.layout == "before":
        writer.put("virtual_machines", vm_columns, vms)
        writer.put("lxc_containers", lxc_columns, lxc)
    else:
        writer.put("proxmox_containers", f"{vm_columns} container_type", ((*row, "vm") for row in vms))
        writer.put("proxmox_containers", f"{lxc_columns} container_type", ((*row, "lxc") for row in lxc))


def _engines(writer: Writer, engines: Sequence[int], random: Random) -> None:
    containers = [(host, host * 100 + n, n) for host in engines for n in range(PER_ENGINE)]
    writer.put(
        "docker_containers",
        "docker_host_id container_id container_name image image_tag status restart_policy network_mode networks ports "
        "environment_vars cpu_limit memory_limit_mb health_status labels command",
        (
            (
                host,
                f"{random.getrandbits(48):012x}",
                f"stack{number}-app-{n}",
                IMAGES[n % 6][0],
                IMAGES[n % 6][1],
                "stopped" if n % 9 == 8 else "running",
                "unless-stopped",
                "bridge",
                json.dumps([f"stack{number // 4}_default", "proxy"]),
                json.dumps([f"0.0.0.0:{8000 + n}->{IMAGES[n % 6][2]}/tcp"]),
                '{"TZ": "Europe/Brussels"}',
                1.5,
                512,
                ("healthy", "none", None)[n % 3],
                json.dumps({"com.docker.compose.project": f"stack{number}"}),
                "run --fast",
            )
            for host, number, n in containers
        ),
    )
    writer.put(
        "docker_volumes",
        "docker_host_id volume_name mount_point options size_mb",
        (
            (host, f"stack{number}_data", f"/var/lib/docker/volumes/stack{number}_data/_data", "{}", n)
            for host, number, n in containers
        ),
    )
    names = ("container_id", "volume_id") if writer.layout == "before" else ("docker_container_id", "docker_volume_id")
    mounts = ((n, n, "/data", 0) for n in range(1, len(containers) + 1))
    writer.put("docker_container_volumes", f"{' '.join(names)} container_path read_only", mounts)
    writer.put(
        "docker_networks",
        "docker_host_id network_name network_id driver subnet gateway",
        (
            (host, name, f"{random.getrandbits(48):012x}", "bridge", "172.17.0.0/16", "172.17.0.1")
            for host in engines
            for name in ("bridge", "proxy")
        ),
    )


def _services(writer: Writer, hosts: int, containers: int) -> None:
    writer.put(
        "services",
        "service_name service_type host_id container_id protocol "
        "port endpoint_url health_check_url health_check_interval status criticality",
        (
            (
                f"app {n}",
                IMAGES[n % 6][3],
                None if n % 3 else n % hosts + 1,
                n if n % 3 else None,
                "tcp",
                1000 + n % 60000,
                f"http://app{n}.lan",
                f"http://app{n}.lan/health" if n % 4 == 0 else None,
                30,
                "healthy",
                ("high", None)[n % 2],
            )
            for n in range(1, containers + 1)
        ),
    )
    writer.put(
        "service_dependencies",
        "dependent_service_id dependency_service_id dependency_type",
        ((n, n - 2, ("hard", "soft", "optional")[n % 3]) for n in range(3, containers + 1, 3)),
    )


def _history(writer: Writer, scale: int, hosts: int) -> None:
    writer.put(
        "infrastructure_changes",
        "change_type entity_type entity_id changed_by change_source old_values new_values description change_timestamp",
        (
            (
                "update",
                ("host", "docker_container", "service", "script")[n % 4],
                n % hosts + 1,
                "system",
                "automation",
                '{"status": "active"}',
                '{"status": "stopped"}',
                "nightly",
                f"2025-{n % 12 + 1:02d}-0{n % 9 + 1} 11:30:58",
            )
            for n in range(24 * scale)
        ),
    )
    writer.put(
        "health_checks",
        "service_id check_timestamp status response_time_ms status_code response_body",
        (
            (
                n % (ENGINES * PER_ENGINE) + 1,
                f"2025-{n % 12 + 1:02d}-0{n % 9 + 1} 10:00:00",
                ("healthy", "down")[n % 2],
                n,
                200,
                "ok",
            )
            for n in range(11 * scale)
        ),
    )
