"""Reads who needs whom: the whole graph, or only what lies above or below some things."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infradb.graph.needs import Graph, Need
from infradb.model.catalog import BY_TABLE
from infradb.queries.drawn_needs import Places, drawn_needs
from infradb.queries.naming import labels
from infradb.queries.plain_needs import PLAIN_NEEDS
from infradb.store.database import Connection
from infradb.store.known import StoredKnown

_BATCH, _FEW = 400, 8


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


class NeedsReader:
    """Reads needs within one transaction; what takes more than one row to see is worked out once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places = Places(connection)
        self._drawn = drawn_needs(connection, self._places)

    @property
    def unknown(self) -> dict[int, str]:
        """Return number -> label of what nobody knows more of than an address or a name."""
        return {number: label for label, number in self._places.unknown.items()}

    def at(self, place: str) -> int | None:
        """Return what is at an address or has a name, known or not, where something needs it."""
        before = len(self._places.unknown)
        number = self._places.at(place)
        return number if len(self._places.unknown) == before else None

    def whole(self) -> Needs:
        """Return all needs of what lives."""
        return self._needs([*map(Need._make, self._connection.query(PLAIN_NEEDS)), *self._drawn])

    def above(self, ids: Collection[int]) -> Needs:
        """Return the needs by which things are needed, directly or by others, with all that stand in for them.

        Reads as much as hangs on these things, not the whole database.
        """
        drawn = _by(self._drawn, "dependency")
        found = self._followed(ids, "dependency", drawn)
        grouped = {(n.dependent, n.group) for n in found if n.group}
        found += [n for n in self._drawn if (n.dependent, n.group) in grouped]
        found += self._plain("dependent", list({d for d, _ in grouped}), " AND in_group <> ''")
        return self._needs(found)

    def below(self, ids: Collection[int]) -> Needs:
        """Return what things need, directly or by others."""
        return self._needs(self._followed(ids, "dependent", _by(self._drawn, "dependent")))

    def _needs(self, needs: Iterable[Need]) -> Needs:
        return Needs(Graph.of(needs), self.unknown)

    def _followed(self, ids: Collection[int], end: str, drawn: dict[int, list[Need]]) -> list[Need]:
        """Return the needs that have things at one end, then those that have what is at their other end, and so on."""
        found: list[Need] = []
        seen = set(ids)
        wave = list(seen)
        while wave:
            needs = self._plain(end, [i for i in wave if i > 0])
            needs += [n for id_ in wave for n in drawn.get(id_, ())]
            found += needs
            others = {n.dependent if end == "dependency" else n.dependency for n in needs}
            wave = list(others - seen)
            seen |= others
        return found

    def _plain(self, end: str, ids: list[int], more: str = "") -> list[Need]:
        found: list[Need] = []
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            # Two statements in all: each is prepared once.
            batch += batch[-1:] * ((_FEW if len(batch) <= _FEW else _BATCH) - len(batch))
            sql = f"SELECT * FROM ({PLAIN_NEEDS}) n WHERE {end} IN ({', '.join('?' * len(batch))}){more}"
            found += map(Need._make, self._connection.query(sql, batch))
        return found


def position(connection: Connection) -> int:
    """Return the position of the last change: as long as it stands, needs are the same."""
    return int(connection.query("SELECT coalesce(max(position), 0) FROM infrastructure_changes")[0][0])


def holder(connection: Connection, address: int) -> tuple[int | None, str]:
    """Return the container or host that has an address, if anybody has, and the address as text."""
    sql = "SELECT coalesce(docker_container_id, host_id), ip_address FROM ip_addresses WHERE id = ?"
    id_, text = connection.query(sql, (address,))[0]
    return id_, text


def things(connection: Connection, ids: Collection[int], unknown: Mapping[int, str]) -> dict[int, Thing]:
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


def _by(needs: Iterable[Need], end: str) -> dict[int, list[Need]]:
    found: dict[int, list[Need]] = defaultdict(list)
    for need in needs:
        found[need.dependency if end == "dependency" else need.dependent].append(need)
    return found
