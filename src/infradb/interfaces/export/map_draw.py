"""Draws the map's boxes and the lines between services."""

from collections.abc import Iterable, Mapping
from typing import Any

from infradb.interfaces.export import map_layout, map_states
from infradb.interfaces.export.map_layout import CHIP
from infradb.interfaces.export.map_states import State
from infradb.interfaces.export.map_tree import Node, Row
from infradb.interfaces.export.svg import columns, escape, fit, fit_start

_TEXT, _SMALL, _BOLD, _LARGE = 7.2, 6.6, 7.9, 9.4
"""Width of a column in text, small text, bold text and names, as wide fonts have it."""

Point = tuple[float, float]


def draw_box(node: Node) -> str:
    """Return one box with its services; boxes inside it are drawn by themselves."""
    draw = {"host": _host, "project": _project, "container": _container}[node.kind]
    return draw(node) + "".join(_chip(node, number, row) for number, row in enumerate(node.services))


def _host(node: Node) -> str:
    if not node.row:
        return _frame(node, "host", "What runs on nothing that is known") + _text(
            "name", node.x + 14, node.y + 24, node.name
        )
    row, state = node.row, map_states.host_state(node.row)
    criticality = str(row.get("criticality") or "")
    right, columns_ = node.x + node.width - 12, node.width - 30
    word = " · ".join(part for part in (state.word, criticality) if part)
    taken = columns(word) * _TEXT + 24
    about = " · ".join(str(row[f]) for f in ("host_type", "management_ip", "purpose") if row.get(f))
    parts = [
        _frame(
            node,
            f"host weight-{escape(criticality or 'none')}",
            _told(node.name, row, ("purpose", "os_name", "os_version")),
            state,
        ),
        _text("name", node.x + 14, node.y + 22, fit(node.name, max(6, int((columns_ - taken) / _LARGE)))),
        _text("dim", node.x + 14, node.y + 39, fit_start(about.replace("_", " "), int(columns_ / _TEXT))),
        map_states.shape(state.name, right - 12, node.y + 12),
        _text("word", right - 18, node.y + 22, word),
    ]
    return "".join(parts)


def _project(node: Node) -> str:
    label = _text("dim small", node.x + 10, node.y + 15, fit(node.name, int((node.width - 20) / _SMALL)))
    return _frame(node, "project", f"Compose project {node.name}") + label


def _container(node: Node) -> str:
    row, state = node.row, map_states.container_state(node.row)
    image = ":".join(str(row[f]) for f in ("image", "image_tag") if row.get(f))
    room = node.width - 24
    taken = columns(state.word) * _SMALL + 20
    return "".join(
        (
            _frame(node, "container", _told(f"Container {node.name}", row, ("image", "image_tag", "status")), state),
            _bar(node, state),
            _text("label", node.x + 10, node.y + 17, fit(_short_name(node), int((room - taken) / _BOLD))),
            _text("word small", node.x + node.width - 24, node.y + 17, state.word),
            map_states.shape(state.name, node.x + node.width - 20, node.y + 7),
            _text("dim small", node.x + 10, node.y + 33, fit(image, int(room / _SMALL))),
        )
    )


def _bar(node: Node, state: State) -> str:
    return f'<rect class="bar {state.name}" x="{node.x:g}" y="{node.y + 6:g}" width="3" height="{node.height - 12:g}"/>'


def _short_name(node: Node) -> str:
    """Return a container's name without the project and the number that compose put around it."""
    row = node.row
    service = str(row.get("compose_service") or "")
    made_up = f"{row.get('compose_project')}-{service}-{row.get('compose_number') or 1}"
    return service if service and node.name == made_up else node.name


