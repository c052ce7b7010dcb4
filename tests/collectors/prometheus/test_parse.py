"""What a Prometheus server's targets mean: recorded from version 2.42, and written by hand after its documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.prometheus.parse import parse_build, parse_targets
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation
from tests.collectors.fuzzing import spoiled

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.json"))


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((CASES / f"{name}.json").read_bytes())
    return found


def things(answers: list[Answer]) -> dict[str, Observation]:
    said = [o for a in answers for o in a.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}


@pytest.mark.parametrize("name", NAMES)
def test_targets_say_what_their_case_expects(name: str) -> None:
    expected = case(name)
    answers, errors = parse_targets(expected["targets"], "default")
    said = things(answers)
    assert len(errors) == expected.get("errors", 0)
    assert len(said) == expected["count"], sorted(said)
    for key, fields in expected["said"].items():
        assert {f: said[key].values.get(f, "unsaid") for f in fields} == fields
    assert "hunter2" not in repr(said)
    assert not any(o.table == "hosts" for o in said.values()), "an address is no identity"


def test_addresses_lie_where_the_source_says() -> None:
    said = things(parse_targets(case("by_hand")["targets"], "docker:abc")[0])
    assert said["address/10.0.0.5"].values["vrf"] == "docker:abc"


def test_scrapes_that_go_on_change_nothing() -> None:
    targets = case("recorded")["targets"]
    later = [{**t, "lastScrape": "2027-01-01T00:00:00Z", "lastScrapeDuration": 9, "lastError": "x"} for t in targets]
    one, two = parse_targets(targets, "default")[0], parse_targets(reversed(later), "default")[0]
    assert [(a.key, a.digest) for a in one] == [(a.key, a.digest) for a in two]


@given(st.sampled_from(NAMES).flatmap(lambda name: spoiled(case(name)["targets"])))
def test_spoiled_targets_raise_nothing(targets: Any) -> None:
    things(parse_targets(targets if isinstance(targets, list) else [targets], "default")[0])


@given(spoiled({"version": "2.42.0+ds", "revision": "2.42.0", "goVersion": "go1.19.8"}))
def test_a_spoiled_version_raises_nothing(build: Any) -> None:
    parse_build(build if isinstance(build, dict) else {}, "http://prometheus.lan:9090")
