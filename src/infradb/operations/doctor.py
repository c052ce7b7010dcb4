"""Looks at an installation and says what is wrong with it, and what to do."""

import os
import platform
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from infradb import __version__, clock, settings
from infradb.errors import DatabaseLocked, InfradbError
from infradb.store import holders
from infradb.store.chain import verify
from infradb.store.copies import structure_problem
from infradb.store.database import Connection, Database, SqliteDatabase, connect
from infradb.store.schema import HEAD, open_database

State = Literal["ok", "warn", "bad"]
LITTLE_SPACE_MB = 200
STALE_AFTER = timedelta(days=1)
QUICK_CHAIN_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    hint: str = ""


def examine(url: str, wanted: settings.Settings) -> list[Check]:
    """Return everything that was looked at; changes nothing."""
    checks = [_program(), _settings(), _docker(wanted)]
    database = connect(url, wait_seconds=0.2)
    if isinstance(database, SqliteDatabase):
        checks += _file(database.path)
    opened = _guarded("database", lambda: _database(url))
    checks += opened
    if all(c.state != "bad" for c in opened):
        checks += _guarded("writer", lambda: _writer(database))
        checks += _guarded("history", lambda: _history(database))
        checks += _guarded("sources", lambda: _sources(database))
    return checks


def _guarded(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    """Return what a look found; what kept it from looking is a finding too."""
    try:
        return look()
    except InfradbError as error:
        return [Check(name, "bad", str(error), error.hint)]


def _program() -> Check:
    found = f"infradb {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return Check("program", "ok", found)


def _settings() -> Check:
    path = settings.config_file()
    named = sorted(n for n in os.environ if n.startswith("INFRADB_") and n != "INFRADB_CONFIG")
    found = str(path) if path.exists() else f"no {path}; defaults"
    return Check("settings", "ok", found + (f"; from the environment: {', '.join(named)}" if named else ""))


def _docker(wanted: settings.Settings) -> Check:
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        return Check("docker", "ok", f"DOCKER_HOST is {address}; `infradb sources doctor docker` tries it")
    path = Path(address.removeprefix("unix://"))
    if not path.exists():
        return Check(
            "docker", "warn", f"no engine's socket at {path}", "fine where no Docker runs; else set DOCKER_HOST"
        )
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError as error:
            hint = "add yourself to the group `docker` and sign in anew, or run as root"
            return Check("docker", "warn", f"{path}: {error.strerror}", hint)
    return Check("docker", "ok", f"{path} answers")


def _file(path: Path) -> Iterator[Check]:
    folder = path.parent
    if not folder.exists():
        yield Check("folder", "warn", f"{folder} is not there yet", "`infradb up` makes it")
        return
    free_mb = shutil.disk_usage(folder).free // 2**20
    size_mb = path.stat().st_size / 2**20 if path.is_file() else 0.0
    little = free_mb < max(LITTLE_SPACE_MB, size_mb)
    hint = "free some space: a backup or a migration needs as much again as the database takes" if little else ""
    yield Check(
        "space", "warn" if little else "ok", f"{free_mb} MiB free under {folder}, {size_mb:.1f} MiB taken", hint
    )
    writable = os.access(folder, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
    hint = "" if writable else "check who owns the file and its folder: SQLite writes beside it, too"
    yield Check("rights", "ok" if writable else "bad", "writable" if writable else f"{path} is read-only for you", hint)
    if path.is_file() and path.stat().st_mode & 0o077:
        yield Check("privacy", "warn", f"others on this machine may read {path}", f"chmod 600 {path}")


def _database(url: str) -> list[Check]:
    database = open_database(url, migrate=False)
    with database.read() as connection:
        version = connection.query("SELECT version_num FROM alembic_version")[0][0]
        place = database.path if isinstance(database, SqliteDatabase) else _without_password(url)
    found = f"{place} ({database.dialect}, version {version}, {database.size_bytes() / 2**20:.1f} MiB)"
    checks = [Check("database", "ok", found)]
    if version != HEAD:
        checks.append(Check("version", "warn", f"version {version} of {HEAD}", "the next command migrates it"))
    if isinstance(database, SqliteDatabase) and (problem := structure_problem(database.path)):
        checks.append(Check("structure", "bad", problem, "restore a backup with `infradb restore FILE`"))
    return checks


def _writer(database: Database) -> list[Check]:
    """Try the writer's lock, and name who holds it."""
    try:
        with database.write():
            return [Check("writer", "ok", "nobody writes just now")]
    except DatabaseLocked:
        names = holders.sqlite(database.path) if isinstance(database, SqliteDatabase) else holders.postgresql(database)
        who = ", ".join(names) or "a process that is not visible from here"
        return [Check("writer", "warn", f"being written by {who}", "wait for it, or end it")]


def _history(database: Database) -> list[Check]:
    with database.read() as connection:
        first, last = connection.query("SELECT min(position), max(position) FROM infrastructure_changes")[0]
        if last is not None and last - first > QUICK_CHAIN_ROWS:
            return [Check("history", "ok", f"{last - first + 1} changes", "`infradb verify` checks them all")]
        verified = verify(connection)
    return [Check("history", "ok", f"{verified.rows} changes, the chain holds")]


def _sources(database: Database) -> list[Check]:
    with database.read() as connection:
        return list(_each_source(connection)) or [
            Check("sources", "warn", "nothing was ever read", "`infradb discover` reads this machine and its Docker")
        ]


def _each_source(connection: Connection) -> Iterator[Check]:
    sql = (
        "SELECT s.name, r.started_at, r.status, r.errors FROM sources s JOIN discovery_runs r"
        " ON r.id = (SELECT max(id) FROM discovery_runs l WHERE l.source_id = s.id)"
        " WHERE s.enabled ORDER BY s.rank, s.name"
    )
    now = clock.to_moment(clock.now())
    for name, started_at, status, errors in connection.query(sql):
        age = now - clock.to_moment(started_at)
        found = f"read {started_at}, {status}" + (f": {errors[:300]}" if errors else "")
        stale = age > STALE_AFTER
        hint = f"`infradb sources doctor {name}` says what is missing" if status != "complete" else ""
        if stale and not hint:
            hint = "`infradb up` reads every few minutes, `infradb discover` once"
        yield Check(f"source {name}", "warn" if stale or status != "complete" else "ok", found, hint)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