def _chip(node: Node, number: int, row: Row) -> str:
    (x, y), width = map_layout.chip_place(node, number), map_layout.chip_width(node)
    state, criticality = map_states.service_state(row), str(row.get("criticality") or "")
    port = f":{row['port']}" if row.get("port") else ""
    room = int((width - 36) / _SMALL) - columns(criticality) - columns(port) - 1
    name = fit(row.get("service_name") or f"service {row['id']}", max(4, room))
    about = _told(f"Service {row.get('service_name')}", row, ("service_type", "endpoint_url", "version", "status"))
    return "".join(
        (
            f'<g class="chip weight-{escape(criticality or "none")}" id="infradb-map-service-{escape(row["id"])}">',
            f'<title>{escape(about)}</title><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{CHIP - 4}" rx="4"/>',
            map_states.shape(state.name, x + 4, y + 3),
            f'<text class="small" x="{x + 21:g}" y="{y + 13:g}">{escape(name)}',
            f'<tspan class="dim">{escape(port)}</tspan></text>',
            _text("word small dim", x + width - 6, y + 13, criticality) if criticality else "",
            "</g>",
        )
    )


def _frame(node: Node, style: str, about: str, state: State | None = None) -> str:
    place = f'x="{node.x:g}" y="{node.y:g}" width="{node.width:g}" height="{node.height:g}"'
    outline = ""
    if state and state.name == "down":
        outer = f'x="{node.x - 3:g}" y="{node.y - 3:g}" width="{node.width + 6:g}" height="{node.height + 6:g}"'
        outline = f'<rect class="outline down" {outer} rx="8"/>'
    told = f"<title>{escape(about)}</title>"
    return f'{outline}<rect class="{style}" id="infradb-map-{escape(node.key)}" {place} rx="6">{told}</rect>'


def _told(name: str, row: Row, names: Iterable[str]) -> str:
    return ", ".join((name, *(str(row[n]) for n in names if row.get(n))))


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def chip_ends(nodes: Iterable[Node]) -> dict[Any, tuple[Point, Point]]:
    """Return the left and right middle of every service's chip."""
    ends: dict[Any, tuple[Point, Point]] = {}
    for node in nodes:
        width = map_layout.chip_width(node)
        for number, row in enumerate(node.services):
            x, y = map_layout.chip_place(node, number)
            ends[row["id"]] = (x, y + CHIP / 2 - 2), (x + width, y + CHIP / 2 - 2)
    return ends


def _length(start: Point, end: Point, lean: tuple[int, int]) -> float:
    return abs(start[0] - end[0]) + abs(start[1] - end[1]) + 60 * (lean[0] == lean[1])


def draw_edge(row: Row, ends: Mapping[Any, tuple[Point, Point]], names: Mapping[Any, str]) -> str:
    """Return the line from a service to one that it needs, by the nearest sides of both."""
    a, b = row["dependent_service_id"], row["dependency_service_id"]
    start, end, lean = min(
        ((p, q, (i, j)) for i, p in enumerate(ends[a]) for j, q in enumerate(ends[b])),
        key=lambda choice: _length(*choice),
    )
    across, along = abs(start[0] - end[0]), abs(start[1] - end[1])
    # A line that comes back to the side it left by stays near the boxes.
    reach = min(40.0, 16 + along / 12) if lean[0] == lean[1] else min(160.0, 30 + across / 3 + along / 8)
    (x1, y1), (x2, y2) = start, end
    c1, c2 = (x + (reach if side else -reach) for x, side in zip((x1, x2), lean, strict=True))
    tip = 6 if lean[1] else -6
    path = f"M{x1:g} {y1:g}C{c1:g} {y1:g} {c2:g} {y2:g} {x2 + tip:g} {y2:g}"
    kind = edge_kind(row)
    head = f"{x2:g},{y2:g} {x2 + tip:g},{y2 - 3.5:g} {x2 + tip:g},{y2 + 3.5:g}"
    about = f"{names[a]} needs {names[b]} ({kind})"
    return (
        f'<g class="edge {kind} of-{escape(a)} of-{escape(b)}"><title>{escape(about)}</title>'
        f'<path class="hit" d="{path}"/><path class="wire" d="{path}"/><polygon class="head" points="{head}"/></g>'
    )


def edge_kind(row: Row) -> str:
    """Return how badly a service needs another; where nobody said, it stops without it."""
    kind = row.get("dependency_type")
    return kind if kind in ("soft", "optional") else "hard"
