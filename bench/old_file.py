"""Makes a clean old infrastructure database in the proportions that its owners' diagram shows, times a scale.

The tests' lab makes small files with every kind of dirt; this one makes large ones: 239,574 rows at scale 500, on
the owners' own schema. The same scale makes the same rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

SCHEMA = Path(__file__).parent.parent / "tests" / "importers" / "schema_before.sql"
KINDS = ("physical", "physical", "vm", "lxc", "lxc", "docker_host", "lxc")
IMAGES = (  # image, tag, port, type of its service
    ("postgres", "16.4", 5432, "database"),
    ("redis", "7.4", 6379, "cache"),
    ("nextcloud", "30", 8080, "web"),
    ("ghcr.io/immich-app/immich-server", "v1.120", 2283, "web"),
    ("gitea/gitea", "1.22", 3000, "web"),
    ("vaultwarden/server", "1.32", 8222, "web"),
    ("n8nio/n8n", "latest", 5678, "api"),
    ("grafana/grafana", "11.2.0", 3001, "monitoring"),
    ("prom/prometheus", "v2.54", 9090, "monitoring"),
    ("traefik", "v3.1", 443, "proxy"),
    ("pihole/pihole", "2024.07.0", 53, "dns"),
    ("registry.example.lan:5000/shop/api", "1.4.2", 8000, "api"),
    ("rabbitmq", "3-management", 5672, "queue"),
    ("minio/minio", "latest", 9000, "storage"),
)
_START = datetime(2025, 10, 17, 11, 30, 58)  # noqa: DTZ001  as the old file writes it


def build(path: Path, scale: int) -> int:
    """Make the file and return how many rows it has."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA.read_text())
        made = _Maker(database, scale)
        made.networks()
        made.hosts()
        made.guests()
        made.containers()
        made.services()
        made.history()
        database.commit()
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return sum(database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names.fetchall())


