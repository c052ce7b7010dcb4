"""Joins reading and understanding of exporters: each is a scope of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.node_exporter.client import PARALLEL, NodeExporterClient
from infradb.collectors.node_exporter.parse import parse_exporter
from infradb.collectors.node_exporter.settings import NodeExporterSettings
from infradb.errors import CollectionError
from infradb.observation import CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog

GRANT = """No account is needed. An exporter shows its page to whoever reaches its port, so let it listen where only
infradb and Prometheus come, and let it tell addresses and processors as well:

    prometheus-node-exporter --web.listen-address=10.0.0.5:9100 \\
      --collector.netdev.address-info --collector.cpu.info

With a password (web-config.yml, basic_auth_users), give infradb the name and where the password lies:

    infradb sources add node_exporter machines urls=https://10.0.0.5:9100 user=infradb password=env:EXPORTER
"""


class NodeExporterCollector:
    """Reads machines through the node_exporter that runs on each."""

    kind = "node_exporter"
    Settings = NodeExporterSettings

    def __init__(self, name: str, settings: NodeExporterSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to run an exporter that tells everything, to few."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what each exporter shows now; raise `CollectionError` where none of them answers."""
        started_at, log = clock.now(), CallLog()
        client = NodeExporterClient(self.settings, log)
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="node-exporter") as pool:
            found = list(pool.map(lambda url: _read(client, url), self.settings.urls))
        scopes = [scope for one in found if isinstance(one, list) for scope in one]
        failed = [
            (u, one) for u, one in zip(self.settings.urls, found, strict=True) if isinstance(one, CollectionError)
        ]
        if not scopes:
            raise failed[0][1]
        scopes += [ScopeResult(url, "failed", errors=(f"{error} ({error.hint})",)) for url, error in failed]
        return CollectionRun(self.name, started_at, scopes, calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read each exporter once, and say which of its collectors would tell more."""
        client = NodeExporterClient(self.settings, CallLog())
        return [_proof(client, url) for url in self.settings.urls]

    def calls(self) -> Sequence[str]:
        """Return the one call that is made to each exporter."""
        return ("GET /metrics",)


def _read(client: NodeExporterClient, url: str) -> list[ScopeResult] | CollectionError:
    try:
        parts, errors = parse_exporter(client.metrics(url), url)
    except CollectionError as error:
        return error
    status: ScopeStatus = "partial" if errors else "complete"
    # A part that is not told at all, because its collector was switched off, says nothing about what was there.
    return [ScopeResult(f"{url} {p}", status, a, errors if p == "host" else ()) for p, a in parts.items()]


def _proof(client: NodeExporterClient, url: str) -> Diagnosis:
    needs = f"GET /metrics at {url}"
    try:
        text = client.metrics(url)
        parts, errors = parse_exporter(text, url)
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)
    if errors:
        return Diagnosis(needs, ok=False, detail=errors[0], hint="look into the exporter's own log")
    silent = [] if "node_network_address_info" in text else ["addresses (--collector.netdev.address-info)"]
    silent += [] if "node_dmi_info" in text else ["firmware (--collector.dmi; containers have none)"]
    detail = f"{sum(map(len, parts.values()))} things" + (f"; it does not tell {', '.join(silent)}" if silent else "")
    return Diagnosis(needs, ok=True, detail=detail)
