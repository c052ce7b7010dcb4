"""What users are there for: services, what they need, and how they are checked."""

from typing import Annotated, Literal

from infradb.model.entity import Entity, People, Redacted, Runtime, Unclaimed, key
from infradb.model.physical import Criticality
from infradb.model.types import (
    CertificateId,
    ContainerId,
    Count,
    HostId,
    Instant,
    JsonList,
    JsonObject,
    Name,
    OwningServiceId,
    Port,
    ServiceId,
    Size,
    Text,
)

ServiceType = Literal[
    "web",
    "api",
    "database",
    "cache",
    "queue",
    "dns",
    "dhcp",
    "firewall",
    "proxy",
    "monitoring",
    "backup",
    "storage",
    "mail",
    "vpn",
    "other",
]


class Service(Entity):
    """Something that answers, on a host or in a container."""

    table = "services"
    named_by = ("service_name",)
    natural_keys = (
        key("docker_container_id", "protocol", "port", "endpoint_name"),
        key("host_id", "protocol", "port", "endpoint_name"),
    )
    grace_seconds = 600
    listed = (
        "service_name",
        "service_type",
        "host_id",
        "docker_container_id",
        "protocol",
        "port",
        "status",
        "criticality",
        "endpoint_url",
    )
    indexes = (("status", "criticality"), ("service_name",))

    service_name: Name
    """What it is called."""

    service_type: ServiceType = "other"
    """What it does."""

    host_id: HostId | None = None
    """Host that it runs on, where it runs on none of its containers."""

    docker_container_id: ContainerId | None = None
    """Container that it runs in."""

    protocol: Text | None = None
    """tcp or udp, or what people wrote."""

    port: Port | None = None
    """Port that it listens on, inside its container where it has one."""

    published_port: Port | None = None
    """Port of the Docker host that leads to it."""

    endpoint_name: Text = ""
    """Name under which it is one of several behind the same port."""

    bind_addresses: JsonList | None = None
    """Addresses that it listens on."""

    process: Text | None = None
    """Program that listens."""

    unit: Text | None = None
    """systemd unit that the program belongs to."""

    endpoint_url: Annotated[Text | None, People(), Redacted()] = None
    """Where users find it."""

    status: Annotated[Literal["healthy", "degraded", "down", "unknown"], Unclaimed()] = "unknown"
    """Verdict of its checks; never set by hand."""

    reported_status: Annotated[Text | None, Runtime()] = None
    """What another watcher says of it: up, down, degraded, pending, maintenance."""

    criticality: Annotated[Criticality | None, People()] = None
    """How badly it is missed."""

    owner: Annotated[Text | None, People()] = None
    """Person or team that answers for it."""

    version: Text | None = None
    """Version of the software."""

    description: Annotated[Text | None, People(), Redacted()] = None
    """Whatever is worth knowing about it."""

    documentation_url: Annotated[Text | None, People()] = None
    """Where it is documented."""


class ServiceDependency(Entity):
    """States that one service needs another."""

    table = "service_dependencies"
    named_by = ("dependent_service_id", "dependency_service_id")
    natural_keys = (key("dependent_service_id", "dependency_service_id", unique=True),)
    short_names = ("dependencies",)
    listed = ("dependent_service_id", "dependency_service_id", "dependency_type", "origin", "confidence")
    indexes = (("dependency_service_id", "dependent_service_id"),)
    constraints = {"not_itself": "dependent_service_id <> dependency_service_id"}

    dependent_service_id: OwningServiceId
    """Service that needs."""

    dependency_service_id: OwningServiceId
    """Service that is needed."""

    dependency_type: Annotated[Literal["hard", "soft", "optional"] | None, People()] = None
    """How badly: it stops, it suffers, it does without."""

    redundancy_group: Annotated[Text | None, People()] = None
    """Name of the group of dependencies that stand in for each other."""

    redundancy_rule: Annotated[Text | None, People()] = None
    """How many of the group are needed: any, all, or a number."""

    origin: Literal["declared", "observed", "inferred"] = "declared"
    """How it is known."""

    evidence: JsonObject | None = None
    """What it was concluded from."""

    confidence: Size | None = None
    """How sure the conclusion is, from 0 to 1."""

    description: Annotated[Text | None, People()] = None
    """Whatever is worth knowing about it."""


