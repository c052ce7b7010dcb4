"""Understands answers in the documented form of Pi-hole's API; and survives what is spoiled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.pihole.parse import parse_aliases, parse_devices, parse_dhcp, parse_hosts, parse_leases
from infradb.dns_names import record_answers
from infradb.errors import CollectionError
from infradb.leases import address_answers, network_answers
from tests.collectors.fuzzing import spoiled
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)


SINCE = 1795700000.0


def outcome(raw: Any) -> tuple[Told, list[str]]:
    subnets, reserved, of_dhcp = parse_dhcp(raw["dhcp"], raw["interfaces"])
    leases, of_leases = parse_leases(raw["leases"])
    devices, of_devices = parse_devices(raw["devices"], SINCE)
    names, of_names = parse_hosts(raw["hosts"])
    aliases, of_aliases = parse_aliases(raw["aliases"])
    answers = [
        *network_answers(subnets),
        *address_answers([*devices, *reserved, *leases], subnets),
        *record_answers("pihole", [*names, *aliases]),
    ]
    return told(answers), [*of_dhcp, *of_leases, *of_devices, *of_names, *of_aliases]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = dict(CASES[case]["raw"])
    for name in raw:
        raw[name] = data.draw(spoiled(raw[name]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
