"""`infradb sql` and `search`: any question, and nothing but questions."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import PROGRAM, Call, own_environment

COUNT = "SELECT count(*) FROM hosts"


@pytest.mark.parametrize(
    "question",
    [
        COUNT,
        "select(23)",
        "  SELECT 23 ;  ",
        "/* how many */ SELECT 23",
        "WITH h AS (SELECT * FROM hosts) SELECT count(*) FROM h",
        "VALUES (23)",
    ],
)
def test_any_question_is_answered(labs: Call, question: str) -> None:
    done = labs("sql", question, "-o", "csv")
    assert (done.code, done.lines[1:]) == (0, ["23"]), done.err


def test_a_question_comes_from_standard_input(lab: Call) -> None:
    assert lab("sql", given=f"-- how many\n{COUNT}").lines[1].strip() == "23"
    assert lab("sql", "-", given=COUNT).lines[1].strip() == "23"


@pytest.mark.parametrize("explain", ["EXPLAIN SELECT * FROM hosts"])
def test_it_may_be_asked_how_a_question_is_answered(labs: Call, explain: str) -> None:
    done = labs("sql", explain)
    assert done.code == 0
    assert done.out


def test_signs_of_other_meanings_are_left_alone(labs: Call) -> None:
    assert labs("sql", "SELECT '50%' AS a, 'why?' AS b, '%s' AS c", "-o", "csv").lines == ["a,b,c", "50%,why?,%s"]


def test_columns_of_one_name_are_told_apart(lab: Call) -> None:
    assert lab("sql", "SELECT 1 AS a, 2 AS a, 3 AS b", "-o", "csv").lines == ["a:1,a:2,b", "1,2,3"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hosts",
        "INSERT INTO sites (id, name) VALUES (1, 'x')",
        "UPDATE hosts SET hostname = 'x'",
        "DROP TABLE hosts",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "ATTACH 'other.db' AS other",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "WITH gone AS (SELECT 1) DELETE FROM hosts",
        "SELECT 1; DELETE FROM hosts",
        "SELECT 1; COMMIT; DELETE FROM hosts",
        "EXPLAIN ANALYZE DELETE FROM hosts",
        "SELECT * INTO copy FROM hosts",
        "",
        "--",
        "selectx",
    ],
)
def test_what_would_write_is_refused(labs: Call, statement: str) -> None:
    done = labs("sql", "--", statement)
    assert done.code == 2, done
    assert "Traceback" not in done.err
    assert labs("sql", COUNT, "-o", "csv").lines[1] == "23"


def test_a_statement_that_writes_in_a_question_is_refused_with_what_to_do(labs: Call, demo_place: str) -> None:
    question = "WITH gone AS (DELETE FROM hosts RETURNING id) SELECT * FROM gone"
    if not demo_place.startswith("postgresql"):
        question = "WITH gone AS (SELECT 1) DELETE FROM hosts"
    done = labs("sql", question)
    assert done.code == 2
    assert "would write" in done.err
    assert "infradb set" in done.err.replace("`set`", "infradb set")


def test_a_mistake_in_sql_says_where_the_tables_are(labs: Call) -> None:
    for wrong in ("SELECT nosuch FROM hosts", "SELECT * FROM nosuch", "SELECT FROM WHERE"):
        done = labs("sql", wrong)
        assert done.code == 2
        assert "infradb erd" in done.err


def test_nothing_is_made_where_a_question_names_a_file(lab: Call, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert lab("sql", f"ATTACH '{tmp_path}/x.db' AS x").code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_ctrl_c_ends_a_question_that_never_ends(demo_file: Path, home: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    command = [*PROGRAM, "--database", str(demo_file), "sql", endless]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=own_environment(home)) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said


class TestSearch:
    def test_has_names_first_and_the_kinds_that_people_ask_for(self, labs: Call) -> None:
        found = labs("search", "NAS", "-o", "json").json
        assert (found[0]["kind"], found[0]["name"]) == ("hosts", "nas")
        assert [f["name"] for f in found[:2]] == ["nas", "old-nas"]
        assert {f["field"] for f in found[:3]} <= {"hostname", "service_name"}

    def test_finds_the_exact_name_among_many_that_have_it(self, labs: Call) -> None:
        (found,) = labs("search", "nas", "--limit", "1", "-o", "json").json
        assert found["name"] == "nas"

    def test_looks_into_labels_and_tags(self, labs: Call) -> None:
        assert {"docker1"} == {f["name"] for f in labs("search", '"apps"', "-o", "json").json if f["kind"] == "hosts"}
        found = labs("search", "traefik.http.routers.actual", "-o", "json").json
        assert found[0]["name"] == "docker1/actual"
        assert "traefik.http.routers.actual" in found[0]["value"], "the part that has it"

    def test_signs_of_like_are_plain_text(self, labs: Call) -> None:
        assert labs("search", "%%%", "-o", "json").json == []
        assert labs("search", "a_c_e", "-o", "json").json == []

    def test_nothing_found_and_nothing_asked(self, lab: Call) -> None:
        done = lab("search", "no such thing anywhere")
        assert (done.code, done.out) == (0, "")
        assert "nothing has" in done.err
        assert lab("search", " ").code == 2