class Check(Entity):
    """What is probed to know how a service is."""

    table = "checks"
    named_by = ("service_id", "target")
    natural_keys = (key("service_id", "check_type", "target", unique=True),)
    listed = ("service_id", "check_type", "target", "interval_seconds", "enabled", "next_due_at")
    indexes = (("enabled", "next_due_at"),)

    service_id: OwningServiceId
    """Service that it speaks for."""

    check_type: Name = "http"
    """Kind of probe: http, tcp, icmp, dns …"""

    target: Annotated[Name, Redacted()]
    """What is probed: a URL, an address and port, a name."""

    interval_seconds: Annotated[Count, People()] = 60
    """Time between two probes."""

    timeout_ms: Annotated[Count, People()] = 5000
    """How long an answer may take."""

    retries: Annotated[Count, People()] = 2
    """Failures in a row before the service counts as down."""

    expectations: Annotated[JsonObject | None, People()] = None
    """What the answer must be like."""

    enabled: Annotated[bool, People()] = True
    """Whether it runs."""

    next_due_at: Annotated[Instant | None, Unclaimed(), Runtime()] = None
    """When it runs next."""


class Certificate(Entity):
    """A TLS certificate that something shows."""

    table = "certificates"
    named_by = ("subject",)
    hard_keys = (key("fingerprint", exclusive=True),)
    natural_keys = (key("fingerprint", unique=True),)
    listed = ("subject", "names", "issuer", "not_after_at", "host_id")
    grace_seconds = 3600
    indexes = (("not_after_at",), ("host_id",))

    fingerprint: Name
    """SHA-256 of the certificate (DER) in lower-case hexadecimal."""

    subject: Name
    """Common name, else the first name that it is valid for."""

    names: JsonList | None = None
    """Names and addresses that it is valid for (RFC 5280, 4.2.1.6)."""

    issuer: Text | None = None
    """Who signed it."""

    not_before_at: Instant | None = None
    """From when it is valid."""

    not_after_at: Instant | None = None
    """Until when it is valid."""

    host_id: HostId | None = None
    """Host that holds it."""

    path: Text | None = None
    """File that holds it, where it is one."""


class ProxyRoute(Entity):
    """A name that a reverse proxy leads to a backend."""

    table = "proxy_routes"
    named_by = ("hostname",)
    natural_keys = (key("proxy", "entry", "hostname", "path", "backend_url", unique=True),)
    short_names = ("proxyroutes", "virtual_hosts")
    listed = ("hostname", "path", "backend_url", "proxy", "backend_service_id", "tls", "certificate_id", "enabled")
    grace_seconds = 600
    indexes = (("hostname",), ("backend_service_id",), ("proxy_service_id",), ("certificate_id",))

    proxy: Name
    """Proxy that holds it: the name of its source."""

    entry: Text = ""
    """Where it listens: an entry point, a frontend, an address and port."""

    hostname: Name
    """Name that users ask for in lower case; `*` where any."""

    path: Text = ""
    """Beginning of the path, where only that is meant."""

    backend_url: Name
    """Where it leads, as configured: http://10.0.0.5:8096; of several, one row each."""

    backend_status: Annotated[Text | None, Runtime()] = None
    """What the proxy itself says of the backend: up, down."""

    proxy_service_id: ServiceId | None = None
    """Service of the proxy."""

    backend_service_id: ServiceId | None = None
    """Service that the backend was found to be."""

    certificate_id: CertificateId | None = None
    """Certificate that it shows."""

    tls: bool | None = None
    """Whether users reach it over TLS."""

    rule: Text | None = None
    """Rule as the proxy writes it, where name and path do not say it all."""

    enabled: bool = True
    """Whether it is in force."""

    native_name: Text | None = None
    """What the proxy itself calls it: shop@file."""
