"""What was, what changed, and what differs: the present with later changes undone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from infradb.errors import BeforeHistory
from infradb.model.catalog import BY_TABLE
from infradb.store.database import Connection

Row = dict[str, Any]


@dataclass(slots=True)
class ChangeRow:
    """One row of the change log, values parsed."""

    position: int
    at: str
    change_type: str
    entity_type: str
    entity_id: int | None
    old_values: Row
    new_values: Row
    changed_by: str | None
    change_source: str | None
    source: str | None
    run_id: int | None
    reason: str | None
    imported: bool


_SELECT = (
    "SELECT c.position, c.change_timestamp, c.change_type, c.entity_type, c.entity_id, c.old_values, c.new_values,"
    " c.changed_by, c.change_source, s.name, c.run_id, coalesce(c.reason, c.description), c.imported_id IS NOT NULL"
    " FROM infrastructure_changes c LEFT JOIN sources s ON s.id = c.source_id"
)


def changes(
    connection: Connection,
    *,
    entity_ids: Collection[int] = (),
    table: str | None = None,
    since: str | None = None,
    until: str | None = None,
    source: str | None = None,
    after_position: int | None = None,
    newest_first: bool = True,
    limit: int | None = None,
) -> list[ChangeRow]:
    """Return rows of the change log."""
    parts: list[tuple[str, list[Any]]] = []
    if entity_ids:
        parts.append((f"c.entity_id IN ({', '.join('?' * len(entity_ids))})", list(entity_ids)))
    named = {"c.entity_type = ?": table, "c.change_timestamp >= ?": since, "c.change_timestamp <= ?": until}
    named |= {"s.name = ?": source}
    parts += [(sql, [value]) for sql, value in named.items() if value is not None]
    if after_position is not None:
        parts.append(("c.position > ?", [after_position]))
    where = f" WHERE {' AND '.join(sql for sql, _ in parts)}" if parts else ""
    # What an import tells of happened long before it was taken in.
    order = " ORDER BY c.change_timestamp DESC, c.position DESC" if newest_first else " ORDER BY c.position"
    order += f" LIMIT {int(limit)}" if limit else ""
    rows = connection.query(_SELECT + where + order, [v for _, values in parts for v in values])
    return [_change(row) for row in rows]


def beginning(connection: Connection) -> str | None:
    """Return when the history begins: the first change that is kept, or None where nothing ever happened."""
    sql = "SELECT recorded_at FROM infrastructure_changes ORDER BY position LIMIT 1"
    return next((str(at) for (at,) in connection.query(sql)), None)


def references(change: ChangeRow) -> set[int]:
    """Return the ids that the references of a change pointed at, before and after."""
    fields = BY_TABLE[change.entity_type].fields if change.entity_type in BY_TABLE else {}
    said = [*change.old_values.items(), *change.new_values.items()]
    return {v for n, v in said if isinstance(v, int) and n in fields and fields[n].references}


def position_at(connection: Connection, instant: str) -> int:
    """Return the last position recorded at an instant; raise `BeforeHistory` where the history was cut later.

    Positions ascend with time, so this is a search by halves over the primary key.
    """
    anchor = connection.query("SELECT position, recorded_at FROM change_anchors ORDER BY position DESC LIMIT 1")
    if anchor and instant < anchor[0][1]:
        raise BeforeHistory(f"the kept history starts at {anchor[0][1]}; {instant} is before it")
    # One by one: SQLite looks up a lone min or max, but walks the whole table for both at once.
    low, high = connection.query(
        "SELECT coalesce((SELECT min(position) FROM infrastructure_changes), 0),"
        " coalesce((SELECT max(position) FROM infrastructure_changes), 0)"
    )[0]
    low = low - 1 if low else 0
    while low < high:
        middle = (low + high + 1) // 2
        at = connection.query("SELECT recorded_at FROM infrastructure_changes WHERE position = ?", (middle,))[0][0]
        low, high = (middle, high) if at <= instant else (low, middle - 1)
    return int(low)


def undo(connection: Connection, table: str, rows: Mapping[int, Row], position: int) -> dict[int, Row]:
    """Return rows as they were at a position; those that were unknown or retired then are left out."""
    result = {id_: dict(row) for id_, row in rows.items()}
    ids = list(result)
    for start in range(0, len(ids), 400):
        batch = ids[start : start + 400]
        marks = ", ".join("?" * len(batch))
        sql = (
            "SELECT entity_id, change_type, old_values, recorded_at FROM infrastructure_changes"
            f" WHERE entity_id IN ({marks}) AND position > ? AND imported_id IS NULL ORDER BY position DESC"
        )
        for id_, change_type, old, at in connection.stream(sql, (*batch, position)):
            undo_one(result, id_, change_type, old, at)
    defaults = {f.name: None for f in BY_TABLE[table].measured}
    # Measured values have no history: what they were is in the samples, not here.
    return {i: {**r, **defaults} for i, r in result.items() if not r.get("retired_at") and not r.get("unborn")}


def undo_one(rows: Mapping[int, Row], id_: int, change_type: str, old: str | None, at: str) -> None:
    """Undo one change, newest first, on the row of its entity."""
    row = rows.get(id_)
    if row is None:
        return
    if old:
        row.update(orjson.loads(old))
    if change_type == "create":
        row["unborn"] = True
    elif change_type == "retire":
        row["retired_at"] = None
    elif change_type == "revive":
        row["retired_at"] = at


@dataclass(slots=True)
class Difference:
    """What became of one thing between two times."""

    table: str
    entity_id: int
    kind: str
    old: Row = field(default_factory=dict)
    new: Row = field(default_factory=dict)


def diff(connection: Connection, start: str, end: str, table: str | None = None) -> list[Difference]:
    """Return what differs between two instants: things that came, went or changed, each with the net change."""
    first, last = position_at(connection, start), position_at(connection, end)
    found: dict[int, Difference] = {}
    alive_before: dict[int, bool] = {}
    sql = (
        "SELECT entity_id, entity_type, change_type, old_values, new_values FROM infrastructure_changes"
        " WHERE position > ? AND position <= ? AND imported_id IS NULL AND entity_id IS NOT NULL"
        + (" AND entity_type = ?" if table else "")
        + " ORDER BY position"
    )
    alive: dict[int, bool] = {}
    for id_, kind, change_type, old, new in connection.stream(sql, (first, last, *([table] if table else []))):
        one = found.setdefault(id_, Difference(kind, id_, "updated"))
        alive_before.setdefault(id_, change_type not in ("create", "revive"))
        alive[id_] = change_type != "retire" and (alive.get(id_, True) or change_type in ("create", "revive"))
        for name, value in (orjson.loads(old) if old else {}).items():
            one.old.setdefault(name, value)
        one.new.update(orjson.loads(new) if new else {})
    return [d for d in (_net(one, alive_before[i], alive[i]) for i, one in found.items()) if d]


def _net(one: Difference, before: bool, after: bool) -> Difference | None:
    if not before and not after:
        return None
    if before != after:
        one.kind = "created" if after else "retired"
        return one
    changed = [n for n in one.new if one.old.get(n) != one.new[n]]
    one.old, one.new = {n: one.old.get(n) for n in changed}, {n: one.new[n] for n in changed}
    return one if changed else None


def _change(row: tuple[Any, ...]) -> ChangeRow:
    old, new = _parsed(row[5]), _parsed(row[6])
    values: list[Any] = [*row[:5], old, new, *row[7:12], bool(row[12])]
    return ChangeRow(*values)


def _parsed(text: str | None) -> Row:
    """Return values as a dict; an old file may hold anything."""
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"text": text}
    return value if isinstance(value, dict) else {"value": value}
