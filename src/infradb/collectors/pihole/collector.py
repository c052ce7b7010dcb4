"""Joins reading and understanding of one Pi-hole: its local names, its DHCP server, and the devices that it sees."""

from collections.abc import Callable, Sequence
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.pihole.client import (
    ALIASES,
    DEVICES,
    DHCP,
    HOSTS,
    INTERFACES,
    LEASES,
    LOGIN,
    MOST,
    VERSION,
    PiholeClient,
)
from infradb.collectors.pihole.parse import parse_aliases, parse_devices, parse_dhcp, parse_hosts, parse_leases
from infradb.collectors.pihole.settings import PiholeSettings
from infradb.dns_names import Record, record_answers
from infradb.errors import CollectionError
from infradb.leases import HandedOut
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.understood import in_words, status_of

PATHS = (VERSION, HOSTS, ALIASES, DHCP, INTERFACES, LEASES, DEVICES)
GRANT = """An application password of its own, which by default (`webserver.api.app_sudo` off) may read everything
and change nothing: in the web interface under Settings, Web interface / API, with Expert on, `Configure app password`.
Pi-hole has one such password at a time. Then:

    infradb sources add pihole {name} url=http://ADDRESS app_password=env:PIHOLE_PASSWORD
"""


class PiholeCollector:
    """Reads one Pi-hole of version 6."""

    kind = "pihole"
    Settings = PiholeSettings

    def __init__(self, name: str, settings: PiholeSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return where to make an application password."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return names, networks and addresses, each a scope; raise `CollectionError` where it does not answer."""
        started_at, log = clock.now(), CallLog()
        client = PiholeClient(self.settings, log)
        try:
            client.login()
            client.read(VERSION)
            named = self._records(client)
            handed = self._handed_out(client, started_at)
        finally:
            client.close()
        return CollectionRun(self.name, started_at, (*handed.scopes(), named), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Log in, and make each call once."""
        client = PiholeClient(self.settings, CallLog())
        try:
            found = [_proof(LOGIN, client.login)]
            if found[0].ok:
                found += [_proof(f"GET {path}", lambda path=path: client.read(path)) for path in PATHS]  # type: ignore[misc]
        finally:
            client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return the calls; all are GET but for the login."""
        login = (LOGIN,) if self.settings.app_password else ()
        return (*login, *(f"GET {path}" for path in PATHS))

    def _records(self, client: PiholeClient) -> ScopeResult:
        records: list[Record] = []
        errors: list[str] = []
        readers: tuple[tuple[str, Callable[[Any], tuple[list[Record], tuple[str, ...]]]], ...] = (
            (HOSTS, parse_hosts),
            (ALIASES, parse_aliases),
        )
        for path, parse in readers:
            try:
                found, said = parse(client.read(path))
            except CollectionError as error:
                errors.append(in_words(error))
                continue
            records += found
            errors += said
        answers = record_answers(self.name, records)
        return ScopeResult("records", status_of(answers, errors), answers, tuple(errors))

    def _handed_out(self, client: PiholeClient, now: str) -> HandedOut:
        found = HandedOut()
        try:
            subnets, reserved, errors = parse_dhcp(client.read(DHCP), client.read(INTERFACES))
            found.subnets += subnets
            found.leases += reserved
            found.network_errors += errors
        except CollectionError as error:
            found.network_errors.append(in_words(error))
        try:
            self._devices(client, found, now)
            found.add(*parse_leases(client.read(LEASES)), self.settings.url, now)
        except CollectionError as error:
            found.lease_errors.append(in_words(error))
        return found

    def _devices(self, client: PiholeClient, found: HandedOut, now: str) -> None:
        since = clock.to_moment(now).timestamp() - self.settings.seen_within_hours * 3600
        raw = client.read(DEVICES)
        seen, errors = parse_devices(raw, since)
        found.leases += seen
        found.lease_errors += errors
        if len(raw["devices"]) >= MOST:
            found.lease_errors.append(f"it knows more than {MOST} devices: the rest is not read")


def _proof(needs: str, call: Callable[[], object]) -> Diagnosis:
    try:
        call()
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)
    return Diagnosis(needs, ok=True)
