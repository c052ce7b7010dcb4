"""Rows as a table of text: aligned in a pipe, fitted to the width at a terminal."""

import unicodedata
from collections.abc import Sequence

NARROWEST = 12
"""Columns are shortened down to this many characters before any is left out."""


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def aligned(names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool] = ()) -> list[str]:
    """Return rows as lines of columns two spaces apart, the names first; the columns in `right` are right-aligned."""
    widths = _widths(names, rows)
    sides = list(right) or [False] * len(names)
    return [_line(cells, widths, sides) for cells in (names, *rows)]


def fitted(
    names: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], columns: int, *, keep: bool
) -> tuple[list[str], list[str]]:
    """Return rows as lines of at most so many columns, and the names of what was left out.

    Long columns are shortened. What does not fit even then is left out from the right; with `keep` nothing is left
    out, and every row becomes a block of lines of its own instead.
    """
    shown = [i for i in range(len(names)) if keep or not rows or any(row[i] for row in rows)]
    widths = _shortened(_widths(names, rows), shown, names, columns)
    while _total(widths, shown) > columns and len(shown) > 1:
        if keep:
            return _blocks(names, rows, columns), []
        shown = shown[:-1]
        widths = _shortened(_widths(names, rows), shown, names, columns)
    final, sides = [widths[i] for i in shown], [right[i] for i in shown]
    lines = [_line([cut(cells[i], widths[i]) for i in shown], final, sides) for cells in (names, *rows)]
    kept = set(shown)
    return lines, [n for i, n in enumerate(names) if i not in kept and any(row[i] for row in rows)]


def cut(text: str, columns: int) -> str:
    """Return a text shortened to so many columns of a terminal."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(width(cells[i]) for cells in (names, *rows)) for i in range(len(names))]


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + 2 * (len(shown) - 1)


def _shortened(widths: list[int], shown: Sequence[int], names: Sequence[str], columns: int) -> list[int]:
    """Take from the widest column until all fit, or none can give more."""
    least = {i: min(widths[i], max(NARROWEST, width(names[i]))) for i in shown}
    over = _total(widths, shown) - columns
    while over > 0:
        giving = [i for i in shown if widths[i] > least[i]]
        if not giving:
            break
        widest = max(giving, key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        f"{' ' * (w - width(c))}{c}" if on_right else f"{c}{' ' * (w - width(c))}"
        for c, w, on_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _blocks(names: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> list[str]:
    """Return each row as a block of `name  value` lines, with a blank line between blocks."""
    widest = max(map(width, names))
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        lines += [cut(f"{n.ljust(widest)}  {c}", columns) for n, c in zip(names, row, strict=True) if c]
    return lines
