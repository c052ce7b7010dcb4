"""The list of collectors. Adding one means adding a line; nothing is imported before it is used."""

from importlib import import_module
from typing import Any, NamedTuple

from infradb.errors import UsageError


class Registration(NamedTuple):
    """Where a collector is, and its place among the sources."""

    path: str
    """Module and class: `infradb.collectors.local.collector:LocalCollector`."""

    rank: int
    """Place in the order of sources; the lower one wins. What reads the machine itself comes first."""

    declared: bool = False
    """Whether it holds what people typed; otherwise it observes."""


COLLECTORS: dict[str, Registration] = {
    "local": Registration("infradb.collectors.local.collector:LocalCollector", 10),
    "ssh": Registration("infradb.collectors.ssh.collector:SshCollector", 12),
    "proxmox": Registration("infradb.collectors.proxmox.collector:ProxmoxCollector", 20),
    "opnsense": Registration("infradb.collectors.opnsense.collector:OpnsenseCollector", 22),
    "traefik": Registration("infradb.collectors.traefik.collector:TraefikCollector", 30),
    "caddy": Registration("infradb.collectors.caddy.collector:CaddyCollector", 30),
    "nginx": Registration("infradb.collectors.nginx.collector:NginxCollector", 30),
    "npm": Registration("infradb.collectors.npm.collector:NpmCollector", 30),
    "haproxy": Registration("infradb.collectors.haproxy.collector:HaproxyCollector", 30),
    "docker": Registration("infradb.collectors.docker.collector:DockerCollector", 40),
    "snmp": Registration("infradb.collectors.snmp.collector:SnmpCollector", 45),
    "kea": Registration("infradb.collectors.kea.collector:KeaCollector", 48),
    "isc_dhcp": Registration("infradb.collectors.isc_dhcp.collector:IscDhcpCollector", 48),
    "dns": Registration("infradb.collectors.dns.collector:DnsCollector", 50),
    "powerdns": Registration("infradb.collectors.powerdns.collector:PowerDnsCollector", 50),
    "dnsmasq": Registration("infradb.collectors.dnsmasq.collector:DnsmasqCollector", 50),
    "pihole": Registration("infradb.collectors.pihole.collector:PiholeCollector", 50),
    "adguard": Registration("infradb.collectors.adguard.collector:AdGuardCollector", 50),
    "ansible": Registration("infradb.collectors.ansible.collector:AnsibleCollector", 55),
    "node_exporter": Registration("infradb.collectors.node_exporter.collector:NodeExporterCollector", 58),
    "compose": Registration("infradb.collectors.compose.collector:ComposeCollector", 60, declared=True),
    "netbox": Registration("infradb.collectors.netbox.collector:NetboxCollector", 65, declared=True),
    "prometheus": Registration("infradb.collectors.prometheus.collector:PrometheusCollector", 70),
    "uptime_kuma": Registration("infradb.collectors.uptime_kuma.collector:UptimeKumaCollector", 70, declared=True),
    "scan": Registration("infradb.collectors.scan.collector:ScanCollector", 80),
}


def collector_class(kind: str) -> Any:
    """Return the class of a collector; raise `UsageError` for an unknown kind."""
    if kind not in COLLECTORS:
        raise UsageError(f"there is no collector {kind!r}", hint=f"one of: {', '.join(COLLECTORS)}")
    module, name = COLLECTORS[kind].path.split(":")
    return getattr(import_module(module), name)
