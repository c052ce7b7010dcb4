"""Which claim wins, decided on plain values: a total order in which no two sources are equal."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infradb.change import MANUAL, SourceOrder
from infradb.model.catalog import BY_TABLE
from infradb.reconcile.values import differences, past_dead_band, source_class, unexpired, winners

HOSTS = BY_TABLE["hosts"]
SOURCES = [
    SourceOrder(1, MANUAL, declared=True, rank=0),
    SourceOrder(2, "list", declared=True, rank=0),
    SourceOrder(3, "local", declared=False, rank=10),
    SourceOrder(4, "proxmox", declared=False, rank=50),
    SourceOrder(5, "snmp", declared=False, rank=50),
]
VALUES = {
    "cpu_cores": st.sampled_from([None, 1, 2]),
    "purpose": st.sampled_from([None, "a", "b"]),
    "status": st.sampled_from(["active", "stopped", "maintenance", "decommissioned"]),
}
CLAIMS = st.lists(
    st.tuples(st.sampled_from(SOURCES), st.sampled_from(["k1", "k2"]), st.fixed_dictionaries({}, optional=VALUES)),
    unique_by=lambda claim: (claim[0].id, claim[1]),
)


def value(claims: Any, field: str) -> Any:
    found = winners(HOSTS, claims)
    return found[field][0] if field in found else None


@given(CLAIMS, st.randoms())
def test_the_order_of_claims_makes_no_difference(claims: list[Any], random: Any) -> None:
    shuffled = random.sample(claims, len(claims))
    assert winners(HOSTS, claims) == winners(HOSTS, shuffled)


@given(CLAIMS)
def test_a_winner_is_one_of_the_claims_and_no_better_one_is_there(claims: list[Any]) -> None:
    for name, (won, source) in winners(HOSTS, claims).items():
        rivals = [(s, said[name]) for s, _, said in claims if name in said]
        assert (source, won) in rivals
        best = min((source_class(HOSTS.fields[name], s, v), s.order) for s, v in rivals)
        assert (source_class(HOSTS.fields[name], source, won), source.order) == best


@given(CLAIMS)
def test_nothing_is_won_where_nothing_is_said(claims: list[Any]) -> None:
    assert set(winners(HOSTS, claims)) == {n for _, _, said in claims for n in said}


def test_maintenance_belongs_to_people() -> None:
    manual, _, local, *_ = SOURCES
    assert (
        value([(manual, "k", {"status": "maintenance"}), (local, "k", {"status": "active"})], "status") == "maintenance"
    )
    assert value([(manual, "k", {"status": "active"}), (local, "k", {"status": "stopped"})], "status") == "stopped"
    assert value([(manual, "k", {"status": "active"}), (local, "k", {"status": "maintenance"})], "status") == "active"


def test_what_ran_out_is_not_said_any_more() -> None:
    said, expires = '{"a": 1, "b": 2}', '{"a": "2026-01-01T00:00:00.000Z"}'
    assert unexpired(said, expires, "2025-12-31T23:59:59.000Z") == {"a": 1, "b": 2}
    assert unexpired(said, expires, "2026-01-01T00:00:00.000Z") == {"b": 2}
    assert unexpired(said, None, "2027-01-01T00:00:00.000Z") == {"a": 1, "b": 2}


def test_a_field_that_nobody_speaks_about_is_its_default() -> None:
    row = {n: f.default for n, f in HOSTS.fields.items()} | {"hostname": "h", "status": "active", "cpu_cores": 2}
    assert differences(HOSTS, row, {"hostname": "h"}) == (
        {"status": "active", "cpu_cores": 2},
        {"status": "unknown", "cpu_cores": None},
    )


def test_the_dead_band_is_a_share_of_what_is_stored() -> None:
    used = HOSTS.fields["used_ram_mb"]
    assert not past_dead_band(used, 1000, 1050)
    assert past_dead_band(used, 1000, 1051)
    assert past_dead_band(used, None, 1)
    assert past_dead_band(used, 0, 1)
    assert not past_dead_band(used, 1000, None)
