"""A route in the one form that every proxy's are brought to, and what it says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from infradb.model.entity import Entity
from infradb.model.services import Certificate, ProxyRoute
from infradb.observation import Answer, Observation, Rejected, digest_of, observe
from infradb.redaction import redact_text

PARSER_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One name that leads to one backend; of several backends there is one each."""

    entry: str
    """Where it listens, in the proxy's own words."""

    hostname: str
    """Name in lower case; `*` where any."""

    backend_url: str
    """Where it leads, as configured."""

    path: str = ""
    """Beginning of the path, where only that is meant."""

    listen: str = ""
    """Address and port that it listens on: `:443`; empty where that is not known."""

    tls: bool | None = None
    """Whether users reach it over TLS."""

    rule: str | None = None
    """What else has to hold."""

    enabled: bool = True
    """Whether it is in force."""

    native_name: str | None = None
    """What the proxy calls it."""

    backend_status: str | None = None
    """What the proxy says of the backend."""

    fingerprint: str | None = None
    """Certificate that it is configured with, where the source knows it."""

    asked: bool = True
    """Whether its port may be asked for a certificate: not where the backend would answer, or one would be made."""

    @property
    def key(self) -> str:
        """Return its native key, made of what makes a route a route."""
        return f"route/{self.entry}/{self.hostname}{self.path}>{redact_text(self.backend_url)}"


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """All that was read of one proxy."""

    routes: Sequence[Route]
    """Its routes."""

    version: str | None = None
    """Version of its program."""

    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    """Fingerprint -> certificate that it holds, as far as it says."""

    problems: tuple[str, ...] = ()
    """What of the routes could not be read; they are then not all of them."""

    certificate_problems: tuple[str, ...] = ()
    """What of the certificates could not be read."""


def route_answers(
    routes: Iterable[Route], proxy: str, certificates: Mapping[str, str], services: Mapping[int, str]
) -> Iterator[Answer]:
    """Yield what each route says, in order; of two that are the same in all that makes a route, the first.

    `certificates`: route's key -> native key of the certificate; `services`: port -> native key of the proxy's service.
    """
    known: set[str] = set()
    for route in sorted(routes, key=lambda r: (r.key, not r.enabled, r.rule or "", r.native_name or "")):
        if route.key in known:
            continue
        known.add(route.key)
        said: dict[str, Any] = {
            "proxy": proxy,
            "entry": route.entry,
            "hostname": route.hostname,
            "path": route.path,
            "backend_url": redact_text(route.backend_url),
            "enabled": route.enabled,
            "tls": route.tls,
            "rule": redact_text(route.rule) if route.rule else None,
            "native_name": route.native_name,
            "backend_status": route.backend_status,
            "certificate_id": certificates.get(route.key),
            "proxy_service_id": services.get(port_of(route.listen)),
        }
        yield answer(route.key, ProxyRoute, {n: _clean(v) for n, v in said.items() if v is not None})


def answer(key: str, kind: type[Entity], said: Mapping[str, Any]) -> Answer:
    """Return what a thing says; what its type does not take is rejected when it is parsed."""
    return Answer(key, digest_of([key, said], PARSER_VERSION), partial(_made, key, kind, said), whole=True)


def port_of(listen: str) -> int:
    """Return the port of a listening address, 0 where there is none.

    >>> port_of("[::]:443"), port_of("unix//run/web.sock")
    (443, 0)
    """
    digits = listen.rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0


def _made(key: str, kind: type[Entity], said: Mapping[str, Any]) -> Sequence[Observation | Rejected]:
    try:
        return [observe(key, kind(**said))]
    except ValidationError as error:
        first = error.errors()[0]
        return [Rejected(key, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", dict(said))]


def _clean(value: Any) -> Any:
    # PostgreSQL keeps no NUL in a text.
    return value.replace("\x00", "") if isinstance(value, str) else value
