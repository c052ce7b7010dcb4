"""Tables of records, views, any SQL, and the search over everything."""

from collections.abc import Sequence
from typing import Any

import orjson

from infradb.errors import UsageError
from infradb.model.catalog import ENTITY_TYPES
from infradb.model.describe import EntityType
from infradb.queries import filters
from infradb.queries.kinds import record_type
from infradb.queries.naming import labels
from infradb.queries.snapshot import snapshot
from infradb.store.database import Connection

_SECRET_TABLES = {"users": ("password_hash",), "api_tokens": ("token_hash",)}


def rows(
    connection: Connection,
    table: str,
    conditions: Sequence[str],
    sort: Sequence[str],
    limit: int | None,
    as_of: str | None,
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a view or a table of records; a view also as of a time."""
    if as_of and table not in {"infrastructure_changes", "entities", "sources"} and record_type(table):
        raise UsageError(f"{table} has no history of its own", hint="ask for it without --as-of")
    asked = snapshot(connection, as_of) if as_of else connection
    names = [
        n for n in asked.columns(f"SELECT * FROM {table} WHERE 1 = 0")[0] if n not in _SECRET_TABLES.get(table, ())
    ]
    where, values = _conditions(table, names, conditions)
    order = ", ".join(f"{_column(names, s.lstrip('-+'))}{' DESC' if s.startswith('-') else ''}" for s in sort)
    sql = f"SELECT {', '.join(names)} FROM {table} WHERE {where}"
    sql += (f" ORDER BY {order}" if order else "") + (f" LIMIT {int(limit)}" if limit is not None else "")
    found = asked.query(sql, values)
    return names, [dict(zip(names, map(_plain, row), strict=True)) for row in found]


def ask(connection: Connection, sql: str, as_of: str | None = None) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of any SELECT; raise `UsageError` for what is no question."""
    words = sql.strip().lower().split(None, 1)
    if not words or words[0].strip("(") not in ("select", "with", "values", "explain"):
        raise UsageError("only questions are asked here: SELECT, WITH, VALUES, EXPLAIN")
    asked = snapshot(connection, as_of) if as_of else connection
    names, found = asked.columns(sql.strip().rstrip(";"))
    return names, [list(row) for row in found]


def search(connection: Connection, text: str, limit: int) -> list[dict[str, Any]]:
    """Return live things that have a text in any of their fields, names first."""
    wanted = text.strip().lower()
    if not wanted:
        raise UsageError("search for something")
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found: list[tuple[int, int, str, str, str]] = []
    for entity_type in ENTITY_TYPES:
        found += _matches(connection, entity_type, wanted, pattern, limit)
    found.sort(key=lambda f: (f[0], f[2], f[1]))
    names = labels(connection, [f[1] for f in found[:limit]])
    return [
        {"kind": table, "name": names.get(id_, str(id_)), "field": field, "value": value, "id": id_}
        for _, id_, table, field, value in found[:limit]
    ]


def _matches(
    connection: Connection, entity_type: EntityType, wanted: str, pattern: str, limit: int
) -> list[tuple[int, int, str, str, str]]:
    """Return (rank, id, table, field, value): 0 where the name is the text, 1 where it has it, 2 elsewhere."""
    fields = [
        f.name for f in entity_type.fields.values() if not f.references and f.python_type is str and not f.choices
    ]
    tests = " OR ".join(f"lower(CAST({f} AS TEXT)) LIKE ? ESCAPE '\\'" for f in fields)
    sql = (
        f"SELECT id, {', '.join(fields)} FROM {entity_type.table} WHERE retired_at IS NULL AND ({tests}) LIMIT {limit}"
    )
    found = []
    for id_, *values in connection.query(sql, [pattern] * len(fields)):
        hits = [(f, str(v)) for f, v in zip(fields, values, strict=True) if v is not None and wanted in str(v).lower()]
        if hits:
            field, value = next((h for h in hits if h[0] == entity_type.name_field), hits[0])
            rank = 2 if field != entity_type.name_field else 0 if value.lower() == wanted else 1
            found.append((rank, id_, entity_type.table, field, value if len(value) <= 80 else f"{value[:79]}…"))
    return found


def _conditions(table: str, names: Sequence[str], texts: Sequence[str]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for text in texts:
        split = filters.split(text)
        if split is None:
            raise UsageError(f"{text!r} is no condition", hint="field=value, field~text, field>number, field=null")
        column, operator, value = _column(names, split[0]), split[1], split[2]
        if value in ("", "null"):
            parts.append(f"{column} IS {'NOT ' if operator == '!=' else ''}NULL")
        elif operator == "~":
            parts.append(f"lower(CAST({column} AS TEXT)) LIKE ?")
            values.append(f"%{value.lower()}%")
        elif value.lstrip("-").isdigit():
            parts.append(f"{column} {'<>' if operator == '!=' else operator} ?")
            values.append(int(value))
        else:
            parts.append(f"CAST({column} AS TEXT) {'<>' if operator == '!=' else operator} ?")
            values.append(value)
    return " AND ".join(parts) or "1 = 1", values


def _column(names: Sequence[str], name: str) -> str:
    if name not in names:
        raise UsageError(f"there is no column {name!r}", hint=f"columns: {', '.join(names)}")
    return name


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value.hex() if isinstance(value, bytes) else value
