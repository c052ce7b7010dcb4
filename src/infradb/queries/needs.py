"""Reads who needs whom: the whole graph, or only what lies above or below some things."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from infradb.graph.needs import Graph, Need
from infradb.model.catalog import BY_TABLE
from infradb.queries.drawn_needs import Places, drawn_needs
from infradb.queries.naming import labels
from infradb.queries.plain_needs import PLAIN_NEEDS
from infradb.store.database import Connection
from infradb.store.known import StoredKnown

_BATCH = 400


@dataclass(frozen=True, slots=True)
class Needs:
    """A graph of needs, and the places in it of which nobody knows who is there."""

    graph: Graph
    unknown: dict[int, str]
    """Number below zero -> what it is to people: `unknown machine at 10.0.0.5`."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing as answers show it."""

    id: int
    table: str
    """Empty where nobody knows more of it than its address or name."""
    name: str
    criticality: str | None = None
    owner: str | None = None

    @property
    def label(self) -> str:
        """Return kind and name, as `KIND/NAME`; what is unknown by its name alone."""
        return f"{self.table}/{self.name}" if self.table else self.name


def whole(connection: Connection) -> Needs:
    """Return all needs of what lives."""
    places = Places(connection)
    drawn = drawn_needs(connection, places)
    plain = map(Need._make, connection.query(PLAIN_NEEDS))
    return _needs([*plain, *drawn], places)


def above(connection: Connection, ids: Collection[int]) -> Needs:
    """Return the needs by which some things are needed, directly or by others, with all that stand in for them.

    Reads as much as hangs on these things, not the whole database.
    """
    return _reached(connection, ids, "dependency")


def below(connection: Connection, ids: Collection[int]) -> Needs:
    """Return what some things need, directly or by others."""
    return _reached(connection, ids, "dependent")


def _needs(needs: Iterable[Need], places: Places) -> Needs:
    return Needs(Graph.of(needs), {number: label for label, number in places.unknown.items()})


def _reached(connection: Connection, ids: Collection[int], end: str) -> Needs:
    places = Places(connection)
    upwards = end == "dependency"
    drawn: dict[int, list[Need]] = defaultdict(list)
    siblings: dict[tuple[int, str], list[Need]] = defaultdict(list)
    for need in drawn_needs(connection, places):
        drawn[need.dependency if upwards else need.dependent].append(need)
        siblings[need.dependent, need.group].append(need)
    found: list[Need] = []
    seen = set(ids)
    wave = list(seen)
    while wave:
        needs = _plain(connection, end, wave)
        needs += [n for id_ in wave for n in drawn.get(id_, ())]
        found += needs
        others = {n.dependent for n in needs} if upwards else {n.dependency for n in needs}
        wave = list(others - seen)
        seen |= others
    if upwards:
        grouped = {(n.dependent, n.group) for n in found if n.group}
        found += [n for key in grouped for n in siblings.get(key, ())]
        found += _plain(connection, "dependent", list({d for d, _ in grouped}), " AND in_group <> ''")
    return _needs(found, places)


def _plain(connection: Connection, end: str, ids: list[int], more: str = "") -> list[Need]:
    found: list[Need] = []
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        sql = f"SELECT * FROM ({PLAIN_NEEDS}) n WHERE {end} IN ({', '.join('?' * len(batch))}){more}"
        found += map(Need._make, connection.query(sql, batch))
    return found


def things(connection: Connection, ids: Collection[int], unknown: dict[int, str]) -> dict[int, Thing]:
    """Return things as answers show them."""
    known = [i for i in ids if i > 0]
    tables = StoredKnown(connection).tables(known)
    names = labels(connection, known)
    said: dict[int, tuple[Any, Any]] = {}
    for table in set(tables.values()):
        if "criticality" in BY_TABLE[table].fields:
            own = [i for i in known if tables[i] == table]
            said |= {i: (c, o) for i, c, o in _rows(connection, table, ("id", "criticality", "owner"), own)}
    found = {i: Thing(i, tables[i], names.get(i, str(i)), *said.get(i, (None, None))) for i in known if i in tables}
    return found | {i: Thing(i, "", unknown[i]) for i in ids if i in unknown}


def users_services(connection: Connection, levels: Collection[str] = ()) -> list[int]:
    """Return the services that live; of these criticalities only, where any are given."""
    rows = connection.query("SELECT id, criticality FROM services WHERE retired_at IS NULL ORDER BY id")
    return [i for i, criticality in rows if not levels or criticality in levels]


def _rows(connection: Connection, table: str, fields: tuple[str, ...], ids: list[int]) -> Iterable[tuple[Any, ...]]:
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        marks = ", ".join("?" * len(batch))
        yield from connection.query(f"SELECT {', '.join(fields)} FROM {table} WHERE id IN ({marks})", batch)
