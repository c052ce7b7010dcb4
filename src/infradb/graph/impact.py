"""What is down, degraded or at risk if some things die together, and why."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from infradb.graph.needs import Graph, Need, Strength, strength, wanted

State = Literal["down", "degraded", "at risk"]
STATES: tuple[State, ...] = ("down", "degraded", "at risk")
"""Worst first."""
_BADNESS: dict[State, int] = {"down": 3, "degraded": 2, "at risk": 1}
_PASSED: dict[Strength, tuple[int, int, int, int]] = {
    "hard": (0, 1, 2, 3),
    "soft": (0, 0, 0, 2),
    "optional": (0, 0, 0, 0),
}
"""How badly it is needed -> what becomes of a thing for each badness of what it needs."""

Load = Callable[[Collection[int]], None]
"""Adds to the graph the needs that point at things, and whole the groups that these are in."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one thing, by which need, and how many needs away from what died."""

    id: int
    state: State
    by: Need | None = None
    """Need through which it is hit; None for what dies itself."""
    distance: int = 0


def impact(graph: Graph, dead: Collection[int], load: Load | None = None) -> dict[int, Effect]:
    """Return thing -> effect for everything that is hit when `dead` die together, the dead first, then worst first.

    Of needs that stand in for each other the best ones count, as many as are wanted; the worst of these arrives:

    - of a hard need as it is: a thing is down, degraded or at risk as that need is;
    - of a soft need only its loss, which degrades; of an optional one nothing;
    - a hard group that works but has none to spare any more puts a thing at risk: one more loss would take it down.

    Each effect comes by the fewest needs that lead to it. Cost grows with what is hit, not with the graph: `load` is
    told of things before their needs are followed, so that the graph may hold nothing yet and grow with the answer.
    """
    found = {id_: Effect(id_, "down") for id_ in dead}
    waves = [list(found)]
    for state in STATES:
        distance = 0
        while distance < len(waves):
            waves.append([])
            if load:
                load(waves[distance])
            for hit in waves[distance]:
                for need in graph.needed.get(hit, ()):
                    if need.dependent not in found and _arrives(graph.alike(need), found) >= _BADNESS[state]:
                        found[need.dependent] = Effect(need.dependent, state, need, distance + 1)
                        waves[distance + 1].append(need.dependent)
            if not waves[-1]:
                waves.pop()
            distance += 1
    return found


def way(effects: Mapping[int, Effect], id_: int) -> list[Need]:
    """Return the needs that lead from a thing to what died, its own first."""
    found: list[Need] = []
    by = effects[id_].by
    while by is not None:
        found.append(by)
        by = effects[by.dependency].by
    return found


def _arrives(group: Sequence[Need], found: Mapping[int, Effect]) -> int:
    """Return how bad it is for a thing that a group of its needs is as it is, from 0 to 3."""
    if len(group) == 1:
        return _PASSED[group[0].strength][_BADNESS[found[group[0].dependency].state]]
    kind = strength(group)
    states = sorted(_BADNESS[found[n.dependency].state] if n.dependency in found else 0 for n in group)
    least = wanted(group)
    worst = states[least - 1]
    if kind != "hard":
        return _PASSED[kind][worst]
    lost = states.count(_BADNESS["down"])
    none_to_spare = lost > 0 and len(group) - lost == least
    return max(worst, _BADNESS["at risk"]) if none_to_spare else worst
