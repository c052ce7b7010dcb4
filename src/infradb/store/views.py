"""The views: the five that the seed's owners use, and their old tables of guests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One view; its SQL is the same on both engines where `postgresql` is empty."""

    name: str
    doc: str
    sqlite: str
    postgresql: str = ""

    def sql(self, dialect: str) -> str:
        """Return the SELECT for an engine."""
        return (self.postgresql or self.sqlite) if dialect == "postgresql" else self.sqlite


_RECENT = """\
SELECT c.position AS id, c.change_timestamp, c.change_type, c.entity_type, c.entity_id, e.uid AS entity_uid,
       c.old_values, c.new_values, c.changed_by, c.change_source, s.name AS source, c.run_id, c.reason, c.description
FROM infrastructure_changes c
LEFT JOIN entities e ON e.id = c.entity_id
LEFT JOIN sources s ON s.id = c.source_id
WHERE c.change_timestamp >= {since}
ORDER BY c.position DESC"""

VIEWS: tuple[View, ...] = (
    View(
        "v_host_inventory",
        "Every live host with what it runs on, its memory use and what it carries.",
        """\
SELECT h.id, h.hostname, h.host_type, h.is_docker_host, h.management_ip, h.status, h.criticality, h.owner, h.purpose,
       p.hostname AS parent_hostname, h.vmid, h.cpu_cores, h.total_ram_mb, h.used_ram_mb,
       CASE WHEN h.total_ram_mb > 0 THEN h.used_ram_mb * 100 / h.total_ram_mb END AS ram_percent,
       h.os_name, h.os_version, h.vendor, h.model, h.serial_number, h.location, t.name AS site,
       (SELECT count(*) FROM hosts g WHERE g.parent_host_id = h.id AND g.retired_at IS NULL) AS guests_count,
       (SELECT count(*) FROM docker_containers c WHERE c.docker_host_id = h.id AND c.retired_at IS NULL)
         AS containers_count,
       (SELECT count(*) FROM services s WHERE s.host_id = h.id AND s.retired_at IS NULL)
         + (SELECT count(*) FROM services s JOIN docker_containers c ON c.id = s.docker_container_id
            WHERE c.docker_host_id = h.id AND s.retired_at IS NULL AND s.host_id IS NULL) AS services_count
FROM hosts h
LEFT JOIN hosts p ON p.id = h.parent_host_id
LEFT JOIN sites t ON t.id = h.site_id
WHERE h.retired_at IS NULL""",
    ),
    View(
        "v_network_topology",
        "Every live network with the addresses in it and who has them.",
        """\
SELECT n.id AS network_id, n.network_name, n.cidr, n.vrf, n.vlan_id, n.gateway, n.security_zone,
       a.ip_address, a.allocation_type, a.hostname AS address_name, h.hostname, i.interface_name, i.mac_address,
       c.container_name
FROM networks n
LEFT JOIN ip_addresses a ON a.network_id = n.id AND a.retired_at IS NULL
LEFT JOIN hosts h ON h.id = a.host_id
LEFT JOIN network_interfaces i ON i.id = a.interface_id
LEFT JOIN docker_containers c ON c.id = a.docker_container_id
WHERE n.retired_at IS NULL""",
    ),
    View(
        "v_service_dependencies",
        "Every live dependency with both services and where they run.",
        """\
SELECT d.id, a.service_name AS dependent_service, a.criticality AS dependent_criticality,
       d.dependency_type, b.service_name AS dependency_service, b.criticality AS dependency_criticality,
       b.status AS dependency_status, d.origin, d.confidence, d.redundancy_group,
       coalesce(ha.hostname, ca.container_name) AS dependent_runs_on,
       coalesce(hb.hostname, cb.container_name) AS dependency_runs_on, d.description
FROM service_dependencies d
JOIN services a ON a.id = d.dependent_service_id
JOIN services b ON b.id = d.dependency_service_id
LEFT JOIN hosts ha ON ha.id = a.host_id
LEFT JOIN hosts hb ON hb.id = b.host_id
LEFT JOIN docker_containers ca ON ca.id = a.docker_container_id
LEFT JOIN docker_containers cb ON cb.id = b.docker_container_id
WHERE d.retired_at IS NULL""",
    ),
    View(
        "v_docker_inventory",
        "Every live container with its host and its compose project.",
        """\
SELECT c.id, c.container_name, c.image, c.image_tag, c.image_digest, c.status, c.health_status, c.restart_policy,
       c.compose_project, c.compose_service, c.ports, h.hostname AS docker_host, h.management_ip AS docker_host_ip,
       (SELECT count(*) FROM docker_container_volumes v WHERE v.docker_container_id = c.id AND v.retired_at IS NULL)
         AS mounts_count,
       (SELECT count(*) FROM services s WHERE s.docker_container_id = c.id AND s.retired_at IS NULL) AS services_count
FROM docker_containers c
JOIN hosts h ON h.id = c.docker_host_id
WHERE c.retired_at IS NULL""",
    ),
    View(
        "v_recent_changes",
        "What changed in the last 30 days.",
        _RECENT.format(since="strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')"),
        _RECENT.format(since="now() - interval '30 days'"),
    ),
    View(
        "virtual_machines",
        "The live virtual machines, with the columns of the seed's table.",
        """\
SELECT id, host_id, proxmox_host_id, vmid, vm_type, os_type, nics AS network_interfaces, boot_disk,
       disks AS additional_disks, auto_start, template, created_at, updated_at
FROM proxmox_containers WHERE container_type = 'vm' AND retired_at IS NULL""",
    ),
    View(
        "lxc_containers",
        "The live LXC containers, with the columns of the seed's table.",
        """\
SELECT id, host_id, proxmox_host_id, vmid, os_template, unprivileged, rootfs_storage, rootfs_size_gb, mount_points,
       nics AS network_config, nesting, keyctl, auto_start, created_at, updated_at
FROM proxmox_containers WHERE container_type = 'lxc' AND retired_at IS NULL""",
    ),
)
