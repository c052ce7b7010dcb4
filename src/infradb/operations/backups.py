"""Writes a consistent copy of the database, and puts one back."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infradb import clock
from infradb.errors import Conflict, DatabaseForeign, NotFound, StoreError, UsageError
from infradb.store import copies, dumps
from infradb.store.chain import verify
from infradb.store.database import SqliteDatabase, connect
from infradb.store.schema import open_database

LOCK_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was written."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A copy that was put back."""

    changes: int
    """Rows in its change log."""
    kept: Path | None
    """Where the database that was there before is now; None where there was none."""


def backup(url: str, target: Path, *, force: bool = False) -> Backup:
    """Write a checked copy while others go on: a SQLite file, or PostgreSQL's custom format (needs `pg_dump`).

    Raises `Conflict` where the file exists and `force` does not say to replace it.
    """
    database = open_database(url, migrate=False)
    if str(target) == "-":
        raise UsageError("a backup is written to a file, not to standard output", hint="infradb backup FILE")
    if isinstance(database, SqliteDatabase) and target.exists() and target.samefile(database.path):
        raise Conflict(f"{target} is the database itself", hint="give another place")
    if target.exists() and not force:
        raise Conflict(f"{target} exists already", hint="give another name, or --force to replace it")
    if target.is_dir():
        raise Conflict(f"{target} is a folder", hint="give a file in it")
    if isinstance(database, SqliteDatabase):
        copies.write_copy(database.path, target)
    else:
        dumps.dump(url, target)
    return Backup(target, target.stat().st_size)


def restore(url: str, source: Path) -> Restored:
    """Put a backup in the place of the database; what was there is kept beside it.

    The backup is checked wholly first: structure, references, chain. Raises `DatabaseForeign` where it is none of
    ours, `ChainBroken`, and `DatabaseLocked` while somebody writes; then everything is as it was.
    """
    if not source.exists():
        raise NotFound(f"there is no file {source}")
    database = connect(url, wait_seconds=LOCK_WAIT_SECONDS)
    ending = f"before-restore-{clock.now()[:19].replace(':', '')}Z"
    if not isinstance(database, SqliteDatabase):
        kept = source.with_name(f"{source.name}.{ending}")
        dumps.restore(url, source, kept)
        with database.read() as connection:
            return Restored(verify(connection).rows, kept)
    return _restore_file(database, source, ending)


def _restore_file(database: SqliteDatabase, source: Path, ending: str) -> Restored:
    path = database.path
    if path.exists() and source.samefile(path):
        raise Conflict(f"{source} is the database itself")
    checked = path.with_name(f"{path.name}.restoring-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        changes = _checked_copy(source, checked)
        if not path.exists():
            checked.replace(path)
            return Restored(changes, None)
        if copies.structure_problem(path) is not None:
            # Nobody can be working with it: aside with all of it, so that its log is not applied to what comes.
            kept = copies.move_aside(path, ending)
            checked.replace(path)
            return Restored(changes, kept)
        with database.write():
            kept = copies.copy_beside(path, ending)
        # Into the file, not over it: whoever waits for it goes on with what was restored.
        copies.copy_over(checked, path, LOCK_WAIT_SECONDS)
        return Restored(changes, kept)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be restored: {error.strerror}", hint="check who owns it, and the space"
        ) from error
    finally:
        for left in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                Path(f"{checked}{left}").unlink(missing_ok=True)


def _checked_copy(source: Path, target: Path) -> int:
    """Copy a backup beside the database, prove that it is one and whole, and return the rows of its change log."""
    with source.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3\0"):
            raise DatabaseForeign(f"{source} is no backup of a SQLite database")
    copies.write_copy(source, target)
    with open_database(str(target), migrate=False).read() as connection:
        changes = verify(connection).rows
    copies.close_log(target)
    return changes
