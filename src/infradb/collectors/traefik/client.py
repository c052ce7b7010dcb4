"""Reads Traefik's API; understands nothing."""

from typing import Any

from infradb.collectors.traefik.settings import TraefikSettings
from infradb.errors import SourceMalformed
from infradb.transport.calls import CallLog
from infradb.transport.http import HttpReader

PAGE = 500
PROTOCOLS = ("http", "tcp", "udp")
CALLS = (
    "GET /api/version",
    "GET /api/overview",
    "GET /api/entrypoints",
    *(f"GET /api/{protocol}/{kind}" for protocol in PROTOCOLS for kind in ("routers", "services")),
    "GET /api/certificates",
)


class TraefikClient:
    """One Traefik; every method is one call, or one per page, and raises `CollectionError`."""

    def __init__(self, settings: TraefikSettings, log: CallLog) -> None:
        basic = settings.basic
        self._http = HttpReader(
            settings.url,
            basic=basic,
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            log=log,
        )

    def version(self) -> dict[str, Any]:
        """Return `GET /api/version`."""
        found: dict[str, Any] = self._http.get("/api/version", dict)
        if not isinstance(found.get("Version"), str):
            hint = "does `url` lead to Traefik's API? A router to api@internal, or api.insecure, opens it"
            raise SourceMalformed(f"GET /api/version at {self._http.base_url} names no version", hint=hint)
        return found

    def overview(self) -> dict[str, Any]:
        """Return `GET /api/overview`: how many there are of everything."""
        found: dict[str, Any] = self._http.get("/api/overview", dict)
        return found

    def listed(self, path: str, total: int | None) -> list[Any]:
        """Return a list, page by page, up to its total; without one a page that is not full ends it."""
        found: list[Any] = []
        page = 1
        while True:
            items = self._http.get(path, list, query={"per_page": PAGE, "page": page})
            found += items
            if len(items) < PAGE or (total is not None and len(found) >= total):
                return found
            page += 1

    def certificates(self) -> list[Any] | None:
        """Return `GET /api/certificates`; None where this Traefik does not have it yet (before 3.7)."""
        try:
            return self.listed("/api/certificates", None)
        except SourceMalformed as error:
            if "HTTP 404" in str(error):
                return None
            raise

    def close(self) -> None:
        """End all connections."""
        self._http.close()
