"""Joins reading and understanding of one dnsmasq: the names that it answers, and the addresses that it hands out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.dnsmasq.client import DnsmasqClient
from infradb.collectors.dnsmasq.parse import (
    DEFAULT_LEASES,
    Configuration,
    parse_hosts,
    parse_leases,
    parse_options,
    reservation,
    values,
)
from infradb.collectors.dnsmasq.settings import DnsmasqSettings
from infradb.dns_names import Record, record_answers
from infradb.errors import CollectionError
from infradb.leases import HandedOut
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.understood import in_words, status_of, understood

ETC_HOSTS = "/etc/hosts"
GRANT = """All of its files are readable by everybody on Debian; where they are not:

    sudo setfacl --modify u:infradb:r /var/lib/misc/dnsmasq.leases /etc/dnsmasq.conf
    sudo setfacl --recursive --modify u:infradb:rX /etc/dnsmasq.d

Where dnsmasq runs on a router, let that copy its files here, and give their paths to the source:

    infradb sources add dnsmasq {name} configuration=/srv/router/dnsmasq.conf leases=/srv/router/dhcp.leases hosts=
"""


@dataclass(slots=True)
class _Reading:
    """What one reading has found so far."""

    client: DnsmasqClient
    now: str
    options: list[tuple[str, str]] = field(default_factory=list)
    found: HandedOut = field(default_factory=HandedOut)
    records: list[Record] = field(default_factory=list)
    record_errors: list[str] = field(default_factory=list)
    failures: list[CollectionError] = field(default_factory=list)
    read: int = 0


class DnsmasqCollector:
    """Reads the files of one dnsmasq."""

    kind = "dnsmasq"
    Settings = DnsmasqSettings

    def __init__(self, name: str, settings: DnsmasqSettings | None = None) -> None:
        self.name = name
        self.settings = settings or DnsmasqSettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the files."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return names, networks and addresses, each a scope; raise `CollectionError` where no file could be read."""
        log = CallLog()
        reading = _Reading(DnsmasqClient(log), clock.now())
        configuration = self._configuration(reading)
        self._hosts(reading)
        self._leases(reading, configuration)
        if reading.failures and not reading.read:
            raise reading.failures[0]
        answers = record_answers(self.name, reading.records)
        errors = tuple(dict.fromkeys(reading.record_errors))
        named = ScopeResult("records", status_of(answers, errors), answers, errors)
        scopes = reading.found.scopes(networks=bool(self.settings.configuration))
        return CollectionRun(self.name, reading.now, (*scopes, named), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read each file of the settings."""
        found, client = [], DnsmasqClient(CallLog())
        for path in (*self.settings.configuration, *self.settings.leases, *self.settings.hosts):
            try:
                if path in self.settings.configuration:
                    said = f"{len(client.options(path))} options"
                else:
                    said = f"{len(client.text(path).splitlines())} lines"
                found.append(Diagnosis(f"read {path}", ok=True, detail=said))
            except CollectionError as error:
                found.append(Diagnosis(f"read {path}", ok=False, detail=str(error), hint=error.hint))
        return found

    def calls(self) -> Sequence[str]:
        """Return the files of the settings; those that the configuration names are read as well."""
        paths = (*self.settings.configuration, *(self.settings.leases or (DEFAULT_LEASES,)), *self.settings.hosts)
        return tuple(f"read {path}" for path in paths)

    def _configuration(self, reading: _Reading) -> Configuration:
        for path in self.settings.configuration:
            try:
                reading.options += reading.client.options(path)
                reading.read += 1
            except CollectionError as error:
                self._failed(reading, error, reading.found.network_errors, reading.record_errors)
        said = parse_options(reading.options, self.settings.networks)
        for path in values(reading.options, "dhcp-hostsfile", "dhcp-hostsdir"):
            try:
                texts = reading.client.texts(path)
            except CollectionError as error:
                self._failed(reading, error, reading.found.network_errors)
                continue
            lines = (line.partition("#")[0].strip() for text in texts for line in text.splitlines())
            more, errors = understood((line for line in lines if line), reservation, "reservations")
            said.reserved += [one for several in more for one in several]
            reading.found.network_errors += errors
        reading.found.subnets += said.subnets
        reading.found.leases += said.reserved
        reading.found.network_errors += said.errors
        reading.records += said.records
        reading.record_errors += said.record_errors
        return said

    def _hosts(self, reading: _Reading) -> None:
        names = {name for name, _ in reading.options}
        domain = (values(reading.options, "domain") or [""])[-1].partition(",")[0] if "expand-hosts" in names else ""
        own = [p for p in self.settings.hosts if not (p == ETC_HOSTS and "no-hosts" in names)]
        for path in (*own, *values(reading.options, "addn-hosts", "hostsdir")):
            try:
                texts = reading.client.texts(path)
            except CollectionError as error:
                self._failed(reading, error, reading.record_errors)
                continue
            reading.read += 1
            for text in texts:
                records, errors = parse_hosts(text, domain)
                reading.records += records
                reading.record_errors += errors

    def _leases(self, reading: _Reading, configuration: Configuration) -> None:
        paths = self.settings.leases
        if not paths and values(reading.options, "dhcp-range"):
            paths = (*values(reading.options, "dhcp-leasefile", "dhcp-lease-file"), DEFAULT_LEASES)[:1]
        for path in paths:
            try:
                leases, errors = parse_leases(reading.client.text(path), configuration)
            except CollectionError as error:
                self._failed(reading, error, reading.found.lease_errors)
                continue
            reading.read += 1
            reading.found.add(leases, errors, path, reading.now)

    def _failed(self, reading: _Reading, error: CollectionError, *errors: list[str]) -> None:
        reading.failures.append(error)
        for one in errors:
            one.append(in_words(error))
