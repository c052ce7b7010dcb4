"""Guesses what a service does from what is seen of it: its image, its process, its port.

The image says most, then the process; a port alone says something only where it is a well-known one.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from infradb.model.services import ServiceType

_WORDS: Mapping[ServiceType, str] = {
    "database": (
        "postgres postgresql postgis timescaledb timescale pgvector mysql mysqld mariadb mariadbd percona mongo mongod "
        "mongodb influxdb influxd clickhouse cassandra couchdb couchbase cockroach cockroachdb elasticsearch "
        "opensearch neo4j mssql sqlservr oracle arangodb rethinkdb scylla surrealdb qdrant milvus weaviate chroma "
        "meilisearch typesense solr firebird pgbouncer questdb tidb"
    ),
    "cache": "redis valkey memcached keydb dragonfly dragonflydb varnish varnishd hazelcast",
    "queue": "rabbitmq kafka redpanda nats mosquitto emqx activemq artemis pulsar nsqd zookeeper hivemq vernemq",
    "dns": "pihole adguardhome adguard unbound bind9 named coredns dnsmasq technitium powerdns pdns knot blocky nsd",
    "dhcp": "kea dhcpd isc-dhcp",
    "firewall": "opnsense pfsense crowdsec fail2ban",
    "proxy": (
        "traefik nginx-proxy-manager nginx-proxy jwilder haproxy envoy caddy squid swag cloudflared socket-proxy "
        "docker-socket-proxy privoxy sniproxy kong zoraxy gost"
    ),
    "monitoring": (
        "grafana prometheus alertmanager node-exporter cadvisor uptime-kuma zabbix netdata glances loki promtail "
        "telegraf gatus icinga nagios checkmk graylog jaeger tempo beszel dozzle scrutiny librenms blackbox-exporter "
        "victoriametrics vmagent healthchecks smokeping sentry kibana exporter snmpd statsd"
    ),
    "backup": (
        "restic rest-server borg borgmatic kopia duplicati duplicacy urbackup proxmox-backup bacula backrest "
        "volume-backup"
    ),
    "storage": (
        "minio seaweedfs samba smbd nfsd nfs-server nextcloud owncloud seafile syncthing filebrowser garage ceph "
        "glusterfs registry harbor sftp vsftpd immich photoprism webdav"
    ),
    "mail": (
        "postfix dovecot mailserver docker-mailserver mailcow mailu stalwart rspamd roundcube mailhog mailpit exim "
        "exim4 maddy opensmtpd smtp"
    ),
    "vpn": "wireguard wg-easy openvpn tailscale tailscaled headscale zerotier gluetun netbird ocserv strongswan charon",
    "web": (
        "nginx apache2 httpd wordpress ghost jellyfin plex emby sonarr radarr lidarr prowlarr bazarr qbittorrent "
        "transmission sabnzbd homeassistant home-assistant homepage homarr heimdall dashy portainer gitea forgejo "
        "gitlab vaultwarden bitwarden paperless-ngx bookstack wikijs mediawiki drupal joomla overseerr jellyseerr "
        "calibre-web freshrss miniflux audiobookshelf navidrome mealie grocy tandoor linkding authentik authelia "
        "keycloak nodered node-red zigbee2mqtt esphome frigate adminer phpmyadmin pgadmin4 lighttpd tomcat jenkins "
        "it-tools stirling-pdf netbox snipe-it drone woodpecker whoami n8n vikunja matomo"
    ),
    "api": "postgrest hasura ollama vllm docker-registry-api etcd consul vault kube-apiserver",
}
_PORTS: Mapping[ServiceType, tuple[int, ...]] = {
    "database": (1433, 1521, 3050, 3306, 5432, 5984, 6432, 7474, 7687, 8086, 8123, 9042, 9200, 27017, 33060),
    "cache": (6379, 11211),
    "queue": (1883, 4222, 5671, 5672, 8883, 9092, 61616),
    "dns": (53, 853, 5353),
    "dhcp": (67, 547),
    "proxy": (3128, 1080),
    "monitoring": (161, 9090, 9093, 9100, 9115, 10050, 10051, 19999),
    "backup": (8007,),
    "storage": (111, 139, 445, 548, 873, 2049, 3260),
    "mail": (25, 110, 143, 465, 587, 993, 995, 4190),
    "vpn": (500, 1194, 1701, 1723, 4500, 51820),
    "web": (80, 443, 3000, 8000, 8008, 8080, 8081, 8088, 8443, 8888),
    "api": (2375, 2376, 2379, 6443, 8006, 8200, 8500, 11434),
}
_BY_WORD: dict[str, ServiceType] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_BY_PORT: dict[int, ServiceType] = {port: kind for kind, ports in _PORTS.items() for port in ports}
_UDP_ONLY = frozenset({67, 547, 161, 500, 1194, 1701, 4500, 51820, 5353})
_TLS_PORTS = frozenset({443, 8443, 9443, 6443, 8006, 8007, 4443})
_PARTS = re.compile(r"[-_.]")
# What these images are called after, they show or watch: a database's exporter is no database.
_HEAD = re.compile(r"(?:exporter|prometheus-exporter|backup|admin|ui|proxy)$")
_HEADS: Mapping[str, ServiceType] = {
    "exporter": "monitoring",
    "backup": "backup",
    "admin": "web",
    "ui": "web",
    "proxy": "proxy",
}


@lru_cache(maxsize=4096)
def guess_by_name(name: str) -> ServiceType | None:
    """Return what an image or a process of that name does; None where the name is not known.

    >>> guess_by_name("ghcr.io/immich-app/postgres:14-vectorchord"), guess_by_name("prom/mysqld-exporter")
    ('database', 'monitoring')
    """
    path = name.lower().split("@")[0].split("/")
    for part in (path[-1].split(":")[0], *path[-2:-1]):
        if found := _BY_WORD.get(part):
            return found
        words = _PARTS.split(part)
        if len(words) > 1 and (head := _HEAD.search(words[-1])):
            return _HEADS.get(head[0])
        for word in words:
            if (found := _BY_WORD.get(word)) or (found := _BY_WORD.get(word.rstrip("0123456789"))):
                return found
    return None


def guess(port: int, protocol: str, image: str | None = None, process: str | None = None) -> ServiceType:
    """Return what a service most likely does: by its image, else its process, else its port; `other` if unknown."""
    for name in (image, process):
        if name and (found := guess_by_name(name)):
            return found
    if (port in _UDP_ONLY) and protocol != "udp":
        return "other"
    return _BY_PORT.get(port, "other")


def is_well_known(port: int, protocol: str) -> bool:
    """Tell whether a port alone says what listens there."""
    return port in _BY_PORT and (protocol == "udp" or port not in _UDP_ONLY)


def web_scheme(port: int, protocol: str, service_type: ServiceType) -> str | None:
    """Return `http` or `https` for a port that browsers are pointed at; None where it most likely is none."""
    if protocol != "tcp" or service_type not in ("web", "api", "proxy", "monitoring", "other", "storage", "dns"):
        return None
    if port in _TLS_PORTS:
        return "https"
    return "http" if _BY_PORT.get(port) == "web" or service_type == "web" else None
