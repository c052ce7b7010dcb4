"""The PostgreSQL half of `database.py`: values come out as they do from SQLite, as text and numbers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

from infradb.errors import DatabaseFull, DatabaseLocked, DatabaseMissing, StoreError, UsageError
from infradb.store.connection import WAYS_TO_WRITE, Connection, Row
from infradb.store.ddl import Dialect

WRITER_LOCK = 0x696E6664
"""Key of the advisory lock that the one writer holds."""


class PostgresqlConnection:
    """A connection to a PostgreSQL server (15 or newer)."""

    dialect: Dialect = "postgresql"

    def __init__(self, raw: psycopg.Connection[Row]) -> None:
        self.raw = raw

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a question."""
        return self.raw.execute(_placeholders(sql), values).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield the rows of a question through a cursor on the server."""
        with self.raw.cursor(name="infradb_stream") as cursor:
            cursor.itersize = 5000
            cursor.execute(_placeholders(sql), values)
            yield from cursor

    def columns(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question."""
        cursor = self.raw.execute(_placeholders(sql), values)
        return [d.name for d in cursor.description or ()], cursor.fetchall() if cursor.description else []

    def ask(self, sql: str) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question that a person wrote; raise `UsageError`.

        It is prepared, because a prepared statement is one statement: `SELECT 1; COMMIT; DELETE …` is refused.
        """
        try:
            cursor = self.raw.execute(sql.encode(), None, prepare=True)
            return [d.name for d in cursor.description or ()], cursor.fetchall() if cursor.description else []
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise UsageError("that would write; only questions are asked here", hint=WAYS_TO_WRITE) from error
        except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
            hint = "`infradb erd` shows the tables and their columns"
            raise UsageError(f"SQL: {_first_line(error)}", hint=hint) from error

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement and return how many rows it touched."""
        return self.raw.execute(_placeholders(sql), values).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for each row of values."""
        with self.raw.cursor() as cursor:
            cursor.executemany(_placeholders(sql), rows)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows with COPY."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self.raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def script(self, sql: str) -> None:
        """Carry out several statements without values."""
        self.raw.execute(sql.encode())


class PostgresqlDatabase:
    """A PostgreSQL database; one advisory lock makes writers wait for each other."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, wait_seconds: float) -> None:
        self.url = url
        self._wait_seconds = wait_seconds

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state and changes nothing."""
        with self._open() as raw:
            raw.read_only = True
            raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield PostgresqlConnection(raw)

    @contextmanager
    def write(self, *, fill: bool = False) -> Iterator[Connection]:
        """Open the one transaction that may write."""
        with self._open() as raw, raw.transaction():
            raw.execute(f"SET LOCAL lock_timeout = {int(self._wait_seconds * 1000)}".encode())
            raw.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
            yield PostgresqlConnection(raw)

    def size_bytes(self) -> int:
        """Return the space that the database takes on the server."""
        with self.read() as connection:
            return int(connection.query("SELECT pg_database_size(current_database())")[0][0])

    def close(self) -> None:
        """Nothing stays open between transactions."""

    @contextmanager
    def _open(self) -> Iterator[psycopg.Connection[Row]]:
        try:
            raw = psycopg.connect(self.url, connect_timeout=10, options="-c TimeZone=UTC -c DateStyle=ISO")
        except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
            raise DatabaseMissing(
                f"no connection to PostgreSQL: {_first_line(error)}", hint="check host, port, user and database name"
            ) from error
        try:
            raw.adapters.register_loader("timestamptz", InstantLoader)
            raw.adapters.register_loader("jsonb", TextLoader)
            with raw:
                yield raw
        except psycopg.errors.LockNotAvailable as error:
            raise DatabaseLocked("another infradb writes to this database, and did not finish in time") from error
        except psycopg.errors.DiskFull as error:
            raise DatabaseFull("no space left on the database server; the change was undone") from error
        except psycopg.Error as error:
            raise StoreError(f"PostgreSQL: {_first_line(error)}") from error


class InstantLoader(Loader):
    """Reads a timestamptz as an instant: PostgreSQL writes `2026-11-23 16:01:13.5+00`."""

    format = Format.TEXT

    def load(self, data: Buffer) -> str:
        """Return the instant."""
        text = bytes(data).decode()
        whole, _, fraction = text.removesuffix("+00").partition(".")
        return f"{whole.replace(' ', 'T')}.{fraction[:3]:0<3}Z"


class TextLoader(Loader):
    """Reads a value as the text that PostgreSQL writes."""

    format = Format.TEXT

    def load(self, data: Buffer) -> str:
        """Return the text."""
        return bytes(data).decode()


@lru_cache(maxsize=512)
def _placeholders(sql: str) -> bytes:
    """Return SQL with psycopg's placeholders. No statement of ours has a question mark in a literal."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
