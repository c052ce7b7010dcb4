"""Findings open, change, close and come back; waivers hide them until their day."""

from __future__ import annotations

import pytest

from infradb import clock
from infradb.errors import Conflict, InvalidValue, NotFound
from infradb.operations import findings
from infradb.settings import Settings
from tests.quality import plants
from tests.quality.lab import Lab

FAR = "2999-01-01T00:00:00.000Z"


def written(lab: Lab) -> object:
    """Everything that a refresh could write."""
    return lab.ask(
        "SELECT id, rule, severity, subject, summary, evidence, first_seen_at, closed_at FROM findings ORDER BY id"
    )


def test_what_did_not_change_is_not_written_again(lab: Lab) -> None:
    plants.image_latest(lab)
    plants.container_privileged(lab)
    lab.refresh()
    before = written(lab)
    report = lab.refresh()
    assert (report.open, report.opened, report.changed, report.closed) == (2, 0, 0, 0)
    assert written(lab) == before


def test_a_rescan_that_finds_nothing_new_writes_one_row_the_run(lab: Lab) -> None:
    plants.image_latest(lab)
    lab.refresh()
    tables = ("entities", "claims", "findings", "infrastructure_changes", "discovery_runs", "samples")
    count = " UNION ALL ".join(f"SELECT count(*) FROM {t}" for t in tables)
    before, content = lab.ask(count), written(lab)
    lab.take_in()
    lab.refresh()
    changed = [a[0] - b[0] for a, b in zip(lab.ask(count), before, strict=True)]
    assert dict(zip(tables, changed, strict=True)) == {**dict.fromkeys(tables, 0), "discovery_runs": 1}
    assert written(lab) == content


def test_a_finding_keeps_its_age_while_what_was_seen_changes(lab: Lab) -> None:
    plants.container_exited(lab)
    lab.refresh()
    first = lab.one("container-exited")
    lab.change("container/web", exit_code=1)
    lab.take_in()
    report = lab.refresh()
    second = lab.one("container-exited")
    assert (report.opened, report.changed, report.closed) == (0, 1, 0)
    assert (second.id, second.since) == (first.id, first.since)
    assert "code 1," in second.summary


def test_a_finding_that_comes_back_begins_anew(lab: Lab) -> None:
    plants.container_exited(lab)
    lab.refresh()
    first = lab.one("container-exited")
    lab.mend()
    assert lab.rules() == set()
    assert findings.find(lab.database, first.id).closed_at is not None
    plants.container_exited(lab)
    lab.refresh()
    second = lab.one("container-exited")
    assert second.id == first.id
    assert second.since > first.since
    assert second.closed_at is None


def test_a_waived_finding_is_hidden_and_comes_back_on_its_day(lab: Lab) -> None:
    plants.container_privileged(lab)
    lab.refresh()
    id_ = lab.one("container-privileged").id
    findings.waive(lab.database, id_, FAR, "needs the GPU", "ann")
    assert lab.open() == []
    (shown,) = lab.open(include_waived=True)
    assert (shown.waived_until, shown.waived_reason, shown.waived_by) == (FAR, "needs the GPU", "ann")
    assert lab.refresh().changed == 0
    lab.say("UPDATE findings SET waived_until = ?", (clock.parse_time("1h"),))
    assert [f.id for f in lab.open()] == [id_]


def test_a_waiver_can_be_taken_back(lab: Lab) -> None:
    plants.container_privileged(lab)
    lab.refresh()
    id_ = lab.one("container-privileged").id
    with pytest.raises(Conflict):
        findings.unwaive(lab.database, id_)
    findings.waive(lab.database, id_, FAR, "needs the GPU", "ann")
    findings.unwaive(lab.database, id_)
    assert [f.waived_until for f in lab.open()] == [None]


def test_a_waiver_needs_a_reason_and_a_time_to_come(lab: Lab) -> None:
    plants.container_privileged(lab)
    lab.refresh()
    id_ = lab.one("container-privileged").id
    with pytest.raises(InvalidValue):
        findings.waive(lab.database, id_, "2020-01-01T00:00:00.000Z", "late", "ann")
    with pytest.raises(InvalidValue):
        findings.waive(lab.database, id_, FAR, "  ", "ann")
    with pytest.raises(NotFound):
        findings.waive(lab.database, id_ + 1000, FAR, "nothing there", "ann")
    lab.mend()
    lab.refresh()
    with pytest.raises(Conflict):
        findings.waive(lab.database, id_, FAR, "closed by now", "ann")


def test_the_worst_come_first_and_a_minimum_leaves_out_the_rest(lab: Lab) -> None:
    plants.image_latest(lab)
    plants.disk_failing(lab)
    plants.container_unhealthy(lab)
    plants.warranty_over(lab)
    lab.refresh()
    assert [f.severity for f in lab.open()] == ["critical", "high", "low", "info"]
    assert [f.rule for f in findings.open_findings(lab.database, "high")] == ["disk-failing", "container-unhealthy"]
    assert [f.rule for f in findings.open_findings(lab.database, rule="image-latest")] == ["image-latest"]
    assert findings.reaches(lab.open(), "high")
    assert not findings.reaches([f for f in lab.open() if f.severity == "info"], "low")
    with pytest.raises(NotFound):
        findings.open_findings(lab.database, rule="no-such-rule")


def test_a_finding_of_a_rule_that_is_no_more_is_closed(lab: Lab) -> None:
    lab.say(
        "INSERT INTO findings (rule, severity, subject, summary, first_seen_at) VALUES ('of-old', 'low', 'x', 'y', ?)",
        (clock.now(),),
    )
    assert lab.rules() == set()


def test_retention_follows_the_settings(lab: Lab) -> None:
    plants.retention_outgrown(lab)
    assert lab.rules() == {"retention-outgrown"}
    assert lab.one("retention-outgrown").what == "health_checks"
    lab.settings = Settings(keep_health_checks="50y")
    assert lab.rules() == set()


@pytest.mark.parametrize(
    ("table", "setting"), [("samples", "keep_samples"), ("infrastructure_changes", "keep_changes")]
)
def test_every_table_that_is_kept_by_age_is_watched(lab: Lab, table: str, setting: str) -> None:
    if table == "samples":
        lab.say("DELETE FROM samples")
        lab.say(
            "INSERT INTO samples VALUES (?, 'used_gb', ?, 1.0)", (lab.id_of("disk/sda"), "2020-01-01T00:00:00.000Z")
        )
    else:
        lab.say("UPDATE infrastructure_changes SET recorded_at = ?", ("2020-01-01T00:00:00.000Z",))
    assert lab.rules() == {"retention-outgrown"}
    assert lab.one("retention-outgrown").evidence["setting"] == setting
