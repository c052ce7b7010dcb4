"""Joins reading and understanding of one nginx."""

from collections.abc import Sequence
from dataclasses import replace

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.nginx.client import CALLS, NginxClient
from infradb.collectors.nginx.parse import routes
from infradb.collectors.nginx.settings import NginxSettings
from infradb.collectors.reverse_proxy.files import read_certificates
from infradb.collectors.reverse_proxy.routes import ProxyFacts
from infradb.collectors.reverse_proxy.run import diagnose_ports, probing_calls, run_of
from infradb.errors import CollectionError
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

_HERE = "127.0.0.1"
GRANT = """Everybody may read nginx's configuration on most systems. Where that is not so, and for certificates of
certbot, whose folders only root may enter (the keys in them stay root's):

    sudo setfacl -R -m u:infradb:rX /etc/nginx
    sudo setfacl -m u:infradb:x /etc/letsencrypt/live /etc/letsencrypt/archive

Without the second line, the certificates are still known by asking nginx's ports.
"""


class NginxCollector:
    """Reads one nginx through its configuration files."""

    kind = "nginx"
    Settings = NginxSettings

    def __init__(self, name: str, settings: NginxSettings | None = None) -> None:
        self.name = name
        self.settings = settings or NginxSettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read configuration and certificates, and no key."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what the files say; raise `CollectionError` where the main one cannot be read."""
        started_at, log = clock.now(), CallLog()
        facts = self._read(log)
        return run_of(self.kind, self.name, started_at, facts, self.settings, _HERE, log)

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read every file once, and say what came of it."""
        needs = [f"read {self.settings.path} and what it includes", CALLS[1]]
        hint = "give infradb the right to read them; README.md of the collector has the lines"
        try:
            facts = self._read(CallLog())
        except CollectionError as error:
            return [Diagnosis(needs[0], ok=False, detail=str(error), hint=error.hint)]
        found = []
        counts = (f"{len(facts.routes)} routes", f"{len(facts.certificates)} certificates")
        for need, problems, count in zip(needs, (facts.problems, facts.certificate_problems), counts, strict=True):
            ok = not problems
            found.append(Diagnosis(need, ok=ok, detail=count if ok else problems[0], hint="" if ok else hint))
        return found + diagnose_ports(facts, self.settings, _HERE)

    def calls(self) -> Sequence[str]:
        """Return what is read, and the handshakes."""
        return [*CALLS, *probing_calls(self.settings)]

    def _read(self, log: CallLog) -> ProxyFacts:
        client = NginxClient(self.settings.path, log)
        found = routes(client.configuration())
        with log.recording(CALLS[1]):
            files, problems = read_certificates({path for _, path in found if path})
        prints = {path: certificate.fingerprint for path, certificate in files.items()}
        return ProxyFacts(
            [replace(route, fingerprint=prints.get(path) if path else None) for route, path in found],
            certificates={c.fingerprint: c for c in files.values()},
            problems=tuple(client.problems[:10]),
            certificate_problems=tuple(problems[:10]),
        )
