"""The lab's containers that keep the house running: monitoring and automation on docker3, the outside view on vps1."""

# Rows of data: one thing a line as far as it goes.
# ruff: noqa: E501

from infradb.importers.demo.shapes import Box, Offer, Stack
from infradb.importers.demo.stacks import DOMAIN

_SOCKET = "/var/run/docker.sock:/var/run/docker.sock:ro"


def _exporter(name: str, image: str, port: int, mounts: tuple[str, ...] = (), mode: str = "") -> Box:
    return Box(name, image, (str(port),), mounts, mode=mode, memory_mb=256)


def _monitor(name: str, image: str, port: int, data: str, criticality: str) -> Box:
    version = image.rsplit(":", 1)[1].removeprefix("v")
    offer = Offer(name, "monitoring", port, criticality, f"http://docker3:{port}/", version=version, check="http")
    return Box(name, image, (f"{port}:{port}",), (f"monitoring_{name}:{data}",), (offer,), memory_mb=2048)


_MONITORING = Stack("docker3", "monitoring", (
    _monitor("prometheus", "prom/prometheus:v3.7.3", 9090, "/prometheus", "high"),
    _monitor("grafana", "grafana/grafana:12.2.1", 3000, "/var/lib/grafana", "medium"),
    _monitor("alertmanager", "prom/alertmanager:v0.29.0", 9093, "/alertmanager", "high"),
    _monitor("loki", "grafana/loki:3.5.8", 3100, "/loki", "low"),
    Box("alloy", "grafana/alloy:v1.11.3", ("12345",), (_SOCKET,)),
    _exporter("blackbox-exporter", "prom/blackbox-exporter:v0.27.0", 9115),
    _exporter("snmp-exporter", "prom/snmp-exporter:v0.29.0", 9116),
    _exporter("pve-exporter", "prompve/prometheus-pve-exporter:3.5.5", 9221),
    _exporter("cadvisor", "gcr.io/cadvisor/cadvisor:v0.52.1", 8080, ("/:/rootfs:ro", "/sys:/sys:ro")),
    _exporter("node-exporter", "prom/node-exporter:v1.10.2", 9100, ("/:/host:ro",), "host"),
))  # fmt: skip

_HOME = Stack("docker3", "home", (
    Box("homeassistant", "ghcr.io/home-assistant/home-assistant:2025.11.2", (), ("/opt/stacks/home/config:/config",),
        (Offer("home-assistant", "web", 8123, "high", f"https://home.{DOMAIN}/", version="2025.11.2", check="http"),),
        mode="host", more={"privileged": True}),
    Box("mosquitto", "eclipse-mosquitto:2.0.22", ("1883:1883", "9001"), ("home_mosquitto:/mosquitto/data",),
        (Offer("mosquitto", "queue", 1883, "high", version="2.0.22", check="tcp"),), memory_mb=128),
    Box("zigbee2mqtt", "koenkk/zigbee2mqtt:2.6.3", ("8099:8080",), ("home_zigbee2mqtt:/app/data",),
        (Offer("zigbee2mqtt", "api", 8080, "high", version="2.6.3"),)),
    Box("esphome", "ghcr.io/esphome/esphome:2025.10.4", ("6052:6052",), ("home_esphome:/config",),
        (Offer("esphome", "web", 6052, "low", version="2025.10.4"),)),
    Box("node-red", "nodered/node-red:4.1.1", ("1880:1880",), ("home_nodered:/data",),
        (Offer("node-red", "web", 1880, "medium", version="4.1.1"),)),
    Box("influxdb", "influxdb:2.7.12", ("8086:8086",), ("home_influxdb:/var/lib/influxdb2",),
        (Offer("influxdb", "database", 8086, "low", version="2.7.12"),), memory_mb=1024),
    Box("frigate", "ghcr.io/blakeblackshear/frigate:0.16.2", ("5000:5000", "8554:8554"), ("home_frigate:/media/frigate",),
        (Offer("frigate", "web", 5000, "medium", "http://docker3:5000/", version="0.16.2", check="http"),), memory_mb=4096),
))  # fmt: skip

_DOCKER3_REST = (
    Stack("docker3", "dns", (
        Box("pihole", "pihole/pihole:2025.11.0", ("53:53", "53:53/udp", "8053:80"), ("dns_pihole:/etc/pihole",),
            (Offer("pihole", "dns", 53, "critical", protocol="udp", version="2025.11.0", check="dns"),)),
        Box("unbound", "mvance/unbound:1.22.0", ("53/udp",), (),
            (Offer("unbound", "dns", 53, "high", protocol="udp", version="1.22.0"),)),)),
    Stack("docker3", "portainer", (
        Box("portainer", "portainer/portainer-ce:2.33.3", ("9443:9443",), ("portainer_data:/data", _SOCKET),
            (Offer("portainer", "web", 9443, "low", version="2.33.3"),)),)),
    Stack("docker3", "dozzle", (
        Box("dozzle", "amir20/dozzle:v8.14.7", ("8888:8080",), (_SOCKET,),
            (Offer("dozzle", "web", 8080, "low", version="8.14.7"),)),)),
    Stack("docker3", "speedtest", (
        Box("speedtest-tracker", "lscr.io/linuxserver/speedtest-tracker:1.8.0", ("8765:80",), ("speedtest_config:/config",),
            (Offer("speedtest-tracker", "monitoring", 80, "low", version="1.8.0"),)),)),
)  # fmt: skip

_OUTSIDE = (
    Stack("vps1", "edge", (
        Box("caddy", "caddy:2.10.2-alpine", ("80:80", "443:443"), ("edge_caddy:/data",),
            (Offer("caddy", "proxy", 443, "medium", f"https://vps1.{DOMAIN}/", version="2.10.2", check="http"),)),
        Box("uptime-kuma", "louislam/uptime-kuma:2.0.2", ("3001",), ("edge_kuma:/app/data",),
            (Offer("uptime-kuma", "monitoring", 3001, "medium", f"https://status.{DOMAIN}/", version="2.0.2"),)),
        Box("ntfy", "binwiederhier/ntfy:v2.14.0", ("80",), ("edge_ntfy:/var/cache/ntfy",),
            (Offer("ntfy", "queue", 80, "medium", f"https://ntfy.{DOMAIN}/", version="2.14.0"),)),
        Box("headscale", "headscale/headscale:0.27.1", ("8080", "9090"), ("edge_headscale:/var/lib/headscale",),
            (Offer("headscale", "vpn", 8080, "medium", version="0.27.1"),)),)),
    Stack("vps1", "umami", (
        Box("umami", "ghcr.io/umami-software/umami:postgresql-v2.19.0", ("3000",), (),
            (Offer("umami", "web", 3000, "low", version="2.19.0"),)),
        Box("db", "postgres:16.10-alpine", ("5432",), ("umami_db:/var/lib/postgresql/data",),
            (Offer("umami-postgres", "database", 5432, version="16.10"),)),)),
)  # fmt: skip

HOUSE_STACKS: tuple[Stack, ...] = (_MONITORING, _HOME, *_DOCKER3_REST, *_OUTSIDE)
