"""The whole database as it was at a time, as a SQLite database in memory, so that views and any SQL can be asked."""

import sqlite3

from infradb.model.catalog import ENTITY_TYPES, RECORDS
from infradb.queries import history
from infradb.store.database import Connection, SqliteConnection
from infradb.store.ddl import columns, create_table
from infradb.store.rows import decode, encoder, field_columns, stored_columns
from infradb.store.views import VIEWS

_RECORDS = ("entities", "sources", "infrastructure_changes")


def snapshot(connection: Connection, as_of: str) -> SqliteConnection:
    """Return a connection to a copy in memory of every entity table as of an instant, with the views.

    It holds what was alive then. Takes time and memory in proportion to the whole database.
    """
    position = history.position_at(connection, as_of)
    raw = sqlite3.connect(":memory:", isolation_level=None)
    copy = SqliteConnection(raw)
    for table in _RECORDS:
        copy.script(create_table(RECORDS[table], "sqlite"))
        names = columns(RECORDS[table])
        limit = f" WHERE position <= {position}" if table == "infrastructure_changes" else ""
        copy.insert_many(table, names, connection.stream(f"SELECT {', '.join(names)} FROM {table}{limit}"))
    for entity_type in ENTITY_TYPES:
        copy.script(create_table(entity_type, "sqlite"))
        _copy_then(connection, copy, entity_type.table, position)
    for view in VIEWS:
        copy.script(f"CREATE VIEW {view.name} AS {view.sqlite.replace(chr(39) + 'now' + chr(39), repr(as_of))}")
    raw.execute("PRAGMA query_only = ON")
    return copy


def _copy_then(connection: Connection, copy: SqliteConnection, table: str, position: int) -> None:
    names = field_columns(table)
    rows = {row[0]: decode(table, row, names) for row in connection.stream(f"SELECT {', '.join(names)} FROM {table}")}
    later = connection.stream(
        "SELECT entity_id, change_type, old_values, recorded_at FROM infrastructure_changes"
        " WHERE position > ? AND entity_type = ? AND imported_id IS NULL ORDER BY position DESC",
        (position, table),
    )
    for change in later:
        history.undo_one(rows, *change)
    alive = [r for r in rows.values() if not r.get("retired_at") and not r.pop("unborn", False)]
    encode, stored = encoder(table), stored_columns(table)
    copy.insert_many(table, stored, (tuple(map(encode(r).get, stored)) for r in alive))
