"""Joins reading and understanding of one PowerDNS server."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.powerdns.client import PARALLEL, SERVER, ZONE, ZONES, PowerDnsClient
from infradb.collectors.powerdns.parse import parse_zone, zone_id
from infradb.collectors.powerdns.settings import PowerDnsSettings
from infradb.dns_names import Record, record_answers
from infradb.errors import CollectionError, SourceMalformed
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.understood import in_words, status_of, understood

GRANT = """The API has one key, and whoever has it may change zones too. So let a proxy in front pass GET only, or set
the web server to answer infradb's address alone, in pdns.conf:

    api=yes
    api-key=A-LONG-RANDOM-TEXT
    webserver=yes
    webserver-address=127.0.0.1
    webserver-allow-from=127.0.0.1,::1

Whoever wants to give less away lets zones be transferred instead: infradb sources add dns {name} …
"""


class PowerDnsCollector:
    """Reads every zone of one server."""

    kind = "powerdns"
    Settings = PowerDnsSettings

    def __init__(self, name: str, settings: PowerDnsSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to open the API to infradb alone."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return all records in one scope, so that the records of a removed zone go; raise `CollectionError`."""
        started_at, log = clock.now(), CallLog()
        client = PowerDnsClient(self.settings, log)
        try:
            client.server()
            zones, errors = understood(client.zones(), zone_id, "zones")
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix="powerdns") as pool:
                outcomes = list(pool.map(lambda z: _read(client, *z), zones))
        finally:
            client.close()
        records = [record for found, _ in outcomes for record in found]
        errors += tuple(error for _, said in outcomes for error in said)
        answers = record_answers(self.name, records)
        scope = ScopeResult("records", status_of(answers, errors), answers, errors)
        return CollectionRun(self.name, started_at, (scope,), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Ask for the server, its zones, and the first zone."""
        found: list[Diagnosis] = []
        needs = SERVER
        client = None
        try:
            client = PowerDnsClient(self.settings, CallLog())
            found.append(Diagnosis(needs, ok=True, detail=f"PowerDNS {client.server().get('version', '?')}"))
            needs = ZONES
            zones, errors = understood(client.zones(), zone_id, "zones")
            found.append(Diagnosis(needs, ok=True, detail="; ".join((f"{len(zones)} zones", *errors))))
            needs = ZONE
            if zones:
                records, _ = parse_zone(client.zone(zones[0][0]))
                found.append(Diagnosis(needs, ok=True, detail=f"{len(records)} records of {zones[0][1]}"))
        except CollectionError as error:
            found.append(Diagnosis(needs, ok=False, detail=str(error), hint=error.hint))
        finally:
            if client:
                client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return the three calls; all are GET."""
        return (SERVER, ZONES, ZONE)


def _read(client: PowerDnsClient, native_id: str, zone: str) -> tuple[list[Record], tuple[str, ...]]:
    try:
        raw = client.zone(native_id)
        if not isinstance(raw.get("rrsets"), list):
            raise SourceMalformed(f"{zone} has no list of records", hint="is it the API of an authoritative server?")
        return parse_zone(raw)
    except CollectionError as error:
        return [], (f"{zone}: {in_words(error)}",)
