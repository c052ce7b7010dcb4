"""Does taking in a run grow with what it holds, and no faster? From 1,000 observations to 300,000, new and changed."""

from __future__ import annotations

from pathlib import Path

from bench.clocks import cpu_of
from bench.figures import Figure
from bench.rescan import Recorded
from infradb import clock
from infradb.operations.absorb import absorb
from infradb.store import runs
from infradb.store.database import Database
from infradb.store.schema import open_database

SIZES = (1_000, 10_000, 100_000, 300_000)
LIMIT = 1.5
"""How many times the cost of one observation of 10,000 one of 300,000 may have."""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what one observation costs, by how many there are: planned and applied, new and changed."""
    sizes = SIZES[:2] if quick else SIZES
    new: list[float] = []
    changed: list[float] = []
    for size in sizes:
        database = open_database(f"sqlite:///{folder / f'{size}.db'}", create=True)
        recorded = Recorded(size // _per_answer())
        with database.write() as connection:
            runs.add_source(connection, "docker", "docker", clock.now(), declared=False, rank=40)
        new.append(_cost(database, recorded, "1"))
        changed.append(_cost(database, recorded, "2"))
    return [_figure("new", sizes, new), _figure("with every answer changed", sizes, changed)]


def _cost(database: Database, recorded: Recorded, tag: str) -> float:
    """Return CPU microseconds per observation of taking in a run in which all images have a tag."""
    count = sum(len(a.parse()) for s in recorded.run(tag=tag).scopes for a in s.answers)
    run = recorded.run(tag=tag)

    def take_in() -> None:
        with database.write() as connection:
            absorb(connection, run)

    return 1e6 * cpu_of(take_in) / count


def _per_answer() -> int:
    run = Recorded(100).run()
    return round(sum(len(a.parse()) for s in run.scopes for a in s.answers) / 100)


def _figure(what: str, sizes: tuple[int, ...], costs: list[float]) -> Figure:
    ratio = costs[-1] / costs[min(1, len(costs) - 1)]
    each = ", ".join(f"{s:,}: {c:.0f}" for s, c in zip(sizes, costs, strict=True))
    question = f"planning and applying observations, {what}: CPU µs each"
    return Figure(question, each, relation=f"{ratio:.2f}x from 10,000 on (limit {LIMIT}x)", met=ratio <= LIMIT)
