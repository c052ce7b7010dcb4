"""Joins reading and understanding of one AdGuard Home: its rewrites, its DHCP server, and its clients."""

from collections.abc import Callable, Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.adguard.client import CLIENTS, DHCP, REWRITES, STATUS, AdGuardClient
from infradb.collectors.adguard.parse import (
    parse_clients,
    parse_leases,
    parse_networks,
    parse_reservations,
    parse_rewrites,
)
from infradb.collectors.adguard.settings import AdGuardSettings
from infradb.dns_names import record_answers
from infradb.errors import CollectionError, SourceMalformed
from infradb.leases import HandedOut
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.understood import in_words, status_of

PATHS = (STATUS, DHCP, REWRITES, CLIENTS)
GRANT = """AdGuard Home knows one kind of user, who may do everything. Add one for infradb, so that it can be taken
away alone, to `users` in AdGuardHome.yaml, and start it again (`htpasswd -B -n infradb` prints name and hash):

    users:
      - name: infradb
        password: $2y$10$…

Or let a proxy in front pass GET on /control/status, /control/dhcp/status, /control/rewrite/list and /control/clients
and nothing else. Then:

    infradb sources add adguard {name} url=http://ADDRESS user=infradb password=env:ADGUARD_PASSWORD
"""


class AdGuardCollector:
    """Reads one AdGuard Home."""

    kind = "adguard"
    Settings = AdGuardSettings

    def __init__(self, name: str, settings: AdGuardSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to add a user."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return names, networks and addresses, each a scope; raise `CollectionError` where it does not answer."""
        started_at, log = clock.now(), CallLog()
        client = AdGuardClient(self.settings, log)
        try:
            if not isinstance(client.status().get("version"), str):
                where = f"GET {STATUS} at {self.settings.url}"
                raise SourceMalformed(f"{where}: the answer has no version", hint="is it AdGuard Home?")
            handed = self._handed_out(client, started_at)
            named = self._records(client)
        finally:
            client.close()
        return CollectionRun(self.name, started_at, (*handed.scopes(), named), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once."""
        client = AdGuardClient(self.settings, CallLog())
        reads: tuple[Callable[[], object], ...] = (client.status, client.dhcp, client.rewrites, client.clients)
        try:
            return [_proof(f"GET {path}", read) for path, read in zip(PATHS, reads, strict=True)]
        finally:
            client.close()

    def calls(self) -> Sequence[str]:
        """Return the calls; all are GET."""
        return tuple(f"GET {path}" for path in PATHS)

    def _handed_out(self, client: AdGuardClient, now: str) -> HandedOut:
        found = HandedOut()
        try:
            clients, errors = parse_clients(client.clients())
            found.leases += clients
            found.lease_errors += errors
        except CollectionError as error:
            found.lease_errors.append(in_words(error))
        try:
            raw = client.dhcp()
            found.subnets, errors = parse_networks(raw)
            reserved, more = parse_reservations(raw)
            found.leases += reserved
            found.network_errors += [*errors, *more]
            found.add(*parse_leases(raw), self.settings.url, now)
        except CollectionError as error:
            found.network_errors.append(in_words(error))
        return found

    def _records(self, client: AdGuardClient) -> ScopeResult:
        try:
            records, errors = parse_rewrites(client.rewrites())
        except CollectionError as error:
            return ScopeResult("records", "failed", errors=(in_words(error),))
        answers = record_answers(self.name, records)
        return ScopeResult("records", status_of(answers, errors), answers, errors)


def _proof(needs: str, read: Callable[[], object]) -> Diagnosis:
    try:
        read()
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)
    return Diagnosis(needs, ok=True)
