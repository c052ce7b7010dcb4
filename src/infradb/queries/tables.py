"""Tables of records, views, any SQL, and the search over everything."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from infradb.errors import NotFound, UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, FieldSpec
from infradb.queries import filters
from infradb.queries.kinds import KIND_ORDER, record_type
from infradb.queries.naming import identify, labels
from infradb.queries.snapshot import snapshot
from infradb.store.database import Connection

_SECRETS = {"users": ("password_hash",), "api_tokens": ("token_hash",)}
_WITH_HISTORY = {"infrastructure_changes", "entities", "sources"}
_QUESTION = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(?:select|with|values|explain)\b", re.I | re.S)
_FIELDS = [f for t in (*ENTITY_TYPES, *RECORD_TYPES) for f in t.fields.values()]
_BOOLEANS = {f.name for f in _FIELDS if f.python_type is bool}
_TEXTS = {f.name for f in _FIELDS if not f.is_json} - {"old_values", "new_values"}
"""Columns that are no documents; a view may give others names of its own."""

_DIGESTS = ("container_id", "image_digest", "network_id", "machine_id_hash", "ssh_host_key", "docker_engine_id")
_LEAST_OF_A_DIGEST = 6
"""Fewer characters than these are in every other digest by chance."""


def rows(
    connection: Connection,
    table: str,
    conditions: Sequence[str],
    sort: Sequence[str],
    limit: int | None,
    as_of: str | None,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a view or a table of records; a view also as of a time."""
    record = record_type(table)
    if as_of and record and table not in _WITH_HISTORY:
        raise UsageError(f"{table} has no history of its own", hint="ask for it without --as-of")
    asked = snapshot(connection, as_of) if as_of else connection
    names = [n for n in asked.columns(f"SELECT * FROM {table} WHERE 1 = 0")[0] if n not in _SECRETS.get(table, ())]
    order = ", ".join(
        f"t.{_column(names, s.lstrip('-+'))} IS NULL, t.{_column(names, s.lstrip('-+'))}{' DESC' * s.startswith('-')}"
        for s in sort
    )
    sql = f"SELECT {', '.join(f't.{n}' for n in names)} FROM {table} t"
    if record:
        fields = {n: f for n, f in record.fields.items() if n in names}
        where, values = filters.where(
            [filters.condition(fields, c, lambda f, text: _record_named(connection, f, text)) for c in conditions]
        )
        sql += f" WHERE {where}" + (f" ORDER BY {order}" if order else "")
        sql += f" LIMIT {int(limit)}" if limit is not None else ""
        return names, [_typed(names, row) for row in asked.query(sql, values)]
    tests = [_test(names, c) for c in conditions]
    found = (_typed(names, row) for row in asked.query(sql + (f" ORDER BY {order}" if order else "")))
    return names, list(islice((r for r in found if all(test(r) for test in tests)), limit))


def listed(table: str, names: Sequence[str]) -> list[str]:
    """Return the columns that a table of many shows, of those that there are."""
    record = record_type(table)
    chosen = [f.name for f in record.listed] if record else []
    return [n for n in chosen if n in names] or list(names)


