"""Which process keeps a database current: one at a time."""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from infradb.store.database import Database, SqliteDatabase

KEEPER_LOCK = 0x696E6675
"""Key of PostgreSQL's advisory lock for the one that keeps the database current."""


def take_turn(database: Database, said: str) -> tuple[Callable[[], None] | None, str]:
    """Become the one that keeps a database current.

    Returns what gives the turn back; None where another process has it, and then what that one `said`. A process that
    dies gives its turn back by dying.
    """
    if isinstance(database, SqliteDatabase):
        return _take_file(database.path.with_name(database.path.name + ".up"), said)
    return _take_advisory(database.url, said)


def _take_file(path: Path, said: str) -> tuple[Callable[[], None] | None, str]:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            first = os.read(file, 1000).decode(errors="replace")
            os.close(file)
            return None, first
        # Whoever had it before may have removed the file between our opening and our locking it.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(file).st_ino == path.stat().st_ino:
                break
        os.close(file)
    os.ftruncate(file, 0)
    os.pwrite(file, said.encode(), 0)

    def give_back() -> None:
        path.unlink(missing_ok=True)
        os.close(file)

    return give_back, said


def _take_advisory(url: str, said: str) -> tuple[Callable[[], None] | None, str]:
    import psycopg

    # A connection of its own: the lock lasts as long as it does, and no transaction stays open.
    raw = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name=said[:63])
    row = raw.execute("SELECT pg_try_advisory_lock(%s)", (KEEPER_LOCK,)).fetchone()
    if row and row[0]:
        return raw.close, said
    first = raw.execute(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %s AND l.granted"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (KEEPER_LOCK,),
    ).fetchone()
    raw.close()
    return None, str(first[0]) if first else ""