class _Maker:
    """Fills the tables; a row's id is its place among the rows of its table, from 1."""

    def __init__(self, database: sqlite3.Connection, scale: int) -> None:
        self.database, self.scale, self.random = database, scale, Random(1)
        self.kinds = ["physical" if n < 2 else KINDS[n % 7] for n in range(23 * scale)]
        self.engines = [n + 1 for n, kind in enumerate(self.kinds) if kind == "docker_host"]

    def put(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        names = columns.split()
        places = ", ".join("?" * len(names))
        self.database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)

    def networks(self) -> None:
        lan = ("lan", "192.168.10.0/24", None, "192.168.10.1", 1, '["192.168.10.5", "9.9.9.9"]', "private")
        overlay = ("overlay", "100.64.0.0/10", None, None, 0, None, "management")
        more = (
            (f"net{n}", f"10.{n // 256}.{n % 256}.0/24", n % 4094 + 1, None, 0, None, "private")
            for n in range(2, 2 * self.scale)
        )
        columns = "network_name cidr vlan_id gateway dhcp_enabled dns_servers security_zone"
        self.put("networks", columns, [lan, overlay, *more])
        self.put(
            "ip_addresses",
            "ip_address network_id host_id allocation_type",
            (
                (
                    f"192.168.10.{n + 2}" if n < 200 else f"100.{64 + n // 65536}.{n // 256 % 256}.{n % 256}",
                    1 if n < 200 else 2,
                    n % len(self.kinds) + 1,
                    ("static", "dhcp", "reserved")[n % 3],
                )
                for n in range(17 * self.scale)
            ),
        )
        columns = "source_network_id destination_network gateway_ip gateway_host_id route_type"
        self.put("network_routes", columns, [(1, "default", "192.168.10.1", 2, "default")])
        columns = (
            "firewall_host_id rule_number action direction protocol source_network destination_network destination_port"
        )
        self.put("firewall_rules", columns, [(2, 1, "allow", "in", "tcp", "192.168.10.0/24", "any", "443")])

    def hosts(self) -> None:
        choice = self.random.choice
        self.put(
            "hosts",
            "hostname host_type status management_ip parent_host_id cpu_cores total_ram_mb used_ram_mb vmid "
            "purpose criticality",
            (
                (
                    f"{kind.replace('_', '-')}-{n:04d}",
                    kind,
                    "stopped" if n % 11 == 10 else "active",
                    f"192.168.10.{n + 2}" if n < 17 else None,
                    None if kind == "physical" else 1,
                    choice((None, 2, 4, 8, 16)),
                    choice((None, 2048, 8192, 65536)),
                    choice((None, 1024)),
                    100 + n if kind in ("vm", "lxc") else None,
                    "made to measure",
                    choice(("critical", "high", "medium", "low", None)),
                )
                for n, kind in enumerate(self.kinds)
            ),
        )
        cards = [(n, kind, name) for n, kind in enumerate(self.kinds) for name in ("eth0", "vmbr0")]
        self.put(
            "network_interfaces",
            "host_id interface_name interface_type mac_address link_status bridge_ports",
            (
                (
                    n + 1,
                    name,
                    "bridge" if name == "vmbr0" else "physical" if kind == "physical" else "virtual",
                    f"bc:24:11:{n >> 8:02x}:{n & 255:02x}:0{int(name == 'vmbr0')}",
                    "up",
                    '["eth0"]' if name == "vmbr0" else None,
                )
                for n, kind, name in cards
                if kind == "physical" or name == "eth0"
            ),
        )
        self.put(
            "storage_devices",
            "host_id device_name device_type model serial_number capacity_gb used_gb filesystem_type "
            "mount_point smart_status",
            (
                (n + 1, "/dev/sda", "disk", "ST4000NE001", f"S{n:05d}", 4000, n % 4000, "ext4", "/", "passed")
                for n, kind in enumerate(self.kinds)
                if kind == "physical"
            ),
        )

    def guests(self) -> None:
        self.put(
            "virtual_machines",
            "host_id proxmox_host_id vmid auto_start vm_type os_type boot_disk network_interfaces",
            (
                (n + 1, 1, 100 + n, 1, "qemu", "l26", "scsi0", '[{"model":"virtio","bridge":"vmbr0"}]')
                for n, kind in enumerate(self.kinds)
                if kind == "vm"
            ),
        )
        self.put(
            "lxc_containers",
            "host_id proxmox_host_id vmid auto_start os_template rootfs_storage rootfs_size_gb nesting network_config",
            (
                (n + 1, 1, 100 + n, 1, "debian-12", "local-zfs", 8, 1, '{"net0":"name=eth0,bridge=vmbr0,ip=dhcp"}')
                for n, kind in enumerate(self.kinds)
                if kind == "lxc"
            ),
        )

    def containers(self) -> None:
        number = range(80 * self.scale)
        at = [self.engines[n % len(self.engines)] for n in number]
        project = [f"stack{n // len(IMAGES)}" for n in number]
        self.put(
            "docker_containers",
            "docker_host_id container_id container_name image image_tag status restart_policy network_mode networks "
            "ports health_status labels environment_vars",
            (self._container(n, at[n], project[n], *IMAGES[n % len(IMAGES)]) for n in number),
        )
        volumes = ((at[n], name := f"{project[n]}_data_{n}", f"/var/lib/docker/volumes/{name}/_data") for n in number)
        self.put("docker_volumes", "docker_host_id volume_name mount_point", volumes)
        mounts = ((n + 1, n + 1, "/data", 0) for n in number)
        self.put("docker_container_volumes", "container_id volume_id container_path read_only", mounts)
        kinds = (("bridge", "bridge", 17), ("host", "host", 0), ("stack2_default", "bridge", 19))
        self.put(
            "docker_networks",
            "docker_host_id network_name network_id driver subnet gateway",
            (
                (host, name, self._id(), driver, net and f"172.{net}.0.0/16", net and f"172.{net}.0.1")
                for host in self.engines
                for name, driver, net in ((name, driver, net or None) for name, driver, net in kinds)
            ),
        )

    def _container(self, n: int, host: int, project: str, image: str, tag: str, port: int, _: str) -> tuple[Any, ...]:
        return (
            host,
            self._id(),
            f"{project}-{image.split('/')[-1].split(':')[0]}-{n}",
            image,
            tag,
            "running" if n % 9 else "exited",
            "unless-stopped",
            "bridge",
            json.dumps([f"{project}_default"]),
            json.dumps([f"0.0.0.0:{port + n % 40_000}->{port}/tcp"]),
            ("healthy", "none", "unhealthy", None)[n % 4],
            json.dumps({"com.docker.compose.project": project}),
            json.dumps({"TZ": "Europe/Brussels"}),
        )

    def _id(self) -> str:
        return f"{self.random.getrandbits(48):012x}"

    def services(self) -> None:
        count = 77 * self.scale
        self.put(
            "services",
            "service_name service_type host_id container_id protocol port endpoint_url health_check_url status "
            "criticality",
            (
                (
                    f"{image.split('/')[-1].split(':')[0]} {n}",
                    kind,
                    n % len(self.kinds) + 1 if n % 3 else None,
                    None if n % 3 else n + 1,
                    "tcp",
                    port,
                    f"http://192.168.10.{n % 17 + 2}:{port}",
                    None if n % 4 else f"http://192.168.10.{n % 17 + 2}:{port}/",
                    "healthy",
                    ("critical", "high", "medium", None)[n % 4],
                )
                for n in range(count)
                for image, _, port, kind in (IMAGES[n % len(IMAGES)],)
            ),
        )
        edges: set[tuple[int, int]] = set()
        while len(edges) < 26 * self.scale:
            low, high = sorted(self.random.sample(range(1, count + 1), 2))
            edges.add((high, low))
        self.put(
            "service_dependencies",
            "dependent_service_id dependency_service_id dependency_type",
            ((*edge, ("hard", "soft", "optional")[n % 3]) for n, edge in enumerate(sorted(edges))),
        )

    def history(self) -> None:
        kinds = ("host", "docker_container", "service", "script")
        self.put(
            "infrastructure_changes",
            "change_type entity_type entity_id changed_by change_source old_values new_values change_timestamp",
            (
                (
                    *("update", kinds[n % 4], n + 1, "system", "automation"),
                    *('{"status":"active"}', '{"status":"stopped"}', _after(n)),
                )
                for n in range(24 * self.scale)
            ),
        )
        self.put(
            "health_checks",
            "service_id check_timestamp status response_time_ms",
            (
                (n % (77 * self.scale) + 1, _after(n / 24), ("healthy", "degraded", "down", "timeout")[n % 4], 40 + n)
                for n in range(11 * self.scale)
            ),
        )


def _after(days: float) -> str:
    return (_START + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
