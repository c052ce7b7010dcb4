"""`infradb findings` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infradb.generate.rules import rules_reference
from infradb.operations import findings
from infradb.operations.databases import open_database
from tests.quality import plants
from tests.quality.lab import Lab

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def own(tmp_path: Path) -> Lab:
    """The lab in a file of its own."""
    return Lab(open_database(str(tmp_path / "lab.db"), create=True))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Calls `infradb findings`."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = "from infradb.interfaces.cli.main import main; main()"
        path = str(tmp_path / "lab.db")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("INFRADB_")}
        environment["INFRADB_CONFIG"] = str(tmp_path / "none.toml")
        return subprocess.run(
            [sys.executable, "-c", program, "--database", path, "findings", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    return call


def test_a_clean_lab_says_no_findings(own: Lab, run: Run) -> None:
    done = run("--fail-on", "info")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no findings\n")


def test_the_list_asks_the_rules_first_and_tells_the_exit_code(own: Lab, run: Run) -> None:
    plants.image_latest(own)
    plants.container_unhealthy(own)
    done = run()
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].split() == ["id", "severity", "rule", "what", "summary", "since"]
    assert [line.split()[1] for line in lines[1:]] == ["high", "low"]
    assert "docker1/web is unhealthy" in lines[1]
    assert done.stderr == "1 high, 1 low\n"
    assert run("--fail-on", "critical").returncode == 0
    assert run("--fail-on", "high").returncode == 5
    assert run("--fail-on", "low", "--rule", "image-latest", "--severity", "high").stdout == ""
    assert run("--rule", "no-such-rule").returncode == 3


def test_a_waiver_is_given_shown_and_taken_back(own: Lab, run: Run) -> None:
    plants.container_unhealthy(own)
    (found,) = json.loads(run("--output", "json").stdout)
    number = str(found["id"])
    assert (found["rule"], found["what"], found["severity"]) == ("container-unhealthy", "docker1/web", "high")
    waived = run("waive", number, "--expires", "30d", "--reason", "known")
    assert waived.returncode == 0
    assert "is waived until" in waived.stdout
    assert run("--fail-on", "info").returncode == 0
    assert json.loads(run("--output", "json", "--all").stdout)[0]["waived_reason"] == "known"
    assert "known" in run("explain", number).stdout
    assert run("unwaive", number).returncode == 0
    assert run("--fail-on", "high").returncode == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("waive", "1", "--expires", "someday", "--reason", "x"), 2),
        (("waive", "1", "--expires", "2020-01-01", "--reason", "x"), 2),
        (("waive", "1", "--expires", "30d"), 2),
        (("waive", "999", "--expires", "30d", "--reason", "x"), 3),
        (("unwaive", "1"), 4),
        (("explain", "999"), 3),
        (("explain", "no-such-rule"), 3),
        (("--fail-on", "terrible"), 2),
    ],
)
def test_a_wrong_call_says_what_is_wrong(own: Lab, run: Run, arguments: tuple[str, ...], code: int) -> None:
    plants.container_unhealthy(own)
    own.refresh()
    done = run(*arguments)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_explain_says_why_how_to_mend_it_and_what_was_seen(own: Lab, run: Run) -> None:
    plants.container_exited(own)
    own.refresh()
    rule = findings.rule_named("container-exited")
    of_rule, of_finding = run("explain", rule.name).stdout, run("explain", str(own.one(rule.name).id)).stdout
    for said in (of_rule, of_finding):
        assert " ".join(rule.why.split()) in " ".join(said.split())
        assert " ".join(rule.mend.split()) in " ".join(said.split())
    assert "exit_code: 137" in of_finding
    assert json.loads(run("explain", rule.name, "--output", "json").stdout)["rule"] == rule.name


def test_rules_lists_every_rule(own: Lab, run: Run) -> None:
    listed = json.loads(run("rules", "--output", "json").stdout)
    assert [r["rule"] for r in listed] == [r.name for r in findings.RULES]
    assert run("rules").stdout.count("\n") == len(findings.RULES) + 1


def test_the_reference_of_the_rules_is_up_to_date() -> None:
    assert (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8") == rules_reference()
