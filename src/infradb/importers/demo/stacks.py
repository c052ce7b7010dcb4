"""The lab's containers for people: applications on docker1, photos and media on docker2."""

# Rows of data: one thing a line as far as it goes.
# ruff: noqa: E501

from infradb.importers.demo.shapes import Box, Offer, Stack

DOMAIN = "kestrel.example"
_FAILING = {"health_status": "unhealthy"}
_DEAD = {"status": "exited", "exit_code": 137}


def _postgres(name: str, project: str, tag: str = "17.6-alpine") -> Box:
    return Box(
        "postgres", f"postgres:{tag}", ("5432",), (f"{project}_pgdata:/var/lib/postgresql/data",),
        (Offer(f"{name}-postgres", "database", 5432, version=tag.split("-")[0]),), memory_mb=1024,
    )  # fmt: skip


def _redis(name: str, service: str = "redis", image: str = "redis:8.2.3-alpine") -> Box:
    version = image.split(":")[1].split("-")[0]
    return Box(service, image, ("6379",), (), (Offer(f"{name}-redis", "cache", 6379, version=version),), memory_mb=256)


def _web(name: str, port: int, criticality: str, version: str = "") -> tuple[Offer, ...]:
    """Return an application that people open behind the reverse proxy, checked there."""
    return (Offer(name, "web", port, criticality, f"https://{name}.{DOMAIN}/", version=version, check="http"),)


_INGRESS = Stack("docker1", "ingress", (
    Box("traefik", "traefik:v3.6.1", ("80:80", "443:443", "8080"),
        ("/opt/stacks/ingress/traefik.yml:/etc/traefik/traefik.yml:ro", "ingress_letsencrypt:/letsencrypt"),
        (Offer("traefik", "proxy", 443, "critical", f"https://traefik.{DOMAIN}/", version="3.6.1", check="tcp",
               more={"owner": "mara"}),), proxied=True, memory_mb=512),
    Box("crowdsec", "crowdsecurity/crowdsec:v1.7.3", ("8080",), ("ingress_crowdsec:/var/lib/crowdsec/data",)),
    Box("socket-proxy", "lscr.io/linuxserver/socket-proxy:3.2.6", ("2375",), ("/var/run/docker.sock:/var/run/docker.sock:ro",)),
))  # fmt: skip

_AUTHENTIK = Stack("docker1", "authentik", (
    Box("server", "ghcr.io/goauthentik/server:2025.10.1", ("9000", "9443"), ("authentik_media:/media",),
        _web("authentik", 9000, "critical", "2025.10.1"), proxied=True, memory_mb=2048),
    Box("worker", "ghcr.io/goauthentik/server:2025.10.1", (), ("authentik_media:/media",), memory_mb=2048),
    _postgres("authentik", "authentik", "16.10-alpine"), _redis("authentik"),
))  # fmt: skip

_NEXTCLOUD = Stack("docker1", "nextcloud", (
    Box("app", "nextcloud:32.0.1-apache", ("80",), ("nextcloud_html:/var/www/html", "/mnt/nas/cloud:/var/www/html/data"),
        _web("nextcloud", 80, "critical", "32.0.1"), proxied=True, memory_mb=4096),
    Box("cron", "nextcloud:32.0.1-apache", (), ("nextcloud_html:/var/www/html", "/mnt/nas/cloud:/var/www/html/data")),
    _redis("nextcloud"),
    Box("collabora", "collabora/code:25.04.6.2.1", ("9980",), (), (Offer("collabora", "web", 9980, "low"),), proxied=True,
        memory_mb=2048),
))  # fmt: skip

_PAPERLESS = Stack("docker1", "paperless", (
    Box("webserver", "ghcr.io/paperless-ngx/paperless-ngx:2.19.6", ("8000",),
        ("paperless_data:/usr/src/paperless/data", "/mnt/nas/documents:/usr/src/paperless/media"),
        _web("paperless", 8000, "high", "2.19.6"), proxied=True, memory_mb=2048),
    _postgres("paperless", "paperless", "17.6"), _redis("paperless", "broker", "redis:8.2.3"),
    Box("gotenberg", "gotenberg/gotenberg:8.25.0", ("3000",), (), (Offer("gotenberg", "api", 3000, "low"),)),
    Box("tika", "apache/tika:3.2.3.0", ("9998",), (), (Offer("tika", "api", 9998, "low"),)),
))  # fmt: skip

