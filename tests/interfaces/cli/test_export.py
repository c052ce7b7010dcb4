"""`infradb export`, `erd` and `map`, and how output ends."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from infradb import clock
from infradb.model.catalog import BY_TABLE
from tests.interfaces.cli.conftest import PROGRAM, Call, own_environment


class TestExport:
    def test_json_has_every_table_with_every_row(self, labs: Call) -> None:
        whole = labs("export", "json").json
        assert list(whole) == list(BY_TABLE)
        counts = {r["kind"]: r["count"] for r in labs("list", "-o", "json").json}
        assert {t: len(rows) for t, rows in whole.items()} == counts
        assert {r["docker_host"] for r in whole["docker_containers"]} >= {"docker1", "docker2"}

    def test_json_of_some_kinds_and_of_a_time(self, labs: Call) -> None:
        assert list(labs("export", "json", "hosts", "ips").json) == ["hosts", "ip_addresses"]
        assert len(labs("export", "json", "hosts", "--as-of", clock.now()).json["hosts"]) == 23
        assert labs("export", "json", "hosts", "--as-of", "2001-01-01").json == {"hosts": []}

    def test_csv_is_one_table(self, labs: Call) -> None:
        rows = list(csv.DictReader(io.StringIO(labs("export", "csv", "containers").out)))
        assert len(rows) == 80
        assert {r["docker_host"] for r in rows} >= {"docker1"}
        assert labs("export", "csv").code == labs("export", "csv", "hosts", "ips").code == 2

    def test_zip_has_every_table(self, labs: Call, tmp_path: Path) -> None:
        done = labs("export", "csv", "-o", str(tmp_path / "all.zip"))
        assert (done.code, done.out) == (0, "")
        with zipfile.ZipFile(tmp_path / "all.zip") as archive:
            assert archive.namelist() == [f"{t}.csv" for t in BY_TABLE]
            hosts = list(csv.DictReader(io.StringIO(archive.read("hosts.csv").decode())))
        assert len(hosts) == 23

    def test_no_value_becomes_a_formula_in_a_spreadsheet(self, own: Call) -> None:
        formulas = ("=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1")
        for n, formula in enumerate(formulas):
            assert own("add", "hosts", f"hostname=h{n}", f"notes={formula}", "cpu_cores=4").code == 0
        rows = csv.DictReader(io.StringIO(own("export", "csv", "hosts").out))
        assert [r["notes"] for r in rows] == [f"'{f}" for f in formulas]
        assert own("list", "hosts", "--columns", "notes", "-o", "csv").lines[1:] == list(formulas)

    def test_mistakes_are_told(self, lab: Call, tmp_path: Path) -> None:
        assert lab("export", "xlsx").code == 2
        assert lab("export", "json", "nosuch").code == 2
        assert lab("export", "json", "users").code == 2
        for file in ("none/x.json", "none/x.zip"):
            done = lab("export", "json" if file.endswith("json") else "csv", "-o", str(tmp_path / file))
            assert done.code == 2
            assert "cannot be written" in done.err


class TestDrawings:
    @pytest.mark.parametrize(
        ("form", "start"), [("ascii", ""), ("mermaid", "erDiagram"), ("dot", "digraph"), ("svg", "<svg")]
    )
    def test_erd_has_every_table_in_every_form(self, labs: Call, form: str, start: str) -> None:
        done = labs("erd", "--format", form)
        assert done.code == 0
        assert done.out.lstrip().startswith(start) or start in done.out[:200]
        assert all(table in done.out for table in BY_TABLE)
        if form == "svg":
            ET.fromstring(done.out)

    def test_erd_goes_into_a_file(self, lab: Call, tmp_path: Path) -> None:
        done = lab("erd", "--format", "svg", "-o", str(tmp_path / "erd.svg"))
        assert (done.code, done.out) == (0, "")
        assert "wrote" in done.err
        ET.parse(tmp_path / "erd.svg")
        assert lab("erd", "-o", str(tmp_path)).code == 2

    def test_map_is_a_picture_of_the_hosts_now_and_then(self, labs: Call) -> None:
        now = labs("map").out
        ET.fromstring(now)
        assert "docker1" in now
        then = labs("map", "--as-of", "2001-01-01").out
        ET.fromstring(then)
        assert "docker1" not in then


class TestOutput:
    """How a program of its own writes, and ends."""

    def run(self, home: Path, file: Path, *arguments: str, shell: str) -> subprocess.CompletedProcess[str]:
        command = " ".join(["exec", '"$@"', shell])
        return subprocess.run(
            ["bash", "-c", command, "bash", *PROGRAM, "--database", str(file), *arguments],
            capture_output=True, text=True, check=False, env=own_environment(home),
        )  # fmt: skip

    def test_in_a_pipe_has_no_colour(self, spawn: Call, demo_file: Path) -> None:
        for arguments in (("list", "hosts"), ("show", "pve1"), ("why", "pve1"), ("changes",), ("sources", "list")):
            done = spawn("--database", str(demo_file), *arguments)
            assert (done.code, done.err) == (0, "")
            assert "\x1b" not in done.out

    def test_a_reader_that_has_seen_enough_ends_it_silently(self, demo_file: Path, home: Path) -> None:
        script = '"$@" | head -1; exit ${PIPESTATUS[0]}'
        for arguments in (("export", "json"), ("list", "containers"), ("changes", "--limit", "9999"), ("erd",)):
            done = subprocess.run(
                ["bash", "-c", script, "bash", *PROGRAM, "--database", str(demo_file), *arguments],
                capture_output=True, text=True, check=False, env=own_environment(home),
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, ""), arguments
            assert done.stdout.count("\n") == 1

    def test_a_full_disk_behind_it_is_said(self, demo_file: Path, home: Path) -> None:
        done = self.run(home, demo_file, "list", "hosts", shell=">/dev/full")
        assert done.returncode == 1
        assert done.stderr == "infradb: the output could not be written: No space left on device\n"

    def test_a_closed_one_is_said(self, demo_file: Path, home: Path) -> None:
        done = self.run(home, demo_file, "list", "hosts", shell=">&-")
        assert done.returncode == 1
        assert "standard output is closed" in done.stderr
        assert "Traceback" not in done.stderr

    def test_what_could_move_the_cursor_is_written_as_text(self, own: Call) -> None:
        assert own("add", "hosts", "hostname=x", "notes=\x1b[2Jgone\nand more").code == 0
        for arguments in (("list", "hosts", "--columns", "notes"), ("show", "x")):
            assert "\x1b" not in own(*arguments).out
        assert own("list", "hosts", "-o", "json").items[0]["notes"] == "\x1b[2Jgone\nand more"
        assert json.loads(own("export", "json", "hosts").out)["hosts"][0]["notes"] == "\x1b[2Jgone\nand more"
