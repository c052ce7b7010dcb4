"""What joins the lab: networks, cables, firewall rules, services of bare machines, and who needs whom."""

# Rows of data: one thing a line as far as it goes.
# ruff: noqa: E501

from typing import Any

from infradb.importers.demo.shapes import Offer
from infradb.importers.demo.stacks import DOMAIN

NETWORKS: tuple[dict[str, Any], ...] = (
    {"network_name": "lan", "cidr": "10.10.10.0/24", "vlan_id": 1, "gateway": "10.10.10.1", "dns_servers": ["10.10.10.53", "10.10.20.23"],
     "dhcp_enabled": True, "dhcp_range_start": "10.10.10.100", "dhcp_range_end": "10.10.10.199", "security_zone": "private",
     "purpose": "People's devices and the administration of machines"},
    {"network_name": "servers", "cidr": "10.10.20.0/24", "vlan_id": 20, "gateway": "10.10.20.1",
     "dns_servers": ["10.10.10.53", "10.10.20.23"], "dhcp_enabled": False, "security_zone": "dmz",
     "purpose": "What answers, partly from outside"},
)  # fmt: skip

STALE_ADDRESS = "192.168.1.20"
"""Noted in `lan` from the time before the renumbering."""

CABLES: tuple[tuple[str, str, str, str], ...] = (
    ("sw-core", "ether1", "opnsense", "igc1"), ("sw-core", "ether2", "nas", "eno1"), ("sw-core", "ether3", "pbs", "enp88s0"),
    ("sw-core", "ether4", "pi-dns", "eth0"), ("sw-core", "ether5", "ap-living", "eth0"), ("sw-core", "ether6", "sw-attic", "port1"),
    ("sw-core", "sfp-sfpplus1", "pve1", "enp2s0f0np0"), ("sw-core", "sfp-sfpplus2", "pve2", "enp1s0f0"),
)  # fmt: skip

_ANY = "any"
RULES: tuple[tuple[str, str, str, str, str, str, str, bool, str], ...] = (
    # interface, action, direction, protocol, source, destination, port, enabled, description
    ("wan", "nat", "in", "tcp", _ANY, "(self)", "443", True, "HTTPS to traefik"),
    ("wan", "nat", "in", "tcp", _ANY, "(self)", "80", True, "HTTP to traefik, for certificates"),
    ("wan", "allow", "in", "udp", _ANY, "(self)", "51820", True, "WireGuard"),
    ("wan", "deny", "in", _ANY, _ANY, _ANY, _ANY, True, "Everything else from outside"),
    ("lan", "allow", "in", "tcp", "10.10.10.0/24", "10.10.20.0/24", "443", True, "People to applications"),
    ("lan", "allow", "in", "udp", "10.10.10.0/24", "10.10.20.23", "53", True, "DNS to pihole"),
    ("lan", "allow", "in", "tcp", "10.10.10.0/24", "10.10.20.5", "445", True, "Files on nas"),
    ("lan", "deny", "in", "udp", "10.10.10.0/24", "!dns_servers", "53", True, "No foreign resolvers"),
    ("lan", "allow", "in", _ANY, _ANY, _ANY, _ANY, True, "TEMPORARY: everything, while testing"),
    ("servers", "allow", "in", "tcp", "10.10.20.0/24", "10.10.10.11", "8006", True, "pve-exporter to the nodes"),
    ("servers", "allow", "in", "udp", "10.10.20.0/24", "10.10.10.2", "161", True, "snmp-exporter to sw-core"),
    ("servers", "allow", "in", "tcp", "10.10.20.32", _ANY, "587", True, "Mail to the provider"),
    (
        "servers",
        "deny",
        "in",
        _ANY,
        "10.10.20.0/24",
        "10.10.10.0/24",
        _ANY,
        True,
        "Servers do not reach people's devices",
    ),
    ("servers", "allow", "in", _ANY, "10.10.20.0/24", _ANY, _ANY, True, "Updates"),
    ("servers", "allow", "in", "tcp", "10.10.20.22", "10.10.10.0/24", "32400", False, "Plex, gone since jellyfin"),
)
ALIASES: tuple[tuple[str, str, list[str], str], ...] = (
    ("dns_servers", "network", ["10.10.10.53", "10.10.20.23"], "Both resolvers"),
    ("proxmox_nodes", "network", ["10.10.10.11", "10.10.10.12"], "pve1 and pve2"),
    ("web_ports", "port", ["80", "443"], "What the proxy listens on"),
)
FORWARDS = {"443": "10.10.20.21:443", "80": "10.10.20.21:80"}

