"""What a thing needs, down to the hardware."""

from collections import deque
from dataclasses import dataclass

from infradb.graph.needs import Graph, Need


@dataclass(frozen=True, slots=True)
class Link:
    """One thing in a chain, how far down it is, and the need that leads to it."""

    id: int
    depth: int
    by: Need | None


def chain(graph: Graph, id_: int, *, hard_only: bool = False) -> list[Link]:
    """Return everything that a thing needs, directly or by others, nearest first, itself at the head."""
    found = {id_: Link(id_, 0, None)}
    waiting = deque([id_])
    while waiting:
        at = found[waiting.popleft()]
        for need in graph.needs.get(at.id, ()):
            if need.dependency not in found and not (hard_only and need.strength != "hard"):
                found[need.dependency] = Link(need.dependency, at.depth + 1, need)
                waiting.append(need.dependency)
    return list(found.values())


def tree(links: list[Link]) -> dict[int, list[Link]]:
    """Return thing -> what hangs directly below it in a chain."""
    below: dict[int, list[Link]] = {}
    for link in links:
        if link.by is not None:
            below.setdefault(link.by.dependent, []).append(link)
    return below
