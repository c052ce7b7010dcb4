"""How dear is the import of an old database, beside reading and writing the same rows with nothing in between?"""

from __future__ import annotations

import sqlite3
import statistics
from contextlib import closing
from pathlib import Path

from bench.clocks import cpu_of, peak_megabytes
from bench.figures import Figure, against, at_most
from bench.old_file import build
from infradb.operations.importing import import_infrastructure_db
from infradb.store.schema import open_database

_TABLES = "SELECT {} FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
_IMPORT = """
import sys
from pathlib import Path
from infradb.operations.importing import import_infrastructure_db
from infradb.store.schema import open_database
import_infrastructure_db(open_database(f"sqlite:///{sys.argv[2]}", create=True), Path(sys.argv[1]))
"""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what the import costs."""
    old = folder / "old.db"
    count = build(old, scale=20 if quick else 500)
    size = f"{count:,} rows"

    turns = []
    for _ in range(3):  # they take turns, so that a busy machine is as unkind to each
        empty(old, folder / "floor.db")
        database = open_database(_fresh(folder / "import.db"), create=True)
        turns.append(
            (
                cpu_of(lambda: copy(old, folder / "floor.db")),
                cpu_of(lambda: import_infrastructure_db(database, old)),  # noqa: B023  called at once
                cpu_of(lambda: import_infrastructure_db(database, old)),  # noqa: B023
            )
        )
    middle = [statistics.median(times) for times in zip(*turns, strict=True)]
    _fresh(folder / "import.db")
    peak = peak_megabytes(_IMPORT, str(old), str(folder / "import.db"))
    return [
        against(f"import of {size}, floor: executemany into the same tables", middle[1], middle[0], 8),
        against("second import of the same file, floor: the first import", middle[2], middle[1], 0.4),
        at_most("peak memory of the import", peak, 300, "MB", 0),
    ]


def empty(old: Path, new: Path) -> None:
    """Make the tables of a file, with its own DDL, in another one."""
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(old)) as reading, closing(sqlite3.connect(new)) as writing:
        for (ddl,) in reading.execute(_TABLES.format("sql")):
            writing.execute(ddl)
        writing.commit()


def copy(old: Path, new: Path) -> None:
    """Read every row and write it into the empty tables: one transaction, SQLite's own settings."""
    with closing(sqlite3.connect(f"file:{old}?mode=ro", uri=True)) as reading, closing(sqlite3.connect(new)) as writing:
        for (name,) in reading.execute(_TABLES.format("name")).fetchall():
            rows = reading.execute(f'SELECT * FROM "{name}"')
            places = ", ".join("?" * len(rows.description))
            writing.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
        writing.commit()


def _fresh(path: Path) -> str:
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    return f"sqlite:///{path}"