_GITEA = Stack("docker1", "gitea", (
    Box("server", "gitea/gitea:1.25.1", ("3000", "2222:22"), ("gitea_data:/data",),
        _web("gitea", 3000, "high", "1.25.1"), proxied=True, memory_mb=1024),
    Box("runner", "gitea/act_runner:0.2.13", (), ("gitea_runner:/data", "/var/run/docker.sock:/var/run/docker.sock"),
        more={"privileged": True}),
))  # fmt: skip


def _single(host: str, name: str, image: str, port: int, data: str, criticality: str = "low", published: int | None = None,
            more: dict[str, object] | None = None) -> Stack:  # fmt: skip
    ports = (f"{published}:{port}",) if published else (str(port),)
    version = image.rsplit(":", 1)[1].removeprefix("v").split("-")[0]
    offer = Offer(
        name,
        "web",
        port,
        criticality,
        f"https://{name}.{DOMAIN}/",
        version="" if version == "latest" else version,
        check="http",
    )
    return Stack(
        host,
        name,
        (Box(name, image, ports, (f"{name}_data:{data}",), (offer,), host == "docker1", more=dict(more or {})),),
    )


_SINGLES = (
    _single("docker1", "vaultwarden", "vaultwarden/server:1.34.3-alpine", 80, "/data", "critical"),
    _single("docker1", "stirling-pdf", "stirlingtools/stirling-pdf:latest", 8080, "/configs"),
    _single("docker1", "mealie", "ghcr.io/mealie-recipes/mealie:v3.5.0", 9000, "/app/data"),
    _single("docker1", "linkding", "sissbruecker/linkding:1.44.1", 9090, "/etc/linkding/data"),
    _single("docker1", "homepage", "ghcr.io/gethomepage/homepage:v1.7.0", 3000, "/app/config", "medium"),
    _single("docker1", "freshrss", "freshrss/freshrss:1.27.1", 80, "/var/www/FreshRSS/data"),
    _single("docker1", "vikunja", "vikunja/vikunja:1.0.0", 3456, "/app/vikunja/files", "medium"),
    _single("docker1", "actual", "actualbudget/actual-server:25.11.0", 5006, "/data", "medium"),
    _single("docker2", "audiobookshelf", "ghcr.io/advplyr/audiobookshelf:2.30.0", 80, "/config", published=13378),
    _single("docker2", "navidrome", "deluan/navidrome:0.58.5", 4533, "/data", published=4533),
    _single("docker2", "kavita", "jvmilazz0/kavita:0.8.8", 5000, "/kavita/config", published=5000),
    _single(
        "docker2", "calibre-web", "lscr.io/linuxserver/calibre-web:0.6.25", 8083, "/config", published=8083, more=_DEAD
    ),
    _single("docker2", "metube", "ghcr.io/alexta69/metube:latest", 8081, "/downloads", published=8081),
)

_BOOKSTACK = Stack("docker1", "bookstack", (
    Box("app", "lscr.io/linuxserver/bookstack:25.07.3", ("80",), ("bookstack_config:/config",),
        _web("bookstack", 80, "medium", "25.07.3"), proxied=True),
    Box("mariadb", "mariadb:11.8.4", ("3306",), ("bookstack_db:/var/lib/mysql",),
        (Offer("bookstack-mariadb", "database", 3306, version="11.8.4"),), memory_mb=1024),
))  # fmt: skip


def _watchtower(host: str) -> Stack:
    image = "containrrr/watchtower:1.7.1"
    return Stack(host, "watchtower", (Box("watchtower", image, (), ("/var/run/docker.sock:/var/run/docker.sock",)),))


