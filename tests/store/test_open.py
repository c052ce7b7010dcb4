"""What is no database of ours is refused in words, and left as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infradb.errors import (
    DatabaseForeign,
    DatabaseLocked,
    DatabaseMissing,
    InfradbError,
    SettingsError,
    StoreError,
)
from infradb.store import schema
from infradb.store.database import connect
from infradb.store.schema import open_database
from tests.peers import missing

NOBODY = 65534


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("hosts: [pve1]\n" * 50)


def empty(path: Path) -> None:
    path.touch()


def sqlite(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with sqlite3.connect(path) as raw:
            for statement in statements:
                raw.execute(statement)
        raw.close()

    return make


def without_version(path: Path) -> None:
    open_database(str(path), create=True)
    sqlite("DELETE FROM alembic_version")(path)


def cut_off(path: Path) -> None:
    open_database(str(path), create=True)
    path.write_bytes(path.read_bytes()[:10_000])


def head_only(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xa5" * 8000)


class TestRefused:
    @pytest.mark.parametrize("create", [False, True])
    @pytest.mark.parametrize(
        ("make", "error", "said"),
        [
            (folder, DatabaseForeign, "is a folder"),
            (text, DatabaseForeign, "is no SQLite database"),
            (sqlite("CREATE TABLE bookmarks (id)"), DatabaseForeign, "somebody else: bookmarks"),
            (
                sqlite("CREATE TABLE hosts (id)", "CREATE TABLE docker_containers (id)"),
                DatabaseForeign,
                "old infrastructure database",
            ),
            (sqlite("PRAGMA application_id = 42", "CREATE TABLE a (b)"), DatabaseForeign, "another application"),
            (without_version, StoreError, "does not say its version"),
            (cut_off, StoreError, "damaged"),
            (head_only, StoreError, "another application|damaged"),
        ],
    )
    def test_a_file_that_is_none_of_ours(
        self, tmp_path: Path, make: Callable[[Path], None], error: type[InfradbError], said: str, create: bool
    ) -> None:
        path = tmp_path / "a.db"
        make(path)
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(error, match=said) as caught:
            open_database(str(path), create=create)
        assert caught.value.hint
        assert (path.read_bytes() if path.is_file() else b"") == before

    def test_a_foreign_postgresql_database(self, fresh_postgresql: str) -> None:
        with connect(fresh_postgresql).write() as connection:
            connection.script("CREATE TABLE bookmarks (id INT);\n")
        with pytest.raises(DatabaseForeign, match="bookmarks"):
            open_database(fresh_postgresql, create=True)

    @pytest.mark.parametrize("url", ["{}/nowhere.db", "{}/no/folder.db"])
    def test_a_missing_one(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(DatabaseMissing):
            open_database(url.format(tmp_path))
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_one_unless_it_is_to_be_made(self, tmp_path: Path, fresh_postgresql: str) -> None:
        for url in (str(tmp_path / "a.db"), fresh_postgresql):
            (tmp_path / "a.db").touch()
            with pytest.raises((DatabaseMissing, DatabaseForeign)):
                open_database(url)
            assert open_database(url, create=True).size_bytes() > 100_000

    def test_a_server_that_is_not_there(self) -> None:
        with pytest.raises(DatabaseMissing, match="no connection"):
            open_database("postgresql://nobody@127.0.0.1:1/nothing")

    def test_another_engine(self) -> None:
        with pytest.raises(SettingsError, match="mysql"):
            open_database("mysql://root@localhost/infra")


AS_NOBODY = """
import os, sys
from infradb.errors import InfradbError
from infradb.store import apply, migrate, postgresql, schema
os.setresgid({nobody}, {nobody}, {nobody}); os.setresuid({nobody}, {nobody}, {nobody})
try:
    database = schema.open_database(sys.argv[1], create={create})
    with database.write() as connection:
        connection.execute("INSERT INTO infradb_meta (name, value) VALUES ('a', 'b')")
except InfradbError as error:
    print(f"{{type(error).__name__}}: {{error}} -> {{error.hint}}")
"""


class TestRights:
    """A user who may not: tried as one, because root may everything."""

    @pytest.fixture(autouse=True)
    def root(self) -> None:
        if os.geteuid() != 0:
            missing("nobody", "only root may become nobody")

    def said(self, path: Path, create: bool = False) -> str:
        for parent in path.parents:
            if parent != Path("/") and parent.stat().st_uid == 0 and not parent.stat().st_mode & stat.S_IXOTH:
                parent.chmod(parent.stat().st_mode | 0o011)
        script = AS_NOBODY.format(nobody=NOBODY, create=create)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=environment, check=False
        )
        assert done.stderr == ""
        return done.stdout

    def test_a_file_that_one_may_not_read(self, tmp_path: Path) -> None:
        open_database(str(tmp_path / "a.db"), create=True)
        assert self.said(tmp_path / "a.db").startswith("StoreError:")
        assert "who owns it" in self.said(tmp_path / "a.db")

    def test_a_file_that_one_may_only_read(self, tmp_path: Path) -> None:
        open_database(str(tmp_path / "a.db"), create=True)
        (tmp_path / "a.db").chmod(0o644)
        said = self.said(tmp_path / "a.db")
        assert said.startswith("StoreError:")
        assert "check" in said

    def test_a_folder_in_which_one_may_not_write(self, tmp_path: Path) -> None:
        said = self.said(tmp_path / "a.db", create=True)
        assert "cannot be made" in said
        assert "--database" in said
        assert not (tmp_path / "a.db").exists()

    def test_a_file_of_ones_own_in_a_folder_that_is_not(self, tmp_path: Path) -> None:
        open_database(str(tmp_path / "a.db"), create=True)
        os.chown(tmp_path / "a.db", NOBODY, NOBODY)
        said = self.said(tmp_path / "a.db")
        assert said.startswith("StoreError:")
        assert "folder" in said


class TestLocked:
    def test_a_writer_that_does_not_end_is_named_so(self, tmp_path: Path) -> None:
        open_database(str(tmp_path / "a.db"), create=True)
        database = connect(str(tmp_path / "a.db"), wait_seconds=0.1)
        with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseLocked) as caught, database.write():
                pass
            with database.read() as connection:
                assert connection.query("SELECT count(*) FROM hosts") == [(0,)], "reading goes on"
        other.close()
        assert "infradb doctor" in caught.value.hint

    def test_so_is_a_session_on_a_server(self, fresh_postgresql: str) -> None:
        open_database(fresh_postgresql, create=True)
        database = connect(fresh_postgresql, wait_seconds=0.1)
        with connect(fresh_postgresql).write(), pytest.raises(DatabaseLocked), database.write():
            pass
        with database.write() as connection:
            connection.query("SELECT 1")


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_database(str(tmp_path / "new" / "a.db"), create=True)
    assert (tmp_path / "new" / "a.db").stat().st_mode & 0o777 == 0o600


def test_opening_twice_makes_it_once(tmp_path: Path) -> None:
    for _ in range(2):
        database = open_database(str(tmp_path / "a.db"), create=True)
    with database.read() as connection:
        assert connection.query("SELECT version_num FROM alembic_version") == [(schema.HEAD,)]
