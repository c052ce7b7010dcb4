"""Joins reading and understanding of one Caddy."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.caddy.client import CALLS, CaddyClient
from infradb.collectors.caddy.parse import certificate_files, parse
from infradb.collectors.caddy.settings import CaddySettings
from infradb.collectors.reverse_proxy.files import read_certificates
from infradb.collectors.reverse_proxy.routes import ProxyFacts
from infradb.collectors.reverse_proxy.run import diagnose_ports, probing_calls, proof, run_of, words
from infradb.errors import CollectionError
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

GRANT = """Whoever reaches Caddy's admin API may change everything, so it listens on 127.0.0.1 only, and infradb beside
it needs nothing more. For an infradb elsewhere, let Caddy itself pass on GET of two paths and nothing else. In the
Caddyfile:

    :2020 {
        @infradb {
            method GET
            path /config/ /reverse_proxy/upstreams
            remote_ip ADDRESS_OF_INFRADB
        }
        handle @infradb {
            reverse_proxy 127.0.0.1:2019 {
                header_up Host 127.0.0.1:2019
            }
        }
        respond 403
    }

Then: url=http://HOST:2020. The configuration may hold passwords of backends and providers: keep that port off other
networks.
"""


class CaddyCollector:
    """Reads one Caddy through its admin API."""

    kind = "caddy"
    Settings = CaddySettings

    def __init__(self, name: str, settings: CaddySettings | None = None) -> None:
        self.name = name
        self.settings = settings or CaddySettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to open two paths of the admin API to infradb alone."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what Caddy is configured to do; raise `CollectionError` where it does not tell."""
        started_at, log = clock.now(), CallLog()
        facts = self._read(log)
        return run_of(self.kind, self.name, started_at, facts, self.settings, self.settings.host, log)

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once, and say what came of it."""
        client = CaddyClient(self.settings, CallLog())
        found = []
        try:
            for needs, call in zip(CALLS, (client.config, client.upstreams), strict=True):
                found.append(proof(needs, lambda call=call: f"{len(call())} parts"))  # type: ignore[misc]
        finally:
            client.close()
        if found[0].ok:
            found += diagnose_ports(self._read(CallLog()), self.settings, self.settings.host)
        return found

    def calls(self) -> Sequence[str]:
        """Return every call that is made; all are GET, or handshakes."""
        return [*CALLS, *probing_calls(self.settings)]

    def _read(self, log: CallLog) -> ProxyFacts:
        client = CaddyClient(self.settings, log)
        try:
            config = client.config()
            try:
                upstreams, problems = client.upstreams(), ()
            except CollectionError as error:
                upstreams, problems = None, (words(error),)  # type: ignore[assignment]
        finally:
            client.close()
        return self._with_files(config, parse(config, upstreams, problems))

    def _with_files(self, config: Mapping[str, Any], facts: ProxyFacts) -> ProxyFacts:
        """Return the facts with the certificates in files, where those are this machine's."""
        if not self.settings.this_machine:
            return facts
        by_path, problems = read_certificates(certificate_files(config))
        return replace(
            facts, certificates={c.fingerprint: c for c in by_path.values()}, certificate_problems=tuple(problems)
        )
