"""What a Prometheus server's targets mean (Prometheus HTTP API v1: Targets). Pure.

An instance is an address and a port, not a machine: it becomes a service that listens there, and the address a thing of
its own, until somebody knows whose it is. Targets of one address and port are one service, however many paths of it
are scraped.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from infradb.machines import is_own_space
from infradb.model.network import IpAddress
from infradb.model.services import Service
from infradb.observation import Answer, answer_of, observed
from infradb.redaction import redact_text
from infradb.service_types import guess

PARSER_VERSION = 1
"""Raised whenever the same targets are to be understood in another way."""

_HEALTH = ("up", "down")


def parse_targets(targets: Iterable[Any], vrf: str) -> tuple[list[Answer], tuple[str, ...]]:
    """Return a service for each address and port that is scraped, the addresses, and what made no sense."""
    listeners: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    unreadable = 0
    for target in targets:
        place = _place(target)
        if place is None:
            unreadable += 1
        else:
            listeners.setdefault(place, []).append(target)
    answers = [_address(host, vrf) for host in sorted({h for h, _ in listeners}) if _is_address(host)]
    answers += [_service(*place, found) for place, found in sorted(listeners.items())]
    errors = (
        (f"{unreadable} targets make no sense (is it a newer Prometheus than infradb knows?)",) if unreadable else ()
    )
    return answers, errors


def parse_build(build: Mapping[str, Any], url: str) -> Answer:
    """Return the server itself as a service."""
    parts = urlsplit(url)
    values = {
        "service_name": f"prometheus {parts.netloc}",
        "service_type": "monitoring",
        "protocol": "tcp",
        "port": parts.port or (443 if parts.scheme == "https" else 80),
        "endpoint_url": url,
        "version": build.get("version"),
        **({"bind_addresses": [parts.hostname]} if _is_address(parts.hostname or "") else {}),
    }
    return answer_of(observed("server", Service, {n: v for n, v in values.items() if v}), PARSER_VERSION)


def _place(target: Any) -> tuple[str, int] | None:
    """Return host and port that are scraped."""
    url = target.get("scrapeUrl") if isinstance(target, Mapping) else None
    if not isinstance(url, str) or not isinstance(target.get("labels"), Mapping):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or not port or len(parts.hostname) > 200:
        return None
    try:
        return str(ipaddress.ip_address(parts.hostname)), port
    except ValueError:
        return parts.hostname.lower().rstrip("."), port


def _service(host: str, port: int, found: list[Mapping[str, Any]]) -> Answer:
    jobs = sorted({str(t["labels"].get("job") or t.get("scrapePool") or "target") for t in found})
    place = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    first = min((str(t["scrapeUrl"]) for t in found), key=lambda url: (len(url), url))
    parts = urlsplit(first)
    values: dict[str, Any] = {
        "service_name": f"{'/'.join(jobs)[:100]} {place}",
        "service_type": guess(port, "tcp", process=jobs[0]),
        "protocol": "tcp",
        "port": port,
        # Parameters hold what is probed, and now and then a token.
        "endpoint_url": redact_text(f"{parts.scheme}://{place}{parts.path}"),
        **({"bind_addresses": [host]} if _is_address(host) else {}),
    }
    # A target that was not scraped yet says nothing about itself.
    if verdicts := {t.get("health") for t in found if t.get("health") in _HEALTH}:
        values["reported_status"] = verdicts.pop() if len(verdicts) == 1 else "degraded"
    return answer_of(observed(f"target/{place}", Service, values), PARSER_VERSION, whole=True)


def _address(address: str, vrf: str) -> Answer:
    said = observed(f"address/{address}", IpAddress, {"ip_address": address, "vrf": vrf})
    return answer_of(said, PARSER_VERSION, whole=True)


def _is_address(host: str) -> bool:
    """Tell whether it is an address that means the same on other machines."""
    return not is_own_space(host)
