"""Reads who needs whom: the whole graph, or only what lies above or below some things."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infradb.graph.impact import Load
from infradb.graph.needs import Graph, Need
from infradb.model.catalog import BY_TABLE
from infradb.queries.drawn_needs import Places, drawn_needs
from infradb.queries.naming import labels
from infradb.queries.plain_needs import PLAIN_NEEDS, End
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
        self._known = StoredKnown(connection)
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
        plain = [need for kind in PLAIN_NEEDS for need in map(Need._make, self._connection.query(kind.sql))]
        return self._needs(plain + self._drawn)

    def growing(self) -> tuple[Needs, Load]:
        """Return an empty graph, and what adds to it the needs that point at things.

        Impact asks for these wave after wave, so that no more is read than what is hit.
        """
        needs = Needs(Graph(), self.unknown)
        done: set[int] = set()
        tables: dict[int, str] = {}
        drawn: dict[int, list[Need]] = defaultdict(list)
        alike: dict[tuple[int, str], list[Need]] = defaultdict(list)
        for need in dict.fromkeys(self._drawn):
            drawn[need.dependency].append(need)
            alike[need.dependent, need.group].append(need)

        def load(ids: Collection[int]) -> None:
            new = [i for i in ids if i not in done]
            if not new:
                return
            done.update(new)
            found = [need for id_ in new for need in drawn.get(id_, ())]
            for table, own in self._by_table(new, tables).items():
                for beyond, need in self._plain("dependency", table, own):
                    tables[need.dependent] = beyond
                    found.append(need)
            groups = {(n.dependent, n.group) for n in found if n.group} - needs.graph.grouped.keys()
            for key in groups:
                needs.graph.grouped[key] = list(alike.get(key, ()))
            for table, own in self._by_table({dependent for dependent, _ in groups}, tables).items():
                for _, need in self._plain("dependent", table, own, grouped=True):
                    if (need.dependent, need.group) in groups:
                        needs.graph.grouped[need.dependent, need.group].append(need)
            for need in found:
                needs.graph.add(need)

        return needs, load

    def below(self, ids: Collection[int]) -> Needs:
        """Return what things need, directly or by others."""
        found: list[Need] = []
        seen = set(ids)
        wave = self._by_table(seen, {})
        drawn: dict[int, list[Need]] = defaultdict(list)
        for need in self._drawn:
            drawn[need.dependent].append(need)
        while wave:
            reached: dict[int, str] = {}
            more = [need for own in wave.values() for id_ in own for need in drawn.get(id_, ())]
            for table, own in wave.items():
                for beyond, need in self._plain("dependent", table, own):
                    reached[need.dependency] = beyond
                    more.append(need)
            found += more
            new = {n.dependency for n in more} - seen
            seen |= new
            wave = self._by_table(new, reached)
        return self._needs(found)

    def _needs(self, needs: Iterable[Need]) -> Needs:
        return Needs(Graph.of(needs), self.unknown)

    def _by_table(self, ids: Collection[int], known: Mapping[int, str]) -> dict[str, set[int]]:
        """Return things by their tables, as far as known already; what is unknown has none."""
        new = [i for i in ids if i > 0 and i not in known]
        asked = self._known.tables(new) if new else {}
        found: dict[str, set[int]] = defaultdict(set)
        for id_ in ids:
            found[known.get(id_) or asked.get(id_, "")].add(id_)
        return found

    def _plain(
        self, end: End, table: str, ids: Collection[int], *, grouped: bool = False
    ) -> Iterator[tuple[str, Need]]:
        """Yield the needs, all or grouped ones, that have things of a table at one end, with the table at the other."""
        listed, more = list(ids), " AND in_group <> ''" if grouped else ""
        for kind in PLAIN_NEEDS:
            if table != (kind.dependency if end == "dependency" else kind.dependent) or grouped > kind.grouped:
                continue
            beyond = kind.dependent if end == "dependency" else kind.dependency
            for start in range(0, len(listed), _BATCH):
                batch = listed[start : start + _BATCH]
                # Two statements of each kind in all, so that each is prepared once.
                batch += batch[-1:] * ((_FEW if len(batch) <= _FEW else _BATCH) - len(batch))
                sql = f"SELECT * FROM ({kind.sql}) n WHERE {end} IN ({', '.join('?' * len(batch))}){more}"
                for row in self._connection.query(sql, batch):
                    yield beyond, Need._make(row)


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


def places(connection: Connection) -> set[int]:
    """Return the sites."""
    return {i for (i,) in connection.query("SELECT id FROM sites")}


def _rows(connection: Connection, table: str, fields: tuple[str, ...], ids: list[int]) -> Iterable[tuple[Any, ...]]:
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        marks = ", ".join("?" * len(batch))
        yield from connection.query(f"SELECT {', '.join(fields)} FROM {table} WHERE id IN ({marks})", batch)
