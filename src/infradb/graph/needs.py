"""The graph: what each thing needs, in both directions. Things are numbers here; names are the queries' business."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Strength = Literal["hard", "soft", "optional"]
"""How badly: it stops, it suffers, it does without."""
STRENGTHS: dict[str, int] = {"optional": 0, "soft": 1, "hard": 2}
"""Looser ones first."""


class Need(NamedTuple):
    """States that one thing needs another."""

    dependent: int
    """Thing that needs."""

    dependency: int
    """Thing that is needed; below zero where nobody knows more of it than an address or a name."""

    words: str = "needs"
    """How, between the two names: `runs on`, `has its disk on`."""

    strength: Strength = "hard"

    group: str = ""
    """Needs of one thing in one group stand in for each other; empty where nothing does."""

    rule: str = ""
    """How many of the group are needed: `any` (also where nothing is said), `all`, or a number: `2`, `2 of 3`."""

    origin: str = "observed"
    """How it is known: declared, observed, inferred."""


@dataclass(slots=True)
class Graph:
    """All needs, by the thing that needs and by the thing that is needed."""

    needs: dict[int, list[Need]] = field(default_factory=dict)
    """Thing -> what it needs."""
    needed: dict[int, list[Need]] = field(default_factory=dict)
    """Thing -> the needs that point at it."""
    grouped: dict[tuple[int, str], list[Need]] = field(default_factory=dict)
    """Thing and group -> the needs that stand in for each other."""

    @classmethod
    def of(cls, needs: Iterable[Need]) -> "Graph":
        """Build a graph; what is said twice counts once."""
        graph = cls()
        for need in dict.fromkeys(needs):
            graph.add(need)
            if need.group:
                graph.grouped.setdefault((need.dependent, need.group), []).append(need)
        return graph

    def add(self, need: Need) -> None:
        """Add a need, leaving aside what stands in for it. Nothing needs itself, though it may be one of a group."""
        if need.dependent != need.dependency:
            self.needs.setdefault(need.dependent, []).append(need)
            self.needed.setdefault(need.dependency, []).append(need)

    def alike(self, need: Need) -> Sequence[Need]:
        """Return the needs that stand in for one, itself among them."""
        return self.grouped[need.dependent, need.group] if need.group else (need,)


def wanted(group: Sequence[Need]) -> int:
    """Return how many of a group have to work; where its needs say different rules, the strictest holds.

    >>> wanted([Need(1, 2, group="dns"), Need(1, 3, group="dns")])
    1
    >>> wanted([Need(1, 2, group="disks", rule="2 of 3"), Need(1, 3, group="disks"), Need(1, 4, group="disks")])
    2
    """
    if len(group) == 1:
        return 1
    return max(_number(n.rule, len(group)) for n in group)


def strength(group: Sequence[Need]) -> Strength:
    """Return how badly a group is needed: as its strongest need."""
    return max((n.strength for n in group), key=STRENGTHS.__getitem__)


def _number(rule: str, members: int) -> int:
    first = rule.partition(" ")[0]
    if first in ("", "any"):
        return 1
    return min(max(int(first), 1), members) if first.isdecimal() else members
