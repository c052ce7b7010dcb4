"""Logs in to a Pi-hole's API (version 6) and reads; understands nothing."""

from typing import Any

from infradb.collectors.pihole.settings import PiholeSettings
from infradb.errors import SourceMalformed, SourceRefused
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

LOGIN = "POST /api/auth (logs in)"
VERSION = "/api/info/version"
LEASES = "/api/dhcp/leases"
DHCP = "/api/config/dhcp"
HOSTS = "/api/config/dns/hosts"
ALIASES = "/api/config/dns/cnameRecords"
INTERFACES = "/api/network/interfaces"
DEVICES = "/api/network/devices"
MOST = 10_000
"""Devices that are asked for; without a number the API tells ten."""


class PiholeClient:
    """One session with one Pi-hole, which ends there by itself: only DELETE would end it sooner."""

    def __init__(self, settings: PiholeSettings, log: CallLog) -> None:
        self._settings = settings
        self._log = log
        self._http = self._reader(log)

    def login(self) -> None:
        """Begin a session where a password is set. Raises `CollectionError`."""
        if self._settings.app_password is None:
            return
        reader = self._reader(CallLog())  # the log has a name of its own for it
        try:
            with self._log.recording(LOGIN):
                password = reveal(self._settings.app_password)
                found = reader.post("/api/auth", dict, {"password": password})
        finally:
            reader.close()
        session = found.get("session")
        if not isinstance(session, dict) or not isinstance(session.get("sid"), str | None):
            where = f"{LOGIN} at {self._settings.url}"
            raise SourceMalformed(f"{where}: the answer holds no session", hint="is it a Pi-hole of version 6?")
        if not session.get("valid"):
            hint = "make an application password there: Settings, Web interface / API, Expert, Configure app password"
            raise SourceRefused(f"{LOGIN} at {self._settings.url}: the password is refused", hint=hint)
        if session.get("sid"):
            self._http.header("X-FTL-SID", str(session["sid"]))

    def read(self, path: str) -> dict[str, Any]:
        """Return the answer of `GET path`. Raises `CollectionError`."""
        query = {"max_devices": MOST, "max_addresses": MOST} if path == DEVICES else None
        found: dict[str, Any] = self._http.get(path, dict, query=query)
        return found

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def _reader(self, log: CallLog) -> HttpReader:
        given = self._settings
        return HttpReader(
            given.url,
            timeout_seconds=given.timeout_seconds,
            fingerprint=given.fingerprint,
            ca=given.ca,
            parallel=1,
            log=log,
        )
