"""At a terminal: tables that fit, colour, progress, completion; and databases that cannot be used."""

from __future__ import annotations

import os
import pty
import sqlite3
import struct
import subprocess
import termios
from collections.abc import Callable
from contextlib import closing
from fcntl import ioctl
from pathlib import Path

import pytest

from infradb.interfaces.cli.layout import aligned, cut, fitted, width
from tests.importers.legacy_lab import build
from tests.interfaces.cli.conftest import PROGRAM, Call, own_environment


@pytest.fixture
def at_terminal(home: Path) -> Callable[..., str]:
    """Calls the command at a terminal of so many columns and returns what it writes there."""

    def run(columns: int, *arguments: str) -> str:
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = {n: v for n, v in own_environment(home).items() if n not in ("COLUMNS", "LINES", "NO_COLOR")}
        with subprocess.Popen(
            [*PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm"}
        ) as process:
            os.close(theirs)
            said = b""
            while True:
                try:
                    said += (part := os.read(ours, 65536))
                except OSError:
                    break
                if not part:
                    break
            process.wait()
        os.close(ours)
        return said.decode().replace("\r\n", "\n")

    return run


def bare(line: str) -> str:
    return line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")


class TestTable:
    def test_fits_and_says_what_it_left_out(self, at_terminal: Callable[..., str], demo_file: Path) -> None:
        said = at_terminal(80, "--database", str(demo_file), "list", "host-inventory").splitlines()
        *table, left_out = map(bare, said)
        assert max(map(width, table)) <= 80
        assert table[0].startswith("id  hostname")
        assert left_out.startswith("left out: ")
        assert "ram_percent" in left_out
        assert "owner" not in left_out, "an empty column is not missed"
        assert said[0].startswith("\x1b[1m")

    def test_of_chosen_columns_leaves_nothing_out(self, at_terminal: Callable[..., str], demo_file: Path) -> None:
        said = at_terminal(60, "--database", str(demo_file), "list", "hosts", "--columns", "all", "--limit", "2")
        assert "left out" not in said
        assert "serial_number" in said
        assert max(map(width, map(bare, said.splitlines()))) <= 60

    def test_lines_are_cut_and_never_broken(self) -> None:
        rows = [["1", "a" * 50, "b"], ["22", "c", ""]]
        lines, left_out = fitted(["n", "text", "last"], rows, [True, False, False], 30, keep=False)
        assert (max(map(len, lines)), left_out) == (30, [])
        assert lines[1] == " 1  " + "a" * 19 + "…  b"
        assert aligned(["n"], [["1"], ["22"]], [True]) == [" n", " 1", "22"]
        assert cut("日本語", 5) == "日本…"
        assert width("日本語") == 6


def test_an_import_shows_its_progress(at_terminal: Callable[..., str], tmp_path: Path) -> None:
    old = build(tmp_path / "old.db", scale=5).path
    said = at_terminal(100, "--database", str(tmp_path / "own.db"), "import", "infrastructure-db", str(old))
    assert "\rdocker_containers: " in said


def test_the_shell_completes_commands_and_kinds(home: Path) -> None:
    def completed(words: str, number: int) -> set[str]:
        environment = {"_INFRADB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        done = subprocess.run(
            PROGRAM, capture_output=True, text=True, check=False, env={**own_environment(home), **environment}
        )
        return {line.partition(",")[2] for line in done.stdout.splitlines()}

    assert completed("infradb li", 1) == {"list"}
    assert {"containers", "container"} <= completed("infradb list cont", 2)
    assert "docker-containers" in completed("infradb list docker-c", 2)
    assert "docker_containers" in completed("infradb list docker_c", 2)


class TestDatabase:
    """One that cannot be used: what is wrong and what to do, and the exit code."""

    def test_that_is_missing(self, cli: Call, tmp_path: Path) -> None:
        done = cli("--database", str(tmp_path / "none.db"), "list")
        assert done.code == 3
        assert "there is no database at" in done.err
        assert "infradb discover" in done.err
        assert not (tmp_path / "none.db").exists()

    def test_that_is_somebody_elses(self, cli: Call, tmp_path: Path) -> None:
        file = tmp_path / "songs.db"
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE songs (title TEXT)")
        before = file.read_bytes()
        for command in (("list",), ("add", "hosts", "hostname=x"), ("discover", "local")):
            done = cli("--database", str(file), *command)
            assert (done.code, "tables of somebody else: songs" in done.err) == (1, True), done
        assert file.read_bytes() == before

    def test_that_is_no_database_at_all(self, cli: Call, tmp_path: Path) -> None:
        file = tmp_path / "text.db"
        file.write_text("hello " * 100)
        done = cli("--database", str(file), "list")
        assert done.code == 1
        assert str(file) in done.err
        assert "→" in done.err

    def test_that_a_newer_infradb_made(self, cli: Call, tmp_path: Path, demo_file: Path) -> None:
        file = tmp_path / "newer.db"
        file.write_bytes(demo_file.read_bytes())
        with closing(sqlite3.connect(file)) as database:
            (table,) = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'alembic%'")]
            database.execute(f"UPDATE {table} SET version_num = '9999'")
            database.commit()
        done = cli("--database", str(file), "list")
        assert done.code == 1
        assert "newer" in done.err
        assert "upgrade infradb" in done.err

    def test_that_another_process_writes(
        self, cli: Call, tmp_path: Path, demo_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("infradb.store.database.WRITER_WAIT_SECONDS", 0.2)
        monkeypatch.setattr("infradb.store.database.connect.__kwdefaults__", {"wait_seconds": 0.2})
        file = tmp_path / "locked.db"
        file.write_bytes(demo_file.read_bytes())
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode = WAL")
            other.execute("BEGIN IMMEDIATE")
            done = cli("--database", str(file), "set", "pve1", "owner=ann")
            assert done.code == 1
            assert "being written by another process" in done.err
            assert "wait for the other infradb" in done.err
            assert cli("--database", str(file), "list", "hosts").code == 0, "readers never wait"

    def test_that_a_variable_or_a_settings_file_names(
        self, cli: Call, home: Path, demo_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = home / "config" / "infradb" / "infradb.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'database = "{demo_file}"\n')
        assert len(cli("list", "hosts", "-o", "json").items) == 23
        monkeypatch.setenv("INFRADB_DATABASE", str(home / "none.db"))
        assert cli("list", "hosts").code == 3
        assert cli("--database", f"sqlite:///{demo_file}", "list", "hosts").code == 0
        monkeypatch.setenv("INFRADB_NOSUCH", "1")
        done = cli("list", "hosts")
        assert (done.code, "nosuch" in done.err) == (2, True)
