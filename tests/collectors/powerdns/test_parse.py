"""Understands what was recorded from a real PowerDNS; and survives what is spoiled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.powerdns.parse import parse_zone
from infradb.dns_names import record_answers
from infradb.errors import CollectionError
from tests.collectors.fuzzing import spoiled
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)


def outcome(raw: Any) -> tuple[Told, list[str]]:
    records, errors = parse_zone(raw if isinstance(raw, dict) else {})
    return told(record_answers("ns1", records)), list(errors)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = data.draw(spoiled(CASES[case]["raw"]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
