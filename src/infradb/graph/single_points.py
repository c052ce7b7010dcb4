"""Single points of failure: what takes watched things down when it dies alone."""

from collections import Counter, deque
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

from infradb.graph.needs import Graph, Need, strength, wanted

Losses = dict[int, set[int]]
"""Thing -> the things whose loss alone hits it, itself among them."""
_NONE: frozenset[int] = frozenset()


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
    order = _below(graph, watched)
    takes = _losses(graph, order)
    hurts = _losses(graph, order, takes)
    down: dict[int, list[int]] = {}
    degraded: dict[int, list[int]] = {}
    for id_ in sorted(set(watched)):
        for loss in takes[id_] - {id_}:
            down.setdefault(loss, []).append(id_)
        for loss in hurts[id_] - takes[id_]:
            degraded.setdefault(loss, []).append(id_)
    points = [SinglePoint(i, tuple(down.get(i, ())), tuple(degraded.get(i, ()))) for i in {**down, **degraded}]
    return sorted(points, key=lambda p: (-len(p.takes), -len(p.degrades), p.id))


def _losses(graph: Graph, order: Sequence[int], takes: Losses | None = None) -> Losses:
    """Return whose loss takes each thing down; where that is known already, whose loss at least degrades it.

    Worked out from the losses of what it needs, and again where a circle changed these meanwhile.
    """
    found: Losses = {}
    waiting, queued = deque(order), set(order)
    while waiting:
        id_ = waiting.popleft()
        queued.discard(id_)
        losses = {id_}
        groups: set[str] = set()
        for need in graph.needs.get(id_, ()):
            if not need.group:
                source = found if need.strength == "hard" else takes if need.strength == "soft" else None
                losses |= source.get(need.dependency, _NONE) if source else _NONE
            elif need.group not in groups:
                groups.add(need.group)
                group = graph.alike(need)
                kind = strength(group)
                source = found if kind == "hard" else takes if kind == "soft" else None
                losses |= _too_many(group, source) if source else _NONE
        if len(losses) > len(found.get(id_, ())):
            found[id_] = losses
            for need in graph.needed.get(id_, ()):
                if need.dependent in found and need.dependent not in queued:
                    queued.add(need.dependent)
                    waiting.append(need.dependent)
    return found


def _too_many(group: Sequence[Need], losses: Losses) -> Set[int]:
    """Return the losses that each hit so many of a group that too few are left."""
    least = len(group) - wanted(group) + 1
    hit = Counter(loss for need in group for loss in losses.get(need.dependency, _NONE))
    return {loss for loss, times in hit.items() if times >= least}


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
