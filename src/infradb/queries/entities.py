"""Many things of one kind, and one of them, now or as of a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.errors import NotFound, UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.model.describe import EntityType
from infradb.queries import history
from infradb.queries.filters import Condition, field_named, where
from infradb.queries.naming import labels
from infradb.store.database import Connection
from infradb.store.rows import decode, field_columns

Row = dict[str, Any]
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list: which kind, which of them, in which order, as of when."""

    entity_type: EntityType
    conditions: Sequence[Condition] = ()
    sort: Sequence[str] = ()
    limit: int | None = None
    as_of: str | None = None
    include_retired: bool = False


def rows(connection: Connection, listing: Listing) -> list[Row]:
    """Return the rows of a listing as plain values, with uid and lifecycle.

    As of a time they come in today's order of the sort fields, each with the values that it had then.
    """
    order = _order(listing)
    if listing.as_of is None:
        clause, values = where(listing.conditions)
        if not listing.include_retired:
            clause += " AND t.retired_at IS NULL"
        limit = f" LIMIT {int(listing.limit)}" if listing.limit is not None else ""
        return list(_read(connection, listing.entity_type, f"WHERE {clause} {order}{limit}", values))
    return _then(connection, listing, order, listing.as_of)


def one(connection: Connection, table: str, id_: int, as_of: str | None = None) -> Row:
    """Return one thing as plain values; raise `NotFound` where it was unknown or retired at that time."""
    found = list(_read(connection, BY_TABLE[table], "WHERE t.id = ?", [id_]))
    if not found:
        raise NotFound(f"there is no {table} with id {id_}")
    if as_of is None:
        return found[0]
    then = history.undo(connection, table, {id_: found[0]}, history.position_at(connection, as_of))
    if id_ not in then:
        raise NotFound(f"{table} {id_} was not known or not alive at {as_of}")
    return then[id_]


def by_ids(connection: Connection, table: str, ids: Collection[int]) -> list[Row]:
    """Return things by id, retired ones too."""
    found: list[Row] = []
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        batch = wanted[start : start + 500]
        marks = ", ".join("?" * len(batch))
        found += _read(connection, BY_TABLE[table], f"WHERE t.id IN ({marks})", batch)
    return found


def children(connection: Connection, id_: int, table: str) -> dict[tuple[str, str], list[int]]:
    """Return (table, field) -> ids of the live rows that point at a thing."""
    found: dict[tuple[str, str], list[int]] = {}
    for child in ENTITY_TYPES:
        for field in child.references:
            if field.references == table:
                sql = f"SELECT id FROM {child.table} WHERE {field.name} = ? AND retired_at IS NULL ORDER BY id"
                ids = [i for (i,) in connection.query(sql, (id_,))]
                if ids:
                    found[child.table, field.name] = ids
    return found


def with_labels(connection: Connection, entity_type: EntityType, found: Sequence[Row]) -> list[Row]:
    """Return rows with the names of what they refer to, under the reference without its `_id`."""
    references = entity_type.references
    ids = {row[f.name] for row in found for f in references if row.get(f.name)}
    names = labels(connection, ids) if ids else {}
    return [
        {**row, **{f.noun: names.get(row[f.name]) for f in references if row.get(f.name) and f.noun != f.name}}
        for row in found
    ]


def _read(connection: Connection, entity_type: EntityType, rest: str, values: Sequence[Any]) -> Iterator[Row]:
    names = field_columns(entity_type.table)
    listed = ", ".join(f"t.{n}" for n in names)
    sql = f"SELECT {listed}, e.uid FROM {entity_type.table} t JOIN entities e ON e.id = t.id {rest}"
    for row in connection.query(sql, values):
        yield {**decode(entity_type.table, row[:-1], names), "uid": row[-1]}


def _then(connection: Connection, listing: Listing, order: str, as_of: str) -> list[Row]:
    """Walk today's order a page at a time and undo lazily, until enough rows are found."""
    position = history.position_at(connection, as_of)
    found: list[Row] = []
    offset, size = 0, min(_PAGE, max(listing.limit or _PAGE, 20))
    while listing.limit is None or len(found) < listing.limit:
        page = list(_read(connection, listing.entity_type, f"{order} LIMIT {size} OFFSET {offset}", ()))
        then = history.undo(connection, listing.entity_type.table, {r["id"]: r for r in page}, position)
        found += [r for r in then.values() if all(c.holds(r) for c in listing.conditions)]
        if len(page) < size:
            break
        offset, size = offset + size, 2000
    return found[: listing.limit]


def _order(listing: Listing) -> str:
    parts = []
    for name in listing.sort or [_natural_order(listing.entity_type)]:
        descending = name.startswith("-")
        bare = name.lstrip("-+")
        if bare in ("id", "created_at", "updated_at", "retired_at"):
            column = bare
        else:
            field = field_named(listing.entity_type.fields, bare)
            if field.is_json:
                raise UsageError(f"{bare} is a document and has no order", hint="sort by another field")
            column = field.sort_columns[0] if field.sort_columns else field.name
        # What has no value comes last on either engine.
        nullable = bare == "retired_at" or (
            bare in listing.entity_type.fields and listing.entity_type.fields[bare].nullable
        )
        parts += [f"t.{column} IS NULL"] if nullable else []
        parts.append(f"t.{column}{' DESC' if descending else ''}")
    return (
        f"ORDER BY {', '.join([*parts, 't.id'])}" if parts[-1].split()[0] != "t.id" else f"ORDER BY {', '.join(parts)}"
    )


def _natural_order(entity_type: EntityType) -> str:
    field = entity_type.fields[entity_type.named_by[-1]]
    return field.name


def counts(connection: Connection, *, retired: bool = False) -> Mapping[str, int]:
    """Return how many live (or retired) rows each entity table has."""
    which = "IS NOT NULL" if retired else "IS NULL"
    parts = " UNION ALL ".join(
        f"SELECT '{t.table}', count(*) FROM {t.table} WHERE retired_at {which}" for t in ENTITY_TYPES
    )
    return dict(connection.query(parts))
