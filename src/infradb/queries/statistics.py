"""How big everything is: rows per table, tables, views, bytes."""

from dataclasses import dataclass

from infradb.model.catalog import ENTITY_TYPES, RECORDS
from infradb.queries.kinds import VIEW_NAMES
from infradb.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Sizes:
    """Figures of one database."""

    rows: dict[str, int]
    """Table -> live rows (entities) or rows (records)."""
    tables: int
    views: int
    database_bytes: int


def sizes(database: Database, connection: Connection) -> Sizes:
    """Return the figures of a database, entity tables first."""
    live = {t.table: f"SELECT count(*) FROM {t.table} WHERE retired_at IS NULL" for t in ENTITY_TYPES}
    rest = {t: f"SELECT count(*) FROM {t}" for t in RECORDS}
    rows = {t: int(connection.query(sql)[0][0]) for t, sql in {**live, **rest}.items()}
    return Sizes(rows, len(rows), len(VIEW_NAMES), database.size_bytes())
