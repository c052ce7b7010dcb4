"""What Traefik's answers mean (doc.traefik.io, "API"; shapes as of 2.0 to 3.7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from infradb import clock
from infradb.collectors.reverse_proxy.matches import ANYTHING
from infradb.collectors.reverse_proxy.routes import ProxyFacts, Route
from infradb.collectors.reverse_proxy.shapes import objects, part, shaped, texts
from infradb.collectors.traefik.rules import matches
from infradb.errors import SourceMalformed
from infradb.model.services import Certificate
from infradb.transport.certificates import described

_NOWHERE = "noop@internal"
"""Service of routers that only redirect."""

_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class TraefikAnswers:
    """What the API answered."""

    version: str
    entry_points: list[Any]
    routers: Mapping[str, list[Any]]
    """Protocol -> routers."""
    services: Mapping[str, list[Any]]
    """Protocol -> services."""
    certificates: list[Any] | None = None
    problems: tuple[str, ...] = ()
    certificate_problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Services:
    """The services of one protocol."""

    protocol: str
    by_name: dict[str, dict[str, Any]] = field(default_factory=dict)

    def backends(self, name: str, provider: str, depth: int = 0) -> Iterator[tuple[str, str | None]]:
        """Yield each server's URL with its state, also behind services that only distribute."""
        full = name if "@" in name else f"{name}@{provider}"
        raw = self.by_name.get(full)
        if raw is None or depth > _DEEPEST:
            return
        owner = full.rpartition("@")[2]
        for inner in _inner(raw):
            yield from self.backends(inner, owner, depth + 1)
        states = part(raw, "serverStatus", dict, default={})
        balancer = part(raw, "loadBalancer", dict, default={})
        # Without a check of its own Traefik calls every server up.
        checked = "healthCheck" in balancer
        for server in objects(balancer, "servers"):
            url = part(server, "url", str, default="") or part(server, "address", str, default="")
            state = states.get(url)
            if url:
                known = state.lower() if isinstance(state, str) and (checked or state.lower() != "up") else None
                yield url if "://" in url else f"{self.protocol}://{url}", known


def parse(answers: TraefikAnswers) -> ProxyFacts:
    """Return a Traefik's routes and certificates; what is malformed is left out, and named among the problems."""
    problems = list(answers.problems)
    listens = dict(_understood(answers.entry_points, _entry_point, problems))
    routes: list[Route] = []
    for protocol, raw_routers in answers.routers.items():
        services = _Services(protocol, dict(_understood(answers.services.get(protocol, []), _service, problems)))
        for raw in raw_routers:
            try:
                routes += _routes(shaped(raw, dict, "router"), services, listens)
            except SourceMalformed as error:
                problems.append(f"a router of {protocol} is not understood: {error}")
    certificate_problems = list(answers.certificate_problems)
    known = dict(_understood(answers.certificates or [], _certificate, certificate_problems))
    return ProxyFacts(routes, answers.version, known, _few(problems), _few(certificate_problems))


def _understood(raw: list[Any], read: Any, problems: list[str]) -> Iterator[tuple[str, Any]]:
    for one in raw:
        try:
            yield read(shaped(one, dict, "item"))
        except SourceMalformed as error:
            problems.append(f"an answer is not understood: {error}")


def _few(problems: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problems))[:10]


def _entry_point(raw: dict[str, Any]) -> tuple[str, str]:
    return part(raw, "name", str), part(raw, "address", str).partition("/")[0]


def _service(raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return part(raw, "name", str), raw


def _inner(raw: dict[str, Any]) -> Iterator[str]:
    """Yield the services among which a service distributes."""
    for kind in ("weighted", "highestRandomWeight"):
        for one in objects(part(raw, kind, dict, default={}), "services"):
            yield part(one, "name", str)
    for kind, name in (("mirroring", "service"), ("failover", "service"), ("failover", "fallback")):
        if inner := part(part(raw, kind, dict, default={}), name, str, default=""):
            yield inner


def _routes(raw: dict[str, Any], services: _Services, listens: Mapping[str, str]) -> Iterator[Route]:
    name, service = part(raw, "name", str), part(raw, "service", str)
    provider = part(raw, "provider", str, default="") or name.rpartition("@")[2]
    rule = part(raw, "rule", str, default="")
    if provider == "internal" or service == _NOWHERE:
        return
    # A service that is missing, or that is no server of its own (api@internal), is told by its name.
    backends = list(services.backends(service, provider))
    backends = backends or [(service if "@" in service else f"{service}@{provider}", None)]
    found = matches(rule) if rule else ANYTHING
    tls = part(raw, "tls", dict, default={})
    for entry in texts(raw, "using") or texts(raw, "entryPoints") or [""]:
        for match in found:
            for url, state in backends:
                yield Route(
                    entry=entry,
                    hostname=match.hostname,
                    path=match.path,
                    backend_url=url,
                    listen=listens.get(entry, ""),
                    tls=isinstance(raw.get("tls"), dict),
                    rule=None if match.exact else rule,
                    enabled=raw.get("status") != "disabled",
                    native_name=name,
                    backend_status=state,
                    asked=not tls.get("passthrough"),
                )


def _certificate(raw: dict[str, Any]) -> tuple[str, Certificate]:
    fingerprint = part(raw, "certFingerprint", str, default="") or part(raw, "name", str)
    try:
        found = described(
            fingerprint,
            part(raw, "commonName", str, default=""),
            texts(raw, "sans"),
            part(raw, "issuerCN", str, default="") or part(raw, "issuerOrg", str, default=""),
            (clock.to_moment(part(raw, "notBefore", str)), clock.to_moment(part(raw, "notAfter", str))),
        )
    except (ValueError, OverflowError, ValidationError) as error:
        raise SourceMalformed(f"a certificate: {error}") from error
    return found.fingerprint, found
