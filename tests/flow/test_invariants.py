"""What holds whatever sources report: random worlds, read by several sources, in whole, in part and in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, RECORDS
from infradb.observation import ScopeResult, ScopeStatus
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.flow.worlds import SOURCES, World, spoiled
from tests.lab import Clock, Estate

ROUNDS = 25
ALL_TABLES = [*RECORDS, *BY_TABLE]


def contents(estate: Estate, *, but: tuple[str, ...] = ()) -> dict[str, Counter[tuple[Any, ...]]]:
    """Every row of every table."""
    with estate.database.read() as connection:
        return {t: Counter(connection.query(f"SELECT * FROM {t}")) for t in ALL_TABLES if t not in but}


def replayed(estate: Estate) -> dict[int, dict[str, Any]]:
    """What the change log alone says that there is: id -> field -> value, with `table` and `retired`."""
    found: dict[int, dict[str, Any]] = {}
    columns = "change_type, entity_type, entity_id, old_values, new_values"
    for kind, table, id_, old, new in estate.ask(f"SELECT {columns} FROM infrastructure_changes ORDER BY position"):
        old, new = orjson.loads(old or "{}"), orjson.loads(new or "{}")
        if kind == "create":
            assert id_ not in found
            values = {n: new.get(n) for n in BY_TABLE[table].claimable}
            found[id_] = {"table": table, "retired": False, **values}
            continue
        known = found[id_]
        assert {n: known[n] for n in old} == old, f"{kind} of {table} {id_} undoes something else"
        assert known["retired"] is (kind == "revive"), f"{kind} of {table} {id_} that is {known}"
        known.update(new, retired=kind == "retire")
    return found


def as_stored(estate: Estate) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for entity_type in ENTITY_TYPES:
        for retired in (False, True):
            for row in estate.rows(entity_type.table, retired=retired):
                values = {n: row[n] for n in entity_type.claimable}
                found[row["id"]] = {"table": entity_type.table, "retired": retired, **values}
    return found


def check(estate: Estate) -> None:
    assert replayed(estate) == as_stored(estate)
    if estate.database.dialect == "sqlite":
        assert estate.ask("PRAGMA foreign_key_check") == []
    for table in BY_TABLE:
        differing = (
            f"SELECT t.id FROM {table} t JOIN entities e ON e.id = t.id WHERE coalesce(e.retired_at, t.created_at)"
            " <> coalesce(t.retired_at, t.created_at) OR e.kind <> ?"
            " OR (e.retired_at IS NULL) <> (t.retired_at IS NULL)"
        )
        assert estate.ask(differing, table) == []
    orphans = (
        "SELECT e.id, e.kind FROM entities e WHERE e.retired_at IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM claims c WHERE c.entity_id = e.id AND c.withdrawn_at IS NULL)"
    )
    assert estate.ask(orphans) == [], "lives, but nobody speaks for it"


@pytest.mark.long
@pytest.mark.parametrize("seed", [*range(5), 109])
def test_random_runs_leave_everything_in_order(estate: Estate, seed: int) -> None:
    random = Random(seed)
    world = World(random)
    estate.source("list", declared=True, rank=90)
    for _ in range(ROUNDS):
        for _ in range(random.randint(0, 6)):
            world.change()
        source = random.choice(SOURCES)
        shown = world.seen_by(source)
        if random.random() < 0.4:
            shown = spoiled(shown, random)
        estate.minutes_between_runs = random.choice((1, 5, 120))
        report = estate.run(source, *shown, allow_retire=random.random() < 0.5)
        check(estate)
        if report.status == "failed":
            assert report.changed == 0

        estate.minutes_between_runs = 0
        before = contents(estate)
        again = estate.run(source, *shown)
        after = contents(estate)
        assert again.changed == 0
        assert sum((after.pop("discovery_runs") - before.pop("discovery_runs")).values()) == 1
        for table, rows in after.items():
            assert (rows - before[table], before[table] - rows) == (Counter(), Counter()), table


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_runs_in_part_retire_nothing(estate: Estate, seed: int) -> None:
    random = Random(seed)
    world = World(random)
    estate.source("list", declared=True, rank=90)
    for source in SOURCES:
        estate.run(source, *world.seen_by(source))
    ends = len(estate.changes("retire"))
    for _ in range(10):
        for happening in (world.end_box, world.end_guest, world.end_interface, world.add_box, world.stop_box):
            happening()
        estate.clock.passes(days=2)
        source = random.choice(SOURCES)
        partly = [s if s.status == "failed" else _partly(s, random) for s in world.seen_by(source)]
        estate.run(source, *partly)
        assert len(estate.changes("retire")) == ends
    check(estate)


def _partly(scope: ScopeResult, random: Random) -> ScopeResult:
    status: ScopeStatus = random.choice(("partial", "failed"))
    return replace(scope, status=status, errors=("unreachable",))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_estate(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Estate]]:
    """Makes empty estates, as many as the test asks for."""
    make_url = request.getfixturevalue("make_postgresql") if request.param == "postgresql" else None
    opened: list[Database] = []

    def make() -> Estate:
        time = Clock()
        monkeypatch.setattr("infradb.clock.now", time.now)
        opened.append(open_database(make_url() if make_url else str(tmp_path / f"{len(opened)}.db"), create=True))
        return Estate(opened[-1], time)

    yield make
    for database in opened:
        database.close()


def described(estate: Estate) -> Counter[str]:
    """The live rows in words: references by what they point at, without ids and times."""
    rows = {r["id"]: (t, r) for t in ENTITY_TYPES for r in estate.rows(t.table)}

    def words(id_: int) -> Any:
        entity_type, row = rows[id_]
        said = {
            n: words(row[n]) if f.references and row[n] in rows else row[n]
            for n, f in entity_type.claimable.items()
            if row[n] is not None and not (entity_type.table == "network_interfaces" and n == "parent_interface_id")
        }
        return [entity_type.table, said]

    return Counter(orjson.dumps(words(i), option=orjson.OPT_SORT_KEYS).decode() for i in rows)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_sources_are_read_makes_no_difference(new_estate: Callable[[], Estate], seed: int) -> None:
    random = Random(seed)
    world = World(random, clones=False)
    reports = [(s, world.seen_by(s)) for s in SOURCES]
    results = []
    for _ in range(3):
        estate = new_estate()
        estate.source("list", declared=True, rank=90)
        for source, shown in reports:
            estate.run(source, *shown)
        results.append(described(estate))
        random.shuffle(reports)
    for other in results[1:]:
        assert other == results[0]
