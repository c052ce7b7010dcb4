"""Reads a whole old file: what is there as a collection run, what happened as statements."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from infradb import clock
from infradb.importers.infrastructure_db.containers import MADE, MadeNetworks, Networks
from infradb.importers.infrastructure_db.faults import Faults
from infradb.importers.infrastructure_db.mapping import BY_NAME, ENTITIES, STATEMENTS
from infradb.importers.infrastructure_db.parts import PARTS
from infradb.importers.infrastructure_db.reader import OldFile
from infradb.importers.infrastructure_db.report import Report
from infradb.importers.infrastructure_db.rows import TableRows
from infradb.importers.infrastructure_db.statements import Statements, changes, health_checks
from infradb.observation import CollectionRun, ScopeResult


@dataclass(slots=True)
class LegacyImport:
    """An old file, open until it is closed, and what it says; everything is read when it is iterated over."""

    run: CollectionRun
    """What there is. Its scopes are never complete, because what people did not write down may well exist."""

    statements: Mapping[str, Statements]
    """What happened, by old table: `infrastructure_changes`, `health_checks`; only what is new since the cursors."""

    report: Report
    """What became of each row; whole once the run and the statements were iterated over."""

    layout: str
    """`before` or `after` the owners' own merge of their guests."""

    _file: OldFile = field(repr=False)

    @property
    def cursors(self) -> dict[str, str]:
        """Return what to pass to the next import of this source, by scope."""
        return {name: each.cursor for name, each in self.statements.items()}

    def close(self) -> None:
        """Let go of the file; nothing can be iterated over afterwards."""
        self._file.close()

    def __enter__(self) -> "LegacyImport":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def collect(
    path: Path,
    source_name: str = "infrastructure-db",
    cursors: Mapping[str, str] | None = None,
    quarantined: Iterable[tuple[str, str]] = (),
) -> LegacyImport:
    """Open an old infrastructure database in either layout.

    `cursors` are those of the last import of this source, `quarantined` the native key and field of all that
    it left in quarantine. Raises `ImportRefused`.
    """
    started = clock.now()
    file = OldFile(path)
    try:
        faults = Faults(file)
        ignored = {name: file.count(name) for name in file.tables if name not in BY_NAME}
        report = Report(ignored, quarantined)
        statements = dict(_statements(file, faults, report, cursors or {}))
        run = CollectionRun(source_name, started, tuple(_scopes(file, faults, report)))
    except BaseException:
        file.close()
        raise
    return LegacyImport(run, statements, report, file.layout, file)


def _scopes(file: OldFile, faults: Faults, report: Report) -> Iterator[ScopeResult]:
    networks = Networks(file, faults)
    parts = {**PARTS, "docker_containers": networks.part}
    for table in ENTITIES:
        if table.name not in file.tables:
            continue
        if table.name == "docker_containers" and _has(file, table.name, "docker_host_id", "networks"):
            yield ScopeResult(MADE, "partial", MadeNetworks(file, faults, networks))
        yield ScopeResult(table.name, "partial", TableRows(file, table, faults, report, parts.get(table.name)))


def _statements(
    file: OldFile, faults: Faults, report: Report, cursors: Mapping[str, str]
) -> Iterator[tuple[str, Statements]]:
    for name in STATEMENTS:
        if name in file.tables:
            cursor = int(cursors.get(name) or 0)
            yield (
                name,
                changes(file, report, cursor) if name == STATEMENTS[0] else health_checks(file, faults, report, cursor),
            )


def _has(file: OldFile, table: str, *columns: str) -> bool:
    return {c.lower() for c in file.tables[table]}.issuperset(columns)
