"""Understands what a real dhcpd wrote, and forms of its manuals; and survives what is spoiled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.isc_dhcp.parse import parse_configuration, parse_leases
from infradb.errors import CollectionError
from infradb.leases import address_answers, network_answers
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)


def outcome(raw: Any) -> tuple[Told, list[str]]:
    said = parse_configuration(raw["configuration"], "dhcpd.conf")
    leases = parse_leases(raw["leases"], "dhcpd.leases")
    answers = [*network_answers(said.subnets), *address_answers([*said.reserved, *leases.active], said.subnets)]
    return told(answers), [*said.errors, *leases.errors, *leases.ended]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = dict(CASES[case]["raw"])
    for name in raw:
        raw[name] = data.draw(spoiled_text(raw[name]) if isinstance(raw[name], str) else spoiled(raw[name]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
