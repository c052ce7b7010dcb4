"""In which order to start things, and in which to stop them: waves in which nothing comes before what it needs."""

from collections.abc import Collection
from dataclasses import dataclass

from infradb.graph.needs import Graph, Need

_LOOSENESS = {"optional": 0, "soft": 1, "hard": 2}


@dataclass(frozen=True, slots=True)
class Order:
    """Waves to start in, and the needs that had to be passed over because they run in a circle."""

    waves: tuple[tuple[int, ...], ...]
    """Things that may start at the same time, first those that need nothing of the others."""
    broken: tuple[Need, ...]
    """One need of each circle: its loosest."""

    def reversed(self) -> "Order":
        """Return the order in which to stop: what needs others first."""
        return Order(self.waves[::-1], self.broken)


def boot_order(graph: Graph, ids: Collection[int]) -> Order:
    """Return the order in which to start things; of one wave, lower start orders come first.

    Circles are broken at their loosest need (optional before soft before hard, inferred before declared), which is told.
    """
    chosen = set(ids)
    open_: dict[int, set[int]] = {}
    needs: dict[tuple[int, int], Need] = {}
    for id_ in chosen:
        for need in graph.needs.get(id_, ()):
            if need.dependency in chosen:
                open_.setdefault(id_, set()).add(need.dependency)
                needs.setdefault((id_, need.dependency), need)
    waves: list[tuple[int, ...]] = []
    broken: list[Need] = []
    left = set(chosen)
    while left:
        ready = [i for i in left if not open_.get(i)]
        if not ready:
            loosest = min((needs[i, d] for i, d in _circle(open_, left)), key=_looseness)
            broken.append(loosest)
            open_[loosest.dependent].discard(loosest.dependency)
            continue
        waves.append(tuple(sorted(ready, key=lambda i: _place(graph, i))))
        left -= set(ready)
        for id_ in left:
            open_.get(id_, set()).difference_update(ready)
    return Order(tuple(waves), tuple(broken))


def _circle(open_: dict[int, set[int]], left: set[int]) -> list[tuple[int, int]]:
    """Return the needs of one circle among what is left: following needs has to come back sometime."""
    seen: list[int] = []
    at = min(left)
    while at not in seen:
        seen.append(at)
        at = min(open_[at])
    circle = [*seen[seen.index(at) :], at]
    return list(zip(circle, circle[1:], strict=False))


def _looseness(need: Need) -> tuple[int, bool, int, int]:
    return _LOOSENESS[need.strength], need.origin == "declared", need.dependent, need.dependency


def _place(graph: Graph, id_: int) -> tuple[int, str]:
    node = graph.nodes[id_]
    return node.start_order if node.start_order is not None else 1_000_000, node.label
