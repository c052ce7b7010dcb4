"""Places the ER diagram's boxes and lines on a grid of characters.

Boxes stand in rows. A table's line leaves at its bottom, runs along a track between two rows, and comes down on
whatever points at the table. Where that is not the next row, it takes a trunk to the right of all boxes. No two
nets ever share a track or a column, so lines cross but never overlap.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from infradb.interfaces.export.erd_tables import Column, Table

WIDTH = 110
_BOXES_WIDTH = 96
_GAP = 3

BLOCKS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "NETWORKS",
        (
            ("networks", "sites"),
            ("ip_addresses", "network_routes", "firewall_rules"),
            ("dns_records", "firewall_aliases"),
        ),
    ),
    (
        "HOSTS",
        (
            ("hosts",),
            ("network_interfaces", "storage_devices", "proxmox_containers"),
            ("links", "proxmox_storages", "guest_disks"),
            ("vlans", "mac_sightings"),
        ),
    ),
    (
        "DOCKER",
        (
            ("docker_networks", "docker_containers", "docker_volumes"),
            ("docker_container_networks", "docker_container_volumes"),
        ),
    ),
    (
        "SERVICES",
        (
            ("services",),
            ("service_dependencies", "checks", "health_checks"),
            ("health_check_rollups", "incidents"),
            ("proxy_routes", "certificates"),
        ),
    ),
    (
        "HISTORY AND BOOKKEEPING",
        (
            ("entities", "sources", "users"),
            ("identifiers", "scopes", "discovery_runs"),
            ("claims", "infrastructure_changes", "quarantine"),
            ("merges", "kept_apart", "drift_decisions"),
            ("findings", "maintenance_windows", "samples"),
            ("api_tokens", "change_anchors", "infradb_meta"),
        ),
    ),
)
"""Where tables stand; one that is named nowhere stands in a last block of its own."""


@dataclass(frozen=True, slots=True)
class Box:
    """A table's box; x and y are its upper left corner, borders are part of it."""

    table: Table
    lines: tuple[str, ...]
    x: int
    y: int
    width: int

    @property
    def height(self) -> int:
        """Return the number of lines it takes."""
        return len(self.lines) + 4

    @property
    def bottom(self) -> int:
        """Return the line of its lower border."""
        return self.y + self.height - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A straight piece of a net, from the upper or left end to the other."""

    net: str
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(slots=True)
class Diagram:
    """Everything that is drawn, on a grid of `width` times `height` characters."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    arrows: list[tuple[str, int, int]] = field(default_factory=list)
    """Net and place of each head that comes down on a box."""
    headings: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of each block's heading."""
    width: int = 0
    height: int = 0


def label(column: Column, table: Table) -> str:
    """Return a column as its line says it: `host_id (FK)`."""
    marks = [mark for mark, has in (("PK", column.primary), ("FK", column.target is not None)) if has]
    text = f"{column.name} ({', '.join(marks)})" if marks else column.name
    return f"{text} ↺" if column.target == table.name else text


def title(table: Table) -> str:
    """Return a box's first line: the table's name and how many rows it has."""
    return table.name.upper() if table.rows is None else f"{table.name.upper()}  {table.rows}"


def lay_out(tables: Mapping[str, Table]) -> Diagram:
    """Place every table and every reference between two of them."""
    rows = list(_rows(tables))
    return _Layout(tables, rows).diagram()


def _rows(tables: Mapping[str, Table]) -> Iterator[tuple[str, list[Table]]]:
    """Yield rows that fit, each with its block's heading where it is the block's first."""
    placed = {name for _, rows in BLOCKS for row in rows for name in row}
    rest = tuple((name,) for name in tables if name not in placed)
    for heading, rows in (*BLOCKS, ("OTHERS", rest)):
        for row in rows:
            fitting: list[Table] = []
            for table in (tables[name] for name in row if name in tables):
                if fitting and sum(_width(t) + _GAP for t in fitting) + _width(table) > _BOXES_WIDTH:
                    yield heading, fitting
                    heading, fitting = "", []
                fitting.append(table)
            if fitting:
                yield heading, fitting
                heading = ""


def _lines(table: Table) -> tuple[str, ...]:
    return (*(label(c, table) for c in table.columns), *(["..."] if table.more else []))


def _width(table: Table) -> int:
    return max(20, len(title(table)), *(len(line) for line in _lines(table))) + 4


