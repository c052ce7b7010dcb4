"""Reads the API of Nginx Proxy Manager; understands nothing. The only call that is no GET logs in."""

from typing import Any

from infradb.collectors.npm.settings import NpmSettings
from infradb.errors import SourceMalformed, SourceRefused
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

LOGIN = "POST /api/tokens (logs in)"
LISTS = ("proxy-hosts", "redirection-hosts", "streams", "certificates")
CALLS = ("GET /api/", LOGIN, "GET /api/users/me", *(f"GET /api/nginx/{name}" for name in LISTS))


class NpmClient:
    """One Nginx Proxy Manager; every method is one call and raises `CollectionError`."""

    def __init__(self, settings: NpmSettings, log: CallLog) -> None:
        self._settings, self._log = settings, log
        self._http = self._reader(log)

    def status(self) -> dict[str, Any]:
        """Return `GET /api/`: the version, without logging in."""
        found: dict[str, Any] = self._http.get("/api/", dict)
        if not isinstance(found.get("version"), dict):
            hint = "does `url` lead to the administration, port 81 by default?"
            raise SourceMalformed(f"GET /api/ at {self._settings.url} names no version", hint=hint)
        return found

    def log_in(self) -> str:
        """Get a token for the calls that come after; return for whom."""
        own = self._reader(CallLog())  # the log's name for it says what it is for
        try:
            with self._log.recording(LOGIN):
                body = {"identity": self._settings.email, "secret": reveal(self._settings.password)}
                answer = own.post("/api/tokens", dict, body)
        finally:
            own.close()
        if answer.get("requires_2fa"):
            hint = "give infradb a user of its own without it, who may only look"
            raise SourceRefused(f"{LOGIN}: {self._settings.email} needs a second factor", hint=hint)
        if not isinstance(answer.get("token"), str):
            raise SourceMalformed(f"{LOGIN}: there is no token in the answer", hint="is it Nginx Proxy Manager?")
        self._http.header("Authorization", f"Bearer {answer['token']}")
        return self._settings.email

    def me(self) -> dict[str, Any]:
        """Return `GET /api/users/me`: what the user may see."""
        found: dict[str, Any] = self._http.get("/api/users/me", dict, query={"expand": "permissions"})
        return found

    def listed(self, name: str) -> list[Any]:
        """Return `GET /api/nginx/{name}`; of certificates nothing that may hold a key or a password."""
        found: list[Any] = self._http.get(f"/api/nginx/{name}", list)
        return [_without_keys(one) for one in found] if name == "certificates" else found

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def _reader(self, log: CallLog) -> HttpReader:
        given = self._settings
        return HttpReader(
            given.url, timeout_seconds=given.timeout_seconds, fingerprint=given.fingerprint, ca=given.ca, log=log
        )


def _without_keys(raw: Any) -> Any:
    """Return a certificate's row; of its `meta`, which may hold its key, only the certificate itself."""
    if not isinstance(raw, dict):
        return raw
    meta = raw.get("meta")
    return {**raw, "meta": {"certificate": meta.get("certificate")} if isinstance(meta, dict) else None}
