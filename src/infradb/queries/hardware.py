"""The line from what runs down to the hardware: guest, node, storage, disk, and the port of the switch."""

from collections.abc import Sequence

from infradb.graph.needs import Graph
from infradb.queries.needs import NeedsReader
from infradb.store.database import Connection


def hardware_line(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Return a line of things that run on each other, with the guests between, and below it storage, disk and port.

    Where there are several, as members of an array are, the first one stands for all.
    """
    graph = NeedsReader(connection).below(ids).graph
    line: list[int] = []
    for id_ in ids:
        guest = _next(graph, id_, ("is guest",))
        line += [i for i in (id_, guest) if i is not None and i not in line]
    node = _next(graph, line[-1], ("is a guest of", "runs on"))
    line += [node] if node is not None and node not in line else []
    hosts = line[::-1]
    disk = _first(graph, hosts, ("has its disk on",)) or _first(graph, hosts, ("boots from",))
    while disk is not None and disk not in line:
        line.append(disk)
        disk = _next(graph, disk, ("lies on", "is made of"))
    cable = _first(graph, hosts, ("is plugged in at",))
    port = _next(graph, cable, ("is cabled to",)) if cable is not None else None
    return [*line, *([port] if port is not None else [])]


def _first(graph: Graph, ids: Sequence[int], words: tuple[str, ...]) -> int | None:
    return next((found for i in ids if (found := _next(graph, i, words)) is not None), None)


def _next(graph: Graph, id_: int, words: tuple[str, ...]) -> int | None:
    return next((n.dependency for n in graph.needs.get(id_, ()) if n.words in words and n.dependency > 0), None)
