"""Copies of PostgreSQL databases, in PostgreSQL's own custom format, by PostgreSQL's own programs."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from infradb.errors import DatabaseForeign, StoreError

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "options": "PGOPTIONS",
}


def dump(url: str, target: Path) -> None:
    """Write a database to a file; nothing is at `target` before it is whole."""
    unfinished = target.with_name(f"{target.name}.unfinished-{os.getpid()}")
    try:
        unfinished.touch(mode=0o600)
        _run(url, ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}"])
        unfinished.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}", hint="give another place") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def restore(url: str, source: Path, kept: Path) -> None:
    """Replace a database by a dump in one transaction, after the present one was dumped to `kept`."""
    with source.open("rb") as file:
        if file.read(5) != b"PGDMP":
            raise DatabaseForeign(f"{source} is no backup of a PostgreSQL database")
    listed = _run(url, ["pg_restore", "--list", str(source)])
    if not all(f" TABLE public {name} " in listed for name in ("infradb_meta", "alembic_version", "entities")):
        raise DatabaseForeign(f"{source} is a backup of another database, not of infradb")
    dump(url, kept)
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    name = conninfo_to_dict(url).get("dbname")
    _run(url, ["pg_restore", *options, f"--dbname={name}", str(source)])


def _run(url: str, command: list[str]) -> str:
    """Run one of PostgreSQL's programs; the password goes through its environment, where `ps` does not show it."""
    if shutil.which(command[0]) is None:
        raise StoreError(
            f"{command[0]} is not installed, and only it reads PostgreSQL's format",
            hint="install PostgreSQL's client programs (Debian: postgresql-client)",
        )
    parts = conninfo_to_dict(url)
    given = {_VARIABLES[name]: str(value) for name, value in parts.items() if name in _VARIABLES and value is not None}
    # A waiting writer must not hold us for ever.
    environment = {**os.environ, **given, "PGOPTIONS": "-c lock_timeout=10s"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[0]
        raise StoreError(f"{command[0]} failed: {said}", hint="the database is as it was")
    return done.stdout
