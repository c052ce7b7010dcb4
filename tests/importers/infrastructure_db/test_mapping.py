"""The mapping names every column of both layouts, and nothing that is in neither."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from infradb.importers.infrastructure_db.mapping import BY_NAME, MAPPING, STATEMENTS, guide_rows
from infradb.model.catalog import BY_TABLE, ORDER, RECORDS
from tests.importers.legacy_lab import LAYOUTS, build

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "import-infrastructure-db.md"


def columns_of(layout: str, folder: Path) -> set[tuple[str, str]]:
    path = build(folder / f"{layout}.db", layout=layout, scale=1).path
    with closing(sqlite3.connect(path)) as database:
        return set(
            database.execute(
                "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
                "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
            )
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_column_of_the_layout_goes_somewhere(layout: str, tmp_path: Path) -> None:
    mapped = {(table.name, column.name) for table in MAPPING for column in table.columns}
    assert columns_of(layout, tmp_path) - mapped == set()


def test_no_column_is_mapped_that_no_layout_has(tmp_path: Path) -> None:
    mapped = {(table.name, column.name) for table in MAPPING for column in table.columns}
    assert mapped - columns_of("before", tmp_path) - columns_of("after", tmp_path) == set()


def test_no_column_is_mapped_twice() -> None:
    for table in MAPPING:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names)), table.name


def test_every_field_that_something_goes_to_exists() -> None:
    for table in MAPPING:
        for column in table.columns:
            if column.via == "key" or column.field.startswith("custom."):
                continue
            if column.via in ("check", "members"):
                name, _, field = column.to.partition(".")
                assert name in BY_TABLE
                assert not field or field in BY_TABLE[name].fields
            elif (table.name, column.name) != ("health_checks", "service_id"):
                fields = (RECORDS if table.name in STATEMENTS else BY_TABLE)[table.to].fields
                assert column.field in fields, (table.name, column.name)


def test_parents_come_before_children() -> None:
    place = {table.name: n for n, table in enumerate(MAPPING)}
    for table in MAPPING:
        if table.name not in STATEMENTS:
            for reference in BY_TABLE[table.to].references:
                if reference.references in place and reference.references != table.to:
                    named = any(c.field == reference.name for c in table.columns)
                    assert not named or place[reference.references] < place[table.name]
    assert set(BY_NAME) >= STATEMENTS_AND_MORE
    assert all(table.to in ORDER for table in MAPPING if table.name not in STATEMENTS)


STATEMENTS_AND_MORE = {*STATEMENTS, "hosts", "services"}


def test_the_guide_shows_the_mapping() -> None:
    assert "\n".join(guide_rows()) in GUIDE.read_text(), "paste what `guide_rows()` yields into the guide"
