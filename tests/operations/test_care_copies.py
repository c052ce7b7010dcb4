"""Verify, backup, restore: what is whole passes, what is not is named, and nothing present is ever lost."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infradb.errors import (
    ChainBroken,
    Conflict,
    DatabaseForeign,
    DatabaseLocked,
    DatabaseMissing,
    InfradbError,
    NotFound,
    StoreError,
    UsageError,
)
from infradb.operations import backups, care
from infradb.store import dumps
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.operations.care_lab import container, count, host, take_in


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else str(tmp_path / "a.db")
    opened = open_database(url, create=True)
    take_in(opened, [host(), container("web"), container("mail")])
    return opened


class TestVerify:
    def test_what_is_whole_passes(self, database: Database) -> None:
        assert care.verify_all(database).rows == 7

    @pytest.mark.parametrize(
        ("tamper", "said"),
        [
            ("UPDATE infrastructure_changes SET new_values = '{}' WHERE position = 3", "position 3: what it says"),
            ("UPDATE infrastructure_changes SET changed_by = 'x' WHERE position = 2", "position 2: what it says"),
            ("UPDATE infrastructure_changes SET change_type = 'delete' WHERE position = 4", "position 4: the row was"),
            ("UPDATE infrastructure_changes SET entity_id = NULL WHERE position = 5", "position 5: the row was"),
            ("UPDATE infrastructure_changes SET salt = NULL WHERE position = 1", "position 1: what it says"),
            ("DELETE FROM infrastructure_changes WHERE position = 4", "position 4: it is missing"),
            ("DELETE FROM infrastructure_changes WHERE position = 7", "ends at position 6"),
            ("DELETE FROM infrastructure_changes", "ends at position 0"),
            ("INSERT INTO change_anchors VALUES (3, '2026-01-01T00:00:00.000Z', 'x')", "position 4: it is missing"),
        ],
    )
    def test_the_first_broken_link_is_named(self, database: Database, tamper: str, said: str) -> None:
        with database.write() as connection:
            connection.execute(tamper)
        with pytest.raises(ChainBroken, match=said):
            care.verify_all(database)

    def test_a_row_whose_owner_is_gone_is_found(self, tmp_path: Path) -> None:
        database = open_database(str(tmp_path / "b.db"), create=True)
        take_in(database, [host(), container("web")])
        with sqlite3.connect(tmp_path / "b.db") as raw:
            raw.execute("DELETE FROM hosts")
        raw.close()
        with pytest.raises(StoreError, match="names a row of hosts that is not there"):
            care.verify_all(database)

    def test_a_damaged_page_is_found(self, tmp_path: Path) -> None:
        database = open_database(str(tmp_path / "b.db"), create=True)
        take_in(database, [host(f"h{n}") for n in range(300)])
        with (tmp_path / "b.db").open("r+b") as file:
            file.seek(4096 * 60)
            file.write(b"\xa5" * 4096 * 20)
        with pytest.raises(StoreError, match=r"damaged|malformed"):
            care.verify_all(database)


class TestBackup:
    def test_it_holds_what_the_database_holds(self, database: Database, tmp_path: Path) -> None:
        target = tmp_path / "copy"
        done = backups.backup(database.url, target)
        assert done.size_bytes == target.stat().st_size > 10_000
        assert target.stat().st_mode & 0o077 == 0
        assert [p.name for p in tmp_path.iterdir() if "unfinished" in p.name] == []
        take_in(database, [host(), container("later")], status="partial")
        restored = backups.restore(database.url, target)
        assert restored.changes == 7
        assert count(database, "docker_containers") == 2

    def test_it_never_overwrites_unless_told(self, database: Database, tmp_path: Path) -> None:
        target = tmp_path / "copy"
        target.write_text("precious")
        with pytest.raises(Conflict, match="exists"):
            backups.backup(database.url, target)
        assert target.read_text() == "precious"
        backups.backup(database.url, target, force=True)
        assert target.read_bytes()[:4] in (b"SQLi", b"PGDM")

    @pytest.mark.parametrize(
        ("target", "error"), [("nowhere/copy", StoreError), (".", Conflict), ("-", UsageError), ("a.db", Conflict)]
    )
    def test_what_cannot_be_a_backup_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, error: type[InfradbError]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        open_database("a.db", create=True)
        with pytest.raises(error):
            backups.backup("a.db", Path(target), force=True)

    def test_it_is_one_state_while_somebody_writes(self, tmp_path: Path) -> None:
        database = open_database(str(tmp_path / "b.db"), create=True)
        done = threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                take_in(database, [host(f"h{number}-{n}") for n in range(20)], status="partial")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for n in range(8):
                backups.backup(database.url, tmp_path / f"copy{n}")
        finally:
            done.set()
            writer.join()
        for n in range(8):
            copy = open_database(str(tmp_path / f"copy{n}"))
            care.verify_all(copy)
            assert count(copy, "hosts") % 20 == 0
            assert count(copy, "hosts") == count(copy, "infrastructure_changes")

    def test_without_its_program_postgresql_says_what_to_install(
        self, fresh_postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_database(fresh_postgresql, create=True)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(StoreError, match="pg_dump is not installed") as caught:
            backups.backup(fresh_postgresql, tmp_path / "copy")
        assert "postgresql-client" in caught.value.hint


def not_sqlite(folder: Path) -> Path:
    (folder / "text").write_text("CREATE TABLE hosts (id);\n" * 100)
    return folder / "text"


def foreign(folder: Path) -> Path:
    with sqlite3.connect(folder / "foreign") as raw:
        raw.execute("CREATE TABLE hosts (id INTEGER)")
    raw.close()
    return folder / "foreign"


def tampered(folder: Path) -> Path:
    path = folder / "tampered"
    database = open_database(str(path), create=True)
    take_in(database, [host()])
    with database.write() as connection:
        connection.execute("UPDATE infrastructure_changes SET reason = 'forged'")
    return path


def cut_off(folder: Path) -> Path:
    path = folder / "cut"
    take_in(open_database(str(path), create=True), [host(f"h{n}") for n in range(300)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def empty(folder: Path) -> Path:
    (folder / "empty").touch()
    return folder / "empty"


class TestRestore:
    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (not_sqlite, DatabaseForeign),
            (foreign, DatabaseForeign),
            (tampered, ChainBroken),
            (cut_off, StoreError),
            (empty, DatabaseForeign),
            (lambda folder: folder / "missing", NotFound),
            (lambda folder: folder, StoreError),
        ],
    )
    def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
        self, tmp_path: Path, make: Callable[[Path], Path], error: type[InfradbError]
    ) -> None:
        path = tmp_path / "here" / "a.db"
        database = open_database(str(path), create=True)
        take_in(database, [host("mine")])
        with pytest.raises(error):
            backups.restore(str(path), make(tmp_path))
        assert count(database, "hosts", "hostname = 'mine'") == 1
        assert [p.name for p in path.parent.iterdir()] == ["a.db"]

    def test_what_was_there_is_kept(self, database: Database, tmp_path: Path) -> None:
        target = tmp_path / "copy"
        backups.backup(database.url, target)
        take_in(database, [host("only-now")], status="partial")
        kept = backups.restore(database.url, target).kept
        assert kept is not None
        assert count(database, "hosts", "hostname = 'only-now'") == 0
        backups.restore(database.url, kept)
        assert count(database, "hosts", "hostname = 'only-now'") == 1
        care.verify_all(database)

    def test_it_makes_a_database_where_there_is_none(self, tmp_path: Path) -> None:
        first = open_database(str(tmp_path / "b.db"), create=True)
        take_in(first, [host()])
        backups.backup(first.url, tmp_path / "copy")
        assert backups.restore(str(tmp_path / "new" / "c.db"), tmp_path / "copy").kept is None
        assert count(open_database(str(tmp_path / "new" / "c.db")), "hosts") == 1

    def test_it_replaces_a_damaged_database_and_keeps_the_ruin(self, tmp_path: Path) -> None:
        path = tmp_path / "b.db"
        database = open_database(str(path), create=True)
        take_in(database, [host()])
        backups.backup(database.url, tmp_path / "copy")
        path.write_bytes(b"SQLite format 3\0" + b"ruin" * 5000)
        Path(f"{path}-wal").write_bytes(b"old log")
        kept = backups.restore(str(path), tmp_path / "copy").kept
        assert kept is not None
        assert b"ruin" in kept.read_bytes()
        assert count(open_database(str(path)), "hosts") == 1

    def test_it_waits_for_no_writer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backups, "LOCK_WAIT_SECONDS", 0.2)
        path = tmp_path / "b.db"
        database = open_database(str(path), create=True)
        take_in(database, [host("mine")])
        backups.backup(database.url, tmp_path / "copy")
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseLocked):
                backups.restore(str(path), tmp_path / "copy")
            other.execute("ROLLBACK")
        other.close()
        assert sorted(p.name for p in tmp_path.iterdir() if not p.name.endswith(("-shm", "-wal"))) == ["b.db", "copy"]

    def test_processes_that_have_the_database_open_go_on_with_what_was_restored(self, tmp_path: Path) -> None:
        path = tmp_path / "b.db"
        database = open_database(str(path), create=True)
        take_in(database, [host("old")])
        backups.backup(database.url, tmp_path / "copy")
        take_in(database, [host("new")], status="partial")
        with sqlite3.connect(path, isolation_level=None) as other:
            assert other.execute("SELECT count(*) FROM hosts").fetchone() == (2,)
            backups.restore(str(path), tmp_path / "copy")
            assert other.execute("SELECT count(*) FROM hosts").fetchone() == (1,)
            other.execute("UPDATE hosts SET notes = 'after'")
        other.close()
        assert count(database, "hosts", "notes = 'after'") == 1

    def test_a_dump_of_another_database_is_refused(self, make_postgresql: Callable[[], str], tmp_path: Path) -> None:
        mine, other = make_postgresql(), make_postgresql()
        take_in(open_database(mine, create=True), [host()])
        dumps.dump(other, tmp_path / "copy")
        with pytest.raises(DatabaseForeign):
            backups.restore(mine, tmp_path / "copy")
        shutil.copy(not_sqlite(tmp_path), tmp_path / "text2")
        with pytest.raises(DatabaseForeign):
            backups.restore(mine, tmp_path / "text2")
        assert count(open_database(mine), "hosts") == 1

    def test_a_backup_of_nothing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DatabaseMissing):
            backups.backup(str(tmp_path / "none.db"), tmp_path / "copy")
