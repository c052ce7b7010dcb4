"""Joins reading and understanding of one Uptime Kuma."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.uptime_kuma.client import BACKUP, DATABASE, METRICS, UptimeKumaClient
from infradb.collectors.uptime_kuma.parse import monitors_of, parse_monitors
from infradb.collectors.uptime_kuma.settings import UptimeKumaSettings
from infradb.errors import CollectionError
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog
from infradb.transport.exposition import read_metrics

GRANT = """From its database, infradb reads monitors and tags, and no passwords. Let the account that it runs under read
the files (`data` is Uptime Kuma's volume):

    sudo setfacl -m u:infradb:rX data && sudo setfacl -m u:infradb:r data/kuma.db data/kuma.db-wal data/kuma.db-shm

Its metrics want an API key (Settings, API Keys, Add). It opens the metrics and nothing else:

    infradb sources add uptime_kuma kuma url=http://kuma.lan:3001 api_key=env:KUMA
"""
_NOT_ALL = (
    "the metrics show only monitors that have run since Uptime Kuma started, so none is taken for removed; `path` does"
)


class UptimeKumaCollector:
    """Reads what people watch with Uptime Kuma: services, their checks, and what tags say of them."""

    kind = "uptime_kuma"
    Settings = UptimeKumaSettings

    def __init__(self, name: str, settings: UptimeKumaSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the database, or the metrics."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return the monitors as they are now; raise `CollectionError` where they cannot be read."""
        started_at, log = clock.now(), CallLog()
        scope = self._scope(UptimeKumaClient(self.settings, log))
        return CollectionRun(self.name, started_at, (scope,), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read it once, and say what came of it."""
        try:
            scope = self._scope(UptimeKumaClient(self.settings, CallLog()))
        except CollectionError as error:
            return [Diagnosis(self.calls()[0], ok=False, detail=str(error), hint=error.hint)]
        found = Diagnosis(self.calls()[0], ok=True, detail=f"{len(list(scope.answers))} monitors and hosts")
        return [found, *(Diagnosis("all monitors", ok=False, detail=e, hint="see README.md") for e in scope.errors)]

    def calls(self) -> Sequence[str]:
        """Return what is read."""
        if self.settings.url:
            return (METRICS,)
        return (DATABASE, BACKUP)

    def _scope(self, client: UptimeKumaClient) -> ScopeResult:
        if self.settings.path:
            monitors, complete = client.monitors(self.settings.path)
            limit = () if complete else ("the copy of the database lacks its log (kuma.db-shm is not beside it)",)
        else:
            where = f"{METRICS} at {self.settings.url}"
            monitors, limit = monitors_of(read_metrics(client.metrics(), where)), (_NOT_ALL,)
        answers, errors = parse_monitors(monitors)
        if not answers:
            limit = (*limit, "there are no monitors: is it the right file? Nothing is concluded from that")
        errors = (*limit, *errors)
        return ScopeResult("monitors", "partial" if errors else "complete", answers, errors)
