"""Joins reading and understanding of one Kea installation: its networks, and the addresses that it hands out."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.kea.client import KeaClient, Unsupported, posted
from infradb.collectors.kea.parse import Leases, family_of, parse_configuration, parse_file, parse_leases
from infradb.collectors.kea.settings import KeaSettings
from infradb.errors import CollectionError
from infradb.leases import HandedOut
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog
from infradb.understood import in_words

COMMANDS = ("config-get", "lease4-get-all", "lease6-get-all")
GRANT = """Whoever may use a control socket may change the server. The least is to read its lease file, which tells
addresses but no networks:

    sudo usermod --append --groups _kea infradb
    sudo chmod g+rx /var/lib/kea && sudo chmod g+r /var/lib/kea/kea-leases4.csv
    infradb sources add kea {name} path=/var/lib/kea/kea-leases4.csv

To know networks and reservations as well, open the control socket, and load the hook for leases, in kea-dhcp4.conf:

    "control-socket": {{ "socket-type": "unix", "socket-name": "/run/kea/kea4-ctrl-socket" }},
    "hooks-libraries": [ {{ "library": "libdhcp_lease_cmds.so" }} ]

    infradb sources add kea {name} socket=/run/kea/kea4-ctrl-socket
"""


class KeaCollector:
    """Reads DHCP servers of Kea, version 4 and 6."""

    kind = "kea"
    Settings = KeaSettings

    def __init__(self, name: str, settings: KeaSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the lease file, or ask the socket."""
        return GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return networks and addresses, each a scope; raise `CollectionError` where nothing could be read."""
        started_at, log, found = clock.now(), CallLog(), HandedOut()
        client = KeaClient(self.settings, log)
        failures: list[CollectionError] = []
        try:
            for channel in client.channels:
                self._ask(client, channel, found, failures, started_at)
            self._files(client, found, failures, started_at)
        finally:
            client.close()
        if failures and found.is_empty:
            raise failures[0]
        scopes = found.scopes(networks=bool(client.channels))
        return CollectionRun(self.name, started_at, scopes, calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Ask each server for its configuration and its leases, and read each lease file."""
        found, client = [], KeaClient(self.settings, CallLog())
        try:
            for channel in client.channels:
                needs = f"config-get at {channel}"
                try:
                    configuration = client.ask(channel, "config-get")
                    family = family_of(configuration)
                    said = f"{len(parse_configuration(configuration).subnets)} subnets"
                    found.append(Diagnosis(needs, ok=True, detail=said))
                    needs = f"lease{family}-get-all at {channel}"
                    leases = parse_leases(client.ask(channel, f"lease{family}-get-all"))
                    found.append(Diagnosis(needs, ok=True, detail=f"{len(leases.active)} leases"))
                except CollectionError as error:
                    found.append(Diagnosis(needs, ok=False, detail=str(error), hint=error.hint))
            for path in self.settings.path:
                try:
                    leases = parse_file(client.leases_file(path), path)
                    found.append(Diagnosis(f"read {path}", ok=True, detail=f"{len(leases.active)} leases"))
                except CollectionError as error:
                    found.append(Diagnosis(f"read {path}", ok=False, detail=str(error), hint=error.hint))
        finally:
            client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return the commands and files; commands go through the socket, or as POST to the agent."""
        commands = COMMANDS if self.settings.socket else map(posted, COMMANDS) if self.settings.url else ()
        ends = ("", ".completed", ".2", ".1")
        return (*commands, *(f"read {path}{end}" for path in self.settings.path for end in ends))

    def _ask(
        self, client: KeaClient, channel: str, found: HandedOut, failures: list[CollectionError], now: str
    ) -> None:
        try:
            configuration = client.ask(channel, "config-get")
            family = family_of(configuration)
            said = parse_configuration(configuration)
        except CollectionError as error:
            failures.append(error)
            found.network_errors.append(in_words(error))
            return
        found.subnets += said.subnets
        found.leases += said.reserved
        found.network_errors += said.errors
        try:
            _add(found, parse_leases(client.ask(channel, f"lease{family}-get-all")), channel, now)
        except CollectionError as error:
            if not (isinstance(error, Unsupported) and self.settings.path):
                failures.append(error)
                found.lease_errors.append(in_words(error))

    def _files(self, client: KeaClient, found: HandedOut, failures: list[CollectionError], now: str) -> None:
        for path in self.settings.path:
            try:
                _add(found, parse_file(client.leases_file(path), path), path, now)
            except CollectionError as error:
                failures.append(error)
                found.lease_errors.append(in_words(error))


def _add(found: HandedOut, leases: Leases, where: str, now: str) -> None:
    found.add(leases.active, leases.errors, where, now)
    found.ended += leases.ended
