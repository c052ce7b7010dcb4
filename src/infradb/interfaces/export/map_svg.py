"""The map of everything as one SVG picture: what runs on what, in which state, and which service needs which."""

from collections.abc import Sequence

from infradb.interfaces.export import map_states, svg
from infradb.interfaces.export.map_bands import draw_legend, draw_networks
from infradb.interfaces.export.map_draw import chip_ends, draw_box, draw_edge, edge_kind
from infradb.interfaces.export.map_layout import lay_out
from infradb.interfaces.export.map_states import StateName
from infradb.interfaces.export.map_tree import MapData, Node, Row, tree, walk
from infradb.interfaces.export.svg import Rule, escape

_MARGIN = 24
_TOP = 84
_LEAST_WIDTH = 900
_MOST_EDGES = 200
"""More lines than these would hide what they join."""

_RULES = (
    Rule("text", f"font:12px {svg.SANS}"),
    Rule(".h1", f"font:600 20px {svg.SANS}"),
    Rule(".name", f"font:600 14px {svg.SANS}"),
    Rule(".label", "font-weight:600"),
    Rule(".small", f"font:11px {svg.SANS}"),
    Rule(".mono", f"font:11px {svg.MONO}"),
    Rule(".word", "text-anchor:end"),
    Rule(".host,.band", "stroke-width:1", (("fill", svg.RAISED), ("stroke", svg.BORDER))),
    Rule(".project", "fill:none;stroke-width:1;stroke-dasharray:3 3", (("stroke", svg.BORDER),)),
    Rule(".container", "stroke-width:1", (("fill", svg.GROUND), ("stroke", svg.BORDER))),
    Rule(".chip rect", "stroke-width:1", (("fill", svg.RAISED), ("stroke", svg.HAIRLINE))),
    Rule(".chip.weight-high rect,.chip.weight-critical rect", "", (("stroke", svg.BORDER),)),
    Rule(".weight-high,.chip.weight-high rect", "stroke-width:2"),
    Rule(".weight-critical,.chip.weight-critical rect", "stroke-width:3"),
    Rule(".outline", "fill:none;stroke-width:1.5"),
    Rule(".edge path", "fill:none;stroke-width:1.2"),
    Rule(".edge .wire", "opacity:.65", (("stroke", svg.DIM),)),
    Rule(".edge .head", "opacity:.65", (("fill", svg.DIM),)),
    Rule(".edge .hit", "stroke:transparent;stroke-width:9"),
    Rule(".soft .wire", "stroke-dasharray:6 3"),
    Rule(".optional .wire", "stroke-dasharray:1.5 3"),
    Rule(".edge:hover .wire", "opacity:1;stroke-width:3", (("stroke", svg.ACCENT),)),
    Rule(".edge:hover .head", "opacity:1", (("fill", svg.ACCENT),)),
)


def map_svg(lab: MapData) -> str:
    """Return the map as one self-contained document, the same for the same rows.

    Hosts hold their guests and containers, containers their services; networks with their addresses stand above.
    Up to 200 dependencies are drawn as lines, which stand out under the pointer.
    """
    roots = tree(lab)
    right, _ = lay_out(roots, _MARGIN, 0)
    width = max(_LEAST_WIDTH, right + _MARGIN)
    bands, top = draw_networks(lab, _MARGIN, _TOP, width - 2 * _MARGIN)
    nodes = list(walk(roots))
    for node in nodes:
        node.y += top + 8
    edges = _edges(lab, nodes)
    drawn = edges if len(edges) <= _MOST_EDGES else []
    bottom = max([top, *(root.y + root.height for root in roots)]) + 34
    kinds = sorted({edge_kind(row) for row in drawn}, key=("hard", "soft", "optional").index)
    legend, legend_right = draw_legend(_states(nodes), kinds, len(edges) - len(drawn), _MARGIN, bottom)
    size = (max(width, legend_right + _MARGIN), bottom + 20)
    ends = chip_ends(nodes)
    names = {row["id"]: str(row.get("service_name") or row["id"]) for row in lab.services}
    body = [*_head(lab), *bands, *(draw_box(n) for n in nodes), *(draw_edge(r, ends, names) for r in drawn), *legend]
    return svg.document(
        "infradb-map", size, lab.title, _description(lab), (*_RULES, *map_states.RULES, *_hover(drawn)), body
    )


def _head(lab: MapData) -> list[str]:
    facts = [
        _counted(lab.hosts, "host"),
        _counted(lab.docker_containers, "container"),
        _counted(lab.services, "service"),
    ]
    facts += [_counted(lab.networks, "network"), *([lab.moment] if lab.moment else [])]
    parts = [
        f'<text class="h1" x="{_MARGIN}" y="42">{escape(lab.title)}</text>',
        f'<text class="dim" x="{_MARGIN}" y="64">{escape(" · ".join(facts))}</text>',
    ]
    if not (lab.hosts or lab.docker_containers or lab.services):
        parts.append(
            f'<text x="{_MARGIN}" y="{_TOP + 16}">Nothing is known yet: infradb discover fills the map.</text>'
        )
    return parts


def _counted(rows: Sequence[Row], noun: str) -> str:
    return f"{len(rows):,} {noun}{'' if len(rows) == 1 else 's'}"


def _description(lab: MapData) -> str:
    return (
        f"{_counted(lab.hosts, 'host')} with their guests, {_counted(lab.docker_containers, 'container')} and "
        f"{_counted(lab.services, 'service')} as nested boxes, {_counted(lab.networks, 'network')} above them. "
        "States are told by shape, colour and word, criticality by the thickness of the border and a word."
    )


def _edges(lab: MapData, nodes: Sequence[Node]) -> list[Row]:
    known = {row["id"] for node in nodes for row in node.services}
    edges = {
        (row["dependent_service_id"], row["dependency_service_id"]): row
        for row in lab.service_dependencies
        if row.get("dependent_service_id") in known and row.get("dependency_service_id") in known
    }
    return [row for pair, row in sorted(edges.items()) if pair[0] != pair[1]]


def _states(nodes: Sequence[Node]) -> set[StateName]:
    states = {map_states.host_state(n.row).name for n in nodes if n.kind == "host" and n.row}
    states |= {map_states.container_state(n.row).name for n in nodes if n.kind == "container"}
    return states | {map_states.service_state(row).name for n in nodes for row in n.services}


def _hover(edges: Sequence[Row]) -> list[Rule]:
    """Return what makes a service's lines stand out while the pointer is on the service."""
    services = sorted({row[f] for row in edges for f in ("dependent_service_id", "dependency_service_id")})
    return [
        Rule(
            f":has(#infradb-map-service-{s}:hover) .of-{s} .wire", "opacity:1;stroke-width:3", (("stroke", svg.ACCENT),)
        )
        for s in services
    ]


__all__ = ["MapData", "map_svg"]
