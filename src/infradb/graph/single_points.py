"""Single points of failure: what takes watched things down when it dies alone."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from infradb.graph.needs import Graph, Need, strength, wanted

Losses = dict[int, frozenset[int]]
"""Thing -> the things whose loss alone hits it, itself among them."""


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """One thing whose loss alone hits others."""

    id: int
    takes: tuple[int, ...]
    """The watched things that go down with it, itself left out."""
    degrades: tuple[int, ...]
    """The watched things that only suffer."""


def single_points(graph: Graph, watched: Collection[int]) -> list[SinglePoint]:
    """Return what takes or degrades watched things when it dies alone, what takes most first.

    It works out of every thing at once which lone losses hit it, instead of trying one loss after the other: those of
    a need, and of needs that stand in for each other those that leave too few. The answer is that of `impact`.
    """
    below = _below(graph, watched)
    takes = _losses(graph, below, _taken)
    hurts = _losses(graph, below, lambda group, hurt: _hurt(group, hurt, takes))
    down: dict[int, list[int]] = {}
    degraded: dict[int, list[int]] = {}
    for id_ in sorted(set(watched)):
        for loss in takes[id_] - {id_}:
            down.setdefault(loss, []).append(id_)
        for loss in hurts[id_] - takes[id_]:
            degraded.setdefault(loss, []).append(id_)
    points = [SinglePoint(i, tuple(down.get(i, ())), tuple(degraded.get(i, ()))) for i in {**down, **degraded}]
    return sorted(points, key=lambda p: (-len(p.takes), -len(p.degrades), p.id))


def _taken(group: Sequence[Need], takes: Losses) -> frozenset[int]:
    """Return whose loss takes a thing down by one group of its needs."""
    return _too_many(group, takes) if strength(group) == "hard" else frozenset()


def _hurt(group: Sequence[Need], hurts: Losses, takes: Losses) -> frozenset[int]:
    """Return whose loss takes a thing down or degrades it by one group of its needs."""
    kind = strength(group)
    if kind == "hard":
        return _too_many(group, hurts)
    return _too_many(group, takes) if kind == "soft" else frozenset()


def _too_many(group: Sequence[Need], losses: Losses) -> frozenset[int]:
    """Return the losses that each hit so many of a group that too few are left."""
    if len(group) == 1:
        return losses.get(group[0].dependency, frozenset())
    least = len(group) - wanted(group) + 1
    hit = Counter(loss for need in group for loss in losses.get(need.dependency, ()))
    return frozenset(loss for loss, times in hit.items() if times >= least)


def _losses(graph: Graph, order: Sequence[int], of_group: Callable[[Sequence[Need], Losses], frozenset[int]]) -> Losses:
    """Work out the losses of each thing from those of its needs, again where a circle changed them meanwhile."""
    found: Losses = {}
    waiting = deque(order)
    queued = set(order)
    while waiting:
        id_ = waiting.popleft()
        queued.discard(id_)
        losses = frozenset((id_,)).union(*(of_group(group, found) for group in graph.groups(id_)))
        if losses != found.get(id_):
            found[id_] = losses
            again = {n.dependent for n in graph.needed.get(id_, ()) if n.dependent in found} - queued
            queued.update(again)
            waiting.extend(again)
    return found


def _below(graph: Graph, watched: Collection[int]) -> list[int]:
    """Return the watched things and all they need, what is needed before what needs it as far as circles allow."""
    order: list[int] = []
    seen: set[int] = set()
    for start in watched:
        path = [] if start in seen else [(start, iter(graph.needs.get(start, ())))]
        seen.add(start)
        while path:
            at, needs = path[-1]
            below = next((n.dependency for n in needs if n.dependency not in seen), None)
            if below is None:
                order.append(at)
                path.pop()
            else:
                seen.add(below)
                path.append((below, iter(graph.needs.get(below, ()))))
    return order
