"""Single points of failure: what takes critical services down when it dies alone."""

from collections.abc import Collection
from dataclasses import dataclass

from infradb.graph.impact import impact
from infradb.graph.needs import Graph


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One thing whose loss alone takes others down."""

    id: int
    takes: tuple[int, ...]
    """The watched things that go down with it, itself left out."""
    others: int
    """How many things besides go down."""


def single_points(graph: Graph, watched: Collection[int]) -> list[SinglePoint]:
    """Return what takes watched things down when it dies alone, what takes most first.

    Only what a watched thing needs can take it down, so that no other loss is tried.
    """
    needed: set[int] = set()
    waiting = list(watched)
    while waiting:
        for need in graph.needs.get(waiting.pop(), ()):
            if need.strength == "hard" and need.dependency not in needed:
                needed.add(need.dependency)
                waiting.append(need.dependency)
    wanted = set(watched)
    found: list[SinglePoint] = []
    for id_ in needed:
        down = {e.id for e in impact(graph, [id_]).values() if e.state == "down"} - {id_}
        takes = tuple(sorted(down & wanted))
        if takes:
            found.append(SinglePoint(id_, takes, len(down) - len(takes)))
    return sorted(found, key=lambda p: (-len(p.takes), -p.others, graph.nodes[p.id].label))
