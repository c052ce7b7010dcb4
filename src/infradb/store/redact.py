"""Overwrites a secret that slipped through, wherever it lies, and takes its bytes out of the files.

What only infradb itself writes is left alone (ids, hashes, enumerations, instants, addresses): a secret cannot be
there, and the database would not survive it. Numbers are left alone too: a secret of digits is found in texts.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import psycopg

from infradb.change import MANUAL
from infradb.errors import InvalidValue
from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, TableType
from infradb.redaction import REDACTED
from infradb.store.chain import COLUMNS, Chain, Entry, remember_head, values_digest
from infradb.store.database import Connection, Database, SqliteDatabase, translated
from infradb.store.ddl import sql_kind

SHORTEST = 4
_OURS = {
    "entities": {"kind", "uid"},
    "sources": {"kind"},
    "claims": {"rule"},
    "identifiers": {"scheme"},
    "infrastructure_changes": {"salt", "values_digest", "previous_hash", "hash"},
    "change_anchors": {"hash"},
    "samples": {"field"},
    "findings": {"rule"},
    "infradb_meta": {"name", "value"},
    "users": {"password_hash"},
    "api_tokens": {"token_hash"},
}
_SAID = {("claims", "said"), ("infrastructure_changes", "old_values"), ("infrastructure_changes", "new_values")}
"""Columns that hold a row's fields: a field's name stays, and so does the value of an enumeration."""
_CLOSED = {f.name for t in ENTITY_TYPES for f in t.fields.values() if f.choices or f.is_instant}


@dataclass(slots=True)
class Redacted:
    """What a redaction did."""

    tables: dict[str, int] = field(default_factory=dict)
    """Rows overwritten, by table."""
    remains: list[str] = field(default_factory=list)
    """Where the secret may still be, one sentence each."""


def overwrite(connection: Connection, secret: str, now: str) -> Redacted:
    """Overwrite a secret in every row and append the redaction to the change log; raise `InvalidValue`."""
    if len(secret.strip()) < SHORTEST:
        raise InvalidValue(f"a text of fewer than {SHORTEST} characters is in too many places to be redacted")
    if connection.dialect == "sqlite":
        # Freed pages and cells are filled with zeros from here on.
        connection.execute("PRAGMA secure_delete = ON")
    pattern = _Pattern(secret)
    result = Redacted()
    for table in (*ENTITY_TYPES, *RECORD_TYPES):
        if table.table != "infrastructure_changes" and (count := _overwrite_table(connection, table, pattern)):
            result.tables[table.table] = count
    positions = _overwrite_changes(connection, pattern)
    if positions:
        result.tables["infrastructure_changes"] = len(positions)
    if result.tables:
        chain = Chain(connection, now)
        values = {"positions": {str(p): d for p, d in positions.items()}, "tables": result.tables}
        text = orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()
        chain.append([Entry("redact", "infradb_meta", None, None, text, change_source="manual")])
        remember_head(connection, chain)
    return result


class _Pattern:
    """A secret with the forms that it takes inside of other texts."""

    def __init__(self, secret: str) -> None:
        # Inside JSON, inside JSON inside JSON (a command line in a label), and inside a URL.
        escaped = [json.dumps(secret, ensure_ascii=a)[1:-1] for a in (False, True)]
        twice = [json.dumps(text)[1:-1] for text in escaped]
        forms = {secret, *escaped, *twice, quote(secret, safe=""), quote(secret), quote_plus(secret)}
        self.forms = sorted(forms, key=len, reverse=True)

    def inside(self, text: str) -> str:
        """Return a text without the secret."""
        for form in self.forms:
            text = text.replace(form, REDACTED)
        return text

    def cleaned(self, text: str, *, fields: bool = False) -> str:
        """Return a text, which may be JSON, without the secret."""
        if text[:1] in ("{", "[", '"'):
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                return self.inside(text)
            clean = self._in_fields(value) if fields and isinstance(value, dict) else self._in_value(value)
            return text if clean == value else orjson.dumps(clean, option=orjson.OPT_SORT_KEYS).decode()
        return self.inside(text)

    def _in_fields(self, value: dict[str, Any]) -> dict[str, Any]:
        return {k: v if k in _CLOSED else self._in_value(v) for k, v in value.items()}

    def _in_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.inside(value)
        if isinstance(value, dict):
            return {self.inside(k): self._in_value(v) for k, v in value.items()}
        return [self._in_value(v) for v in value] if isinstance(value, list) else value


def _text_columns(table: TableType) -> tuple[str, ...]:
    """Return the columns that hold what people or sources wrote."""
    ours = _OURS.get(table.table, set())
    return tuple(
        f.name
        for f in table.fields.values()
        if sql_kind(f) in ("str", "json") and not f.choices and not f.sort_columns and f.name not in ours
    )


def _suspects(
    connection: Connection, table: str, key: Sequence[str], names: Sequence[str], pattern: _Pattern
) -> Iterator[Any]:
    """Yield key and texts of the rows that hold the secret, or an escape that may hide it."""
    forms = [*pattern.forms, "\\u", "\\/"]
    find = "instr({0}, ?) > 0" if connection.dialect == "sqlite" else "position(? in {0}::text) > 0"
    where = " OR ".join(find.format(name) for name in names for _ in forms)
    sql = f"SELECT {', '.join((*key, *names))} FROM {table} WHERE {where}"
    yield from connection.query(sql, [form for _ in names for form in forms])


def _overwrite_table(connection: Connection, table: TableType, pattern: _Pattern) -> int:
    names = _text_columns(table)
    key = ("id",) if isinstance(table, EntityType) else table.primary_key  # type: ignore[attr-defined]
    if not names:
        return 0
    count = 0
    where = " AND ".join(f"{k} = ?" for k in key)
    for row in _suspects(connection, table.table, key, names, pattern):
        identity, texts = row[: len(key)], row[len(key) :]
        clean = {
            name: pattern.cleaned(text, fields=(table.table, name) in _SAID)
            for name, text in zip(names, texts, strict=True)
            if text is not None
        }
        changed = {n: v for n, v in clean.items() if v != texts[names.index(n)]}
        if table.table == "sources" and MANUAL in texts:
            changed.pop("name", None)
        if not changed:
            continue
        count += 1
        if set(changed) & set(key):
            # A redacted identifier would be everybody's.
            connection.execute(f"DELETE FROM {table.table} WHERE {where}", identity)
            continue
        changed |= {n: f"{v}~{identity[0]}" for n, v in changed.items() if _is_taken(connection, table, n, v)}
        sets = ", ".join(f"{n} = ?" for n in changed)
        connection.execute(f"UPDATE {table.table} SET {sets} WHERE {where}", (*changed.values(), *identity))
    return count


def _is_taken(connection: Connection, table: TableType, name: str, value: str) -> bool:
    """Tell whether a name that has to be unique is held by a row that was redacted before."""
    if isinstance(table, EntityType):
        unique = any(name in k.fields for k in table.natural_keys if k.unique)
    else:
        unique = any(name in u for u in table.unique)  # type: ignore[attr-defined]
    return unique and bool(connection.query(f"SELECT 1 FROM {table.table} WHERE {name} = ? LIMIT 1", (value,)))


def _overwrite_changes(connection: Connection, pattern: _Pattern) -> dict[int, str]:
    """Overwrite the change log's rows; return position -> new digest."""
    table = next(t for t in RECORD_TYPES if t.table == "infrastructure_changes")
    names = _text_columns(table)
    found = [row[0] for row in _suspects(connection, table.table, ("position",), names, pattern)]
    digests: dict[int, str] = {}
    for position in found:
        row = connection.query(f"SELECT {', '.join(COLUMNS)} FROM {table.table} WHERE position = ?", (position,))[0]
        values = dict(zip(COLUMNS, row, strict=True))
        if values["change_type"] in ("redact", "prune"):
            continue  # our own words, by which the chain is verified
        clean = {
            n: pattern.cleaned(values[n], fields=(table.table, n) in _SAID) for n in names if values[n] is not None
        }
        if all(values[n] == text for n, text in clean.items()):
            continue
        values |= clean
        # Without the salt the digest of what was there gives nothing away.
        digests[position] = values_digest(None, [values[n] for n in COLUMNS])
        sets = ", ".join(f"{n} = ?" for n in clean)
        connection.execute(
            f"UPDATE {table.table} SET {sets}, salt = NULL WHERE position = ?", (*clean.values(), position)
        )
    return digests


def scrub(database: Database, tables: Sequence[str]) -> list[str]:
    """Write the files anew, so that the bytes are gone; return where they may remain."""
    if isinstance(database, SqliteDatabase):
        return _scrub_sqlite(database.path)
    with closing(psycopg.connect(database.url, autocommit=True)) as raw:
        for table in tables:
            raw.execute(f"VACUUM (FULL) {table}".encode())
    return [
        "PostgreSQL's write-ahead log holds it until its files are re-used (`SELECT pg_switch_wal(); CHECKPOINT`)",
        "replicas, archived logs and backups of this server hold it as long as they are kept",
    ]


def _scrub_sqlite(path: Path) -> list[str]:
    remains = []
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as raw:
            raw.execute("PRAGMA secure_delete = ON")
            raw.execute("VACUUM")
            busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                remains.append(f"{path}-wal, because somebody reads just now: call `infradb redact` again later")
    except sqlite3.Error as error:
        raise translated(error, path) from error
    copies = sorted(f for f in path.parent.glob(f"{path.name}.*") if f.is_file())
    return remains + [f"the copy {copy} may hold it: delete it, or restore it and redact there" for copy in copies]
