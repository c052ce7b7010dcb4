"""The file is only read, and what is not such a file is refused in words."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infradb.errors import ImportRefused
from infradb.importers.infrastructure_db import collect, reader
from tests.importers.infrastructure_db.whole import read
from tests.importers.legacy_lab import ENGINES, LAYOUTS, PER_ENGINE, Lab, build

WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = wal")
database.execute("UPDATE hosts SET notes = 'just now' WHERE id = 1")
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    folder = tmp_path / "old"
    folder.mkdir()
    return build(folder / "infra structure?#%.db")


def state(folder: Path) -> list[tuple[str, int, int, bytes]]:
    return sorted((f.name, f.stat().st_mtime_ns, f.stat().st_mode, f.read_bytes()) for f in folder.iterdir())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_recognizes_the_layout(layout: str, tmp_path: Path) -> None:
    with collect(build(tmp_path / "old.db", layout=layout).path) as found:
        assert found.layout == layout


class TestNothingIsWritten:
    @pytest.mark.parametrize("mode", ["delete", "wal"])
    def test_not_to_the_file_and_not_beside_it(self, lab: Lab, mode: str) -> None:
        with closing(sqlite3.connect(lab.path)) as database:
            database.execute(f"PRAGMA journal_mode = {mode}")
        before = state(lab.path.parent)
        assert read(lab.path).seen
        assert state(lab.path.parent) == before

    def test_not_even_where_nobody_may_write(self, lab: Lab) -> None:
        lab.path.chmod(0o444)
        lab.path.parent.chmod(0o555)
        try:
            before = state(lab.path.parent)
            assert read(lab.path).seen
            assert state(lab.path.parent) == before
        finally:
            lab.path.parent.chmod(0o755)

    def test_not_while_another_program_has_it_open(self, lab: Lab) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, lab.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == b"written\n"
            before = state(lab.path.parent)
            assert len(before) == 3
            assert read(lab.path).value("hosts/1", "notes") == "just now"
            assert state(lab.path.parent) == before
            other.stdin.close()

    def test_and_nothing_can_be(self, lab: Lab) -> None:
        file = reader.OldFile(lab.path)
        with closing(file), pytest.raises(ImportRefused):
            list(file.ask("DELETE FROM hosts"))


def test_it_shows_one_moment_whoever_writes_meanwhile(lab: Lab) -> None:
    with closing(sqlite3.connect(lab.path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = wal")
        with collect(lab.path) as found:
            other.execute("DELETE FROM services")
            services = next(s for s in found.run.scopes if s.name == "services")
            assert len(list(services.answers)) == ENGINES * PER_ENGINE


class TestRefused:
    def refused(self, path: Path, words: str) -> None:
        with pytest.raises(ImportRefused, match=words) as caught:
            collect(path)
        assert caught.value.hint

    def test_no_file(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "none.db", "there is no file")
        assert not list(tmp_path.iterdir())

    def test_a_folder(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "cannot be opened")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.db"
        path.touch()
        self.refused(path, "is empty")

    def test_a_text(self, tmp_path: Path) -> None:
        path = tmp_path / "hosts.csv"
        path.write_text("hostname;ip\n")
        self.refused(path, "is no SQLite database")

    def test_another_sqlite_database(self, tmp_path: Path) -> None:
        path = tmp_path / "photos.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY)")
        self.refused(path, "is no infrastructure database")

    def test_hosts_of_another_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "dns.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE hosts (id INTEGER PRIMARY KEY, hostname TEXT, a_record TEXT)")
        self.refused(path, "is no infrastructure database")

    def test_a_database_of_infradb_itself(self, lab: Lab) -> None:
        with closing(sqlite3.connect(lab.path)) as database:
            database.execute("CREATE TABLE infradb_meta (name TEXT PRIMARY KEY, value TEXT)")
        self.refused(lab.path, "is a database of infradb itself")

    def test_a_locked_file(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "WAIT_SECONDS", 0.05)
        with closing(sqlite3.connect(lab.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.refused(lab.path, "is being written to by another program")

    def test_a_write_ahead_log_without_its_writer(self, lab: Lab, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        with closing(sqlite3.connect(lab.path, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode = wal")
            other.execute("UPDATE hosts SET notes = 'just now'")
            shutil.copy(lab.path, copy)
            shutil.copy(f"{lab.path}-wal", f"{copy}-wal")
        self.refused(copy, "was left in the middle of a write")

    def test_a_journal_without_its_writer(self, lab: Lab, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        with closing(sqlite3.connect(lab.path, isolation_level=None)) as other:
            other.execute("PRAGMA cache_size = 1")
            other.execute("BEGIN")
            other.execute("UPDATE hosts SET notes = hex(zeroblob(2000))")
            shutil.copy(lab.path, copy)
            shutil.copy(f"{lab.path}-journal", f"{copy}-journal")
            other.execute("ROLLBACK")
        before = state(tmp_path / "old")
        self.refused(copy, "was left in the middle of a write")
        assert state(tmp_path / "old") == before

    def test_a_damaged_file(self, lab: Lab) -> None:
        content = bytearray(lab.path.read_bytes())
        content[8192:-4096] = b"\xa5" * (len(content) - 12288)
        lab.path.write_bytes(content)
        with pytest.raises(ImportRefused, match="cannot be read"):
            read(lab.path)

    def test_a_file_that_ends_too_early(self, lab: Lab) -> None:
        os.truncate(lab.path, lab.path.stat().st_size // 2)
        with pytest.raises(ImportRefused, match="cannot be read"):
            read(lab.path)

    def test_rows_without_an_id_of_their_own(self, lab: Lab) -> None:
        with closing(sqlite3.connect(lab.path)) as database:
            database.execute("ALTER TABLE hosts RENAME TO old_hosts")
            database.execute("CREATE TABLE hosts AS SELECT * FROM old_hosts")
            database.execute("INSERT INTO hosts SELECT * FROM old_hosts LIMIT 1")
            database.commit()
        self.refused(lab.path, "rows without an id of their own")


def test_a_copied_table_without_its_keys_is_fine(lab: Lab) -> None:
    before = read(lab.path)
    with closing(sqlite3.connect(lab.path)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute("CREATE TABLE copy AS SELECT * FROM services ORDER BY service_name DESC")
        database.execute("DROP TABLE services")
        database.execute("ALTER TABLE copy RENAME TO Services")
        database.commit()
    assert read(lab.path).of("services") == before.of("services")
