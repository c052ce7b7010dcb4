"""Joins reading and understanding of one ISC DHCP server: its networks, and the addresses that it hands out."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.isc_dhcp.client import IscDhcpClient
from infradb.collectors.isc_dhcp.parse import parse_configuration, parse_leases
from infradb.collectors.isc_dhcp.settings import IscDhcpSettings
from infradb.errors import CollectionError
from infradb.leases import HandedOut
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog
from infradb.understood import in_words

GRANT = """Both files are readable by everybody on Debian; where they are not:

    sudo setfacl --modify u:infradb:rx /var/lib/dhcp /etc/dhcp
    sudo setfacl --modify u:infradb:r /var/lib/dhcp/dhcpd.leases /etc/dhcp/dhcpd.conf
    # The server writes a new lease file now and then; this is for those to come:
    sudo setfacl --default --modify u:infradb:r /var/lib/dhcp
"""


class IscDhcpCollector:
    """Reads the files of one server."""

    kind = "isc_dhcp"
    Settings = IscDhcpSettings

    def __init__(self, name: str, settings: IscDhcpSettings | None = None) -> None:
        self.name = name
        self.settings = settings or IscDhcpSettings()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the files."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return networks and addresses, each a scope; raise `CollectionError` where no file could be read."""
        started_at, log, found = clock.now(), CallLog(), HandedOut()
        client = IscDhcpClient(log)
        failures: list[CollectionError] = []
        for path in self.settings.configuration:
            try:
                configuration = parse_configuration(client.configuration(path), path)
            except CollectionError as error:
                failures.append(error)
                found.network_errors.append(in_words(error))
            else:
                found.subnets += configuration.subnets
                found.leases += configuration.reserved
                found.network_errors += configuration.errors
        for path in self.settings.leases:
            try:
                leases = parse_leases(client.leases(path), path)
            except CollectionError as error:
                failures.append(error)
                found.lease_errors.append(in_words(error))
            else:
                found.add(leases.active, leases.errors, path, started_at)
                found.ended += leases.ended
        if len(failures) == len(self.settings.configuration) + len(self.settings.leases):
            raise failures[0]
        scopes = found.scopes(networks=bool(self.settings.configuration))
        return CollectionRun(self.name, started_at, scopes, calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read and understand each file."""
        found, client = [], IscDhcpClient(CallLog())
        for path in (*self.settings.configuration, *self.settings.leases):
            try:
                if path in self.settings.configuration:
                    said = f"{len(parse_configuration(client.configuration(path), path).subnets)} subnets"
                else:
                    said = f"{len(parse_leases(client.leases(path), path).active)} leases"
                found.append(Diagnosis(f"read {path}", ok=True, detail=said))
            except CollectionError as error:
                found.append(Diagnosis(f"read {path}", ok=False, detail=str(error), hint=error.hint))
        return found

    def calls(self) -> Sequence[str]:
        """Return the files that are read; those that the configuration includes are not among them."""
        return tuple(f"read {path}" for path in (*self.settings.configuration, *self.settings.leases))
