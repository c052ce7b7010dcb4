"""What is down, degraded or at risk if some things die together, and why."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from infradb.graph.needs import Graph, Need, wanted

State = Literal["down", "degraded", "at risk"]
STATES: tuple[State, ...] = ("down", "degraded", "at risk")
"""Worst first."""
_WORSE = {"down": 3, "degraded": 2, "at risk": 1}


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one thing, and by which need."""

    id: int
    state: State
    by: Need | None
    """Need through which it is hit; None for what dies itself."""


def impact(graph: Graph, dead: Collection[int]) -> dict[int, Effect]:
    """Return thing -> effect for everything that is hit when `dead` die together, the dead themselves first.

    A thing is down when a hard need is down and nothing stands in for it, degraded when a soft one is, or when
    a hard one is degraded itself; at risk when it works on, but one more loss of its redundancy group would hit it. The
    first need that hits a thing is on a shortest way from what died. Cost grows with what is hit.
    """
    found = {id_: Effect(id_, "down", None) for id_ in dead if id_ in graph.nodes}
    waiting = deque(found)
    while waiting:
        hit = waiting.popleft()
        for need in graph.needed.get(hit, ()):
            before = found.get(need.dependent)
            if before is not None and before.state == "down":
                continue
            effect = _effect(graph, need.dependent, found)
            if effect is not None and (before is None or _WORSE[effect.state] > _WORSE[before.state]):
                found[need.dependent] = effect
                waiting.append(need.dependent)
    return found


def way(effects: dict[int, Effect], id_: int) -> list[Need]:
    """Return the needs that lead from a thing to what died, its own first."""
    found: list[Need] = []
    by = effects[id_].by
    while by is not None and by not in found:
        found.append(by)
        by = effects[by.dependency].by
    return found


def _effect(graph: Graph, id_: int, found: dict[int, Effect]) -> Effect | None:
    """Return what becomes of a thing after all that is known to be hit so far: the worst of its needs."""
    worst: Effect | None = None
    for state, need in _hits(graph, id_, found):
        if worst is None or _WORSE[state] > _WORSE[worst.state]:
            worst = Effect(id_, state, need)
    return worst


def _hits(graph: Graph, id_: int, found: dict[int, Effect]) -> Iterator[tuple[State, Need]]:
    for needs in graph.grouped(id_):
        down = [n for n in needs if (e := found.get(n.dependency)) and e.state == "down"]
        spare = len(needs) - len(down) - wanted(needs)
        strength = needs[0].strength
        if down and spare < 0:
            if strength != "optional":
                yield ("down" if strength == "hard" else "degraded"), down[0]
        elif down and spare == 0 and len(needs) > 1 and strength != "optional":
            yield "at risk", down[0]
        if strength == "hard" and not down:
            for need in needs:
                effect = found.get(need.dependency)
                if effect and effect.state == "degraded" and len(needs) == 1:
                    yield "degraded", need
