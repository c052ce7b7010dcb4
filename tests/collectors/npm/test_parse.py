"""What the answers of Nginx Proxy Manager mean, in the shape of its API schema. A new case is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.npm.parse import parse
from infradb.collectors.reverse_proxy.routes import route_answers
from infradb.observation import Observation, Rejected
from tests.collectors.fuzzing import spoiled
from tests.collectors.reverse_proxy.peer import told

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((CASES / f"{name}.json").read_bytes())
    return content


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_case_means_what_it_says(name: str) -> None:
    case = load(name)
    found = parse(case["status"], case["lists"])
    assert told(found) == case["routes"]
    assert sorted(f"{c.subject} {c.names}" for c in found.certificates.values()) == case["certificates"]
    assert found.version == case["version"]
    assert (*found.problems, *found.certificate_problems) == ()


def test_what_is_malformed_is_left_out_and_named() -> None:
    case = load("version-2.12")
    lists = {**case["lists"], "proxy-hosts": ["x", {"domain_names": 3}, *case["lists"]["proxy-hosts"]]}
    found = parse(case["status"], lists)
    assert told(found) == case["routes"]
    assert len(found.problems) == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.sampled_from(NAMES).flatmap(lambda n: spoiled(load(n))))
def test_spoiled_answers_are_left_out_with_a_sentence_and_never_raise(raw: Any) -> None:
    status, lists = (raw.get("status"), raw.get("lists")) if isinstance(raw, dict) else (None, None)
    if not isinstance(status, dict) or not isinstance(lists, dict):
        return
    found = parse(status, {n: rows for n, rows in lists.items() if isinstance(rows, list)})
    for answer in route_answers(found.routes, "x", {}, {}):
        assert all(isinstance(said, Observation | Rejected) for said in answer.parse())
