"""Reads the metrics of exporters; understands nothing."""

from infradb.collectors.node_exporter.settings import NodeExporterSettings
from infradb.transport.calls import CallLog
from infradb.transport.http import HttpReader

PARALLEL = 8
"""Exporters that are read at once."""

METRICS = "/metrics"


class NodeExporterClient:
    """Reads one page from each exporter."""

    def __init__(self, settings: NodeExporterSettings, log: CallLog) -> None:
        self._settings, self._log = settings, log
        self._basic = settings.basic

    def metrics(self, url: str) -> str:
        """Return `GET /metrics` of one exporter. Raises `CollectionError`."""
        given = self._settings
        reader = HttpReader(
            url.removesuffix(METRICS),
            basic=self._basic,
            timeout_seconds=given.timeout_seconds,
            fingerprint=given.fingerprint,
            ca=given.ca,
            parallel=1,
            log=self._log,
        )
        try:
            return reader.text(METRICS)
        finally:
            reader.close()
