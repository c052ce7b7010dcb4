"""Opens the old file without writing to it or beside it, and reads its rows one at a time."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infradb.errors import ImportRefused
from infradb.importers.infrastructure_db.mapping import BY_NAME

Row = tuple[Any, ...]
MAGIC = b"SQLite format 3\0"
WAL = 2
"""Bytes 18 and 19 of a file in WAL mode (SQLite file format, 1.3)."""
WAIT_SECONDS = 5.0
_KNOWN_BY = {"id", "hostname", "host_type"}
_DAMAGED = "check it with `sqlite3 FILE 'PRAGMA integrity_check'`, or give its last good backup"
_UNFINISHED = "open it once with the program that writes it, or import a copy made with `sqlite3 FILE '.backup COPY'`"
_OTHER = "give the SQLite file that has the tables hosts, docker_containers, services …"


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


class OldFile:
    """The old database, open at one moment: whoever writes to it meanwhile is not seen.

    Raises `ImportRefused`, at opening and while reading, with what to do about it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(
                _address(path), uri=True, isolation_level=None, timeout=WAIT_SECONDS, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._refused(error) from error
        try:
            self._db.execute("BEGIN")
            self.tables = {name.lower(): self._columns(name) for name in self._names()}
            self._recognize()
        except sqlite3.Error as error:
            self._db.close()
            raise self._refused(error) from error
        except ImportRefused:
            self._db.close()
            raise

    @property
    def layout(self) -> str:
        """Return `after` where the owners had merged their guests into one table, else `before`."""
        return "after" if "proxmox_containers" in self.tables else "before"

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def rows(self, table: str, expressions: Sequence[str], after: int | None = None, where: str = "1") -> Iterator[Row]:
        """Yield the rows of a table in the order of their ids; the first expression is the id.

        Text that is no UTF-8 comes as bytes.
        """
        select = f"SELECT {', '.join(expressions)} FROM {quoted(table)} WHERE ({where})"  # noqa: S608 (the file's names)
        first, further = f"{select} ORDER BY id", f"{select} AND id > ? ORDER BY id"
        position = after
        while True:
            try:
                for row in self._db.execute(first) if position is None else self._db.execute(further, (position,)):
                    position = row[0]
                    yield row
                return
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise self._refused(error) from error
            except sqlite3.Error as error:
                raise self._refused(error) from error
            # The error's own message shows the text that could not be decoded, so it goes no further.
            row = self._undecodable(first, ()) if position is None else self._undecodable(further, (position,))
            position = row[0]
            yield row

    def ask(self, sql: str, bound: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield the answer to a question about numbers; never select text with it."""
        try:
            yield from self._db.execute(sql, bound)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def count(self, table: str, up_to: int | None = None) -> int:
        """Return the number of rows, of those with an id up to `up_to` where it is given."""
        where = "" if up_to is None else " WHERE id <= ?"
        sql = f"SELECT count(*) FROM {quoted(table)}{where}"  # noqa: S608 (names of the file itself)
        return int(next(self.ask(sql, () if up_to is None else (up_to,)))[0])

    def _undecodable(self, sql: str, bound: Sequence[Any]) -> Row:
        self._db.text_factory = _text_or_bytes
        try:
            row: Row = self._db.execute(sql, bound).fetchone()
            return row
        except sqlite3.Error as error:
            raise self._refused(error) from error
        finally:
            self._db.text_factory = str

    def _names(self) -> list[str]:
        names = self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|'"
        )
        return [name for (name,) in names]

    def _columns(self, table: str) -> tuple[str, ...]:
        return tuple(name for (name,) in self._db.execute("SELECT name FROM pragma_table_info(?)", (table,)))

    def _recognize(self) -> None:
        if "infradb_meta" in self.tables:
            raise ImportRefused(
                f"{self.path} is a database of infradb itself",
                hint="give the old file; to use this one, name it with --database",
            )
        columns = {column.lower() for column in self.tables.get("hosts", ())}
        if not columns >= _KNOWN_BY:
            raise ImportRefused(
                f"{self.path} is no infrastructure database: it has no table hosts as those have", hint=_OTHER
            )
        for table in self.tables.keys() & BY_NAME.keys():
            self._identified(table)

    def _identified(self, table: str) -> None:
        """Make sure that each row has an id of its own, for files whose tables were copied without their keys."""
        keys = self._db.execute(
            "SELECT name, upper(type) FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,)
        ).fetchall()
        if [(name.lower(), kind) for name, kind in keys] == [("id", "INTEGER")]:
            return
        hint = "give the id column of that table a number for each row, no two the same"
        if "id" not in {name.lower() for name in self._columns(table)}:
            raise ImportRefused(f"the table {table} in {self.path} has no column id", hint=hint)
        sql = f"SELECT count(*) = count(DISTINCT id) AND count(*) = total(typeof(id) = 'integer') FROM {quoted(table)}"  # noqa: S608
        if not self._db.execute(sql).fetchone()[0]:
            raise ImportRefused(f"the table {table} in {self.path} has rows without an id of their own", hint=hint)

    def _refused(self, error: sqlite3.Error) -> ImportRefused:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return ImportRefused(
                f"{self.path} is being written to by another program",
                hint="stop that program, or import a copy made with `sqlite3 FILE '.backup COPY'`",
            )
        if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            return ImportRefused(
                f"{self.path} was left in the middle of a write, which only a writer may finish",
                hint=_UNFINISHED,
            )
        return ImportRefused(f"{self.path} cannot be read: {code or 'it is damaged'}", hint=_DAMAGED)


def _address(path: Path) -> str:
    """Return the URI that opens the file so that SQLite makes nothing beside it; raise `ImportRefused`."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError as error:
        raise ImportRefused(f"there is no file {path}", hint="check the path") from error
    except OSError as error:
        raise ImportRefused(
            f"{path} cannot be opened: {error.strerror}", hint="give a file that you may read"
        ) from error
    if not head.startswith(MAGIC):
        what = "is empty" if not head else "is no SQLite database"
        raise ImportRefused(f"{path} {what}", hint=_OTHER)
    uri = f"file:{quote(os.fspath(path.resolve()))}?mode=ro"
    if WAL not in head[18:20]:
        return uri
    log, index = (path.resolve().with_name(path.resolve().name + end) for end in ("-wal", "-shm"))
    if log.exists() and index.exists():
        return f"{uri}&readonly_shm=1"
    if log.exists() and log.stat().st_size:
        raise ImportRefused(
            f"{path} was left in the middle of a write, which only a writer may finish",
            hint=_UNFINISHED,
        )
    # Without this SQLite would make a -wal and a -shm beside the file.
    return f"{uri}&immutable=1"


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