@dataclass(slots=True)
class _Zone:
    """The space between two rows of boxes, or one half of it where a heading stands between them."""

    tracks: dict[str, int] = field(default_factory=dict)
    """Net -> its line."""
    columns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Net -> where verticals meet its track."""


class _Layout:
    def __init__(self, tables: Mapping[str, Table], rows: list[tuple[str, list[Table]]]) -> None:
        self._tables = tables
        self._rows = rows
        self._zones: list[_Zone] = []
        self._above: list[int] = []
        """Per row: number of the zone above it, from which lines come down on its boxes."""
        self._below: list[int] = []
        """Per row: number of the zone below it, into which lines leave."""
        self._number_zones()
        self._use_tracks()
        self._trunks = self._assign_trunks()
        self._diagram = Diagram()

    def diagram(self) -> Diagram:
        y = 0
        for row, (heading, tables) in enumerate(self._rows):
            if heading:
                y += 1 if row else 0
                self._diagram.headings.append((y, heading))
                y += 1
            if heading or not row:
                y = self._place_tracks(self._above[row], y)
            # One line for the heads of the arrows.
            y = self._place_boxes(tables, y + 1)
            y = self._place_tracks(self._below[row], y)
        self._draw_nets()
        diagram = self._diagram
        diagram.width = max([_BOXES_WIDTH, *(x + 1 for x in self._trunks.values())])
        diagram.height = y + 1
        return diagram

    def _number_zones(self) -> None:
        for row, (heading, _) in enumerate(self._rows):
            if heading or not row:
                self._zones.append(_Zone())
            self._above.append(len(self._zones) - 1)
            self._zones.append(_Zone())
            self._below.append(len(self._zones) - 1)

    def _use_tracks(self) -> None:
        """Note which net needs a track in which zone: where it leaves, and above each box that it comes down on."""
        row_of = {t.name: row for row, (_, tables) in enumerate(self._rows) for t in tables}
        for table in self._tables.values():
            for target in table.targets:
                if target in row_of:
                    self._zones[self._below[row_of[target]]].tracks[target] = 0
                    self._zones[self._above[row_of[table.name]]].tracks[target] = 0

    def _assign_trunks(self) -> dict[str, int]:
        """Give each net that is in several zones a column; short ones stand nearer to the boxes."""
        used: dict[str, list[int]] = defaultdict(list)
        for number, zone in enumerate(self._zones):
            for net in zone.tracks:
                used[net].append(number)
        spans = {net: (min(n), max(n)) for net, n in used.items() if len(n) > 1}
        columns: list[list[tuple[int, int]]] = []
        chosen: dict[str, int] = {}
        for net, span in sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item[1], item[0])):
            free = (n for n, taken in enumerate(columns) if all(span[0] > b or span[1] < a for a, b in taken))
            column = next(free, len(columns))
            if column == len(columns):
                columns.append([])
            columns[column].append(span)
            chosen[net] = column
        return {net: _BOXES_WIDTH + 1 + 2 * column for net, column in chosen.items()}

    def _place_tracks(self, number: int, y: int) -> int:
        zone = self._zones[number]
        for net in zone.tracks:
            zone.tracks[net] = y
            y += 1
        return y

    def _place_boxes(self, tables: Iterable[Table], y: int) -> int:
        x, bottom = 0, y
        for table in tables:
            box = Box(table, _lines(table), x, y, _width(table))
            self._diagram.boxes.append(box)
            x += box.width + _GAP
            bottom = max(bottom, box.bottom)
        return bottom + 1

    def _draw_nets(self) -> None:
        row_of = {t.name: row for row, (_, tables) in enumerate(self._rows) for t in tables}
        for box in self._diagram.boxes:
            row = row_of[box.table.name]
            self._draw_leaving(box, self._zones[self._below[row]])
            self._draw_coming(box, self._zones[self._above[row]])
        for zone in self._zones:
            for net, y in zone.tracks.items():
                ends = [*zone.columns[net], *([self._trunks[net]] if net in self._trunks else [])]
                self._diagram.lines.append(Line(net, min(ends), y, max(ends), y))
        for net, x in self._trunks.items():
            ys = [zone.tracks[net] for zone in self._zones if net in zone.tracks]
            self._diagram.lines.append(Line(net, x, min(ys), x, max(ys)))

    def _draw_leaving(self, box: Box, zone: _Zone) -> None:
        net = box.table.name
        if net in zone.tracks:
            # Lines leave in even columns and come down in odd ones, so that they never meet.
            x = box.x + box.width // 2
            x += x % 2
            zone.columns[net].append(x)
            self._diagram.lines.append(Line(net, x, box.bottom, x, zone.tracks[net]))

    def _draw_coming(self, box: Box, zone: _Zone) -> None:
        targets = sorted((t for t in box.table.targets if t in zone.tracks), key=lambda t: zone.tracks[t])
        x = box.x + 3 + box.x % 2
        x += 1 - x % 2
        for net in targets:
            zone.columns[net].append(x)
            self._diagram.lines.append(Line(net, x, zone.tracks[net], x, box.y - 1))
            self._diagram.arrows.append((net, x, box.y - 1))
            x += 4
