"""Understands what a real dnsmasq wrote, and forms that others write; and survives what is spoiled."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.dnsmasq.parse import parse_hosts, parse_leases, parse_options
from infradb.dns_names import record_answers
from infradb.errors import CollectionError
from infradb.leases import address_answers, network_answers
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)
KEPT = {"networks", "domain", "options"}


def outcome(raw: Any) -> tuple[Told, list[str]]:
    said = parse_options([(n, v) for n, v in raw["options"]], raw["networks"])
    leases, of_leases = parse_leases(raw["leases"], said)
    records, of_hosts = parse_hosts(raw["hosts"], raw["domain"])
    answers = [
        *network_answers(said.subnets),
        *address_answers([*said.reserved, *leases], said.subnets),
        *record_answers("router", [*said.records, *records]),
    ]
    return told(answers), [*said.errors, *said.record_errors, *of_leases, *of_hosts]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = copy.deepcopy(CASES[case]["raw"])
    for name in sorted(raw.keys() - KEPT):
        raw[name] = data.draw(spoiled_text(raw[name]) if isinstance(raw[name], str) else spoiled(raw[name]))
    for option in raw["options"]:
        option[1] = data.draw(st.sampled_from([option[1], option[1][: len(option[1]) // 2], "", ",,", "é" * 300, "/"]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
