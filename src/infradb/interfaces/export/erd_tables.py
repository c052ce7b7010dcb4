"""What the ER diagram draws: the model's tables with the columns that matter, and figures of a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, FieldSpec, RecordType, TableType

_MAIN_COLUMNS = 6
"""How many columns beside the keys a box names at most."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of one database, as a query delivers them."""

    rows: Mapping[str, int] = field(default_factory=dict)
    """Table -> number of rows."""

    tables: int = 0
    """Number of tables."""

    views: int = 0
    """Number of views."""

    database_bytes: int = 0
    """Size of the database."""

    generated: str = ""
    """Day on which it was counted: `2026-01-29`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: str
    """Type in one word: text, integer, real, boolean, json, instant."""

    primary: bool = False
    target: str | None = None
    """Table that it points at."""

    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its keys, its main columns, and whether there are more."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    more: bool
    is_entity: bool
    rows: int | None = None
    """Number of rows, where known."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the other tables that it points at, each once."""
        return tuple(dict.fromkeys(c.target for c in self.columns if c.target and c.target != self.name))


def tables(statistics: Statistics) -> dict[str, Table]:
    """Return every table of the model by its name."""
    types: tuple[TableType, ...] = (*ENTITY_TYPES, *RECORD_TYPES)
    return {t.table: _table(t, statistics.rows.get(t.table)) for t in types}


def _table(described: TableType, rows: int | None) -> Table:
    primary = described.primary_key if isinstance(described, RecordType) else ("id",)
    columns = [_column(f, primary) for f in described.fields.values()]
    if "id" in primary and "id" not in described.fields:
        columns.insert(0, Column("id", "integer", primary=True))
    keys = [c for c in columns if c.primary or c.target]
    listed = {f.name: n for n, f in enumerate(described.listed)}
    others = [c for c in columns if c not in keys and (c.name in listed or not listed)]
    others.sort(key=lambda c: listed.get(c.name, len(listed)))
    shown = sorted(keys, key=lambda c: not c.primary) + others[:_MAIN_COLUMNS]
    more = len(shown) < len(columns)
    return Table(described.table, described.doc, tuple(shown), more, isinstance(described, EntityType), rows)


def _column(spec: FieldSpec, primary: tuple[str, ...]) -> Column:
    kinds = {str: "text", int: "integer", float: "real", bool: "boolean"}
    kind = "json" if spec.is_json else "instant" if spec.is_instant else kinds.get(spec.python_type, "json")
    return Column(
        spec.name, "integer" if spec.references else kind, spec.name in primary, spec.references, spec.nullable
    )


def size_text(database_bytes: int) -> str:
    """Return a size as people read it.

    >>> size_text(428 * 1024), size_text(3 * 1024**2 + 200_000), size_text(0)
    ('428KB', '3.2MB', '0KB')
    """
    size, unit = database_bytes / 1024, "KB"
    for larger in ("MB", "GB", "TB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f}{unit}" if unit == "KB" or size >= 100 else f"{size:.1f}{unit}"
