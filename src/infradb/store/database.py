"""Opens the database, on either engine, and hands out transactions.

SQL is plain text with `?` for values on both engines. What differs between them (placeholders, bulk insert, locking,
how errors are called) is settled here and nowhere else.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from infradb.errors import DatabaseFull, DatabaseLocked, SettingsError, StoreError, UsageError
from infradb.store.connection import WAYS_TO_WRITE, Connection, ContextConnection, Database, Row
from infradb.store.ddl import Dialect

__all__ = ["Connection", "ContextConnection", "Database", "Row", "SqliteConnection", "SqliteDatabase", "connect"]
WRITER_WAIT_SECONDS = 30.0
ROWS_A_STATEMENT = 100
"""Each statement opens its table and every index anew: 1.2 million rows take 6.9 s one by one, 5.4 s so."""


def connect(url: str, *, wait_seconds: float = WRITER_WAIT_SECONDS) -> Database:
    """Return the database at a path or URL (`sqlite:///…`, `postgresql://…`) without looking into it."""
    if url.startswith(("postgresql://", "postgres://")):
        from infradb.store.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(url, wait_seconds)
    if "://" in url and not url.startswith("sqlite://"):
        raise SettingsError(
            f"{url.split('://')[0]} is no database engine of ours", hint="sqlite:///PATH or postgresql://…"
        )
    return SqliteDatabase(Path(url.removeprefix("sqlite:///")).expanduser(), wait_seconds)


class SqliteConnection:
    """A connection to a SQLite file."""

    dialect: Dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a question."""
        return self.raw.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield the rows of a question without holding them all."""
        return iter(self.raw.execute(sql, values))

    def columns(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question."""
        cursor = self.raw.execute(sql, values)
        return [d[0] for d in cursor.description or ()], cursor.fetchall()

    def ask(self, sql: str) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question that a person wrote; raise `UsageError`."""
        # Called back now and then, Python sees a Ctrl-C in the middle of a long question.
        self.raw.set_progress_handler(lambda: 0, 100_000)
        try:
            return self.columns(sql)
        except (sqlite3.Error, sqlite3.Warning) as error:
            name = getattr(error, "sqlite_errorname", "") or ""
            if name == "SQLITE_INTERRUPT":
                raise KeyboardInterrupt from error
            if name.startswith("SQLITE_READONLY"):
                raise UsageError("that would write; only questions are asked here", hint=WAYS_TO_WRITE) from error
            if name in ("", "SQLITE_ERROR", "SQLITE_AUTH", "SQLITE_MISMATCH", "SQLITE_RANGE", "SQLITE_TOOBIG"):
                raise UsageError(f"SQL: {error}", hint="`infradb erd` shows the tables and their columns") from error
            raise

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement and return how many rows it touched."""
        return self.raw.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for each row of values."""
        self.raw.executemany(sql, rows)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, many a statement; what is the same in all of these, most often NULL, is bound once."""
        names, waiting = tuple(columns), iter(rows)
        while len(batch := list(islice(waiting, ROWS_A_STATEMENT))) == ROWS_A_STATEMENT:
            shared: list[Any] = []
            own: list[Sequence[Any]] = []
            places: list[bool] = []
            for values in zip(*batch, strict=True):
                same = values[0] == values[-1] and values.count(values[0]) == ROWS_A_STATEMENT
                places.append(same)
                if same:
                    shared.append(values[0])
                else:
                    own.append(values)
            self.raw.execute(_insert(table, names, tuple(places)), [*shared, *chain.from_iterable(zip(*own))])  # noqa: B905
        self.raw.executemany(_insert_one(table, names), batch)

    def script(self, sql: str) -> None:
        """Carry out several statements without values, within the transaction."""
        # executescript() would commit first.
        for statement in sql.split(";\n"):
            if statement.strip():
                self.raw.execute(statement)


class SqliteDatabase:
    """A SQLite file in WAL mode: readers never wait, writers wait for each other."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._wait_seconds = wait_seconds

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state and changes nothing."""
        raw = self._open()
        try:
            raw.execute("PRAGMA query_only = ON")
            raw.execute("BEGIN")
            yield SqliteConnection(raw)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        finally:
            raw.close()

    @contextmanager
    def write(self, *, fill: bool = False) -> Iterator[Connection]:
        """Open the one transaction that may write; with `fill` readers wait for it too."""
        raw = self._open()
        try:
            if fill:
                _without_log(raw)
            raw.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteConnection(raw)
                raw.execute("COMMIT")
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        finally:
            raw.close()

    def size_bytes(self) -> int:
        """Return the size of the file with its log."""
        files = [Path(f"{self.path}{ending}") for ending in ("", "-wal", "-shm")]
        return sum(f.stat().st_size for f in files if f.is_file())

    def close(self) -> None:
        """Nothing stays open between transactions."""

    def _open(self) -> sqlite3.Connection:
        try:
            raw = sqlite3.connect(self.path, timeout=self._wait_seconds, isolation_level=None)
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA page_size = 8192")
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = NORMAL")
            raw.execute("PRAGMA cache_size = -65536")
            raw.execute("PRAGMA temp_store = MEMORY")
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        return raw


def _without_log(raw: sqlite3.Connection) -> None:
    """Let go of the write-ahead log until the file is opened again, unless somebody else has it open.

    Where nothing is, nothing has to be kept for the way back: each page is written once instead of three times, which
    takes a sixth from the cost of an import. Caches of 8 to 96 MiB, measured in turn, take the same time within what
    one run differs from the next; so it is a small one, and an import of 240,000 rows stays under 200 MB.
    """
    (wait,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.OperationalError):
        raw.execute("PRAGMA journal_mode = DELETE")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA cache_size = -32768")
    raw.execute(f"PRAGMA busy_timeout = {int(wait)}")


def translated(error: sqlite3.Error, path: Path) -> StoreError:
    """Return our error for one of SQLite's, in words (sqlite.org/rescode.html)."""
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseLocked(f"{path} is being written by another process, and did not become free in time")
    if name == "SQLITE_FULL":
        return DatabaseFull(f"no space left for {path}; the change was undone")
    if name == "SQLITE_NOTADB" or name.startswith("SQLITE_CORRUPT"):
        return StoreError(
            f"{path} is damaged or no SQLite file: {text}", hint="restore a backup with `infradb restore FILE`"
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return StoreError(f"{path} cannot be opened", hint="check that its folder exists and that you may write there")
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"{path} is read-only for you", hint="check who owns the file and its folder")
    if name.startswith("SQLITE_IOERR"):
        return DatabaseFull(f"the disk under {path} failed or is full ({text}); the change was undone")
    return StoreError(f"{path}: {text}")


@lru_cache(maxsize=256)
def _insert(table: str, columns: tuple[str, ...], shared: tuple[bool, ...]) -> str:
    """Return the statement for `ROWS_A_STATEMENT` rows; the values that they share come first."""
    first, further = count(1), count(1 + sum(shared))
    places = [f"?{next(first)}" if same else "" for same in shared]
    rows = [f"({', '.join(p or f'?{next(further)}' for p in places)})" for _ in range(ROWS_A_STATEMENT)]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(rows)}"


@lru_cache(maxsize=256)
def _insert_one(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
