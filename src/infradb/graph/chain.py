"""What a thing needs, down to the hardware."""

from collections import deque
from dataclasses import dataclass

from infradb.graph.needs import Graph, Need


@dataclass(frozen=True, slots=True)
class Link:
    """One thing in a chain, how far down it is, and the need that leads to it."""

    id: int
    depth: int = 0
    by: Need | None = None


def chain(graph: Graph, id_: int, *, hard_only: bool = False) -> list[Link]:
    """Return everything that a thing needs, directly or by others, nearest first, itself at the head."""
    found = {id_: Link(id_)}
    waiting = deque(found.values())
    while waiting:
        at = waiting.popleft()
        for need in graph.needs.get(at.id, ()):
            if need.dependency not in found and not (hard_only and need.strength != "hard"):
                found[need.dependency] = link = Link(need.dependency, at.depth + 1, need)
                waiting.append(link)
    return list(found.values())


def as_tree(links: list[Link]) -> list[Link]:
    """Return a chain as one reads a tree: below each thing what is reached through it."""
    below: dict[int, list[Link]] = {}
    for link in links[1:]:
        if link.by:
            below.setdefault(link.by.dependent, []).append(link)
    found, waiting = [], links[:1]
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(below.get(found[-1].id, []))
    return found
