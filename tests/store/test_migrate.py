"""Migrations: the same result as a fresh database, no row lost, all or nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from infradb.errors import DatabaseNewer, StoreError
from infradb.store import migrate, schema
from infradb.store.chain import verify
from infradb.store.database import Connection, Database, connect
from tests.store.full_tables import contents, fill

VERSIONS = sorted(p.name[:4] for p in (migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
ENGINES = ["sqlite", "postgresql"]
Make = Callable[[], Database]


@pytest.fixture(params=ENGINES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes databases without a single table."""
    if request.param == "postgresql":
        make = request.getfixturevalue("make_postgresql")
        return lambda: connect(make())
    return lambda: sqlite_file(tmp_path)


def sqlite_file(folder: Path) -> Database:
    path = folder / f"{len(list(folder.glob('*.db')))}.db"
    path.touch()
    return connect(str(path))


def at_version(make: Make, version: str) -> Database:
    database = make()
    migrate.upgrade(database, target=version)
    return database


def shape(database: Database) -> list[tuple[object, ...]]:
    """Everything that the engine knows about the schema."""
    with database.read() as connection:
        if connection.dialect == "sqlite":
            rows = connection.query("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
            numbers = [connection.query(f"PRAGMA {p}")[0] for p in ("application_id", "user_version")]
            return [*((t, n, b, " ".join((s or "").split())) for t, n, b, s in rows), *numbers]
        return [row for sql in _CATALOG for row in connection.query(sql)]


_CATALOG = (
    """SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default, is_identity
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3""",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
)


def test_the_version_of_a_fresh_database_is_that_of_the_newest_migration() -> None:
    assert migrate.newest_version() == schema.HEAD == VERSIONS[-1]


def test_a_migrated_database_equals_a_fresh_one(empty: Make) -> None:
    migrated, fresh = at_version(empty, "head"), empty()
    with fresh.write() as connection:
        schema.create_schema(connection)
    assert shape(migrated) == shape(fresh)
    assert len(shape(fresh)) > 100


@pytest.mark.parametrize("version", VERSIONS)
def test_no_migration_loses_a_row(empty: Make, version: str) -> None:
    database = at_version(empty, version)
    before = filled(database)
    migrate.upgrade(database)
    assert everything(database) == before
    assert all(len(rows) > 1 for table, rows in before.items() if table != "change_anchors")
    with database.read() as connection:
        verify(connection)


def filled(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.write() as connection:
        fill(connection)
    return everything(database)


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return contents(connection)


BATCH = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{number}", "{before}"
def upgrade():
    with op.batch_alter_table("hosts", recreate="{recreate}") as batch:
        batch.add_column(sa.Column("rack_unit", sa.Integer))
    {then}
"""

REBUILD = """
from alembic import op
from infradb.store.ddl import create_indexes, create_table
from infradb.model.catalog import BY_TABLE
from infradb.store.migrations.statements import rebuild_table
revision, down_revision = "{number}", "{before}"
def upgrade():
    hosts = BY_TABLE["hosts"]
    create = create_table(hosts, "sqlite").replace("CREATE TABLE hosts", "CREATE TABLE new_hosts")
    create = create.replace("  retired_at TEXT", "  retired_at TEXT, rack_unit INTEGER")
    columns = [row[1] for row in op.get_bind().exec_driver_sql("PRAGMA table_info(hosts)")]
    rebuild_table("hosts", create + "".join(create_indexes(hosts)), dict(zip(columns, columns)))
"""


def later(folder: Path, text: str = BATCH, recreate: str = "always", then: str = "") -> Path:
    """A migration after the newest one."""
    number = f"{int(schema.HEAD) + 1:04d}"
    folder.mkdir(exist_ok=True)
    made = text.format(number=number, before=schema.HEAD, recreate=recreate, then=then)
    (folder / f"{number}_later.py").write_text(made)
    return folder


def test_a_parent_table_can_be_rebuilt_without_taking_its_children_along(empty: Make, tmp_path: Path) -> None:
    database = at_version(empty, "head")
    before = filled(database)
    recreate = "always" if database.dialect == "sqlite" else "never"
    migrate.upgrade(database, further=[later(tmp_path / "later", recreate=recreate)])
    assert everything(database) == before
    with database.read() as connection:
        assert {row[0] for row in connection.query("SELECT rack_unit FROM hosts")} == {None}
        assert connection.query("SELECT count(*) FROM v_host_inventory") == [(3,)]
    with database.write() as connection:
        connection.execute("DELETE FROM hosts WHERE id = (SELECT min(host_id) FROM network_interfaces)")
    with database.read() as connection:
        assert connection.query("SELECT count(*) FROM network_interfaces") == [(2,)], "the children know their parent"


def test_rebuilding_a_table_keeps_its_rows_checks_indexes_and_strictness(tmp_path: Path) -> None:
    database = at_version(lambda: sqlite_file(tmp_path), "head")
    before, shaped = filled(database), shape(database)
    migrate.upgrade(database, further=[later(tmp_path / "later", REBUILD)])
    assert everything(database) == before
    without_hosts = [row for row in shape(database) if "hosts" not in row[1:2]]
    assert without_hosts == [row for row in shaped if "hosts" not in row[1:2]]
    with database.read() as connection:
        ((made,),) = connection.query("SELECT sql FROM sqlite_master WHERE name = 'hosts'")
    assert "STRICT" in made
    assert "ck_hosts_status_values" in made
    assert "rack_unit" in made


def test_a_migration_that_fails_leaves_everything_as_it_was(empty: Make, tmp_path: Path) -> None:
    database = at_version(empty, "head")
    before, shaped = filled(database), shape(database)
    recreate = "always" if database.dialect == "sqlite" else "never"
    broken = later(tmp_path / "later", recreate=recreate, then='op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises(StoreError, match="undone"):
        migrate.upgrade(database, further=[broken])
    assert everything(database) == before
    assert shape(database) == shaped


def test_a_migration_that_leaves_orphans_is_undone(tmp_path: Path) -> None:
    database = at_version(lambda: sqlite_file(tmp_path), "head")
    before = filled(database)
    orphans = later(
        tmp_path / "later", then='op.execute("DELETE FROM hosts WHERE id IN (SELECT host_id FROM services)")'
    )
    with pytest.raises(StoreError, match="without their owners"):
        migrate.upgrade(database, further=[orphans])
    assert everything(database) == before


def test_a_copy_is_laid_beside_a_sqlite_file_and_none_is_ever_overwritten(tmp_path: Path) -> None:
    database = at_version(lambda: sqlite_file(tmp_path), "head")
    before = filled(database)
    copies = [migrate.upgrade(database, further=[later(tmp_path / "later")]) for _ in range(2)]
    assert [c.name for c in copies if c] == [f"0.db.before-{schema.HEAD}-2", f"0.db.before-{schema.HEAD}-3"]
    first, _ = copies
    assert first is not None
    assert everything(connect(str(first))) == before
    assert first.stat().st_mode & 0o077 == 0


def test_opening_an_older_database_migrates_it(empty: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = at_version(empty, "head")
    before = filled(database)
    recreate = "always" if database.dialect == "sqlite" else "never"
    folder = later(tmp_path / "later", recreate=recreate)
    original = migrate.upgrade
    monkeypatch.setattr(schema, "HEAD", f"{int(schema.HEAD) + 1:04d}")
    monkeypatch.setattr(migrate, "upgrade", lambda opened: original(opened, further=[folder]))
    opened = schema.open_database(database.url)
    assert everything(opened) == before
    with opened.read() as connection:
        assert version_of(connection) == schema.HEAD


def test_a_database_of_a_newer_infradb_is_refused(empty: Make, tmp_path: Path) -> None:
    database = at_version(empty, "head")
    recreate = "always" if database.dialect == "sqlite" else "never"
    migrate.upgrade(database, further=[later(tmp_path / "later", recreate=recreate)])
    with pytest.raises(DatabaseNewer) as caught:
        schema.open_database(database.url)
    assert "upgrade infradb" in caught.value.hint


def version_of(connection: Connection) -> str:
    return str(connection.query("SELECT version_num FROM alembic_version")[0][0])


def test_a_migration_waits_for_a_writer_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = at_version(lambda: sqlite_file(tmp_path), "head")
    monkeypatch.setattr(migrate, "WRITER_WAIT_SECONDS", 0.1)
    with sqlite3.connect(tmp_path / "0.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process"):
            migrate.upgrade(database, further=[later(tmp_path / "later")])
    other.close()


def test_the_first_migration_is_what_the_model_says_while_nothing_is_released() -> None:
    for dialect in ENGINES:
        frozen = (migrate.MIGRATIONS / f"versions/0001_initial.{dialect}.sql").read_text()
        assert re.sub(r"\s+", " ", frozen) == re.sub(r"\s+", " ", schema.schema_sql(dialect))  # type: ignore[arg-type]
