"""Draws the ER diagram as SVG, from the same places as the one made of characters."""

from collections import Counter

from infradb.interfaces.export import svg
from infradb.interfaces.export.erd_layout import Box, Diagram, label
from infradb.interfaces.export.erd_tables import Column, Statistics, Table, size_text
from infradb.interfaces.export.svg import Rule, escape

_COLUMN, _LINE = 8, 18
_MARGIN, _TOP = 24, 116
_HEAD = 9
"""Length of an arrow's head."""
_HUES = (svg.ACCENT, svg.DEGRADED, svg.FINE, svg.UNKNOWN)
_DASHES = ("", "6 3", "2 3")

_RULES = (
    Rule("text", f"font:13px {svg.MONO};white-space:pre"),
    Rule(".h1", f"font:600 20px {svg.SANS}"),
    Rule(".h2", f"font:600 12px {svg.SANS};letter-spacing:.08em", (("fill", svg.DIM),)),
    Rule(".note", f"font:13px {svg.SANS}"),
    Rule(".box", "stroke-width:1", (("fill", svg.RAISED), ("stroke", svg.BORDER))),
    Rule(".rule", "fill:none;stroke-width:1", (("stroke", svg.HAIRLINE),)),
    Rule(".name", "font-weight:600"),
    Rule(".key", "font-weight:600"),
    Rule(".count", "text-anchor:end", (("fill", svg.DIM),)),
    Rule(".net path", "fill:none;stroke-width:1.5;stroke-linejoin:round"),
    Rule(".net .hit", "stroke:transparent;stroke-width:9"),
    Rule(".net:hover .wire", "stroke-width:3.5"),
)


def svg_diagram(diagram: Diagram, statistics: Statistics) -> str:
    """Return the diagram as one self-contained document."""
    sizes = Counter(net for net, _, _ in diagram.arrows)
    nets = sorted(sizes, key=lambda net: (-sizes[net], net))
    description = (
        f"{len(diagram.boxes)} tables and the references between them; "
        "arrows lead from a table to those that point at it."
    )
    body = [*_head(diagram, statistics), *(_net(net, diagram) for net in nets), *(_box(box) for box in diagram.boxes)]
    size = (diagram.width * _COLUMN + 2 * _MARGIN, diagram.height * _LINE + _TOP + _MARGIN)
    return svg.document(
        "infradb-erd", size, "Entity relationship diagram", description, (*_RULES, *_net_rules(nets)), body
    )


def _net_rules(nets: list[str]) -> list[Rule]:
    rules = []
    for number, net in enumerate(nets):
        hue, dash = _HUES[number % len(_HUES)], _DASHES[number // len(_HUES) % len(_DASHES)]
        dashes = f"stroke-dasharray:{dash}" if dash else ""
        rules.append(Rule(f".net-{net} .wire", dashes, (("stroke", hue),)))
        rules.append(Rule(f".net-{net} .head", "", (("fill", hue),)))
        rules.append(Rule(f":has(.table-{net}:hover) .net-{net} .wire", "stroke-width:3.5"))
    return rules


def _head(diagram: Diagram, statistics: Statistics) -> list[str]:
    facts = [f"{statistics.tables} tables", f"{statistics.views} views", size_text(statistics.database_bytes)]
    if statistics.generated:
        facts.append(f"as of {statistics.generated}")
    legend = "PK primary key · FK foreign key · ↺ points at its own table · arrow: one to many · right of a name: rows"
    parts = [
        f'<text class="h1" x="{_MARGIN}" y="40">Infrastructure database</text>',
        f'<text class="note" x="{_MARGIN}" y="62">{escape(" · ".join(facts))}</text>',
        f'<text class="note dim" x="{_MARGIN}" y="82">{escape(legend)}</text>',
    ]
    for y, heading in diagram.headings:
        parts.append(f'<text class="h2" x="{_MARGIN}" y="{_y(y) + 4}">{escape(heading)}</text>')
    return parts


def _net(net: str, diagram: Diagram) -> str:
    lines = (line for line in diagram.lines if line.net == net)
    path = "".join(f"M{_x(a.x1)} {_y(a.y1)}L{_x(a.x2)} {_y(a.y2)}" for a in lines)
    path += "".join(f"M{_x(x)} {_y(y)}v{_HEAD}" for name, x, y in diagram.arrows if name == net)
    heads = "".join(_arrow(x, y) for name, x, y in diagram.arrows if name == net)
    return (
        f'<g class="net net-{escape(net)}"><title>point at {escape(net)}</title><path class="hit" d="{path}"/>'
        f'<path class="wire" d="{path}"/>{heads}</g>'
    )


def _arrow(x: int, y: int) -> str:
    tip = _y(y) + _LINE
    return f'<polygon class="head" points="{_x(x)},{tip} {_x(x) - 4},{tip - _HEAD} {_x(x) + 4},{tip - _HEAD}"/>'


def _box(box: Box) -> str:
    x, y = _x(box.x), _y(box.y)
    width, height = (box.width - 1) * _COLUMN, (box.height - 1) * _LINE
    table = box.table
    parts = [
        f'<g class="table-{escape(table.name)}"><title>{escape(table.doc)}</title>',
        f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>',
        f'<path class="rule" d="M{x} {y + 2 * _LINE}h{width}"/>',
        f'<text class="name" x="{x + 12}" y="{y + _LINE + 5}">{escape(table.name)}</text>',
    ]
    if table.rows is not None:
        parts.append(f'<text class="count" x="{x + width - 12}" y="{y + _LINE + 5}">{table.rows}</text>')
    for number, text in enumerate(box.lines):
        column = table.columns[number] if number < len(table.columns) else None
        parts.append(_column(column, table, text, x + 12, y + (number + 3) * _LINE - 2))
    return "".join((*parts, "</g>"))


def _column(column: Column | None, table: Table, text: str, x: int, y: int) -> str:
    if column is None:
        return f'<text class="dim" x="{x}" y="{y}">{escape(text)}</text>'
    marks = label(column, table).removeprefix(column.name)
    style = ' class="key"' if column.primary else ""
    return f'<text{style} x="{x}" y="{y}">{escape(column.name)}<tspan class="dim">{escape(marks)}</tspan></text>'


def _x(column: int) -> int:
    return _MARGIN + column * _COLUMN


def _y(line: int) -> int:
    return _TOP + line * _LINE
