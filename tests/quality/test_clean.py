"""Where nothing is wrong, nothing is found and nothing is written."""

from __future__ import annotations

from infradb.operations import findings
from tests.quality.lab import Lab


def test_a_clean_lab_has_no_findings(lab: Lab) -> None:
    assert lab.rules() == set()


def test_reading_a_clean_lab_again_finds_nothing_either(lab: Lab) -> None:
    lab.take_in()
    assert lab.rules() == set()
    assert lab.ask("SELECT count(*) FROM findings") == [(0,)]


def test_every_rule_says_why_it_matters_and_how_to_mend_it() -> None:
    for rule in findings.RULES:
        assert rule.name == rule.name.lower()
        assert " " not in rule.name
        assert rule.title
        assert rule.why.endswith(".")
        assert rule.mend
        assert bool(rule.sql) + bool(rule.check) + bool(rule.standing) == 1
        assert bool(rule.summary) is not rule.is_noted
    assert len({r.name for r in findings.RULES}) == len(findings.RULES)
