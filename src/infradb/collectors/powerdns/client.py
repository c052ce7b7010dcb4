"""Reads the HTTP API of a PowerDNS authoritative server (API v1); understands nothing."""

from typing import Any

from infradb.collectors.powerdns.settings import PowerDnsSettings
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

PARALLEL = 4
_SERVER = "/api/v1/servers/localhost"
SERVER, ZONES, ZONE = f"GET {_SERVER}", f"GET {_SERVER}/zones", f"GET {_SERVER}/zones/{{zone}}"


class PowerDnsClient:
    """One server; threads may share it."""

    def __init__(self, settings: PowerDnsSettings, log: CallLog) -> None:
        self._http = HttpReader(
            settings.url,
            headers={"X-API-Key": reveal(settings.api_key)},
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            parallel=PARALLEL,
            log=log,
        )

    def server(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        found: dict[str, Any] = self._http.get(_SERVER, dict)
        return found

    def zones(self) -> list[Any]:
        """Return every zone, without its records."""
        found: list[Any] = self._http.get(f"{_SERVER}/zones", list)
        return found

    def zone(self, native_id: str) -> dict[str, Any]:
        """Return a zone with its records."""
        found: dict[str, Any] = self._http.get(f"{_SERVER}/zones/{{zone}}", dict, zone=native_id)
        return found

    def close(self) -> None:
        """End all connections."""
        self._http.close()
