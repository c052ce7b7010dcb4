"""Whose word counts first, as the database has it: the order by field, and who has fallen silent."""

from collections.abc import Mapping, Sequence

import orjson

from infradb.change import MANUAL
from infradb.reconcile.order import DEFAULTS, Order
from infradb.store.database import Connection


def source_order(connection: Connection) -> Order:
    """Return the order of sources by field that the rows follow now."""
    rows = connection.query("SELECT value FROM infradb_meta WHERE name = 'source_order'")
    order: Order = orjson.loads(rows[0][0]) if rows else DEFAULTS
    return order


def keep_source_order(connection: Connection, order: Mapping[str, Sequence[str]]) -> None:
    """Note the order of sources by field that the rows follow from now on."""
    connection.execute(
        "INSERT INTO infradb_meta (name, value) VALUES ('source_order', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (orjson.dumps(order).decode(),),
    )


def told_twice(connection: Connection, table: str) -> list[int]:
    """Return the live things of a kind that more than one claim speaks about."""
    sql = (
        f"SELECT c.entity_id FROM claims c JOIN {table} t ON t.id = c.entity_id AND t.retired_at IS NULL"
        " WHERE c.withdrawn_at IS NULL GROUP BY c.entity_id HAVING count(*) > 1 ORDER BY c.entity_id"
    )
    return [i for (i,) in connection.query(sql)]


def told_by(connection: Connection, source: int) -> list[int]:
    """Return the things that a source speaks about."""
    sql = (
        "SELECT DISTINCT c.entity_id FROM claims c JOIN scopes p ON p.id = c.scope_id"
        " WHERE p.source_id = ? AND c.withdrawn_at IS NULL ORDER BY c.entity_id"
    )
    return [i for (i,) in connection.query(sql, (source,))]


def fallen_silent(connection: Connection, limit: str) -> list[tuple[int, str]]:
    """Return (id, name) of the observing sources that were read before, but not since `limit`, and not noted so yet."""
    sql = (
        "SELECT s.id, s.name, s.declared FROM sources s WHERE s.silent_since IS NULL AND s.name <> ?"
        " AND EXISTS (SELECT 1 FROM discovery_runs r WHERE r.source_id = s.id)"
        " AND NOT EXISTS (SELECT 1 FROM discovery_runs r WHERE r.source_id = s.id AND r.status <> 'failed'"
        " AND r.started_at > ?) ORDER BY s.id"
    )
    # What people typed does not get worse by lying there.
    return [(i, name) for i, name, declared in connection.query(sql, (MANUAL, limit)) if not declared]


def mark_silent(connection: Connection, source: int, since: str | None) -> None:
    """Note since when a source is silent, or that it speaks again."""
    connection.execute("UPDATE sources SET silent_since = ? WHERE id = ?", (since, source))
