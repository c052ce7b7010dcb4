"""What was measured, and the table that shows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One question with our figure, and what it is held against."""

    question: str
    ours: str
    """Our figure with its unit."""
    other: str = "-"
    """The floor's or a peer's figure."""
    relation: str = "-"
    """How the two relate, or the limit."""
    met: bool | None = None
    """Whether the limit is kept; None where there is nothing to keep or nothing was measured."""

    def as_json(self) -> dict[str, Any]:
        """Return the figure as a JSON object."""
        return asdict(self)


def at_most(question: str, ours: float, limit: float, unit: str, digits: int = 1) -> Figure:
    """Return a figure that has a limit of its own."""
    shown = f"{ours:,.{digits}f} {unit}"
    return Figure(question, shown, relation=f"limit {limit:g} {unit}", met=ours <= limit)


def against(question: str, ours: float, floor: float, limit: float, unit: str = "CPU s") -> Figure:
    """Return a figure that has a floor; `limit` says how many times it may be."""
    ratio = ours / floor
    return Figure(
        question, f"{ours:.2f} {unit}", f"{floor:.2f} {unit}", f"{ratio:.2f}x (limit {limit:g}x)", ratio <= limit
    )


def skipped(question: str, why: str) -> Figure:
    """Return a figure that could not be measured, and why."""
    return Figure(question, f"not measured: {why}")


def table(figures: list[Figure]) -> str:
    """Return figures as a table."""
    words = {True: "yes", False: "NO", None: "-"}
    head = ("question", "ours", "floor or peer", "ratio or limit", "met")
    rows = [head, *((f.question, f.ours, f.other, f.relation, words[f.met]) for f in figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
