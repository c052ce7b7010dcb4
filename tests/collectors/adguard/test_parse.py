"""Understands answers in the documented form of AdGuard Home's API; and survives what is spoiled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.adguard.parse import (
    parse_clients,
    parse_leases,
    parse_networks,
    parse_reservations,
    parse_rewrites,
)
from infradb.dns_names import record_answers
from infradb.errors import CollectionError
from infradb.leases import address_answers, network_answers
from tests.collectors.fuzzing import spoiled
from tests.collectors.recorded import recorded
from tests.collectors.told import Told, told

CASES = recorded(__file__)


def outcome(raw: Any) -> tuple[Told, list[str]]:
    subnets, of_networks = parse_networks(raw["dhcp"])
    reserved, of_reservations = parse_reservations(raw["dhcp"])
    leases, of_leases = parse_leases(raw["dhcp"])
    clients, of_clients = parse_clients(raw["clients"])
    records, of_rewrites = parse_rewrites(raw["rewrites"])
    answers = [
        *network_answers(subnets),
        *address_answers([*clients, *reserved, *leases], subnets),
        *record_answers("adguard", records),
    ]
    return told(answers), [*of_networks, *of_reservations, *of_leases, *of_clients, *of_rewrites]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_recorded_answer_says_what_it_must(case: dict[str, Any]) -> None:
    assert outcome(case["raw"]) == (case["told"], case["errors"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoiled_answers_are_left_out_or_named(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(sorted(CASES)))
    raw = dict(CASES[case]["raw"])
    for name in [n for n in raw if raw[n]]:
        raw[name] = data.draw(spoiled(raw[name]))
    with contextlib.suppress(CollectionError):
        outcome(raw)
