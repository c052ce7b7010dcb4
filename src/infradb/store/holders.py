"""Who holds the writer's lock, as far as this machine tells."""

import os
from pathlib import Path

from infradb.store.database import Database

WRITE_LOCK_BYTE = 120
"""Byte of the shared-memory file that a writer in WAL mode locks (sqlite.org/walformat.html, 2.3)."""


def sqlite(path: Path) -> list[str]:
    """Return the processes that hold a lock on a SQLite file, else those that have it open: `infradb up (pid 123)`."""
    found = _lock_owners(Path(f"{path}-shm"), WRITE_LOCK_BYTE)
    pids = (found or _openers(path)) - {os.getpid()}
    return [f"{_command(pid)} (pid {pid})" for pid in sorted(pids)]


def postgresql(database: Database) -> list[str]:
    """Return the sessions that hold an advisory lock in a PostgreSQL database."""
    sql = (
        "SELECT a.pid, a.application_name, a.client_addr::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
    )
    with database.read() as connection:
        rows = connection.query(sql)
    return [
        f"{name or 'a session'} from {address or 'the server itself'} (backend {pid})" for pid, name, address in rows
    ]


def _lock_owners(path: Path, byte: int) -> set[int]:
    """Return who locks a byte of a file for writing (proc_locks(5))."""
    try:
        status = path.stat()
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return set()
    owners = set()
    for line in lines:
        fields = line.split()
        # 1: POSIX ADVISORY WRITE 4711 fe:00:1234 120 120; a waiting one has an arrow in the second place.
        if len(fields) != 8 or fields[3] != "WRITE" or not fields[5].endswith(f":{status.st_ino}"):
            continue
        first, last = int(fields[6]), fields[7]
        if first <= byte and (last == "EOF" or byte <= int(last)):
            owners.add(int(fields[4]))
    return {pid for pid in owners if pid > 0}


def _openers(path: Path) -> set[int]:
    """Return who has a file open, as far as we may look."""
    wanted = str(path.resolve())
    found = set()
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(link.readlink()) == wanted for link in folder.iterdir()):
                found.add(int(folder.parent.name))
        except OSError:
            continue  # it ended, or is somebody else's
    return found


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process"
    return " ".join(
        Path(w.decode(errors="replace")).name if n < 2 else w.decode(errors="replace") for n, w in enumerate(words[:4])
    ).strip()
