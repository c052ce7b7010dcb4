"""A lab of invented data in a database of its own."""

from pathlib import Path

from infradb import clock
from infradb.errors import Conflict
from infradb.importers.demo import collect
from infradb.operations import findings
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.settings import Settings
from infradb.store import runs
from infradb.store.database import Database
from infradb.store.schema import open_database

SOURCE = "demo"


def load(path: Path, *, replace: bool = False) -> tuple[Database, RunReport]:
    """Write the demo lab into a new file; raise `Conflict` where one is there that is no demo."""
    if path.exists() and not replace:
        raise Conflict(f"{path} is there already", hint="give a file that is not there yet")
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
    database = open_database(str(path), create=True)
    with database.write() as connection:
        now = clock.now()
        runs.add_source(connection, SOURCE, SOURCE, now, declared=False, rank=10)
        # No source of this machine belongs into invented data.
        connection.execute(
            "INSERT INTO infradb_meta (name, value) VALUES ('default_sources', ?), ('demo', ?)", (now, now)
        )
        report = absorb(connection, collect(), Manner())
    findings.refresh(database, Settings())
    return database, report
