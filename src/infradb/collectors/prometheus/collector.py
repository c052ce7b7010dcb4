"""Joins reading and understanding of one Prometheus server."""

from collections.abc import Callable, Sequence
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.prometheus.client import BUILD, TARGETS, PrometheusClient
from infradb.collectors.prometheus.parse import parse_build, parse_targets
from infradb.collectors.prometheus.settings import PrometheusSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog

GRANT = """Prometheus knows no accounts of its own: who reaches its port may read it. With a password (web-config.yml,
basic_auth_users), make one for infradb and give the source its name and where it lies:

    infradb sources add prometheus metrics url=http://127.0.0.1:9090 user=infradb password=env:PROMETHEUS

A proxy in front needs to let through two paths, GET only: /api/v1/targets and /api/v1/status/buildinfo.
"""


class PrometheusCollector:
    """Reads what a Prometheus server scrapes: services, their addresses and whether they answer it."""

    kind = "prometheus"
    Settings = PrometheusSettings

    def __init__(self, name: str, settings: PrometheusSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the server, and nothing more."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what the server scrapes now; raise `CollectionError` where it does not tell."""
        started_at, log = clock.now(), CallLog()
        client = PrometheusClient(self.settings, log)
        try:
            targets = self._targets(client)
            server = self._server(client)
        finally:
            client.close()
        return CollectionRun(self.name, started_at, (server, targets), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once, and say what came of it."""
        client = PrometheusClient(self.settings, CallLog())
        try:
            return [
                _proof(f"GET {TARGETS}", lambda: f"{len(_active(client))} targets"),
                _proof(f"GET {BUILD}", lambda: f"Prometheus {client.build().get('version', 'of unknown version')}"),
            ]
        finally:
            client.close()

    def calls(self) -> Sequence[str]:
        """Return every call that is made; both are GET."""
        return (f"GET {TARGETS}", f"GET {BUILD}")

    def _targets(self, client: PrometheusClient) -> ScopeResult:
        active = _active(client)
        answers, errors = parse_targets(active, self.settings.vrf)
        if not active:
            # For seconds after its start, or after a broken service discovery, it shows none.
            errors = ("Prometheus shows no targets: did it just start? Nothing is concluded from that",)
        return ScopeResult("targets", "partial" if errors else "complete", answers, errors)

    def _server(self, client: PrometheusClient) -> ScopeResult:
        try:
            return ScopeResult("server", "complete", [parse_build(client.build(), self.settings.url)])
        except CollectionError as error:
            return ScopeResult("server", "failed", errors=(f"{error} ({error.hint})",))


def _active(client: PrometheusClient) -> list[Any]:
    active = client.targets().get("activeTargets")
    if not isinstance(active, list):
        hint = "does a Prometheus server listen there, and in a version that infradb reads?"
        raise SourceMalformed(f"GET {TARGETS}: the answer lists no active targets", hint=hint)
    return active


def _proof(needs: str, call: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(needs, ok=True, detail=call())
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)
