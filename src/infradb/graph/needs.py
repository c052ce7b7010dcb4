"""The graph: things, and what each needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Strength = Literal["hard", "soft", "optional"]
"""How badly: it stops, it suffers, it does without."""


class Need(NamedTuple):
    """States that one thing needs another."""

    dependent: int
    """Thing that needs."""

    dependency: int
    """Thing that is needed."""

    words: str
    """How, between the two names: `runs on`, `has its disk on`."""

    strength: Strength = "hard"

    group: str = ""
    """Needs of one thing in one group stand in for each other."""

    rule: str = "all"
    """How many of the group are needed: `all`, `any`, or a number."""

    origin: str = "observed"
    """How it is known: declared, observed, inferred."""


@dataclass(frozen=True, slots=True)
class Node:
    """A thing as the graph's answers show it; what nobody knows more of than an address has a number below zero."""

    id: int
    table: str
    name: str
    criticality: str | None = None
    owner: str | None = None
    start_order: int | None = None

    @property
    def label(self) -> str:
        """Return kind and name, as `KIND/NAME`; what is unknown by its name alone."""
        return f"{self.table}/{self.name}" if self.table else self.name


@dataclass(slots=True)
class Graph:
    """Things by number, and their needs in both directions."""

    nodes: dict[int, Node] = field(default_factory=dict)
    needs: dict[int, list[Need]] = field(default_factory=dict)
    """Thing -> what it needs."""
    needed: dict[int, list[Need]] = field(default_factory=dict)
    """Thing -> the needs that point at it."""

    @classmethod
    def of(cls, nodes: Mapping[int, Node], needs: Iterable[Need]) -> "Graph":
        """Build a graph; needs with an end that is no node, and those of a thing for itself, are left out."""
        graph = cls(dict(nodes))
        for need in dict.fromkeys(needs):
            if need.dependent != need.dependency and need.dependent in graph.nodes and need.dependency in graph.nodes:
                graph.needs.setdefault(need.dependent, []).append(need)
                graph.needed.setdefault(need.dependency, []).append(need)
        return graph

    def grouped(self, id_: int) -> Iterator[list[Need]]:
        """Yield the needs of a thing: each by itself, and those of one group together."""
        groups: dict[str, list[Need]] = {}
        for need in self.needs.get(id_, ()):
            if need.group:
                groups.setdefault(need.group, []).append(need)
            else:
                yield [need]
        yield from groups.values()


def wanted(needs: list[Need]) -> int:
    """Return how many of a group are needed.

    >>> wanted([Need(1, 2, "asks", group="dns", rule="any"), Need(1, 3, "asks", group="dns", rule="any")])
    1
    """
    rule = needs[0].rule
    if rule == "any":
        return 1
    return min(int(rule), len(needs)) if rule.isdecimal() else len(needs)
