"""Which services a container offers: its published ports, and the exposed ones that its image is known for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from infradb.collectors.docker.engine import Engine
from infradb.collectors.docker.images import version_of
from infradb.model.docker import DockerContainer
from infradb.model.physical import Criticality
from infradb.model.services import Service
from infradb.observation import Observation, Rejected, observe
from infradb.service_types import guess, guess_by_name, is_well_known, web_scheme

_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  (read, not bound)
_LOOPBACK = ("127.", "::1")
_CRITICALITIES = get_args(Criticality)


@dataclass(frozen=True, slots=True)
class Offer:
    """One port of a container."""

    port: int
    """Port inside the container."""

    protocol: str
    """tcp or udp."""

    published_port: int | None = None
    """Lowest port of the host that leads to it."""

    host_ip: str = ""
    """Address of the host that it is bound to; empty for all."""


def port_list(
    exposed: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None, bound: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return exposed and published ports in order: as bound while it runs, else as wanted.

    One entry per port and address of the host; IPv4's and IPv6's wildcard count as one address.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name in {**(exposed or {}), **(wanted or {}), **(bound or {})}:
        number, _, protocol = name.partition("/")
        if not number.isdigit():
            continue
        base = {"container_port": int(number), "protocol": protocol or "tcp"}
        bindings = (bound or {}).get(name) or (wanted or {}).get(name) or ()
        for binding in bindings:
            address, host_port = binding.get("HostIp") or "", str(binding.get("HostPort") or "")
            address = "0.0.0.0" if address in _EVERYWHERE else address  # noqa: S104
            row = {**base, "host_ip": address}
            if host_port.isdigit() and host_port != "0":
                row["host_port"] = int(host_port)
            rows[int(number), base["protocol"], address, row.get("host_port", 0)] = row
        if not bindings:
            rows[int(number), base["protocol"], "", 0] = base
    return [rows[key] for key in sorted(rows)]


def services(key: str, container: DockerContainer, engine: Engine) -> Iterator[Observation | Rejected]:
    """Yield a container's services; what its labels say of them counts for the main one, or for all."""
    labels = container.labels or {}
    offers = _offers(container)
    main = min(offers, key=lambda o: _rank(o, container), default=None)
    name = container.compose_service or container.container_name
    criticality = str(labels.get("infradb.criticality") or "").strip().lower()
    for offer in offers:
        native_key = f"{key}/service/{offer.protocol}/{offer.port}"
        said = _facts(offer, container, engine)
        said["service_name"] = f"{name}:{offer.port}" if len(offers) > 1 else name
        if owner := labels.get("infradb.owner"):
            said["owner"] = owner
        if criticality in _CRITICALITIES:
            said["criticality"] = criticality
        if offer is main:
            said |= _said_of_main(labels)
        yield observe(native_key, Service(docker_container_id=key, **said))
        if criticality and criticality not in _CRITICALITIES:
            reason = f"the label infradb.criticality is none of {', '.join(_CRITICALITIES)}"
            yield Rejected(native_key, reason, labels["infradb.criticality"], "criticality")


def _offers(container: DockerContainer) -> list[Offer]:
    offers: dict[tuple[str, int], Offer] = {}
    for row in container.ports or ():
        if row["protocol"] not in ("tcp", "udp"):
            continue
        where = (row["protocol"], row["container_port"])
        published, known = row.get("host_port"), offers.get(where)
        if known is None or (published and (not known.published_port or published < known.published_port)):
            offers[where] = Offer(row["container_port"], row["protocol"], published, row.get("host_ip", ""))
    published_ones = [offer for offer in offers.values() if offer.host_ip or offer.published_port]
    inner = [offer for offer in offers.values() if offer not in published_ones]
    return published_ones + _worth_it(inner, container.image, alone=not published_ones)


def _worth_it(inner: Sequence[Offer], image: str, *, alone: bool) -> list[Offer]:
    """Return the unpublished ports that are services: of known images those that are well-known, else the first.

    Images expose whatever they might ever listen on; without this rule half of all services would be noise.
    """
    if guess_by_name(image) is None:
        return []
    known = [offer for offer in inner if is_well_known(offer.port, offer.protocol)]
    if known or not alone:
        return known
    return sorted(inner, key=lambda o: (o.protocol != "tcp", o.port))[:1]


def _rank(offer: Offer, container: DockerContainer) -> tuple[bool, bool, int]:
    kind = guess(offer.port, offer.protocol, container.image)
    is_web = web_scheme(offer.port, offer.protocol, kind) is not None
    return (not offer.published_port, not is_web, offer.port)


def _facts(offer: Offer, container: DockerContainer, engine: Engine) -> dict[str, Any]:
    kind = guess(offer.port, offer.protocol, container.image)
    said: dict[str, Any] = {
        "service_type": kind,
        "protocol": offer.protocol,
        "port": offer.port,
        "published_port": offer.published_port,
    }
    if version := version_of(container.image_tag):
        said["version"] = version
    scheme = web_scheme(offer.port, offer.protocol, kind)
    host = engine.address if offer.host_ip in _EVERYWHERE else offer.host_ip
    if scheme and offer.published_port and host and not host.startswith(_LOOPBACK):
        host = f"[{host}]" if ":" in host else host
        default = 443 if scheme == "https" else 80
        port = "" if offer.published_port == default else f":{offer.published_port}"
        said["endpoint_url"] = f"{scheme}://{host}{port}"
    return said


def _said_of_main(labels: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {
        "service_name": ("infradb.name", "homepage.name"),
        "endpoint_url": ("infradb.url", "homepage.href"),
        "description": ("infradb.description", "infradb.purpose", "homepage.description"),
        "documentation_url": ("infradb.documentation", "org.opencontainers.image.documentation"),
    }
    found = {name: next((labels[key] for key in keys if labels.get(key)), None) for name, keys in wanted.items()}
    return {name: str(value)[:255] if name == "service_name" else str(value) for name, value in found.items() if value}