_IMMICH = Stack("docker2", "immich", (
    Box("server", "ghcr.io/immich-app/immich-server:v2.2.3", ("2283:2283",), ("/mnt/nas/photos:/data",),
        _web("immich", 2283, "high", "2.2.3"), memory_mb=4096),
    Box("machine-learning", "ghcr.io/immich-app/immich-machine-learning:v2.2.3", ("3003",), ("immich_model-cache:/cache",),
        (Offer("immich-machine-learning", "api", 3003, "low", version="2.2.3"),), memory_mb=4096),
    _redis("immich", image="valkey/valkey:8.1.4-bookworm"),
    Box("database", "ghcr.io/immich-app/postgres:14-vectorchord0.4.3-pgvectors0.2.0", ("5432",),
        ("immich_pgdata:/var/lib/postgresql/data",), (Offer("immich-postgres", "database", 5432, version="14"),), memory_mb=2048),
))  # fmt: skip

_JELLYFIN = Stack("docker2", "jellyfin", (
    Box("jellyfin", "jellyfin/jellyfin:10.11.3", ("8096:8096",),
        ("jellyfin_config:/config", "jellyfin_cache:/cache", "/mnt/nas/media:/media:ro"),
        _web("jellyfin", 8096, "medium", "10.11.3"), memory_mb=4096),
))  # fmt: skip


def _arr(name: str, image: str, port: int, *, media: bool = True) -> Box:
    mounts = (f"arr_{name}:/config", *(("/mnt/nas/media:/media",) if media else ()))
    version = image.rsplit(":", 1)[1]
    return Box(name, image, (f"{port}:{port}",), mounts, (Offer(name, "web", port, "low", version=version),))


_ARR = Stack("docker2", "arr", (
    _arr("sonarr", "lscr.io/linuxserver/sonarr:4.0.16", 8989), _arr("radarr", "lscr.io/linuxserver/radarr:6.0.4", 7878),
    _arr("prowlarr", "lscr.io/linuxserver/prowlarr:2.1.5", 9696, media=False),
    _arr("bazarr", "lscr.io/linuxserver/bazarr:1.5.3", 6767),
    _arr("jellyseerr", "fallenbagel/jellyseerr:2.7.3", 5055, media=False),
    _arr("sabnzbd", "lscr.io/linuxserver/sabnzbd:4.5.5", 8085),
    Box("gluetun", "qmcgaw/gluetun:v3.40.3", ("8080:8080", "8888"), ("arr_gluetun:/gluetun",)),
    Box("qbittorrent", "lscr.io/linuxserver/qbittorrent:5.1.2", (), ("arr_qbittorrent:/config", "/mnt/nas/media:/media"),
        mode="container:arr-gluetun-1"),
))  # fmt: skip

_DOCKER2_REST = (
    Stack("docker2", "syncthing", (
        Box("syncthing", "syncthing/syncthing:2.0.11", ("8384:8384", "22000:22000"), ("syncthing_data:/var/syncthing",),
            (Offer("syncthing", "storage", 22000, "medium", version="2.0.11"),), more=_FAILING),)),
    Stack("docker2", "kopia", (
        Box("kopia", "kopia/kopia:0.22.2", ("51515:51515",), ("kopia_config:/app/config", "/mnt/nas/photos:/data:ro"),
            (Offer("kopia", "backup", 51515, "high", version="0.22.2"),)),)),
    Stack("docker2", "agents", (
        Box("portainer-agent", "portainer/agent:2.33.3", ("9001:9001",), ("/var/run/docker.sock:/var/run/docker.sock",)),
        Box("dozzle-agent", "amir20/dozzle:v8.14.7", ("7007:7007",), ("/var/run/docker.sock:/var/run/docker.sock:ro",)),)),
)  # fmt: skip

PEOPLE_STACKS: tuple[Stack, ...] = (
    _INGRESS, _AUTHENTIK, _NEXTCLOUD, _PAPERLESS, _GITEA, _BOOKSTACK, *_SINGLES, _watchtower("docker1"),
    _IMMICH, _JELLYFIN, _ARR, *_DOCKER2_REST, _watchtower("docker2"),
)  # fmt: skip
