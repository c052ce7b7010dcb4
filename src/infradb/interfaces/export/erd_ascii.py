"""Draws the ER diagram with box characters."""

from collections import defaultdict

from infradb.interfaces.export.erd_layout import WIDTH, Box, Diagram, Line, title
from infradb.interfaces.export.erd_tables import Statistics, size_text

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_GLYPHS = {
    _UP | _DOWN: "│", _LEFT | _RIGHT: "─", _UP | _LEFT: "┘", _UP | _RIGHT: "└", _DOWN | _LEFT: "┐", _DOWN | _RIGHT: "┌",
    _UP | _DOWN | _LEFT: "┤", _UP | _DOWN | _RIGHT: "├", _UP | _LEFT | _RIGHT: "┴", _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼", _UP: "│", _DOWN: "│", _LEFT: "─", _RIGHT: "─",
}  # fmt: skip
_TITLE = "INFRASTRUCTURE DATABASE - ENTITY RELATIONSHIP DIAGRAM"
_LEGEND = """\
Legend
 (PK) = Primary Key
 (FK) = Foreign Key
 ┬─►  = One-to-Many relationship: from a table down to those that point at it
 ─│─  = Two relationships that cross
 ↺    = Self-referencing relationship
 NAME  23 = Table and its number of rows
 Many-to-Many relationships go through junction tables: docker_container_networks, docker_container_volumes,
 service_dependencies, links. Every entity's id is the id of a row of entities, too."""


def ascii_diagram(diagram: Diagram, statistics: Statistics) -> str:
    """Return the whole page: title, diagram, legend, statistics."""
    parts = [_boxed(_TITLE, WIDTH), _drawing(diagram), _LEGEND, _statistics(statistics)]
    return "\n\n".join(parts) + "\n"


def _boxed(text: str, width: int) -> str:
    return "\n".join((f"┌{'─' * (width - 2)}┐", f"│{text:^{width - 2}}│", f"└{'─' * (width - 2)}┘"))


def _drawing(diagram: Diagram) -> str:
    grid = [[" "] * diagram.width for _ in range(diagram.height)]
    for box in diagram.boxes:
        for number, line in enumerate(_box_lines(box)):
            grid[box.y + number][box.x : box.x + box.width] = line
    for y, heading in diagram.headings:
        text = f"── {heading} "
        grid[y][: len(text)] = text
    _draw_lines(grid, diagram)
    for _, x, y in diagram.arrows:
        grid[y][x] = "▼"
    return "\n".join("".join(row).rstrip() for row in grid).rstrip()


def _box_lines(box: Box) -> list[str]:
    inner = box.width - 4
    rule = "─" * (box.width - 2)
    name, _, count = title(box.table).partition("  ")
    head = f"{name}{count:>{inner - len(name)}}"
    return [f"┌{rule}┐", f"│ {head} │", f"├{rule}┤", *(f"│ {line:<{inner}} │" for line in box.lines), f"└{rule}┘"]


def _draw_lines(grid: list[list[str]], diagram: Diagram) -> None:
    cells: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in diagram.lines:
        _trace(cells, line)
    borders = {(x, box.bottom) for box in diagram.boxes for x in range(box.x, box.x + box.width)}
    for (x, y), nets in cells.items():
        if (x, y) in borders:
            grid[y][x] = "┬"
        elif len(nets) == 1:
            grid[y][x] = _GLYPHS[next(iter(nets.values()))]
        else:
            # A vertical bridges what it crosses, so that ┼ always means a junction.
            grid[y][x] = "│"


def _trace(cells: dict[tuple[int, int], dict[str, int]], line: Line) -> None:
    for y in range(line.y1, line.y2):
        cells[line.x1, y][line.net] |= _DOWN
        cells[line.x1, y + 1][line.net] |= _UP
    for x in range(line.x1, line.x2):
        cells[x, line.y1][line.net] |= _RIGHT
        cells[x + 1, line.y1][line.net] |= _LEFT


def _statistics(statistics: Statistics) -> str:
    rows = [(name, f"{count:,}") for name, count in statistics.rows.items()]
    totals = [
        ("TOTAL TABLES", str(statistics.tables)),
        ("TOTAL VIEWS", str(statistics.views)),
        ("DATABASE SIZE", size_text(statistics.database_bytes)),
    ]
    left = max(23, *(len(name) for name, _ in rows + totals))
    right = max(7, *(len(count) for _, count in rows + totals))

    def rule(ends: str) -> str:
        return f"{ends[0]}{'─' * (left + 2)}{ends[1]}{'─' * (right + 2)}{ends[2]}"

    def line(name: str, count: str) -> str:
        return f"│ {name:<{left}} │ {count:<{right}} │"

    heading = f"Table Statistics (as of {statistics.generated})" if statistics.generated else "Table Statistics"
    body = [line(*row) for row in rows]
    return "\n".join(
        [heading, rule("┌┬┐"), line("Table", "Rows"), rule("├┼┤"), *body, *([rule("├┼┤")] if body else []),
         *(line(*row) for row in totals), rule("└┴┘")]
    )  # fmt: skip
