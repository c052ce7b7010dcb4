"""Takes in what people have: an old infrastructure database, as a source of its own."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infradb import clock
from infradb.importers.infrastructure_db.reader import OldFile
from infradb.importers.infrastructure_db.run import LegacyImport, collect
from infradb.operations.absorb import Manner, Progress, RunReport, absorb, without_garbage_collector
from infradb.store import runs
from infradb.store.apply import Writer
from infradb.store.database import Connection, Database
from infradb.store.known import StoredKnown
from infradb.store.statements import write_changes, write_health_checks

SOURCE = "infrastructure-db"
RANK = 90
"""Below every observer: what was typed into the old file may have changed since."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of each row of the old file."""

    run: RunReport
    tables: dict[str, Any]
    layout: str


class _Undo(Exception):
    """Leaves the transaction of a dry run."""


def recognize(path: Path) -> str:
    """Return the layout of an old file; raise `ImportRefused` before anything is made for it."""
    file = OldFile(path)
    try:
        return file.layout
    finally:
        file.close()


def import_infrastructure_db(
    database: Database, path: Path, *, source: str = SOURCE, dry_run: bool = False, progress: Progress | None = None
) -> ImportReport:
    """Import an old infrastructure database, in one transaction; a dry run keeps nothing.

    A second import of the same file changes nothing. Raises `ImportRefused`.
    """
    report: ImportReport | None = None
    with database.read() as connection:
        empty = not connection.query("SELECT 1 FROM entities LIMIT 1")
    try:
        with database.write(fill=empty) as connection:
            report = _take_in(connection, path, source, progress)
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    if report is None:
        raise AssertionError("an import ends with a report or an error")
    return report


def _take_in(connection: Connection, path: Path, source: str, progress: Progress | None) -> ImportReport:
    source_id = runs.add_source(connection, source, "infrastructure-db", clock.now(), declared=True, rank=RANK)
    connection.execute("UPDATE sources SET enabled = ? WHERE id = ? AND enabled = ?", (True, source_id, False))
    with (
        without_garbage_collector(),
        collect(path, source, _cursors(connection, source_id), _quarantined(connection, source_id)) as old,
    ):
        run = absorb(connection, old.run, Manner(change_source="import"), progress)
        _statements(connection, source_id, run.run_id, old)
        return ImportReport(run, old.report.finish(_merged(connection, source_id)), old.layout)


def _statements(connection: Connection, source_id: int, run_id: int, old: LegacyImport) -> None:
    """Write the old history and the old results, and note how far they were read."""
    writer = Writer(connection, clock.now(), source_id=source_id, run_id=run_id, change_source="import")
    writers = {
        "infrastructure_changes": write_changes,
        "health_checks": write_health_checks,
    }
    known = StoredKnown(connection)

    def entities_of(keys: Collection[str]) -> dict[str, int]:
        return {key: holder.entity_id for key, holder in known.natives(source_id, keys).items()}

    for table, statements in old.statements.items():
        writers[table](writer, source_id, statements, entities_of)
        scope = runs.scope_id(connection, source_id, table)
        connection.execute(
            "UPDATE scopes SET cursor = ? WHERE id = ? AND (cursor IS NULL OR cursor <> ?)",
            (old.cursors[table], scope, old.cursors[table]),
        )
    writer.finish()


def _cursors(connection: Connection, source_id: int) -> dict[str, str]:
    return dict(
        connection.query("SELECT name, cursor FROM scopes WHERE source_id = ? AND cursor IS NOT NULL", (source_id,))
    )


def _quarantined(connection: Connection, source_id: int) -> list[tuple[str, str]]:
    return connection.query("SELECT native_key, field FROM quarantine WHERE source_id = ?", (source_id,))


def _merged(connection: Connection, source_id: int) -> dict[str, int]:
    """Return old table -> rows that turned out to be the thing of another row of the same table."""
    sql = (
        "SELECT s.name, count(*) - count(DISTINCT c.entity_id) FROM claims c JOIN scopes s ON s.id = c.scope_id"
        " WHERE s.source_id = ? AND c.answer IS NULL AND c.withdrawn_at IS NULL GROUP BY s.name"
    )
    return dict(connection.query(sql, (source_id,)))
