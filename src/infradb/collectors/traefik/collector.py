"""Joins reading and understanding of one Traefik."""

from collections.abc import Sequence
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.reverse_proxy.run import diagnose_ports, probing_calls, proof, run_of, words
from infradb.collectors.traefik.client import CALLS, PROTOCOLS, TraefikClient
from infradb.collectors.traefik.parse import TraefikAnswers, parse
from infradb.collectors.traefik.settings import TraefikSettings
from infradb.errors import CollectionError
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

GRANT = """Traefik's API only reads, and knows no accounts: what it needs is a user of its own before it. Make one
(it asks for the password and prints a line):

    htpasswd -nB infradb

and put that line into a file of Traefik's dynamic configuration, with a name for the API of your own:

    http:
      routers:
        api:
          rule: Host(`traefik.example.org`) && PathPrefix(`/api`)
          service: api@internal
          entryPoints: [websecure]
          middlewares: [infradb]
          tls: {}
      middlewares:
        infradb:
          basicAuth:
            users: ["infradb:$2y$05$…"]

with `api: {}` in the static configuration. Then: url=https://traefik.example.org user=infradb, and `password` is asked.
"""


class TraefikCollector:
    """Reads one Traefik through its API."""

    kind = "traefik"
    Settings = TraefikSettings

    def __init__(self, name: str, settings: TraefikSettings | None = None) -> None:
        self.name = name
        self.settings = settings or TraefikSettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to open the API to infradb alone."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what Traefik does now; raise `CollectionError` where it does not even tell its version."""
        started_at, log = clock.now(), CallLog()
        client = TraefikClient(self.settings, log)
        try:
            facts = parse(_read(client))
        finally:
            client.close()
        return run_of(self.kind, self.name, started_at, facts, self.settings, self.settings.host, log)

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once, and say what came of it."""
        client = TraefikClient(self.settings, CallLog())
        try:
            found = [proof("GET /api/version", lambda: f"Traefik {client.version()['Version']}")]
            if found[0].ok:
                found += [proof(call, lambda call=call: _count(client, call)) for call in CALLS[1:]]  # type: ignore[misc]
                found += diagnose_ports(parse(_read(client)), self.settings, self.settings.host)
        finally:
            client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return every call that is made; all are GET, or handshakes."""
        return [*CALLS, *probing_calls(self.settings)]


def _read(client: TraefikClient) -> TraefikAnswers:
    version = client.version()["Version"]
    problems: list[str] = []

    def listed(path: str, total: int | None = None) -> list[Any]:
        try:
            found = client.listed(path, total)
        except CollectionError as error:
            problems.append(words(error))
            return []
        if total is not None and len(found) < total:
            problems.append(f"GET {path} gave {len(found)} of {total} (is a page lost? Read the source again)")
        return found

    try:
        overview = client.overview()
    except CollectionError as error:
        overview = {}
        problems.append(words(error))
    entry_points = listed("/api/entrypoints")
    routers = {p: listed(f"/api/{p}/routers", _total(overview, p, "routers")) for p in PROTOCOLS}
    services = {p: listed(f"/api/{p}/services", _total(overview, p, "services")) for p in PROTOCOLS}
    try:
        certificates, hidden = client.certificates(), ()
    except CollectionError as error:
        certificates, hidden = None, (words(error),)  # type: ignore[assignment]
    return TraefikAnswers(version, entry_points, routers, services, certificates, tuple(problems), hidden)


def _total(overview: Any, protocol: str, kind: str) -> int | None:
    for name in (protocol, kind, "total"):
        overview = overview.get(name) if isinstance(overview, dict) else None
    return overview if isinstance(overview, int) else None


def _count(client: TraefikClient, call: str) -> str:
    path = call.removeprefix("GET ")
    if path == "/api/overview":
        return f"providers: {client.overview().get('providers')}"
    if path == "/api/certificates":
        found = client.certificates()
        return "not in this version: certificates are known by asking the ports" if found is None else f"{len(found)}"
    return f"{len(client.listed(path, None))}"
