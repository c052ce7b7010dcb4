"""`infradb import infrastructure-db`: nothing is lost, nothing bad gets in, and it can be done again at any time."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infradb.model.catalog import BY_TABLE, RECORD_TYPES
from infradb.store.database import connect
from tests.importers.legacy_lab import LAYOUTS, SECRET, build
from tests.interfaces.cli.conftest import PROGRAM, Call, own_environment

IMPORT = ("import", "infrastructure-db")


def content(place: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, except that a run was made."""
    tables = [*BY_TABLE, *(r.table for r in RECORD_TYPES if r.table != "discovery_runs")]
    with connect(place).read() as connection:
        return {t: sorted(connection.query(f"SELECT * FROM {t}"), key=repr) for t in tables}


@pytest.mark.parametrize("layout", LAYOUTS)
class TestReport:
    def test_each_row_that_was_read_became_something(self, own: Call, tmp_path: Path, layout: str) -> None:
        old = build(tmp_path / "old.db", layout=layout, dirt=True)
        report = own(*IMPORT, str(old.path), "-o", "json").json
        assert (report["layout"], report["dry_run"]) == (layout, False)
        counts = old.counts()
        assert {t: n["read"] for t, n in report["tables"].items()} == {t: counts[t] for t in report["tables"]}
        assert set(counts) == {*report["tables"], *report["ignored_tables"]}
        for numbers in report["tables"].values():
            assert numbers["read"] == numbers["imported"] + numbers["merged"] + numbers["quarantined"]
        aside = own("list", "quarantine", "source=infrastructure-db", "-o", "json").items
        assert sum(n["quarantined"] for n in report["tables"].values()) == sum(not r["field"] for r in aside)
        expected = {pair for pairs in old.expected.values() for pair in pairs}
        assert expected <= {(r["native_key"], r["field"]) for r in aside}

    def test_a_second_import_changes_nothing(self, own: Call, place: str, tmp_path: Path, layout: str) -> None:
        path = str(build(tmp_path / "old.db", layout=layout, dirt=True).path)
        first = own(*IMPORT, path, "-o", "json").json
        before = content(place)
        again = own(*IMPORT, path, "-o", "json").json
        assert content(place) == before
        assert again["tables"] == first["tables"]
        assert [again[n] for n in ("created", "updated", "retired", "revived")] == [0, 0, 0, 0]
        assert "nothing new" in own(*IMPORT, path).out

    def test_a_dry_run_leaves_nothing(self, own: Call, cli: Call, place: str, tmp_path: Path, layout: str) -> None:
        path = build(tmp_path / "old.db", layout=layout, dirt=True).path
        bytes_before, before = path.read_bytes(), content(place)
        told = own(*IMPORT, str(path), "--dry-run", "-o", "json").json
        assert content(place) == before
        none = tmp_path / "none.db"
        assert cli("--database", str(none), *IMPORT, str(path), "--dry-run").code == 0
        assert not none.exists()
        done = own(*IMPORT, str(path), "-o", "json").json
        assert {**told, "dry_run": False} == done
        assert path.read_bytes() == bytes_before
        assert sorted(p.name for p in tmp_path.glob("old*")) == ["old.db"]

    def test_no_secret_is_readable_in_any_file(self, cli: Call, tmp_path: Path, layout: str) -> None:
        path = build(tmp_path / "old.db", layout=layout, dirt=True).path
        assert SECRET.encode() in path.read_bytes()
        folder = tmp_path / "own"
        folder.mkdir()
        done = cli("--database", str(folder / "own.db"), *IMPORT, str(path))
        assert SECRET not in done.out + done.err
        assert cli("--database", str(folder / "own.db"), "export", "json", "-o", str(folder / "all.json")).code == 0
        files = list(folder.iterdir())
        assert len(files) >= 2
        assert [f.name for f in files if SECRET.encode() in f.read_bytes()] == []


def test_a_terminal_is_told_why_things_are_in_quarantine(cli: Call, tmp_path: Path) -> None:
    path = build(tmp_path / "old.db", dirt=["host_gone", "addresses"]).path
    done = cli("--database", str(tmp_path / "own.db"), *IMPORT, str(path))
    assert "in quarantine" in done.out
    (line,) = [r for r in done.lines if r.startswith("docker_volumes") and "which is gone" in r]
    assert line.split()[1] == "16", "one line for all that have one cause"


def test_what_was_mended_leaves_quarantine(own: Call, place: str, tmp_path: Path) -> None:
    old = build(tmp_path / "old.db", dirt=["host_gone", "addresses", "bad_values"])
    own(*IMPORT, str(old.path))

    def aside() -> set[tuple[str, str]]:
        return {(r["native_key"], r["field"]) for r in own("list", "quarantine", "-o", "json").items}

    before = aside()
    assert {("hosts/2", "management_ip"), ("hosts/3", "cpu_cores")} <= before
    (gone,) = {r["reason"] for r in own("list", "quarantine", "native_key~docker_volumes/", "-o", "json").items}
    number = gone.split("hosts/")[1].split(",")[0]
    with closing(sqlite3.connect(old.path)) as database:
        database.execute("UPDATE hosts SET management_ip = '10.9.0.2' WHERE id = 2")
        database.execute("UPDATE hosts SET cpu_cores = 4 WHERE id = 3")
        database.execute("INSERT INTO hosts (id, hostname, host_type) VALUES (?, 'back', 'docker_host')", (number,))
        database.commit()
    report = own(*IMPORT, str(old.path), "-o", "json").json
    after = aside()
    assert after < before
    assert not {key for key, _ in after if key.startswith(("docker_volumes/", "docker_networks/", "hosts/2"))}
    assert ("hosts/3", "cpu_cores") not in after
    assert ("hosts/3", "status") in after, "what is still wrong stays"
    assert sum(n["quarantined"] for n in report["tables"].values()) == sum(not f for _, f in after)
    assert sum(n["fields_quarantined"] for n in report["tables"].values()) == sum(bool(f) for _, f in after)
    (host,) = own("list", "hosts", "management_ip=10.9.0.2", "-o", "json").items
    assert host["id"]


