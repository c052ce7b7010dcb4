"""Reads Caddy's admin API; understands nothing."""

from typing import Any

from infradb.collectors.caddy.settings import CaddySettings
from infradb.transport.calls import CallLog
from infradb.transport.http import HttpReader

CALLS = ("GET /config/", "GET /reverse_proxy/upstreams")


class CaddyClient:
    """One Caddy; every method is one call and raises `CollectionError`."""

    def __init__(self, settings: CaddySettings, log: CallLog) -> None:
        self._http = HttpReader(
            settings.url,
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            log=log,
        )

    def config(self) -> dict[str, Any]:
        """Return `GET /config/`: the configuration that is in force."""
        found: dict[str, Any] = self._http.get("/config/", dict)
        return found

    def upstreams(self) -> list[Any]:
        """Return `GET /reverse_proxy/upstreams`: how often each backend failed of late."""
        found: list[Any] = self._http.get("/reverse_proxy/upstreams", list)
        return found

    def close(self) -> None:
        """End all connections."""
        self._http.close()
