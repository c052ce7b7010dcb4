"""Doctor, and the commands by which people meet the care of their data."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infradb.errors import InfradbError
from infradb.interfaces.cli.main import cli
from infradb.operations import doctor
from infradb.settings import Settings
from infradb.store import holders
from infradb.store.chain import Chain, Entry, remember_head
from infradb.store.database import Database, connect
from infradb.store.schema import open_database
from tests.operations.care_lab import container, count, host, take_in


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    for name in [n for n in os.environ if n.startswith("INFRADB_") and n != "INFRADB_TEST_SHARED_FOLDER"]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("INFRADB_TEST_SHARED_FOLDER", raising=False)
    monkeypatch.setenv("INFRADB_CONFIG", str(tmp_path / "infradb.toml"))
    opened = open_database(str(tmp_path / "a.db"), create=True)
    take_in(opened, [host(notes="correct-horse"), container("web")])
    return opened


def examined(url: str) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(url, Settings())}


class TestDoctor:
    def test_a_healthy_installation_is_ok(self, database: Database) -> None:
        found = examined(database.url)
        assert {n: c.state for n, c in found.items() if c.state == "bad"} == {}
        assert {
            "program",
            "settings",
            "docker",
            "space",
            "rights",
            "database",
            "writer",
            "history",
            "source lab",
        } <= set(found)
        assert found["source lab"].state == "ok"
        assert "the chain holds" in found["history"].found

    def test_so_is_one_on_postgresql_and_its_password_is_not_shown(self, fresh_postgresql: str) -> None:
        take_in(open_database(fresh_postgresql, create=True), [host()])
        found = examined(fresh_postgresql)
        assert found["database"].state == "ok"
        assert fresh_postgresql.split(":")[2].split("@")[0] not in found["database"].found

    def test_the_process_that_writes_is_named(self, database: Database, tmp_path: Path) -> None:
        script = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
            " c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.readline()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "a.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            other.stdout.readline()
            writer = examined(database.url)["writer"]
            other.stdin.close()
        assert writer.state == "warn"
        assert f"(pid {other.pid})" in writer.found

    def test_a_session_that_writes_is_named(self, fresh_postgresql: str) -> None:
        database = open_database(fresh_postgresql, create=True)
        with database.write():
            assert len(holders.postgresql(connect(fresh_postgresql))) == 1
            assert examined(fresh_postgresql)["writer"].state == "warn"

    @pytest.mark.parametrize(
        ("spoil", "name", "state"),
        [
            (lambda path: path.write_bytes(b"no database at all"), "database", "bad"),
            (lambda path: path.write_bytes(path.read_bytes()[:50_000]), "database", "bad"),
            (lambda path: path.unlink(), "database", "bad"),
            (lambda path: path.chmod(0o644), "privacy", "warn"),
        ],
    )
    def test_what_is_wrong_is_said_with_what_to_do(
        self, database: Database, tmp_path: Path, spoil: Callable[[Path], object], name: str, state: str
    ) -> None:
        spoil(tmp_path / "a.db")
        found = examined(database.url)[name]
        assert found.state == state
        assert found.hint

    def test_a_forged_history_is_bad(self, database: Database) -> None:
        with database.write() as connection:
            connection.execute("UPDATE infrastructure_changes SET new_values = '{}' WHERE position = 2")
        found = examined(database.url)["history"]
        assert found.state == "bad"
        assert "position 2" in found.found

    def test_a_source_that_failed_or_rests_is_a_warning(self, database: Database) -> None:
        with database.write() as connection:
            connection.execute("UPDATE discovery_runs SET status = 'partial', errors = '[\"no rights\"]'")
        found = examined(database.url)["source lab"]
        assert (found.state, "no rights" in found.found) == ("warn", True)
        assert "infradb sources doctor lab" in found.hint
        with database.write() as connection:
            connection.execute("UPDATE discovery_runs SET status = 'complete', started_at = '2020-01-01T00:00:00.000Z'")
        assert "infradb up" in examined(database.url)["source lab"].hint

    def test_an_engine_that_does_not_answer_is_a_warning(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind("dead.sock")
        for name in ("dead.sock", "none.sock"):
            monkeypatch.setenv("DOCKER_HOST", f"unix://{name}")
            assert examined(database.url)["docker"].state == "warn"


class TestCommands:
    def run(self, database: Database, *arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["--database", database.url, *arguments], input=typed, standalone_mode=False)

    def test_prune_says_what_it_would_do_and_does_it(self, database: Database) -> None:
        with database.write() as connection:
            # Behind the clock of the lab's own changes nothing can be recorded: this one is imported.
            chain = Chain(connection, "2026-01-01T00:00:00.000Z")
            chain.append(
                [Entry("update", "hosts", None, None, "{}", change_timestamp="2001-01-01T00:00:00.000Z", imported_id=1)]
            )
            remember_head(connection, chain)
            run = connection.query("SELECT id, source_id FROM discovery_runs")[0]
            names = ("id", "source_id", "started_at", "finished_at", "status", "scopes")
            at = "2020-01-01T00:00:00.000Z"
            connection.insert_many(
                "discovery_runs", names, [(n, run[1], at, at, "complete", "{}") for n in range(2, 90)]
            )
        dry = self.run(database, "prune", "--dry-run", "--output", "json")
        assert json.loads(dry.stdout) | {"before": {}} == {
            "dry_run": True,
            "removed": {"discovery_runs": 38},
            "before": {},
            "spared": 1,
        }
        done = self.run(database, "prune")
        assert ["discovery_runs", "38"] in [line.split()[:2] for line in done.stdout.splitlines()]
        assert "1 imported changes" in done.stderr
        assert "nothing is past its retention" in self.run(database, "prune").stderr

    def test_redact_asks_for_the_secret(self, database: Database) -> None:
        asked = self.run(database, "redact", typed="correct-horse\n")
        assert asked.exception is None
        assert "correct-horse" not in asked.output
        assert "mend it where it is said" in asked.stderr
        assert count(database, "hosts", "notes = '***'") == 1

    def test_redact_warns_where_the_secret_was_an_argument(self, database: Database) -> None:
        said = self.run(database, "redact", "correct-horse", "--output", "json")
        assert "shell's history" in said.stderr
        assert json.loads(said.stdout)["tables"]["hosts"] == 1

    def test_verify_backup_restore_and_doctor(self, database: Database, tmp_path: Path) -> None:
        assert "a chain of" in self.run(database, "verify").stdout
        assert json.loads(self.run(database, "verify", "-o", "json").stdout)["ok"] is True
        self.run(database, "backup", str(tmp_path / "copy"))
        take_in(database, [host("later")], status="partial")
        assert "kept" not in self.run(database, "restore", str(tmp_path / "copy")).stderr
        assert count(database, "hosts") == 1
        examined = self.run(database, "doctor", "--output", "json")
        assert examined.return_value == 0
        assert {c["name"] for c in json.loads(examined.stdout)} >= {"database", "history"}
        with sqlite3.connect(tmp_path / "a.db") as raw:
            raw.execute("UPDATE infrastructure_changes SET reason = 'forged'")
        raw.close()
        assert isinstance(self.run(database, "verify").exception, InfradbError)
        assert self.run(database, "doctor").return_value == 1

    def test_the_program_itself_ends_with_the_exit_code(self, database: Database, tmp_path: Path) -> None:
        program = [
            sys.executable,
            "-c",
            "from infradb.interfaces.cli.main import main; main()",
            "--database",
            database.url,
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

        def code(*arguments: str) -> int:
            return subprocess.run([*program, *arguments], env=environment, capture_output=True, check=False).returncode

        assert code("verify") == 0
        assert code("doctor") == 0
        assert code("restore", str(tmp_path / "none")) == 3
        with database.write() as connection:
            connection.execute("DELETE FROM infrastructure_changes WHERE position = 1")
        assert code("verify") == 1
        assert code("doctor") == 1