class TestRefused:
    def refused(self, cli: Call, tmp_path: Path, file: str) -> str:
        own = tmp_path / "own.db"
        done = cli("--database", str(own), *IMPORT, file)
        assert done.code == 2, done
        assert "Traceback" not in done.err
        assert "→" in done.err, "what to do"
        return done.err

    def test_files_that_are_none_of_theirs_are_told_apart(self, cli: Call, tmp_path: Path, demo_file: Path) -> None:
        text, foreign, empty = tmp_path / "text.db", tmp_path / "foreign.db", tmp_path / "empty.db"
        text.write_text("host,address\n" * 1000)
        empty.write_bytes(b"")
        with closing(sqlite3.connect(foreign)) as database:
            database.execute("CREATE TABLE songs (id INTEGER PRIMARY KEY, title TEXT)")
        assert "there is no file" in self.refused(cli, tmp_path, str(tmp_path / "none.db"))
        assert "is no SQLite database" in self.refused(cli, tmp_path, str(text))
        assert "of infradb itself" in self.refused(cli, tmp_path, str(demo_file))
        for file in (foreign, empty, tmp_path):
            assert str(file) in self.refused(cli, tmp_path, str(file))
        assert foreign.read_bytes()[:6] == b"SQLite"
        assert not list(tmp_path.glob("foreign.db-*"))

    def test_a_damaged_file_leaves_the_database_as_it_was(self, own: Call, place: str, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db", scale=5).path
        before = content(place)
        data = bytearray(path.read_bytes())
        data[len(data) // 2 :] = b"\x55" * (len(data) - len(data) // 2)
        path.write_bytes(data)
        done = own(*IMPORT, str(path))
        assert done.code in (1, 2)
        assert str(path) in done.err
        assert "Traceback" not in done.err
        assert content(place) == before

    def test_a_file_that_somebody_writes_is_read_or_refused_in_words(self, own: Call, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db").path
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            other.execute("UPDATE hosts SET notes = 'being written'")
            done = own(*IMPORT, str(path))
            other.execute("ROLLBACK")
        assert done.code == 2
        assert "Traceback" not in done.err
        assert own(*IMPORT, str(path)).code == 0


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """Return the processor time that a process has used (proc(5): utime and stime are the 14th and 15th field)."""
    fields = Path("/proc", str(process.pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def interrupt(home: Path) -> Callable[[tuple[str, ...], float], tuple[int, str, float]]:
    """Runs a command, sends it Ctrl-C after so many seconds of processor time, and returns how it ended."""

    def run(arguments: tuple[str, ...], after: float) -> tuple[int, str, float]:
        used = 0.0
        with subprocess.Popen(
            [*PROGRAM, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=own_environment(home)
        ) as process:
            while process.poll() is None and used < after:
                used = processor_seconds(process)
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        return process.returncode, said, used

    return run


def test_ctrl_c_in_the_middle_leaves_what_was_there_and_it_can_be_done_again(
    spawn: Call, interrupt: Callable[[tuple[str, ...], float], tuple[int, str, float]], tmp_path: Path
) -> None:
    own, other = str(tmp_path / "own.db"), str(tmp_path / "other.db")
    small, large = (str(build(tmp_path / f"{n}.db", scale=n).path) for n in (1, 40))
    for place in (own, other):
        assert spawn("--database", place, *IMPORT, small).code == 0
    before = content(own)
    whole = interrupt(("--database", other, *IMPORT, large), 999)[2]
    for part in (0.4, 0.7):
        code, said, _ = interrupt(("--database", own, *IMPORT, large), whole * part)
        assert (code, said.strip()) == (130, "infradb: stopped; nothing was half-written")
        assert spawn("--database", own, "verify").code == 0
        assert content(own) == before
    assert spawn("--database", own, *IMPORT, large).code == 0
    assert {t: len(rows) for t, rows in content(own).items()} == {t: len(rows) for t, rows in content(other).items()}


def test_this_machine_when_it_is_discovered_is_the_host_that_was_imported(spawn: Call, tmp_path: Path) -> None:
    name = socket.gethostname()
    path = build(tmp_path / "old.db").path
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "UPDATE hosts SET hostname = ?, host_type = 'docker_host', parent_host_id = NULL, vmid = NULL,"
            " purpose = 'kept by hand' WHERE id = 1",
            (name,),
        )
        database.commit()
    own = ("--database", str(tmp_path / "own.db"))
    assert spawn(*own, *IMPORT, str(path)).code == 0
    (imported,) = spawn(*own, "list", "hosts", f"hostname={name}", "-o", "json").items
    done = spawn(*own, "discover", "local", "-o", "json")
    assert done.code in (0, 6), done.err
    (host,) = spawn(*own, "list", "hosts", f"hostname={name}", "-o", "json").items
    assert (host["id"], host["purpose"]) == (imported["id"], "kept by hand")
    assert host["machine_id_hash"] or host["kernel"]
    claims = json.loads(spawn(*own, "why", f"hosts/{name}", "-o", "json").out)["claims"]
    assert {c["source"]: c["rule"] for c in claims}["local"] == "adopted"
    assert "adopted" in spawn(*own, "why", f"hosts/{name}").out
