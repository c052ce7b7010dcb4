"""Joins reading and understanding of one HAProxy."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.haproxy.client import FILES, INFO, STAT, HaproxyClient
from infradb.collectors.haproxy.parse import parse, parse_states, parse_version
from infradb.collectors.haproxy.settings import HaproxySettings
from infradb.collectors.reverse_proxy.routes import ProxyFacts
from infradb.collectors.reverse_proxy.run import diagnose_ports, probing_calls, proof, run_of, words
from infradb.errors import CollectionError
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

GRANT = """A socket that may only be looked at, for the group that infradb runs in. In haproxy.cfg, section `global`:

    stats socket /run/haproxy/infradb.sock group infradb mode 660 level user

and the right to read that file, which may hold passwords of userlists (infradb leaves them out):

    sudo systemctl reload haproxy
    sudo setfacl -m u:infradb:x /etc/haproxy; sudo setfacl -m u:infradb:r /etc/haproxy/haproxy.cfg

Then: url=unix:///run/haproxy/infradb.sock
"""


class HaproxyCollector:
    """Reads one HAProxy through its configuration file and its stats socket."""

    kind = "haproxy"
    Settings = HaproxySettings

    def __init__(self, name: str, settings: HaproxySettings | None = None) -> None:
        self.name = name
        self.settings = settings or HaproxySettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to make a socket that may only be looked at."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what HAProxy does; raise `CollectionError` where its configuration cannot be read."""
        started_at, log = clock.now(), CallLog()
        facts = self._read(log)
        return run_of(self.kind, self.name, started_at, facts, self.settings, self.settings.host, log)

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read file and socket once, and say what came of it."""
        client = HaproxyClient(self.settings, CallLog())
        needs = f"read {self.settings.path}"
        found = [proof(needs, lambda: f"{len(parse(client.configuration(), {}, client.beside).routes)} routes")]
        if self.settings.url:
            found.append(proof(INFO, lambda: f"HAProxy {parse_version(client.ask(INFO))}"))
            found.append(proof(STAT, lambda: f"{len(parse_states(client.ask(STAT)))} servers are checked"))
        if found[0].ok:
            found += diagnose_ports(self._read(CallLog()), self.settings, self.settings.host)
        return found

    def calls(self) -> Sequence[str]:
        """Return what is read and asked, and the handshakes."""
        return [FILES, *([INFO, STAT] if self.settings.url else []), *probing_calls(self.settings)]

    def _read(self, log: CallLog) -> ProxyFacts:
        client = HaproxyClient(self.settings, log)
        text = client.configuration()
        states: dict[tuple[str, str], str] = {}
        version, problems = None, ()
        if self.settings.url:
            try:
                version, states = parse_version(client.ask(INFO)), parse_states(client.ask(STAT))
            except CollectionError as error:
                problems = (f"the state of backends is not known: {words(error)}",)  # type: ignore[assignment]
        return parse(text, states, client.beside, version, problems)
