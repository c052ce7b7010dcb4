"""Consistent copies of SQLite files, made while others read and write."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from infradb.errors import DatabaseLocked, StoreError
from infradb.store.database import translated

_PAGES = 5000
"""Pages copied at a time; others get at the file in between."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def copy_beside(path: Path, ending: str) -> Path:
    """Copy a file to `<name>.<ending>` beside it (a number is added where that is taken) and return the copy."""
    target = path.with_name(f"{path.name}.{ending}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{ending}-{number}")
    write_copy(path, target)
    return target


def write_copy(path: Path, target: Path) -> None:
    """Write a checked copy that is one file; nothing is at `target` before it is whole."""
    unfinished = target.with_name(f"{target.name}.unfinished-{os.getpid()}")
    try:
        unfinished.touch(mode=0o600)
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source:
            copy_into(source, unfinished, 30.0)
        close_log(unfinished)
        if problem := structure_problem(unfinished):
            raise StoreError(f"{path} is damaged: {problem}", hint="restore a backup with `infradb restore FILE`")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    except sqlite3.Error as error:
        raise translated(error, target) from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}", hint="give another place") from error
    finally:
        for left in (unfinished, Path(f"{unfinished}-wal"), Path(f"{unfinished}-shm"), Path(f"{unfinished}-journal")):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def copy_into(source: sqlite3.Connection, target: Path, wait_seconds: float) -> None:
    """Replace what is in `target` by what `source` holds, in one transaction; raise `DatabaseLocked`."""
    deadline = time.monotonic() + wait_seconds

    def watch(status: int, _remaining: int, _total: int) -> None:
        # Python would try again for ever.
        if status in _BUSY and time.monotonic() > deadline:
            raise DatabaseLocked(f"{target} is being written by another process, and did not become free in time")

    with closing(sqlite3.connect(target, timeout=0.1, isolation_level=None)) as raw:
        source.backup(raw, pages=_PAGES, progress=watch, sleep=0.05)


def copy_over(source: Path, target: Path, wait_seconds: float) -> None:
    """Replace the contents of a database that others may have open; they see all of it or nothing."""
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as raw:
            copy_into(raw, target, wait_seconds)
    except sqlite3.Error as error:
        raise translated(error, target) from error


def move_aside(path: Path, ending: str) -> Path:
    """Rename a file that SQLite cannot read, with its log, and return its new name."""
    target = path.with_name(f"{path.name}.{ending}")
    for part in ("-wal", "-shm", "-journal", ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{part}").rename(f"{target}{part}")
    return target


def close_log(path: Path) -> None:
    """Make a database one file again, after it was opened."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")


def structure_problem(path: Path) -> str | None:
    """Return what SQLite finds wrong with a file's structure and references, or None."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as raw:
            found = [str(text) for (text,) in raw.execute("PRAGMA integrity_check(3)")]
            if found != ["ok"]:
                return "; ".join(found)
            dangling = raw.execute("PRAGMA foreign_key_check").fetchmany(3)
    except sqlite3.Error as error:
        return str(error)
    return "; ".join(f"row {r} of {t} names a row of {p} that is not there" for t, r, p, _ in dangling) or None
