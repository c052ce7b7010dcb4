"""What Uptime Kuma's monitors mean: a backup and metrics by hand, after its source (1.23 and 2.0)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given

from infradb.collectors.uptime_kuma.parse import monitors_of, parse_monitors
from infradb.collectors.uptime_kuma.settings import UptimeKumaSettings
from infradb.errors import CollectionError
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation, Rejected
from infradb.transport.exposition import read_metrics
from tests.collectors.fuzzing import spoiled, spoiled_text

CASES = Path(__file__).parent / "cases"
BACKUP: dict[str, Any] = orjson.loads((CASES / "backup.json").read_bytes())
EXPECTED: dict[str, Any] = orjson.loads((CASES / "backup.expected.json").read_bytes())
METRICS = (CASES / "metrics.txt").read_text("utf-8")


def things(answers: Iterable[Answer]) -> dict[str, Observation]:
    said = [o for a in answers for o in a.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}


def test_monitors_say_what_is_expected_and_no_secret() -> None:
    answers, errors = parse_monitors(BACKUP["monitorList"])
    said = things(answers)
    assert len(errors) == EXPECTED["errors"]
    for key, fields in EXPECTED["said"].items():
        assert {f: said[key].values.get(f, "unsaid") for f in fields} == fields
    assert [k for k in EXPECTED["absent"] if k in said] == []
    rejected = [r.key for a in answers for r in a.parse() if isinstance(r, Rejected)]
    assert rejected == EXPECTED["rejected"]
    assert "hunter2" not in repr([a.parse() for a in answers])


def test_metrics_tell_of_the_same_monitors_and_how_they_are() -> None:
    said = things(parse_monitors(monitors_of(read_metrics(METRICS, "here")))[0])
    one, two = said["monitor/1"].values, said["monitor/2"].values
    assert (one["criticality"], one["owner"], one["reported_status"]) == ("high", "ann", "up")
    assert (two["host_id"], two["port"], two["reported_status"]) == ("host/db1", 5432, "down")
    assert said["monitor/1/check"].values["target"] == "https://cloud.lan/status.php"
    assert said['monitor/old "quoted"'].values["reported_status"] == "maintenance"
    assert "interval_seconds" not in said["monitor/1/check"].values


def test_no_service_says_that_it_is_healthy_by_itself() -> None:
    said = things(parse_monitors(monitors_of(read_metrics(METRICS, "here")))[0])
    assert not any("status" in o.values for o in said.values())


@given(spoiled(BACKUP["monitorList"]))
def test_spoiled_monitors_raise_nothing(monitors: Any) -> None:
    things(parse_monitors([m for m in monitors if isinstance(m, dict)] if isinstance(monitors, list) else [])[0])


@given(spoiled_text(METRICS))
def test_spoiled_metrics_raise_nothing_but_what_they_may(text: str) -> None:
    with contextlib.suppress(CollectionError):
        things(parse_monitors(monitors_of(read_metrics(text, "here")))[0])


@pytest.mark.parametrize(
    "settings", [{}, {"path": "kuma.db", "url": "http://x"}, {"url": "http://x", "api_key": "uk1_secret"}]
)
def test_wrong_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"either path or url|where it lies") as raised:
        UptimeKumaSettings.model_validate(settings)
    assert "uk1_secret" not in str(raised.value).split("input_value")[0]
