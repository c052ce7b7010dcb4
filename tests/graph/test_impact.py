"""What arrives of a loss, case by case."""

from __future__ import annotations

import pytest

from infradb.graph.impact import impact
from infradb.graph.needs import Graph, Need
from infradb.graph.order import boot_order


def states(needs: list[Need], *dead: int) -> dict[int, str]:
    return {i: e.state for i, e in impact(Graph.of(needs), dead).items() if i not in dead}


def group(rule: str, *members: int, strength: str = "hard") -> list[Need]:
    return [Need(1, m, "needs", strength, "g", rule) for m in members]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "one", "two", "three"),
    [
        ("any", None, "at risk", "down"),
        ("", None, "at risk", "down"),
        ("all", "down", "down", "down"),
        ("2", "at risk", "down", "down"),
        ("2 of 3", "at risk", "down", "down"),
        ("7", "down", "down", "down"),
        ("nonsense", "down", "down", "down"),
    ],
)
def test_of_a_group_of_three_as_many_have_to_work_as_its_rule_says(rule: str, one, two, three) -> None:
    needs = group(rule, 2, 3, 4)
    assert [states(needs, *dead).get(1) for dead in ((2,), (2, 3), (2, 3, 4))] == [one, two, three]


def test_the_loss_of_a_soft_need_degrades_and_of_an_optional_one_does_nothing() -> None:
    assert states([Need(1, 2, strength="soft")], 2) == {1: "degraded"}
    assert states([Need(1, 2, strength="optional")], 2) == {}


def test_degradation_passes_by_hard_needs_alone() -> None:
    needs = [Need(1, 2, strength="soft"), Need(3, 1), Need(4, 3), Need(5, 1, strength="soft")]
    assert states(needs, 2) == dict.fromkeys((1, 3, 4), "degraded")


def test_a_soft_group_is_hit_only_by_its_loss() -> None:
    needs = group("any", 2, 3, strength="soft")
    assert states(needs, 2) == {}
    assert states(needs, 2, 3) == {1: "degraded"}


def test_a_group_is_as_well_as_its_best_members() -> None:
    needs = [*group("any", 2, 3), Need(2, 9, strength="soft"), Need(3, 9, strength="soft")]
    assert states(needs, 9) == {1: "degraded", 2: "degraded", 3: "degraded"}
    assert states([*group("any", 2, 3), Need(2, 9, strength="soft")], 9) == {2: "degraded"}


def test_risk_passes_on_to_what_needs_what_is_at_risk() -> None:
    assert states([*group("any", 2, 3), Need(8, 1)], 2) == {1: "at risk", 8: "at risk"}


def test_the_strictest_rule_and_the_strongest_need_of_a_group_hold() -> None:
    needs = [Need(1, 2, "needs", "soft", "g", "any"), Need(1, 3, "needs", "hard", "g", "2")]
    assert states(needs, 2) == {1: "down"}


def test_what_stands_in_for_others_itself_outlives_their_loss() -> None:
    assert states([Need(1, 1, group="g"), Need(1, 2, group="g"), Need(1, 3, group="g")], 2) == {}


def test_things_in_a_circle_fall_together_and_not_by_themselves() -> None:
    needs = [Need(1, 2), Need(2, 3), Need(3, 1)]
    assert states(needs, 1) == {2: "down", 3: "down"}
    assert states(needs, 9) == {}


def test_the_loosest_need_of_a_circle_is_passed_over() -> None:
    needs = [Need(1, 2), Need(2, 3, strength="soft"), Need(3, 1, origin="inferred")]
    assert [c.passed_over for c in boot_order(Graph.of(needs), [1, 2, 3]).circles] == [needs[1]]
    hard = [Need(1, 2), Need(2, 1, origin="inferred")]
    assert [c.passed_over for c in boot_order(Graph.of(hard), [1, 2]).circles] == [hard[1]]


def test_a_wish_gives_way_to_every_need() -> None:
    wish = Need(2, 1, "starts after", "hard")
    order = boot_order(Graph.of([Need(1, 2, strength="optional")]), [1, 2], [wish])
    assert order.waves == ((2,), (1,))
    assert [c.passed_over for c in order.circles] == [wish]
