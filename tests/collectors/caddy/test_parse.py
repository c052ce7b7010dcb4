"""What Caddy's configuration means: recorded from a real one, and written by hand. A new case is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.caddy.parse import certificate_files, parse
from infradb.collectors.reverse_proxy.routes import route_answers
from infradb.errors import CollectionError, SourceMalformed
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
    found = parse(case["config"], case["upstreams"])
    assert told(found) == case["routes"]
    assert [str(p) for p in certificate_files(case["config"])] == case["files"]
    assert list(found.problems) == []


def test_nothing_of_users_and_headers_leaves_it() -> None:
    found = parse(load("caddyfile")["config"], [])
    said = str([o for a in route_answers(found.routes, "x", {}, {}) for o in a.parse()])
    assert "$2a$" not in said
    assert "X-A" not in said


def test_another_programs_answer_is_no_configuration() -> None:
    with pytest.raises(SourceMalformed, match="no 'data'"):
        parse({"data": {}}, [])


def test_an_empty_configuration_has_no_routes() -> None:
    assert parse({}, []).routes == []


def test_routes_without_end_are_named() -> None:
    inner: list[Any] = []
    for _ in range(100):
        inner = [{"handle": [{"handler": "subroute", "routes": inner}]}]
    found = parse({"apps": {"http": {"servers": {"s": {"routes": inner}}}}}, [])
    assert "too deeply" in found.problems[0]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.sampled_from(NAMES).flatmap(lambda n: spoiled(load(n))))
def test_spoiled_answers_are_left_out_with_a_sentence_and_raise_nothing_else(raw: Any) -> None:
    config, upstreams = (raw.get("config"), raw.get("upstreams")) if isinstance(raw, dict) else (None, None)
    if not isinstance(config, dict) or not isinstance(upstreams, list):
        return
    certificate_files(config)
    try:
        found = parse(config, upstreams)
    except CollectionError as error:
        assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
        return
    for answer in route_answers(found.routes, "x", {}, {}):
        assert all(isinstance(said, Observation | Rejected) for said in answer.parse())