STORAGES: tuple[tuple[str, str, str, str, list[str], float, float], ...] = (
    # cluster, node, name, type, content, size in GB, share in use
    ("kestrel", "pve1", "local", "dir", ["iso", "vztmpl", "snippets"], 1180, 0.03),
    ("kestrel", "pve1", "local-zfs", "zfspool", ["images", "rootdir"], 1930, 0.41),
    ("kestrel", "pve2", "local", "dir", ["iso", "vztmpl", "snippets"], 640, 0.05),
    ("kestrel", "pve2", "local-zfs", "zfspool", ["images", "rootdir"], 960, 0.36),
    ("lab1", "lab1", "local-lvm", "lvmthin", ["images", "rootdir"], 210, 0.04),
    ("kestrel", "", "pbs", "pbs", ["backup"], 8002, 0.58),
    ("kestrel", "", "nas-iso", "nfs", ["iso", "backup"], 21600, 0.71),
)

_PVE: dict[str, Any] = {"process": "pveproxy", "unit": "pveproxy.service"}
_DB: dict[str, Any] = {"process": "postgres", "unit": "postgresql@17-main.service", "owner": "mara"}
NATIVE: dict[str, tuple[Offer, ...]] = {
    "opnsense": (
        Offer("opnsense-gui", "web", 443, "medium", f"https://opnsense.{DOMAIN}/", version="25.7.5", check="http"),
        Offer("opnsense-unbound", "dns", 53, "critical", protocol="udp", version="1.24.0", check="dns"),
        Offer("kea-dhcp", "dhcp", 67, "critical", protocol="udp", version="3.0.1"),
        Offer("wireguard", "vpn", 51820, "medium", protocol="udp"),
    ),
    "pve1": (
        Offer(
            "pve1-gui", "web", 8006, "medium", "https://10.10.10.11:8006/", version="9.0.11", check="http", more=_PVE
        ),
    ),
    "pve2": (
        Offer(
            "pve2-gui", "web", 8006, "medium", "https://10.10.10.12:8006/", version="9.0.11", check="http", more=_PVE
        ),
    ),
    "nas": (
        Offer("nas-gui", "web", 443, "low", f"https://nas.{DOMAIN}/", version="25.04.2.4"),
        Offer("nas-nfs", "storage", 2049, "critical", check="tcp"),
        Offer("nas-smb", "storage", 445, "high", check="tcp"),
    ),
    "pbs": (
        Offer("backup-server", "backup", 8007, "high", "https://10.10.20.6:8007/", version="4.0.18", check="http"),
    ),
    "pi-dns": (Offer("pihole-second", "dns", 53, "high", protocol="udp", version="6.2.2", check="dns"),),
    "db1": (Offer("postgresql", "database", 5432, "critical", version="17.6", check="tcp", more=_DB),),
    "mail": (
        Offer("postfix", "mail", 25, "medium", version="3.10.4", check="tcp", more={"unit": "postfix@-.service"}),
    ),
    "unifi": (Offer("unifi-network", "web", 8443, "low", "https://10.10.10.33:8443/", version="9.5.21"),),
}

NEEDS: tuple[tuple[str, str, str], ...] = (
    ("nextcloud", "postgresql", "hard"), ("nextcloud", "nextcloud-redis", "hard"), ("nextcloud", "traefik", "hard"),
    ("nextcloud", "nas-nfs", "hard"), ("nextcloud", "collabora", "optional"),
    ("immich", "immich-postgres", "hard"), ("immich", "immich-redis", "hard"), ("immich", "immich-machine-learning", "soft"),
    ("immich", "nas-nfs", "hard"),
    ("paperless", "paperless-postgres", "hard"), ("paperless", "paperless-redis", "hard"), ("paperless", "gotenberg", "soft"),
    ("paperless", "tika", "soft"),
    ("gitea", "postgresql", "hard"), ("gitea", "traefik", "hard"),
    ("vaultwarden", "traefik", "hard"),
    ("authentik", "authentik-postgres", "hard"), ("authentik", "authentik-redis", "hard"),
    ("grafana", "prometheus", "hard"), ("grafana", "authentik", "soft"),
    ("home-assistant", "mosquitto", "hard"), ("zigbee2mqtt", "mosquitto", "hard"),
    ("jellyfin", "nas-nfs", "hard"),
    ("traefik", "pihole", "hard"), ("traefik", "pihole-second", "hard"),
    ("pihole", "unbound", "hard"),
)  # fmt: skip
REDUNDANT = {("traefik", "pihole"): "dns", ("traefik", "pihole-second"): "dns"}
