"""Understands what was recorded from a real BIND, and zone files; and survives what is spoiled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.dns.client import RawRecord
from infradb.collectors.dns.parse import origin_of, parse_file, parse_zone
from infradb.dns_names import record_answers
from infradb.errors import CollectionError
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)
KEPT = {"zone", "path"}


def outcome(raw: Any) -> tuple[Told, list[str]]:
    if "file" in raw:
        records, errors = parse_file(origin_of(raw["file"], raw["path"]), raw["file"], raw["path"])
    else:
        records, errors = parse_zone(
            raw["zone"], [RawRecord(*r) for r in raw["records"] if isinstance(r, list) and len(r) == 4]
        )
    return told(record_answers("ns1", records)), list(errors)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = dict(CASES[case]["raw"])
    for name in sorted(raw.keys() - KEPT):
        raw[name] = data.draw(spoiled_text(raw[name]) if isinstance(raw[name], str) else spoiled(raw[name]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
