"""Writes the SQL that creates the database, for each engine; `make generate` saves it beside this file."""

from typing import Literal

from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, FieldSpec, RecordType, TableType
from infradb.store.views import VIEWS

Dialect = Literal["sqlite", "postgresql"]

SQL_TYPES: dict[Dialect, dict[str, str]] = {
    "sqlite": {
        "str": "TEXT",
        "int": "INTEGER",
        "float": "REAL",
        "bool": "INTEGER",
        "instant": "TEXT",
        "json": "TEXT",
        "bytes": "BLOB",
    },
    "postgresql": {
        "str": "TEXT",
        "int": "BIGINT",
        "float": "DOUBLE PRECISION",
        "bool": "BOOLEAN",
        "instant": "TIMESTAMPTZ",
        "json": "JSONB",
        "bytes": "BYTEA",
    },
}
APPLICATION_ID = 0x696E6664
"""`PRAGMA application_id` of a SQLite file that is an infradb database: "infd"."""


def schema(dialect: Dialect) -> str:
    """Return every statement of a new, empty database; each ends with a semicolon and an empty line."""
    parts = [create_table(t, dialect) for t in (*RECORD_TYPES[:2], *ENTITY_TYPES, *RECORD_TYPES[2:])]
    if dialect == "sqlite":
        parts.insert(0, f"PRAGMA application_id = {APPLICATION_ID};\n")
    else:
        parts += [_deferred_references(t) for t in (*ENTITY_TYPES, *RECORD_TYPES) if t.references or _is_entity(t)]
    parts += [index for t in (*RECORD_TYPES, *ENTITY_TYPES) for index in create_indexes(t)]
    parts += [f"-- {view.doc}\nCREATE VIEW {view.name} AS\n{view.sql(dialect)};\n" for view in VIEWS]
    return "\n".join(p for p in parts if p)


def columns(table: TableType) -> tuple[str, ...]:
    """Return the columns of a table in order."""
    fields = [c for f in table.fields.values() for c in (f.name, *f.sort_columns)]
    return ("id", *fields, "created_at", "updated_at", "retired_at") if _is_entity(table) else tuple(fields)


def sql_kind(field: FieldSpec) -> str:
    """Return the kind of column a field has: str, int, float, bool, instant or json."""
    if field.is_json:
        return "json"
    return "instant" if field.is_instant else field.python_type.__name__


def create_table(table: TableType, dialect: Dialect) -> str:
    """Return the CREATE TABLE statement of one type, each column with its meaning."""
    types = SQL_TYPES[dialect]
    lines: list[str] = []
    if isinstance(table, EntityType):
        reference = (
            " REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED" if dialect == "sqlite" else ""
        )
        lines.append(f"  -- The entity that the row describes.\n  id {types['int']} PRIMARY KEY{reference}")
    for field in table.fields.values():
        lines.append(f"  -- {field.doc}\n  {_column(table, field, dialect)}")
        lines += [f"  {c} {types['bytes']}{'' if field.nullable else ' NOT NULL'}" for c in field.sort_columns]
    if isinstance(table, EntityType):
        lines.append(f"  -- When infradb first knew it.\n  created_at {types['instant']} NOT NULL")
        lines.append(f"  -- When a field last changed.\n  updated_at {types['instant']} NOT NULL")
        lines.append(f"  -- Since when nobody sees it any more.\n  retired_at {types['instant']}")
    lines += [f"  CONSTRAINT ck_{table.table}_{n} CHECK ({c})" for n, c in table.constraints.items()]
    clustered = False
    if isinstance(table, RecordType):
        clustered = table.clustered
        if not _numbered(table):
            lines.append(f"  CONSTRAINT pk_{table.table} PRIMARY KEY ({', '.join(table.primary_key)})")
        lines += [f"  CONSTRAINT uq_{table.table}_{'_'.join(u)} UNIQUE ({', '.join(u)})" for u in table.unique]
    end = {"sqlite": ") STRICT, WITHOUT ROWID" if clustered else ") STRICT", "postgresql": ")"}[dialect]
    return f"-- {_one_line(table.doc)}\nCREATE TABLE {table.table} (\n" + ",\n".join(lines) + f"\n{end};\n"


