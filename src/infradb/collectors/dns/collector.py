"""Joins reading and understanding of zones: each is a scope of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.dns.client import AXFR, DnsClient
from infradb.collectors.dns.parse import origin_of, parse_file, parse_zone
from infradb.collectors.dns.settings import DnsSettings
from infradb.dns_names import Record, canonical_name, record_answers
from infradb.errors import CollectionError, SettingsError, SourceUnreachable
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.understood import in_words, status_of

PARALLEL = 4
Outcome = tuple[list[Record], tuple[str, ...]]
"""What was understood of a zone, and what was not."""
GRANT = """Allow transfers to a key of its own, and give its secret to the source. BIND 9:

    tsig-keygen infradb-{name} | sudo tee -a /etc/bind/named.conf.local
    # in each zone, or in options:  allow-transfer {{ key infradb-{name}; }};
    sudo rndc reconfig

Knot DNS: a `key`, an `acl` with that key and `action: transfer`, and `acl: [that one]` in each zone. PowerDNS:

    pdnsutil generate-tsig-key infradb-{name} hmac-sha256
    pdnsutil activate-tsig-key ZONE infradb-{name} primary

Then: infradb sources add dns {name} server=ADDRESS zones=ZONE,ZONE tsig_key=infradb-{name} tsig_secret=env:TSIG_SECRET
"""


class DnsCollector:
    """Reads zones by transfer, or from zone files."""

    kind = "dns"
    Settings = DnsSettings

    def __init__(self, name: str, settings: DnsSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to allow transfers to one key."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return the zones' records; raise `CollectionError` where no zone could be read because nobody answers."""
        started_at, log = clock.now(), CallLog()
        tasks = self._tasks(DnsClient(self.settings, log))
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="dns") as pool:
            outcomes = list(pool.map(_outcome, tasks.values()))
        failures = [o for o in outcomes if isinstance(o, CollectionError)]
        if len(failures) == len(outcomes) and all(isinstance(f, SourceUnreachable) for f in failures):
            raise failures[0]
        scopes = tuple(self._scope(name, o) for name, o in zip(tasks, outcomes, strict=True))
        return CollectionRun(self.name, started_at, scopes, calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read each zone once, and say what came of it."""
        found = []
        for name, task in self._tasks(DnsClient(self.settings, CallLog())).items():
            outcome = _outcome(task)
            if isinstance(outcome, CollectionError):
                found.append(Diagnosis(name, ok=False, detail=str(outcome), hint=outcome.hint))
            else:
                records, errors = outcome
                found.append(Diagnosis(name, ok=True, detail="; ".join((f"{len(records)} records", *errors))))
        return found

    def calls(self) -> Sequence[str]:
        """Return the transfer, or the files."""
        return tuple(f"read {path}" for path in self.settings.path) or (AXFR,)

    def _tasks(self, client: DnsClient) -> dict[str, Callable[[], Outcome]]:
        """Return what reads each zone, by the name of its scope."""
        try:
            zones = [canonical_name(z) for z in self.settings.zones]
        except ValueError as error:
            raise SettingsError(
                "`zones` holds what is no name", hint="zones=lab.example,0.0.10.in-addr.arpa"
            ) from error
        if self.settings.server:
            return {f"zone/{z}": _transferring(client, z) for z in zones}
        origins = zones or [""] * len(self.settings.path)
        return {f"file/{path}": _reading(client, path, z) for path, z in zip(self.settings.path, origins, strict=True)}

    def _scope(self, name: str, outcome: Outcome | CollectionError) -> ScopeResult:
        if isinstance(outcome, CollectionError):
            return ScopeResult(name, "failed", errors=(in_words(outcome),))
        records, errors = outcome
        answers = record_answers(self.name, records)
        return ScopeResult(name, status_of(answers, errors), answers, errors)


def _transferring(client: DnsClient, zone: str) -> Callable[[], Outcome]:
    return lambda: parse_zone(zone, client.transfer(zone))


def _reading(client: DnsClient, path: str, zone: str) -> Callable[[], Outcome]:
    def read() -> Outcome:
        text = client.file(path)
        return parse_file(zone or origin_of(text, path), text, path)

    return read


def _outcome(task: Callable[[], Outcome]) -> Outcome | CollectionError:
    try:
        return task()
    except CollectionError as error:
        return error