def ask(connection: Connection, sql: str, as_of: str | None = None) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of any SELECT; raise `UsageError` for what is no question."""
    if not _QUESTION.match(sql):
        raise UsageError("only questions are asked here: SELECT, WITH, VALUES, EXPLAIN")
    asked = snapshot(connection, as_of) if as_of else connection
    names, found = asked.ask(sql.strip().rstrip(";"))
    return names, [list(row) for row in found]


def search(connection: Connection, text: str, limit: int) -> list[dict[str, Any]]:
    """Return live things that have a text in any of their fields: names first, then the kinds that people ask for."""
    wanted = text.strip().lower()
    if not wanted:
        raise UsageError("search for something")
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found: list[tuple[int, int, str, str, str]] = []
    for entity_type in ENTITY_TYPES:
        found += _matches(connection, entity_type, wanted, pattern, limit)
    names = labels(connection, [f[1] for f in found])
    found.sort(key=lambda f: (f[0], KIND_ORDER[f[2]], names.get(f[1], ""), f[1]))
    return [
        {"kind": table, "name": names.get(id_, str(id_)), "field": field, "value": value, "id": id_}
        for _, id_, table, field, value in found[:limit]
    ]


def _matches(
    connection: Connection, entity_type: EntityType, wanted: str, pattern: str, limit: int
) -> list[tuple[int, int, str, str, str]]:
    """Return (rank, id, table, field, value): 0 where the name is the text, 1 where it has it, 2 elsewhere."""
    specs = [f for f in entity_type.fields.values() if not f.references and not f.choices]
    fields = [f.name for f in specs if f.is_json or (f.python_type is str and not f.is_instant)]
    if len(wanted) < _LEAST_OF_A_DIGEST:
        fields = [f for f in fields if f not in _DIGESTS]
    tests = " OR ".join(f"lower(CAST({f} AS TEXT)) LIKE ? ESCAPE '\\'" for f in fields)
    name = entity_type.name_field
    # The best of them, where there are more than are wanted.
    order, values = "id", [pattern] * len(fields)
    if name in fields:
        order = f"CASE WHEN lower({name}) = ? THEN 0 WHEN lower({name}) LIKE ? ESCAPE '\\' THEN 1 ELSE 2 END, id"
        values += [wanted, pattern]
    sql = (
        f"SELECT id, {', '.join(fields)} FROM {entity_type.table} WHERE retired_at IS NULL AND ({tests})"
        f" ORDER BY {order} LIMIT {int(limit)}"
    )
    found = []
    for id_, *row in connection.query(sql, values):
        hits = [(f, str(v)) for f, v in zip(fields, row, strict=True) if v is not None and wanted in str(v).lower()]
        if hits:
            field, value = next((h for h in hits if h[0] == name), hits[0])
            rank = 2 if field != name else 0 if value.lower() == wanted else 1
            shown = value if len(value) <= 80 else _around(value, wanted)
            found.append((rank, id_, entity_type.table, field, shown))
    return found


def _around(value: str, wanted: str) -> str:
    """Return the part of a long value that has the text in it."""
    start = max(0, min(value.lower().find(wanted) - 20, len(value) - 78))
    return f"{'…' if start else ''}{value[start : start + 78]}{'…' if start + 78 < len(value) else ''}"


def _record_named(connection: Connection, field: FieldSpec, text: str) -> int:
    """Return the id of what a record refers to: a source by its name, a thing by its."""
    if field.references in ("entities", *BY_TABLE):
        return identify(connection, field, text)
    if field.references == "sources" and not text.isdecimal():
        for (id_,) in connection.query("SELECT id FROM sources WHERE name = ?", (text,)):
            return int(id_)
        raise NotFound(f"there is no source {text!r}", hint="`infradb sources list` shows them")
    return int(filters.typed(field, text))


def _test(names: Sequence[str], text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the test of a condition on a view, whose columns have the types of their values."""
    split = filters.split(text)
    if split is None:
        raise UsageError(f"{text!r} is no condition", hint="field=value, field~text, field>number, field=null")
    column, operator, wanted = _column(names, split[0]), split[1], split[2]
    if operator == "~":
        return lambda row: filters.holds("~", row[column], wanted)
    if wanted in ("", "null"):
        return lambda row: (row[column] is None) == (operator == "=")

    def holds(row: Mapping[str, Any]) -> bool:
        value = row[column]
        if value is None:
            return operator == "!="
        try:
            return filters.holds(operator, value, _like(value, wanted))
        except ValueError:
            return operator == "!="

    return holds


def _like(value: Any, text: str) -> Any:
    """Return text as a value of the same type as another; raise `ValueError`."""
    if isinstance(value, bool):
        return {"yes": True, "true": True, "1": True}.get(text.lower(), False)
    if isinstance(value, int | float):
        return float(text)
    return text if isinstance(value, str) else orjson.loads(text)


def _column(names: Sequence[str], name: str) -> str:
    if name not in names:
        raise filters.unknown("column", name, names)
    return name


def _typed(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return a row with yes and no, and documents, as what they are on either engine."""
    return {name: _plain(name, value) for name, value in zip(names, row, strict=True)}


def _plain(name: str, value: Any) -> Any:
    if name in _BOOLEANS and isinstance(value, int):
        return bool(value)
    if name not in _TEXTS and isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value.hex() if isinstance(value, bytes) else value
