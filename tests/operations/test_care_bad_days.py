"""What a database has to live through: a full disk, a killed process, two writers at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from infradb.model.catalog import ENTITY_TYPES
from infradb.observation import Answer
from infradb.operations import care
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.operations.bad_day import lab
from tests.operations.care_lab import count, host, take_in
from tests.peers import REPOSITORY, missing

WORK = [sys.executable, "-m", "tests.operations.bad_day"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)])}
MOMENT = {"created_at", "updated_at", "retired_at"}


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def state(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every entity and every claim, without the times at which they came."""
    result: dict[str, list[tuple[object, ...]]] = {}
    with database.read() as connection:
        for t in ENTITY_TYPES:
            names = ["id", *(n for n in t.fields if n not in MOMENT)]
            result[t.table] = connection.query(f"SELECT {', '.join(names)} FROM {t.table} ORDER BY id")
        claims = connection.query("SELECT native_key, entity_id, digest, said FROM claims ORDER BY native_key")
        result["claims"] = [(key, id_, digest, orjson.loads(said)) for key, id_, digest, said in claims]
        result["changes"] = connection.query(
            "SELECT change_type, entity_type, count(*) FROM infrastructure_changes GROUP BY 1, 2 ORDER BY 1, 2"
        )
    return result


class TestFullDisk:
    def on_small_disk(self, size: str, commands: str) -> tuple[str, str, int]:
        """What commands say that work in `$d`, a small disk of their own."""
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            missing("mount", "only root can mount a small disk")
        made = (
            'd=$(mktemp -d); trap \'umount "$d"; rmdir "$d"\' EXIT;'
            f' mount -t tmpfs -o size={size} tmpfs "$d" || exit 42;'
        )
        with start(["unshare", "--mount", "sh", "-c", f"{made} {commands}"]) as process:
            said, errors = process.communicate(timeout=120)
        if process.returncode == 42:
            missing("mount", errors.strip())
        return said, errors, process.returncode

    def test_nothing_is_half_written_and_the_error_says_what_to_do(self) -> None:
        work = f'{WORK[0]} -m {WORK[2]} "$d/a.db"'
        said, errors, code = self.on_small_disk("6m", f"{work} 50 1 || exit 1; {work} 4000 2")
        assert code == 0, errors
        assert "DatabaseFull" in said
        assert "free some space" in said
        verified = [line for line in said.splitlines() if line.startswith("verified")]
        assert len(verified) == 2
        assert verified[0] == verified[1], "what was there before is intact"
        assert said.count("done 0") == 1

    def test_a_disk_on_which_not_even_the_schema_fits(self) -> None:
        script = (
            f'd=$(mktemp -d); mount -t tmpfs -o size=64k tmpfs "$d" || exit 42; {WORK[0]} -m {WORK[2]} "$d/a.db" 1 1'
        )
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            missing("mount", "only root can mount a small disk")
        with start(["unshare", "--mount", "sh", "-c", script]) as process:
            _, errors = process.communicate(timeout=60)
        if process.returncode == 42:
            missing("mount", "no right to mount a small disk")
        assert "DatabaseFull" in errors


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_ended_at_any_moment_leaves_a_whole_database(tmp_path: Path, how: signal.Signals) -> None:
    chance = random.Random(int(how))
    expected = open_database(str(tmp_path / "expected.db"), create=True)
    for version in range(3):
        take_in(expected, lab(150, version))
    path = tmp_path / "a.db"
    with start([*WORK, str(tmp_path / "undisturbed.db"), "150", "3"]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        process.communicate(timeout=60)
    length = time.monotonic() - began
    ended_within = 0
    for _ in range(10):
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        with start([*WORK, str(path), "150", "3"]) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.7) * length)
            process.send_signal(how)
            process.communicate(timeout=60)
        ended_within += process.returncode != 0
        database = open_database(str(path), create=True)
        care.verify_all(database)
        runs = count(database, "discovery_runs")
        assert runs <= 3
        assert count(database, "hosts") in (0, 151), "a run is there wholly or not at all"
        for version in range(max(runs - 1, 0), 3):  # the last one again: a rerun of what is known changes nothing
            take_in(database, lab(150, version))
        assert state(database) == state(expected)
        care.verify_all(database)
    assert ended_within >= 5


def test_ctrl_c_in_the_middle_of_a_run_undoes_it(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "a.db"), create=True)
    take_in(database, [host("before")])
    before = state(database)

    def interrupted() -> list[Answer]:
        raise KeyboardInterrupt

    broken = Answer("host/late", 1, interrupted)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        take_in(database, [host("one"), host("two"), broken])
    assert state(database) == before
    care.verify_all(database)
    take_in(database, [host("before"), host("one")])
    assert count(database, "hosts") == 2


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_processes_that_write_at_once_make_nothing_twice(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = request.getfixturevalue("fresh_postgresql") if engine == "postgresql" else str(tmp_path / "a.db")
    # Not even the schema is there before.
    processes = [start([*WORK, url, "40", "4", name]) for name in ("lab", "lab", "other")]
    for process in processes:
        with process:
            said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert errors == ""
        assert "done 3" in said
    database = open_database(url)
    care.verify_all(database)
    assert count(database, "discovery_runs") == 12
    with database.read() as connection:
        for names, table in (
            ("native_key, scope_id", "claims"),
            ("docker_host_id, container_name", "docker_containers"),
        ):
            assert connection.query(f"SELECT {names} FROM {table} GROUP BY {names} HAVING count(*) > 1") == []
        made = connection.query("SELECT count(*) FROM infrastructure_changes WHERE change_type = 'create'")[0][0]
        assert made == connection.query("SELECT count(*) FROM entities")[0][0]
