"""Rows for every table, made from nothing but the model: each column filled, every reference real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, FieldSpec, RecordType, TableType
from infradb.model.types import address_key
from infradb.store.chain import Chain, Entry, remember_head
from infradb.store.database import Connection
from infradb.store.ddl import columns, sql_kind

NOW = "2026-01-02T03:04:05.678Z"
PER_TABLE = 3
# What a VM may not have and what only an LXC has; a row below its own kind of owner.
LEFT_OUT = {("proxmox_containers", name) for name in ("vm_type", "boot_disk")}


def fill(connection: Connection, per_table: int = PER_TABLE) -> None:
    """Put rows into every table."""
    ids = {t.table: [per_table * place + n + 1 for n in range(per_table)] for place, t in enumerate(ENTITY_TYPES)}
    tables: list[TableType] = [*RECORD_TYPES[:2], *ENTITY_TYPES, *RECORD_TYPES[2:]]
    for table in tables:
        if table.table == "infrastructure_changes":
            chain = Chain(connection, NOW)
            entries = (Entry("create", "hosts", i, None, f'{{"hostname":"h{i}"}}', "me") for i in ids["hosts"])
            chain.append(entries)
            remember_head(connection, chain)
        elif table.table == "entities":
            rows = [(i, kind, f"uid-{i}", NOW, None, None, None) for kind, own in ids.items() for i in own]
            connection.insert_many("entities", columns(table), rows)
        elif table.table != "change_anchors":  # an anchor without a cut would break the chain
            names = columns(table)
            connection.insert_many(table.table, names, [tuple(r[n] for n in names) for r in _rows(table, ids)])
        if isinstance(table, RecordType) and table.primary_key == ("id",):
            ids.setdefault(table.table, [n + 1 for n in range(per_table)])


def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, sorted."""
    return {
        t.table: sorted(connection.query(f"SELECT {', '.join(columns(t))} FROM {t.table}"), key=repr)
        for t in (*ENTITY_TYPES, *RECORD_TYPES)
    }


def _rows(table: TableType, ids: dict[str, list[int]]) -> Iterator[dict[str, Any]]:
    for n in range(len(ids["hosts"])):
        row: dict[str, Any] = {"created_at": NOW, "updated_at": NOW, "retired_at": None}
        if isinstance(table, EntityType):
            row["id"] = ids[table.table][n]
        for field in table.fields.values():
            row[field.name] = None if (table.table, field.name) in LEFT_OUT else _value(field, table, n, ids)
            row.update({c: address_key(f"10.{n // 256}.{n % 256}.0") for c in field.sort_columns})
        yield row


def _value(field: FieldSpec, table: TableType, n: int, ids: dict[str, list[int]]) -> Any:
    kind = sql_kind(field)
    if field.references:
        # The two ends of a dependency or a link differ.
        later = field.name in ("dependency_service_id", "interface_b_id")
        target = field.references if field.references != "entities" else "hosts"
        return ids[target][(n + later) % len(ids[target])]
    if field.choices:
        return "lxc" if field.name == "container_type" else field.choices[n % len(field.choices)]
    made: dict[str, Any] = {
        "int": max(field.minimum or 0, n + 1),
        "float": n + 0.5,
        "bool": n % 2 == 0,
        "instant": NOW,
        "json": '["é", "\\"quoted\\""]',
        "str": f"{table.table}.{field.name} {n} é '",
    }
    return made[kind]
