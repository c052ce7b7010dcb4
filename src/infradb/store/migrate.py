"""Brings an older database up to date with Alembic: all missing migrations in one transaction, or none."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection as SqlAlchemyConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from infradb.errors import DatabaseLocked, StoreError
from infradb.store.copies import copy_beside
from infradb.store.database import WRITER_WAIT_SECONDS, Database, SqliteDatabase, translated
from infradb.store.postgresql import WRITER_LOCK, PostgresqlDatabase

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, *, further: Sequence[Path] = (), target: str = "head") -> Path | None:
    """Bring a database to the newest version; return the copy that was laid beside a SQLite file.

    `further` are folders of migrations besides our own. Raises `DatabaseLocked` or `StoreError`; then the database
    is as it was.
    """
    config = _config(further)
    if isinstance(database, SqliteDatabase):
        copy = copy_beside(database.path, f"before-{newest_version()}")
        with _sqlite(database.path) as connection:
            _run(config, connection, target)
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3):
                raise StoreError(f"the migration of {database.path} would leave rows without their owners: {broken}")
        return copy
    assert isinstance(database, PostgresqlDatabase)
    with _postgresql(database) as connection:
        _run(config, connection, target)
    return None


def newest_version() -> str:
    """Return the number of the newest migration file."""
    found = (re.match(r"(\d{4})_\w+\.py$", path.name) for path in (MIGRATIONS / "versions").iterdir())
    return max(match[1] for match in found if match)


def _config(further: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", "\n".join(map(str, (MIGRATIONS / "versions", *further))))
    return config


def _run(config: Config, connection: SqlAlchemyConnection, target: str) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, target)


@contextmanager
def _sqlite(path: Path) -> Iterator[SqlAlchemyConnection]:
    """Open the writing transaction with foreign keys off: a table that is rebuilt must not take its children along."""
    raw = sqlite3.connect(path, timeout=WRITER_WAIT_SECONDS, isolation_level=None)
    try:
        # None of these has an effect within a transaction. The second lets a table be replaced under its views.
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("PRAGMA legacy_alter_table = ON")
        with _engine("sqlite://", lambda: raw) as connection:
            # Not before SQLAlchemy has connected: it rolls back once when it does.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    finally:
        raw.close()


@contextmanager
def _postgresql(database: PostgresqlDatabase) -> Iterator[SqlAlchemyConnection]:
    """Open the writing transaction under the advisory lock."""
    options = f"-c TimeZone=UTC -c lock_timeout={int(WRITER_WAIT_SECONDS * 1000)}"
    with _engine("postgresql+psycopg://", lambda: psycopg.connect(database.url, options=options)) as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
        yield connection
        connection.commit()


@contextmanager
def _engine(dialect: str, creator: Callable[[], Any]) -> Iterator[SqlAlchemyConnection]:
    engine = create_engine(dialect, creator=creator, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            # Alembic leaves a transaction alone that was begun before it.
            connection.begin()
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable) or "database is locked" in str(error.orig):
            raise DatabaseLocked("another process writes to this database, and did not finish in time") from error
        raise StoreError(f"the migration failed and was undone: {error.orig}") from error
    finally:
        engine.dispose()
