"""In which order to start things, and in which to stop them: waves in which nothing comes before what it needs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from infradb.graph.needs import STRENGTHS, Graph, Need

_ORIGINS = {"inferred": 0, "observed": 1, "declared": 2}
_Open = dict[int, dict[int, tuple[tuple[int, ...], Need]]]
"""Thing -> what it waits for -> how firm the need for it is, and that need."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Things that need each other in a circle, and the need that was passed over to find an order."""

    things: tuple[int, ...]
    """Each needs the next one, the last one the first."""
    passed_over: Need


@dataclass(frozen=True, slots=True)
class Order:
    """Waves to start in, and the circles that had to be broken."""

    waves: tuple[tuple[int, ...], ...]
    """Things that may start at the same time, first those that need nothing of the others."""
    circles: tuple[Circle, ...] = ()

    def reversed(self) -> "Order":
        """Return the order in which to stop: what needs others first."""
        return Order(self.waves[::-1], self.circles)


def boot_order(graph: Graph, ids: Collection[int], wishes: Iterable[Need] = ()) -> Order:
    """Return the order in which to start things; `wishes` are needs of ordering alone, looser than all others.

    A circle is broken at its loosest need, which is told: a wish, then optional before soft before hard, and inferred
    before observed before declared.
    """
    chosen = set(ids)
    open_: _Open = {id_: {} for id_ in sorted(chosen)}
    behind: dict[int, set[int]] = {}
    kinds = [(n, 1) for id_ in open_ for n in graph.needs.get(id_, ())] + [(n, 0) for n in wishes]
    for need, kind in kinds:
        if need.dependent in chosen and need.dependency in chosen and need.dependent != need.dependency:
            weight = (kind, STRENGTHS[need.strength], _ORIGINS.get(need.origin, 1), need.dependent, need.dependency)
            known = open_[need.dependent].get(need.dependency)
            if known is None or known[0] < weight:
                open_[need.dependent][need.dependency] = weight, need
            behind.setdefault(need.dependency, set()).add(need.dependent)
    waves: list[tuple[int, ...]] = []
    circles: list[Circle] = []
    ready = [i for i, needs in open_.items() if not needs]
    while open_:
        while not ready:
            circle = _circle(open_)
            _, loosest = min(open_[a][b] for a, b in zip(circle, (*circle[1:], circle[0]), strict=True))
            circles.append(Circle(circle, loosest))
            del open_[loosest.dependent][loosest.dependency]
            ready = [] if open_[loosest.dependent] else [loosest.dependent]
        waves.append(tuple(ready))
        for id_ in ready:
            del open_[id_]
        ready = _freed(open_, behind, ready)
    return Order(tuple(waves), tuple(circles))


def _freed(open_: _Open, behind: dict[int, set[int]], done: list[int]) -> list[int]:
    """Return what waits for nothing any more, now that some things are done."""
    freed: list[int] = []
    for id_ in done:
        for dependent in behind.get(id_, ()):
            needs = open_.get(dependent)
            if needs and id_ in needs:
                del needs[id_]
                if not needs:
                    freed.append(dependent)
    return sorted(freed)


def _circle(open_: _Open) -> tuple[int, ...]:
    """Return one circle among what is left, where everything waits for something: following needs must come back."""
    places: dict[int, int] = {}
    at = next(iter(open_))
    while at not in places:
        places[at] = len(places)
        at = next(iter(open_[at]))
    return tuple(places)[places[at] :]
