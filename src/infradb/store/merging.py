"""Writes that two entities are one, or two. Claims move; identifiers stay and follow `entities.merged_into`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson

from infradb.model.catalog import ENTITY_TYPES
from infradb.store.database import Connection


@dataclass(frozen=True, slots=True)
class StoredMerge:
    """A merge as it lies in the database."""

    gone: int
    kept: int
    along_with: int | None
    claims: Sequence[int]


def join(connection: Connection, gone: int, kept: int, *, along_with: int | None, now: str, who: str | None) -> None:
    """Move everything that is said about one entity to another, and remember what was moved."""
    claims = [i for (i,) in connection.query("SELECT id FROM claims WHERE entity_id = ? ORDER BY id", (gone,))]
    connection.execute("UPDATE claims SET entity_id = ? WHERE entity_id = ?", (kept, gone))
    # What went up in it before goes along, so that one step always leads to the entity that stands.
    connection.execute("UPDATE entities SET merged_into = ? WHERE merged_into = ? OR id = ?", (kept, gone, gone))
    connection.execute(
        "INSERT INTO merges (gone_entity_id, kept_entity_id, with_entity_id, claims, merged_at, merged_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (gone, kept, along_with, orjson.dumps(claims).decode(), now, who),
    )


def part(connection: Connection, merge: StoredMerge) -> None:
    """Take a merge back: the claims that were moved return, and the identifiers that their sources said since."""
    move(connection, merge.claims, merge.kept, merge.gone)
    connection.execute("DELETE FROM merges WHERE gone_entity_id = ?", (merge.gone,))
    connection.execute("UPDATE entities SET merged_into = NULL WHERE id = ?", (merge.gone,))
    inner = _below(connection, merge.gone)
    connection.execute_many("UPDATE entities SET merged_into = ? WHERE id = ?", [(merge.gone, i) for i in inner])


def move(connection: Connection, claims: Sequence[int], old: int, new: int) -> None:
    """Give claims to another entity, with the identifiers that only their sources said."""
    connection.execute_many("UPDATE claims SET entity_id = ? WHERE id = ?", [(new, i) for i in claims])
    sources = _sources_of(connection, new) - _sources_of(connection, old)
    for source in sources:
        rows = connection.query(
            "SELECT scheme, value, source_id FROM identifiers WHERE entity_id = ? AND source_id = ?", (old, source)
        )
        connection.execute("DELETE FROM identifiers WHERE entity_id = ? AND source_id = ?", (old, source))
        connection.execute_many(
            "INSERT INTO identifiers (scheme, value, entity_id, source_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(scheme, value, new, source_id) for scheme, value, source_id in rows],
        )


def merges_into(connection: Connection, kept: int) -> list[StoredMerge]:
    """Return the merges that an entity came out of, newest first, each before what it took along."""
    rows = connection.query(
        "SELECT gone_entity_id, kept_entity_id, with_entity_id, claims FROM merges"
        " WHERE kept_entity_id = ? AND with_entity_id IS NULL ORDER BY merged_at DESC, gone_entity_id DESC",
        (kept,),
    )
    return [StoredMerge(g, k, w, orjson.loads(c)) for g, k, w, c in rows]


def taken_along(connection: Connection, gone: int) -> list[StoredMerge]:
    """Return the merges of what an entity owned, which were made because it was merged."""
    rows = connection.query(
        "SELECT gone_entity_id, kept_entity_id, with_entity_id, claims FROM merges WHERE with_entity_id = ?"
        " ORDER BY gone_entity_id",
        (gone,),
    )
    return [StoredMerge(g, k, w, orjson.loads(c)) for g, k, w, c in rows]


def referring(connection: Connection, ids: Collection[int]) -> set[int]:
    """Return every entity, retired ones left out, with a reference to any of the given ones."""
    found: set[int] = set()
    marks = ", ".join("?" * len(ids))
    for entity_type in ENTITY_TYPES if ids else ():
        for field in entity_type.references:
            sql = f"SELECT id FROM {entity_type.table} WHERE {field.name} IN ({marks}) AND retired_at IS NULL"
            found.update(i for (i,) in connection.query(sql, list(ids)))
    return found


def keep_apart(connection: Connection, a: int, b: int, *, now: str, who: str | None, reason: str | None) -> None:
    """Note that two entities are two."""
    connection.execute(
        "INSERT INTO kept_apart (entity_a_id, entity_b_id, decided_at, decided_by, reason) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (entity_a_id, entity_b_id) DO UPDATE SET decided_at = excluded.decided_at,"
        " decided_by = excluded.decided_by, reason = excluded.reason",
        (min(a, b), max(a, b), now, who, reason),
    )


def are_kept_apart(connection: Connection, a: int, b: int) -> bool:
    """Tell whether a person said that two entities are two."""
    sql = "SELECT 1 FROM kept_apart WHERE entity_a_id = ? AND entity_b_id = ?"
    return bool(connection.query(sql, (min(a, b), max(a, b))))


def let_together(connection: Connection, a: int, b: int) -> None:
    """Take back that two entities are kept apart."""
    sql = "DELETE FROM kept_apart WHERE entity_a_id = ? AND entity_b_id = ?"
    connection.execute(sql, (min(a, b), max(a, b)))


def _below(connection: Connection, kept: int) -> Iterable[int]:
    """Return everything that went up in an entity, directly or by others."""
    found: list[int] = []
    wave = [kept]
    while wave:
        marks = ", ".join("?" * len(wave))
        wave = [
            i for (i,) in connection.query(f"SELECT gone_entity_id FROM merges WHERE kept_entity_id IN ({marks})", wave)
        ]
        found += wave
    return found


def _sources_of(connection: Connection, entity_id: int) -> set[int]:
    sql = "SELECT DISTINCT s.source_id FROM claims c JOIN scopes s ON s.id = c.scope_id WHERE c.entity_id = ?"
    return {i for (i,) in connection.query(sql, (entity_id,))}
