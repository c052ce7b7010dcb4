"""Where every column of the old file goes. The guide's table is written from this one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Via = Literal[
    "field",
    "key",
    "aside",
    "stamp",
    "status",
    "ports",
    "pairs",
    "addresses",
    "container_id",
    "protocol",
    "role",
    "members",
    "check",
    "nics",
    "statement",
]
VIA: dict[Via, str] = {
    "field": "",
    "key": "kept as the native key of the row",
    "aside": "kept as said; checks decide the status",
    "stamp": "as an instant",
    "status": "`stopped` becomes `exited`, Docker's own word",
    "ports": "`0.0.0.0:8080->80/tcp` becomes container_port, protocol, host_ip and host_port",
    "pairs": "secrets redacted; a list of `NAME=value` becomes an object",
    "addresses": "as a list",
    "container_id": "only where it is an ID: 12 to 64 hexadecimal digits",
    "protocol": "TCP and UDP in lower case",
    "role": "`docker_host` also sets is_docker_host",
    "members": "one row per network; the network is made where docker_networks has none of that name",
    "check": "one row in checks, of type http",
    "nics": "network_interfaces of a virtual machine, network_config of a container",
    "statement": "",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an old table."""

    name: str
    to: str = ""
    """Field of the new table, or table.field of another; the same name where it is empty."""
    via: Via = "field"

    @property
    def field(self) -> str:
        """Return the field that it goes to."""
        return self.to or self.name


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the old file; parents come before children in `MAPPING`."""

    name: str
    to: str
    columns: tuple[Column, ...]


C = Column
ID = C("id", "native key", "key")
CREATED = C("created_at", "custom.created_at", "stamp")
STAMPS = (CREATED, C("updated_at", "custom.updated_at", "stamp"))
GUEST = (ID, C("host_id"), C("proxmox_host_id"), C("vmid"))
VM = (C("vm_type"), C("os_type"), C("boot_disk"), C("additional_disks", "disks"))
NICS = C("network_interfaces", "nics", "nics")
LXC = (
    C("os_template"),
    C("unprivileged"),
    C("rootfs_storage"),
    C("rootfs_size_gb"),
    C("mount_points"),
    C("nesting"),
    C("keyctl"),
)
CONFIG = C("network_config", "nics", "nics")
START = C("auto_start")
TEMPLATE = C("template")


def _same(*names: str) -> tuple[Column, ...]:
    return tuple(C(name) for name in names)


MAPPING: tuple[Table, ...] = (
    Table(
        "hosts",
        "hosts",
        (
            ID,
            C("hostname"),
            C("host_type", "host_type", "role"),
            *_same("management_ip", "status", "cpu_cores", "total_ram_mb", "used_ram_mb", "parent_host_id", "vmid"),
            *_same("purpose", "criticality", "notes"),
            *STAMPS,
        ),
    ),
    Table(
        "network_interfaces",
        "network_interfaces",
        (
            ID,
            *_same("host_id", "interface_name", "interface_type", "mac_address", "pci_slot", "driver", "speed_mbps"),
            *_same("bridge_name", "bridge_ports", "vlan_id", "parent_interface_id", "link_status", "description"),
            *STAMPS,
        ),
    ),
    Table(
        "storage_devices",
        "storage_devices",
        (
            ID,
            *_same("host_id", "device_name", "device_type", "model", "serial_number", "capacity_gb", "filesystem_type"),
            *_same("mount_point", "used_gb", "available_gb", "raid_level", "raid_members", "smart_status"),
            *_same("health_status", "purpose", "notes"),
            *STAMPS,
        ),
    ),
    Table(
        "networks",
        "networks",
        (
            ID,
            *_same("network_name", "cidr", "vlan_id", "gateway"),
            C("dns_servers", "dns_servers", "addresses"),
            *_same("dhcp_enabled", "dhcp_range_start", "dhcp_range_end", "purpose", "security_zone", "notes"),
            *STAMPS,
        ),
    ),
    Table("virtual_machines", "proxmox_containers", (*GUEST, *VM, NICS, START, TEMPLATE, *STAMPS)),
    Table("lxc_containers", "proxmox_containers", (*GUEST, *LXC, CONFIG, START, *STAMPS)),
    Table(
        "proxmox_containers",
        "proxmox_containers",
        (*GUEST, C("container_type"), *VM, *LXC, NICS, CONFIG, START, TEMPLATE, *STAMPS),
    ),
    Table(
        "docker_networks",
        "docker_networks",
        (
            ID,
            *_same("docker_host_id", "network_name", "network_id", "driver", "subnet", "gateway", "internal"),
            C("attachable"),
            C("labels", "labels", "pairs"),
            *STAMPS,
        ),
    ),
    Table(
        "docker_volumes",
        "docker_volumes",
        (
            ID,
            *_same("docker_host_id", "volume_name", "driver", "mount_point"),
            C("options", "options", "pairs"),
            C("size_mb"),
            C("labels", "labels", "pairs"),
            *STAMPS,
        ),
    ),
    Table(
        "docker_containers",
        "docker_containers",
        (
            ID,
            C("docker_host_id"),
            C("container_id", "container_id", "container_id"),
            *_same("container_name", "image", "image_tag"),
            C("status", "status", "status"),
            *_same("restart_policy", "network_mode"),
            C("networks", "docker_container_networks", "members"),
            C("ports", "ports", "ports"),
            C("environment_vars", "environment_vars", "pairs"),
            *_same("cpu_limit", "memory_limit_mb", "health_status"),
            C("labels", "labels", "pairs"),
            C("command"),
            *STAMPS,
        ),
    ),
    Table(
        "docker_container_volumes",
        "docker_container_volumes",
        (
            ID,
            C("container_id", "docker_container_id"),
            C("docker_container_id"),
            C("volume_id", "docker_volume_id"),
            C("docker_volume_id"),
            C("container_path", "mount_path"),
            *_same("host_path", "read_only"),
            CREATED,
        ),
    ),
    Table(
        "ip_addresses",
        "ip_addresses",
        (
            ID,
            *_same("ip_address", "network_id", "interface_id", "host_id", "allocation_type", "hostname", "purpose"),
            C("notes"),
            *STAMPS,
        ),
    ),
    Table(
        "network_routes",
        "network_routes",
        (
            ID,
            *_same("source_network_id", "destination_network", "gateway_ip", "gateway_host_id", "metric", "route_type"),
            *_same("interface_name", "description"),
            *STAMPS,
        ),
    ),
    Table(
        "firewall_rules",
        "firewall_rules",
        (
            ID,
            *_same("firewall_host_id", "rule_number", "action", "direction", "protocol", "source_network"),
            *_same("source_port", "destination_network", "destination_port", "schedule_name", "schedule_enabled"),
            *_same("enabled", "description"),
            *STAMPS,
        ),
    ),
    Table(
        "services",
        "services",
        (
            ID,
            *_same("service_name", "service_type", "host_id"),
            C("container_id", "docker_container_id"),
            C("protocol", "protocol", "protocol"),
            *_same("port", "endpoint_url"),
            C("health_check_url", "checks.target", "check"),
            C("health_check_interval", "checks.interval_seconds", "check"),
            C("status", "custom.imported_status", "aside"),
            *_same("version", "criticality", "description", "documentation_url"),
            *STAMPS,
        ),
    ),
    Table(
        "service_dependencies",
        "service_dependencies",
        (
            ID,
            *_same("dependent_service_id", "dependency_service_id", "dependency_type", "description"),
            CREATED,
        ),
    ),
    Table(
        "infrastructure_changes",
        "infrastructure_changes",
        (
            C("id", "imported_id", "statement"),
            C("change_type", "", "statement"),
            C("entity_type", "", "statement"),
            C("entity_id", "imported_entity_id", "statement"),
            C("changed_by", "", "statement"),
            C("change_source", "", "statement"),
            C("old_values", "", "statement"),
            C("new_values", "", "statement"),
            C("description", "", "statement"),
            C("change_timestamp", "", "statement"),
        ),
    ),
    Table(
        "health_checks",
        "health_checks",
        (
            C("id", "sequence", "statement"),
            C("service_id", "", "statement"),
            C("check_timestamp", "", "statement"),
            C("status", "", "statement"),
            C("response_time_ms", "", "statement"),
            C("status_code", "", "statement"),
            C("response_body", "", "statement"),
            C("error_message", "", "statement"),
            C("check_source", "worker", "statement"),
        ),
    ),
)
STATEMENTS = ("infrastructure_changes", "health_checks")
"""Tables of what happened, not of what is there: they are read as statements, not as observations."""
ENTITIES: tuple[Table, ...] = tuple(t for t in MAPPING if t.name not in STATEMENTS)
BY_NAME: dict[str, Table] = {t.name: t for t in MAPPING}


def guide_rows() -> Iterator[str]:
    """Yield the lines of the guide's table: old column, where it goes, how."""
    yield "| old column | goes to | how |"
    yield "|---|---|---|"
    for table in MAPPING:
        for column in table.columns:
            target = "the native key" if column.via == "key" else f"{table.to}.{column.field}"
            if column.via in ("check", "members"):
                target = column.to
            yield f"| {table.name}.{column.name} | {target} | {VIA[column.via]} |"
