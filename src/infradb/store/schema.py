"""Makes a database, tells what a file is, and brings an older one up to date."""

import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from infradb import clock
from infradb.errors import DatabaseForeign, DatabaseMissing, DatabaseNewer, StoreError
from infradb.store.database import Connection, Database, SqliteConnection, SqliteDatabase, connect, translated
from infradb.store.ddl import APPLICATION_ID, Dialect

HEAD = "0001"
"""The newest migration; what a fresh database is stamped with."""


def schema_sql(dialect: Dialect) -> str:
    """Return the committed SQL of a new database."""
    return files("infradb.store").joinpath(f"schema.{dialect}.sql").read_text(encoding="utf-8")


def open_database(url: str, *, create: bool = False, migrate: bool = True) -> Database:
    """Open an infradb database, making it where it is missing and `create` says so.

    Raises `DatabaseMissing`, `DatabaseForeign`, `DatabaseNewer` or `StoreError`. An older database is migrated,
    a SQLite file after a copy of it was laid beside it.
    """
    database = connect(url)
    if isinstance(database, SqliteDatabase):
        _check_file(database.path, create)
    with database.read() as connection:
        version = _version(connection)
    if version is None:
        if not create:
            raise DatabaseMissing(f"there is no infradb database in {database.url}")
        with database.write() as connection:
            # Somebody else may have been first while we waited for the lock.
            if _version(connection) is None:
                create_schema(connection)
    elif version != HEAD:
        if not _is_known(version):
            raise DatabaseNewer(f"{database.url} has version {version}, this infradb knows {HEAD} at most")
        if migrate:
            from infradb.store.migrate import upgrade

            upgrade(database)
    return database


def create_schema(connection: Connection) -> None:
    """Make all tables, indexes and views, and stamp the version."""
    connection.script(schema_sql(connection.dialect))
    # As Alembic itself would make it.
    connection.script(
        "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL,"
        " \n\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n);\n"
    )
    connection.execute("INSERT INTO alembic_version (version_num) VALUES (?)", (HEAD,))
    connection.execute("INSERT INTO infradb_meta (name, value) VALUES ('created_at', ?)", (clock.now(),))


def _is_known(version: str) -> bool:
    return version.isdigit() and int(version) <= int(HEAD)


def _version(connection: Connection) -> str | None:
    """Return the version of the database, or None where it is empty; raise `DatabaseForeign`."""
    if connection.dialect == "sqlite":
        tables = {name for (name,) in connection.query("SELECT name FROM sqlite_master WHERE type = 'table'")}
    else:
        tables = {
            name
            for (name,) in connection.query(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            )
        }
    if not tables:
        return None
    if "infradb_meta" not in tables or "alembic_version" not in tables:
        known = " (it looks like an old infrastructure database)" if {"hosts", "docker_containers"} <= tables else ""
        raise DatabaseForeign(f"this database has tables of somebody else{known}: {', '.join(sorted(tables)[:4])} …")
    rows = connection.query("SELECT version_num FROM alembic_version")
    if not rows:
        raise StoreError("this database does not say its version", hint="restore a backup with `infradb restore FILE`")
    return str(rows[0][0])


def _check_file(path: Path, create: bool) -> None:
    """Look at a SQLite file before SQLite does, so that nothing foreign is touched or made."""
    if not path.exists():
        if not create:
            raise DatabaseMissing(f"there is no database at {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be made: {error.strerror}", hint="give another place with --database"
            ) from error
        return
    if path.is_dir():
        raise DatabaseForeign(f"{path} is a folder")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", hint="check who owns it") from error
    if not head and create:
        return
    if not head.startswith(b"SQLite format 3\0"):
        raise DatabaseForeign(f"{path} is no SQLite database")
    application = int.from_bytes(head[68:72], "big")
    if application not in (APPLICATION_ID, 0):
        raise DatabaseForeign(f"{path} belongs to another application (id {application})")
    if application == 0:
        # Somebody else's, or none's yet: opening it for writing would turn its log mode.
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as raw:
                _version(SqliteConnection(raw))
        except sqlite3.Error as error:
            raise translated(error, path) from error
