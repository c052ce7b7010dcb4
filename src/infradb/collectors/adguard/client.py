"""Reads the API of an AdGuard Home; understands nothing."""

from typing import Any

from infradb.collectors.adguard.settings import AdGuardSettings
from infradb.transport.calls import CallLog
from infradb.transport.http import HttpReader

STATUS = "/control/status"
DHCP = "/control/dhcp/status"
REWRITES = "/control/rewrite/list"
CLIENTS = "/control/clients"


class AdGuardClient:
    """One AdGuard Home."""

    def __init__(self, settings: AdGuardSettings, log: CallLog) -> None:
        self._http = HttpReader(
            settings.url,
            basic=settings.basic,
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            parallel=1,
            log=log,
        )

    def status(self) -> dict[str, Any]:
        """Return what it says of itself."""
        found: dict[str, Any] = self._http.get(STATUS, dict)
        return found

    def dhcp(self) -> dict[str, Any]:
        """Return the DHCP server's settings and leases."""
        found: dict[str, Any] = self._http.get(DHCP, dict)
        return found

    def rewrites(self) -> list[Any]:
        """Return the DNS rewrites."""
        found: list[Any] = self._http.get(REWRITES, list)
        return found

    def clients(self) -> dict[str, Any]:
        """Return the clients that it was told about and those that it saw."""
        found: dict[str, Any] = self._http.get(CLIENTS, dict)
        return found

    def close(self) -> None:
        """End all connections."""
        self._http.close()
