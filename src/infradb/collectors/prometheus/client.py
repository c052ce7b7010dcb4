"""Reads a Prometheus server's HTTP API, version 1; understands nothing but its envelope. Only GET is ever sent."""

from typing import Any

from infradb.collectors.prometheus.settings import PrometheusSettings
from infradb.errors import SourceMalformed
from infradb.redaction import redact_text
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

TARGETS = "/api/v1/targets"
BUILD = "/api/v1/status/buildinfo"


class PrometheusClient:
    """One Prometheus server; each method is one call and raises `CollectionError`."""

    def __init__(self, settings: PrometheusSettings, log: CallLog) -> None:
        self._reader = HttpReader(
            settings.url,
            headers={"Authorization": f"Bearer {reveal(settings.token)}"} if settings.token else None,
            basic=settings.basic,
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            parallel=1,
            log=log,
        )

    def targets(self) -> dict[str, Any]:
        """Return `GET /api/v1/targets`: what is scraped; what was dropped is not asked for."""
        return self._data(TARGETS, {"state": "active"})

    def build(self) -> dict[str, Any]:
        """Return `GET /api/v1/status/buildinfo`."""
        return self._data(BUILD, None)

    def close(self) -> None:
        """End the connection."""
        self._reader.close()

    def _data(self, path: str, query: dict[str, str] | None) -> dict[str, Any]:
        answer = self._reader.get(path, dict, query=query)
        data = answer.get("data")
        if answer.get("status") != "success" or not isinstance(data, dict):
            said = redact_text(str(answer.get("error") or "it is no answer of Prometheus"))[:150]
            raise SourceMalformed(
                f"GET {path} at {self._reader.base_url}: {said}", hint="does a Prometheus server listen there?"
            )
        return data
