"""Every type is complete, projects into everything that is made of it, and broken definitions are refused."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Annotated, Any

import psycopg
import pytest
from pydantic import ValidationError

from infradb.generate.__main__ import outputs
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, ORDER, RECORD_TYPES
from infradb.model.describe import EntityType, TableType, describe
from infradb.model.entity import Entity, References, key
from infradb.store.ddl import columns, schema

EVERY_TYPE = [*ENTITY_TYPES, *RECORD_TYPES]


def by_name(t: TableType) -> str:
    return t.table


def test_the_schema_is_valid_on_sqlite() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(schema("sqlite"))
        found = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    connection.close()
    assert {t.table: list(columns(t)) for t in EVERY_TYPE} == found


def test_the_schema_is_valid_on_postgresql(fresh_postgresql: str) -> None:
    with psycopg.connect(fresh_postgresql) as connection:
        connection.execute(schema("postgresql").encode())
        rows = connection.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t"
            " ON t.table_name = c.table_name AND t.table_type = 'BASE TABLE' WHERE c.table_schema = 'public'"
            " ORDER BY c.table_name, c.ordinal_position"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    assert {t.table: list(columns(t)) for t in EVERY_TYPE} == found


@pytest.mark.parametrize("path", outputs(), ids=lambda p: p.name)
def test_a_generated_file_is_what_would_be_generated_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == outputs()[path]


@pytest.mark.parametrize("table_type", EVERY_TYPE, ids=by_name)
def test_every_type_and_field_says_what_it_is(table_type: TableType) -> None:
    assert table_type.doc.endswith(".")
    assert [f.name for f in table_type.fields.values() if not f.doc.endswith((".", "…"))] == []


@pytest.mark.parametrize("entity_type", ENTITY_TYPES, ids=by_name)
def test_every_type_can_be_identified_listed_and_called_by_a_name(entity_type: EntityType) -> None:
    assert entity_type.natural_keys
    assert entity_type.listed
    assert entity_type.name_field in entity_type.fields


@pytest.mark.parametrize("entity_type", ENTITY_TYPES, ids=by_name)
def test_what_owns_a_thing_comes_before_it(entity_type: EntityType) -> None:
    required = [f for f in entity_type.references if f.required or f.owns]
    assert [f.name for f in required if f.references and ORDER[f.references] > ORDER[entity_type.table]] == []


@pytest.mark.parametrize("entity_type", ENTITY_TYPES, ids=by_name)
def test_unique_names_have_a_value_or_a_parent(entity_type: EntityType) -> None:
    """SQL takes two nulls for different, so a nullable part of a unique name would not be unique at all."""
    for one in entity_type.natural_keys:
        if one.unique and not one.succeeds:
            specs = [entity_type.fields[f] for f in one.fields]
            assert [f.name for f in specs if f.nullable and not f.references] == []


@pytest.mark.parametrize("entity_type", ENTITY_TYPES, ids=by_name)
def test_a_partial_observation_is_validated(entity_type: EntityType) -> None:
    assert entity_type.adapter.validate_python({}) == {}
    with pytest.raises(ValidationError, match="no_such_field"):
        entity_type.adapter.validate_python({"no_such_field": 1})
    for field in entity_type.fields.values():
        if field.choices:
            with pytest.raises(ValidationError):
                entity_type.adapter.validate_python({field.name: "nonsense"})
        if not field.nullable:
            with pytest.raises(ValidationError):
                entity_type.adapter.validate_python({field.name: None})


@pytest.mark.parametrize(
    ("table", "field", "said", "kept"),
    [
        ("hosts", "hostname", " web1 ", "web1"),
        ("hosts", "management_ip", "2001:DB8:0::1", "2001:db8::1"),
        ("hosts", "boot_time_at", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.000Z"),
        ("network_interfaces", "mac_address", "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"),
        ("networks", "cidr", "10.0.0.0/255.255.255.0", "10.0.0.0/24"),
        ("ip_addresses", "ip_address", "fe80::1%eth0", "fe80::1"),
        ("network_routes", "destination_network", "0.0.0.0/0", "default"),
        ("network_routes", "destination_network", "10.1.2.3", "10.1.2.3/32"),
    ],
)
def test_values_are_normalized(table: str, field: str, said: Any, kept: Any) -> None:
    assert BY_TABLE[table].adapter.validate_python({field: said}) == {field: kept}


@pytest.mark.parametrize(
    ("table", "field", "said"),
    [
        ("hosts", "hostname", ""),
        ("hosts", "hostname", "x" * 254),
        ("hosts", "management_ip", "300.1.1.1"),
        ("hosts", "vmid", 0),
        ("networks", "cidr", "10.0.0.1/24"),
        ("network_interfaces", "vlan_id", 4096),
        ("network_interfaces", "mac_address", "aa:bb:cc"),
        ("services", "port", 65536),
    ],
)
def test_values_that_cannot_be_are_refused(table: str, field: str, said: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        BY_TABLE[table].adapter.validate_python({field: said})


@pytest.mark.parametrize("entity_type", ENTITY_TYPES, ids=by_name)
def test_every_type_has_a_json_schema_that_describes_its_fields(entity_type: EntityType) -> None:
    properties = entity_type.cls.model_json_schema()["properties"]
    assert [n for n in entity_type.fields if not properties[n].get("description")] == []
    assert json.dumps(properties)


def test_a_field_without_docstring_is_refused() -> None:
    class Broken(Entity):
        """Broken."""

        table = "broken"
        natural_keys = (key("name"),)
        named_by = ("name",)

        name: str

    with pytest.raises(TypeError, match=r"Broken\.name has no docstring"):
        describe(Broken)


@pytest.mark.parametrize("where", ["hard_keys", "natural_keys", "indexes", "listed"])
def test_a_key_that_names_no_field_is_refused(where: str) -> None:
    named: Any = {"listed": ("serial",), "indexes": (("serial",),)}.get(where, (key("serial"),))

    class Broken(Entity):
        """Broken."""

        table = "broken"
        named_by = ("name",)

        name: Annotated[str, References("hosts")]
        """Name."""

    setattr(Broken, where, named)
    with pytest.raises(TypeError, match=r"does not have: \['serial'\]"):
        describe(Broken)
