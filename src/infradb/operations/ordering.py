"""Keeps rows true to whose word counts first: when the order changes, and when a source falls silent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infradb import clock
from infradb.change import Change, ChangeSet
from infradb.errors import SettingsError
from infradb.model.catalog import BY_TABLE
from infradb.queries.naming import labels
from infradb.reconcile.order import DEFAULTS, Order
from infradb.reconcile.plan import Planner
from infradb.settings import Settings
from infradb.store import runs
from infradb.store.apply import Writer
from infradb.store.database import Connection, Database
from infradb.store.known import StoredKnown
from infradb.store.source_order import (
    fallen_silent,
    keep_source_order,
    mark_silent,
    source_order,
    told_by,
    told_twice,
)

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Recomputed:
    """One value that is another one now."""

    what: str
    field: str
    old: Any
    new: Any


class _Undo(Exception):
    """Leaves a transaction without keeping anything."""


def wanted_order(settings: Settings) -> Order:
    """Return the order of sources by field that the settings ask for; raise `SettingsError` for an unknown field."""
    for name in settings.order:
        table, _, field = name.partition(".")
        if table not in BY_TABLE or field not in BY_TABLE[table].claimable:
            hint = "`[order]` names them as table.field, such as hosts.os_name: docs/reference/model.md lists all"
            raise SettingsError(f"there is no field {name!r} that sources speak about", hint=hint)
    return {**DEFAULTS, **settings.order}


def follow_order(database: Database, settings: Settings, *, dry_run: bool = False) -> list[Recomputed]:
    """Let the rows follow the settings' order of sources; return what changed. Nothing is read again for it."""
    wanted = {n: list(s) for n, s in sorted(wanted_order(settings).items())}
    with database.read() as connection:
        before = {n: list(s) for n, s in source_order(connection).items()}
    touched = {n for n in {*wanted, *before} if wanted.get(n) != before.get(n)}
    if not touched:
        return []
    found: list[Recomputed] = []
    try:
        with database.write() as connection:
            keep_source_order(connection, wanted)
            tables = sorted({n.partition(".")[0] for n in touched})
            ids = [i for table in tables for i in told_twice(connection, table)]
            found = recompute(connection, ids, "the order of sources was changed")
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    return found


def note_silence(database: Database, settings: Settings) -> list[str]:
    """Put sources that have said nothing for too long behind all others; return their names.

    A source that speaks again gets its place back when its run is taken in.
    """
    seconds = clock.parse_duration(settings.silent_after)
    if not seconds:
        return []
    limit = clock.to_instant(clock.to_moment(clock.now()) - timedelta(seconds=seconds))
    with database.read() as connection:
        silent = fallen_silent(connection, limit)
    for source, name in silent:
        with database.write() as connection:
            set_silence(connection, source, clock.now(), f"{name} has said nothing since before {limit}")
    return [name for _, name in silent]


def set_silence(connection: Connection, source: int, since: str | None, reason: str) -> None:
    """Put a source behind all others, or back into its place, and let the rows follow."""
    mark_silent(connection, source, since)
    recompute(connection, told_by(connection, source), reason)


def recompute(connection: Connection, ids: Collection[int], reason: str) -> list[Recomputed]:
    """Work out anew which values win, and log what changed."""
    now = clock.now()
    manual = runs.manual_source(connection, now)
    known = StoredKnown(connection)
    writer = Writer(connection, now, change_source="automation", changed_by="infradb", reason=reason)
    planner = Planner(known.sources[manual], known, writer.new_id, writer.now)
    found: list[Recomputed] = []
    wanted = list(ids)
    for start in range(0, len(wanted), _BATCH):
        change_set = planner.settle(wanted[start : start + _BATCH])
        change_set = ChangeSet(changes=[c for c in change_set.changes if c.new], parked=change_set.parked)
        found += _told(connection, change_set.changes)
        writer.apply(change_set)
    writer.finish()
    return found


def _told(connection: Connection, changes: Collection[Change]) -> list[Recomputed]:
    names = labels(connection, {c.entity_id for c in changes})
    return [
        Recomputed(f"{c.table}/{names[c.entity_id]}", field, c.old.get(field), new)
        for c in changes
        for field, new in c.new.items()
    ]


def in_force(database: Database, settings: Settings) -> list[dict[str, Any]]:
    """Return the order of sources by field, and where each comes from."""
    with database.read() as connection:
        order = source_order(connection)
    return [
        {"field": n, "first": list(order[n]), "from": "settings" if n in settings.order else "default"}
        for n in sorted(order)
    ]