def create_indexes(table: TableType) -> list[str]:
    """Return the CREATE INDEX statements of one type: its keys, its common questions, its references."""
    made: dict[tuple[str, ...], str] = {}
    if isinstance(table, EntityType):
        for natural in table.natural_keys:
            # Lists of the past walk names with the retired among them, so only uniqueness looks at the live alone.
            made[natural.fields] = (
                _index(table, natural.fields, "UNIQUE ", " WHERE retired_at IS NULL")
                if natural.unique
                else _index(table, natural.fields, where=_where_it_refers(table, natural.fields[0]))
            )
    covered = {*(m[0] for m in made), *(i[0] for i in table.indexes)}
    for wanted in table.indexes:
        where = _where_it_refers(table, wanted[0]) if len(wanted) == 1 else ""
        made.setdefault(wanted, _index(table, wanted, where=where))
    if isinstance(table, EntityType):
        for field in table.references:
            if field.name not in covered:
                made[field.name,] = _index(table, (field.name,), where=_where_it_refers(table, field.name))
    return list(made.values())


def _where_it_refers(table: TableType, name: str) -> str:
    """Return what keeps rows that refer to nothing out of an index: most do, and nobody asks for them."""
    field = table.fields.get(name)
    return f" WHERE {name} IS NOT NULL" if field and field.references and field.nullable else ""


def _index(table: TableType, names: tuple[str, ...], unique: str = "", where: str = "") -> str:
    prefix = "uq" if unique else "ix"
    label = f"{prefix}_{table.table}_{'_'.join(names)}"[:63].rstrip("_")
    return f"CREATE {unique}INDEX {label} ON {table.table} ({', '.join(names)}){where};\n"


def _column(table: TableType, field: FieldSpec, dialect: Dialect) -> str:
    name, kind = field.name, sql_kind(field)
    words = [name, SQL_TYPES[dialect][kind]]
    if isinstance(table, RecordType) and _numbered(table) and table.primary_key == (name,):
        words.append("PRIMARY KEY")
        if dialect == "postgresql" and name == "id":
            words.insert(2, "GENERATED BY DEFAULT AS IDENTITY")
    elif not field.nullable:
        words.append("NOT NULL")
    if field.default is not None:
        words.append(f"DEFAULT {_literal(field.default, dialect)}")
    if field.references and dialect == "sqlite":
        words.append(f"REFERENCES {_target(field)} {_on_delete(field)} DEFERRABLE INITIALLY DEFERRED")
    checks = {"values": _choices(field, dialect), "range": _range(field)}
    if dialect == "sqlite":
        checks["json"] = f"{name} IS NULL OR json_valid({name})" if kind == "json" else ""
        checks["bool"] = f"{name} IN (0, 1)" if kind == "bool" else ""
    words += [f"CONSTRAINT ck_{table.table}_{name}_{n} CHECK ({c})" for n, c in checks.items() if c]
    return " ".join(words)


def _deferred_references(table: TableType) -> str:
    """Return the foreign keys of one table; PostgreSQL gets them last, because tables refer to each other."""
    own = "id", "entities (id)", "ON DELETE CASCADE"
    wanted = [own] if _is_entity(table) else []
    wanted += [(f.name, _target(f), _on_delete(f)) for f in table.references]
    return "".join(
        f"ALTER TABLE {table.table} ADD CONSTRAINT fk_{table.table}_{name} FOREIGN KEY ({name})"
        f" REFERENCES {target} {on_delete} DEFERRABLE INITIALLY DEFERRED;\n\n"
        for name, target, on_delete in wanted
    ).rstrip("\n") + "\n"  # fmt: skip


def _target(field: FieldSpec) -> str:
    return f"{field.references} (id)"


def _on_delete(field: FieldSpec) -> str:
    return "ON DELETE CASCADE" if field.owns or not field.nullable else "ON DELETE SET NULL"


def _choices(field: FieldSpec, dialect: Dialect) -> str:
    """Return the test for one of a field's values; SQLite would build a table for IN at every row that is written."""
    if dialect == "sqlite":
        return " OR ".join(f"{field.name} = {c!r}" for c in field.choices)
    return f"{field.name} IN ({', '.join(repr(c) for c in field.choices)})" if field.choices else ""


def _range(field: FieldSpec) -> str:
    bounds = [(">=", field.minimum), ("<=", field.maximum if field.maximum != 2**53 else None)]
    return " AND ".join(f"{field.name} {sign} {bound}" for sign, bound in bounds if bound is not None)


def _literal(value: object, dialect: Dialect) -> str:
    if isinstance(value, bool):
        return str(value).upper() if dialect == "postgresql" else str(int(value))
    return repr(value) if isinstance(value, str) else str(value)


def _numbered(table: RecordType) -> bool:
    """Tell whether the primary key is a single integer."""
    return len(table.primary_key) == 1 and table.fields[table.primary_key[0]].python_type is int


def _is_entity(table: TableType) -> bool:
    return isinstance(table, EntityType)


def _one_line(text: str) -> str:
    return " ".join(text.split())
