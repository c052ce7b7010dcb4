"""Gives every box of the map its size and its place, from the innermost outwards."""

from collections.abc import Sequence
from math import sqrt

from infradb.interfaces.export.map_tree import Node, walk

GAP, PAD = 8, 10
TILE = 212
"""Width of a container's tile, and of a service's chip at least."""
CHIP = 22
HOST_HEAD, PROJECT_HEAD, CONTAINER_HEAD = 50, 22, 42
_HOST_WIDTH = 290
_SHAPE = 1.7
"""How much wider than high a box would like to be."""
_PICTURE_WIDTH = 1200
_FACTORS = (1, 1.15, 1.3, 1.5, 1.75, 2)
"""Widths that are tried, as multiples of the narrowest sensible one."""


def lay_out(roots: Sequence[Node], left: float, top: float) -> tuple[float, float]:
    """Place all boxes; return how far they reach to the right and down."""
    nodes = list(walk(roots))
    for node in reversed(nodes):
        _measure(node)
    order = sorted(roots, key=lambda n: (-n.height * n.width, n.name.casefold(), n.key))
    width, height = _pack(order, _PICTURE_WIDTH, 2 * GAP)
    for root in roots:
        root.x += left
        root.y += top
    for node in nodes:
        # Children know their place within their parent, which by now knows its own.
        for child in node.children:
            child.x += node.x
            child.y += node.y
    return left + width, top + height


def head_height(node: Node) -> int:
    """Return the height of a box's own lines."""
    return {"host": HOST_HEAD, "project": PROJECT_HEAD, "container": CONTAINER_HEAD}[node.kind]


def chip_place(node: Node, number: int) -> tuple[float, float]:
    """Return the upper left corner of a box's service chip."""
    row, column = divmod(number, chip_columns(node))
    inset = GAP if node.kind == "container" else PAD
    return node.x + inset + column * (chip_width(node) + GAP), node.y + head_height(node) + row * CHIP


def chip_width(node: Node) -> float:
    """Return the width of a box's service chips."""
    if node.kind == "container":
        return node.width - 2 * GAP
    count = chip_columns(node)
    return (node.width - 2 * PAD + GAP) / count - GAP


def chip_columns(node: Node) -> int:
    """Return how many chips stand side by side."""
    if node.kind == "container":
        return 1
    return max(1, int((node.width - 2 * PAD + GAP) // (TILE + GAP)))


def _measure(node: Node) -> None:
    if node.kind == "container":
        node.width, node.height = (
            TILE + 2 * GAP,
            CONTAINER_HEAD + CHIP * len(node.services) + (6 if node.services else 4),
        )
    elif node.kind == "project":
        _measure_project(node)
    else:
        _measure_host(node)


def _measure_project(node: Node) -> None:
    y: float = PROJECT_HEAD
    for child in node.children:
        child.x, child.y, child.width = GAP, y, TILE
        y += child.height + 6
    node.width, node.height = TILE + 2 * GAP, y + 2


def _measure_host(node: Node) -> None:
    guests = [c for c in node.children if c.kind == "host"]
    tiles = [c for c in node.children if c.kind != "host"]
    tiles_width, tiles_height = _columns(tiles)
    guests.sort(key=lambda n: (-n.height * n.width, n.name.casefold(), n.key))
    guests_width, guests_height = _pack(guests, tiles_width, GAP)
    chips = len(node.services)
    wanted = min(chips, max(1, round(sqrt(_SHAPE * chips * CHIP / TILE)))) * (TILE + GAP) - GAP
    inner = max(_HOST_WIDTH - 2 * PAD, tiles_width, guests_width, wanted)
    node.width = inner + 2 * PAD
    y: float = HOST_HEAD + CHIP * -(-chips // chip_columns(node)) + (GAP if chips else 0)
    for child in tiles:
        child.x, child.y = child.x + PAD, child.y + y
    y += tiles_height + (GAP if tiles and guests else 0)
    for child in guests:
        child.x, child.y = child.x + PAD, child.y + y
    y += guests_height
    node.height = y + (PAD if node.children else 2)


def _columns(tiles: Sequence[Node]) -> tuple[float, float]:
    """Stand tiles of one width in columns, each where it is shortest."""
    if not tiles:
        return 0, 0
    step = tiles[0].width + GAP
    total = sum(t.height + GAP for t in tiles)
    count = max(1, min(len(tiles), round(sqrt(_SHAPE * total / step))))
    heights = [0.0] * count
    for tile in sorted(tiles, key=lambda t: (-t.height, t.name.casefold(), t.key)):
        column = heights.index(min(heights))
        tile.x, tile.y = column * step, heights[column]
        heights[column] += tile.height + GAP
    return count * step - GAP, max(heights) - GAP


def _pack(boxes: Sequence[Node], least: float, gap: float) -> tuple[float, float]:
    """Place boxes in the width that leaves the least room unused; return width and height."""
    if not boxes:
        return 0, 0
    area = sum((b.width + gap) * (b.height + gap) for b in boxes)
    one_row = sum(b.width + gap for b in boxes) - gap
    narrowest = min(one_row, max(least, max(b.width for b in boxes), sqrt(area * _SHAPE) * 0.75))
    tried = {min(one_row, narrowest * factor) for factor in _FACTORS}
    best = min(sorted(tried), key=lambda limit: _badness(_stand(boxes, limit + gap, gap)))
    return _stand(boxes, best + gap, gap)


def _badness(size: tuple[float, float]) -> float:
    """Return the room that a picture takes, and more where it is far from the shape we want."""
    width, height = size
    ratio = width / height / _SHAPE
    return width * height * sqrt(max(ratio, 1 / ratio))


def _stand(boxes: Sequence[Node], limit: float, gap: float) -> tuple[float, float]:
    """Place each box as high as it fits below a skyline, then as far left; return width and height."""
    skyline: list[tuple[float, float, float]] = [(0.0, limit, 0.0)]
    for box in boxes:
        box.x, box.y = _lowest(skyline, box.width + gap, limit)
        skyline = _raised(skyline, box.x, box.x + box.width + gap, box.y + box.height + gap)
    return max(b.x + b.width for b in boxes), max(b.y + b.height for b in boxes)


def _lowest(skyline: Sequence[tuple[float, float, float]], width: float, limit: float) -> tuple[float, float]:
    """Return the highest place in the picture where a box of this width fits below what stands there."""
    best = (float("inf"), 0.0)
    for start, _, _ in skyline:
        if start + width > limit + 0.001:
            break
        under = max(y for a, b, y in skyline if a < start + width and b > start)
        best = min(best, (under, start))
    return best[1], best[0]


def _raised(
    skyline: Sequence[tuple[float, float, float]], left: float, right: float, y: float
) -> list[tuple[float, float, float]]:
    pieces = [(a, min(b, left), h) for a, b, h in skyline if a < left]
    pieces.append((left, right, y))
    pieces += [(max(a, right), b, h) for a, b, h in skyline if b > right]
    return [piece for piece in pieces if piece[1] - piece[0] > 0.001]
