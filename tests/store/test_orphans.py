"""No orphan can be made with plain SQL, on either engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from infradb.errors import StoreError
from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import FieldSpec, RecordType, TableType
from infradb.store.database import Connection, Database
from infradb.store.schema import open_database
from tests.store.full_tables import NOW, fill

TABLES: tuple[TableType, ...] = (*ENTITY_TYPES, *RECORD_TYPES)
REFERENCES = [(t, f) for t in TABLES for f in t.references]
NOWHERE = 987_654


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else str(tmp_path / "a.db")
    opened = open_database(url, create=True)
    with opened.write() as connection:
        fill(connection)
    return opened


def orphans(connection: Connection) -> dict[str, int]:
    """How many rows name a row that is not there, by reference."""
    found = {}
    for table, field in REFERENCES:
        sql = (
            f"SELECT count(*) FROM {table.table} c WHERE c.{field.name} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM {field.references} p WHERE p.id = c.{field.name})"
        )
        if number := connection.query(sql)[0][0]:
            found[f"{table.table}.{field.name}"] = number
    for entity in ENTITY_TYPES:
        sql = f"SELECT count(*) FROM {entity.table} t WHERE NOT EXISTS (SELECT 1 FROM entities e WHERE e.id = t.id)"
        if number := connection.query(sql)[0][0]:
            found[f"{entity.table}.id"] = number
    return found


def counts(connection: Connection) -> dict[str, int]:
    return {t.table: connection.query(f"SELECT count(*) FROM {t.table}")[0][0] for t in TABLES}


@pytest.mark.parametrize("parent", sorted({str(f.references) for _, f in REFERENCES}))
def test_deleting_owners_takes_what_they_own_and_unties_the_rest(database: Database, parent: str) -> None:
    with database.write() as connection:
        connection.execute(f"DELETE FROM {parent}")
    with database.read() as connection:
        after = counts(connection)
        assert orphans(connection) == {}
    for table, field in REFERENCES:
        if field.references == parent and taken(field):
            assert after[table.table] == 0, f"{table.table}.{field.name}"
    assert after[parent] == 0


def taken(field: FieldSpec) -> bool:
    return field.owns or not field.nullable


def test_deleting_entities_takes_their_rows(database: Database) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM entities")
    with database.read() as connection:
        left = {t.table for t in TABLES if counts(connection)[t.table]}
        assert orphans(connection) == {}
    assert not left & {t.table for t in ENTITY_TYPES}


@pytest.mark.parametrize(("table", "field"), REFERENCES, ids=lambda v: v.table if isinstance(v, TableType) else v.name)
def test_a_reference_to_nothing_fails_at_the_end_of_its_transaction(
    database: Database, table: TableType, field: FieldSpec
) -> None:
    first = table.primary_key[0] if isinstance(table, RecordType) else "id"
    one = f"{first} = (SELECT min({first}) FROM {table.table})"
    with database.write() as connection:
        if table.table == "health_check_rollups":  # its rows differ in nothing else
            connection.execute(f"DELETE FROM {table.table} WHERE NOT {one}")
    with pytest.raises(StoreError, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(f"UPDATE {table.table} SET {field.name} = {NOWHERE} WHERE {one}")
    with database.read() as connection:
        assert orphans(connection) == {}


def test_a_row_of_no_entity_fails_at_the_end_of_its_transaction(database: Database) -> None:
    sql = "INSERT INTO sites (id, name, created_at, updated_at) VALUES (?, 'x', ?, ?)"
    with pytest.raises(StoreError, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(sql, (NOWHERE, NOW, NOW))
