"""Whoever alters the change log outside infradb is found out, and the place is named."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from infradb.errors import ChainBroken
from infradb.store.chain import COLUMNS, FIRST_HASH, Verified, verify
from tests.flow.worlds import SOURCES, World
from tests.lab import Estate

TIMES = ("change_timestamp", "recorded_at")
NUMBERS = ("entity_id", "source_id", "run_id", "imported_id", "imported_entity_id")
CHOICES = {"change_type": ("prune", "update"), "change_source": ("api", "manual", None)}


@pytest.fixture
def logged(estate: Estate) -> Estate:
    world = World(Random(7))
    for source in SOURCES:
        estate.run(source, *world.seen_by(source))
    return estate


def checked(estate: Estate) -> Verified:
    with estate.database.read() as connection:
        return verify(connection)


def other_than(column: str, value: Any, random: Random) -> Any:
    """A value that the column takes and did not have."""
    if column in TIMES:
        return "2020-01-01T00:00:00.000Z"
    if column in NUMBERS:
        return (1 if value != 1 else 2) if value is None or random.random() < 0.7 else None
    if column in CHOICES:
        return next(v for v in CHOICES[column] if v != value)
    changed = [f"{value}", f"{value} ", "None", ""]
    return random.choice([c for c in changed if c != value])


def broken_at(estate: Estate, *statements: tuple[str, tuple[Any, ...]]) -> int:
    """Return the position that is named once statements were carried out; they are undone again."""

    class Undo(Exception):
        pass

    named = 0
    try:
        with estate.database.write() as connection:
            for sql, values in statements:
                connection.execute(sql, values)
            try:
                verify(connection)
            except ChainBroken as error:
                named = int(str(error).split("position ")[1].split(":")[0].split(",")[0])
            raise Undo
    except Undo:
        return named


def row(estate: Estate, position: int) -> dict[str, Any]:
    sql = f"SELECT {', '.join(COLUMNS)} FROM infrastructure_changes WHERE position = ?"
    return dict(zip(COLUMNS, estate.ask(sql, position)[0], strict=True))


def test_an_untouched_log_holds_from_its_first_row(logged: Estate) -> None:
    found = checked(logged)
    assert (found.rows, found.starts_after) == (len(logged.changes()), 0)
    assert row(logged, 1)["previous_hash"] == FIRST_HASH


@pytest.mark.parametrize("column", [c for c in COLUMNS if c != "position"])
def test_altering_any_column_of_any_row_is_found_there(logged: Estate, column: str) -> None:
    random = Random(column)
    last = len(logged.changes())
    for position in (1, last, *random.sample(range(1, last + 1), 6)):
        value = other_than(column, row(logged, position)[column], random)
        sql = f"UPDATE infrastructure_changes SET {column} = ? WHERE position = ?"
        assert broken_at(logged, (sql, (value, position))) == position, (column, position, value)


def test_moving_words_from_one_column_to_the_next_is_found(logged: Estate) -> None:
    sql = "UPDATE infrastructure_changes SET new_values = old_values, old_values = new_values WHERE position = ?"
    assert broken_at(logged, (sql, (3,))) == 3


def test_a_row_that_is_missing_is_found(logged: Estate) -> None:
    last = len(logged.changes())
    for position in (1, 2, last // 2, last - 1):
        assert broken_at(logged, ("DELETE FROM infrastructure_changes WHERE position = ?", (position,))) == position


def test_two_rows_that_were_swapped_are_found(logged: Estate) -> None:
    move = "UPDATE infrastructure_changes SET position = ? WHERE position = ?"
    for first, second in ((1, 2), (2, 9)):
        swap = [(move, (-1, first)), (move, (first, second)), (move, (second, -1))]
        assert broken_at(logged, *swap) == first


def test_an_end_that_was_cut_off_is_found(logged: Estate) -> None:
    last = len(logged.changes())
    for kept in (last - 1, last // 2, 0):
        assert broken_at(logged, ("DELETE FROM infrastructure_changes WHERE position > ?", (kept,))) == kept


def test_a_clock_that_goes_backwards_breaks_nothing(logged: Estate) -> None:
    logged.clock.passes(days=-30)
    logged.run("proxmox", *World(Random(8)).seen_by("proxmox"))
    times = [t for (t,) in logged.ask("SELECT recorded_at FROM infrastructure_changes ORDER BY position")]
    assert times == sorted(times)
