"""Turns rows into what the map shows: hosts that hold guests, guests that hold containers, all with services."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]
Kind = Literal["host", "project", "container"]

UNPLACED = "Not placed"


@dataclass(frozen=True, slots=True)
class MapData:
    """Rows per table as a query delivers them: `id` and references are numbers."""

    hosts: Sequence[Row] = ()
    docker_containers: Sequence[Row] = ()
    services: Sequence[Row] = ()
    service_dependencies: Sequence[Row] = ()
    networks: Sequence[Row] = ()
    ip_addresses: Sequence[Row] = ()
    title: str = "Infrastructure map"
    moment: str = ""
    """The moment it shows, as a text for people."""


@dataclass(slots=True)
class Node:
    """One box of the map; its place is relative to nothing: x and y are those of the picture."""

    kind: Kind
    key: str
    name: str
    row: Row
    services: list[Row] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0


def walk(roots: Iterable[Node]) -> Iterator[Node]:
    """Yield every box, parents before children, without recursion: nesting may be deeper than Python's stack."""
    waiting = list(roots)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children[::-1]


def tree(data: MapData) -> list[Node]:
    """Return the outermost boxes.

    A host whose parent is missing stands by itself. Of hosts that run on each other in a circle, the one with the
    lowest id stands outermost. What runs nowhere that is known goes into a box of its own.
    """
    hosts = {row["id"]: _node("host", row, "hostname") for row in data.hosts}
    unplaced = Node("host", "unplaced", UNPLACED, {})
    containers = _place_containers(data, hosts, unplaced)
    for row in _sorted(data.services, "service_name"):
        inside = containers.get(row.get("docker_container_id")) or hosts.get(row.get("host_id")) or unplaced
        inside.services.append(row)
    roots = _nest(hosts)
    return [*roots, unplaced] if unplaced.services or unplaced.children else roots


def _node(kind: Kind, row: Row, name: str) -> Node:
    return Node(kind, f"{kind}-{row['id']}", str(row.get(name) or f"{kind} {row['id']}"), row)


def _sorted(rows: Iterable[Row], name: str) -> list[Row]:
    return sorted(rows, key=lambda row: (str(row.get(name) or "").casefold(), row["id"]))


def _place_containers(data: MapData, hosts: Mapping[Any, Node], unplaced: Node) -> dict[Any, Node]:
    """Put containers into their hosts, those of one compose project together."""
    containers: dict[Any, Node] = {}
    projects: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for row in _sorted(data.docker_containers, "container_name"):
        node = containers[row["id"]] = _node("container", row, "container_name")
        host = hosts.get(row.get("docker_host_id"), unplaced)
        projects[host.key, str(row.get("compose_project") or "")].append(node)
    by_key = {node.key: node for node in (*hosts.values(), unplaced)}
    for (host_key, project), members in sorted(projects.items()):
        if project and len(members) > 1:
            members = [Node("project", f"{host_key}-project-{project}", project, {}, children=members)]
        by_key[host_key].children += members
    return containers


def _nest(hosts: Mapping[Any, Node]) -> list[Node]:
    """Put guests into their hosts; return those that stand outermost."""
    guests: dict[Any, list[Any]] = defaultdict(list)
    roots: list[Any] = []
    for number, node in hosts.items():
        parent = node.row.get("parent_host_id")
        (guests[parent] if parent in hosts and parent != number else roots).append(number)
    reached: set[Any] = set()
    for number in (*sorted(roots), *sorted(hosts)):
        if number in reached:
            continue
        if number not in roots:
            roots.append(number)
        _reach(number, hosts, guests, reached)
    return sorted((hosts[n] for n in roots), key=lambda node: (node.name.casefold(), node.key))


def _reach(root: Any, hosts: Mapping[Any, Node], guests: Mapping[Any, list[Any]], reached: set[Any]) -> None:
    reached.add(root)
    waiting = [root]
    while waiting:
        number = waiting.pop()
        new = sorted(
            (n for n in guests.get(number, ()) if n not in reached), key=lambda n: (hosts[n].name.casefold(), n)
        )
        reached.update(new)
        hosts[number].children += [hosts[n] for n in new]
        waiting += new
