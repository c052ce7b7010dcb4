"""`infradb spof`."""

from typing import Any

import click

from infradb.interfaces.cli.impact import said
from infradb.interfaces.cli.session import database, output_option, print_rows
from infradb.operations import graph as operations
from infradb.operations.graph import Point

_COLUMNS = ("what", "down", "degraded", "takes", "mend", "the_same")
_FEW = 3


@click.command(epilog="Examples:  infradb spof    infradb spof --limit 5    infradb spof -o json")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, worst first.")
@output_option
@click.pass_context
def spof(ctx: click.Context, limit: int, output: str) -> None:
    """List what takes critical and high services down when it dies alone, worst first, with what would mend it.

    Things whose loss means just the same share a row: a machine, its disk and its cable.
    """
    found = operations.single_points(database(ctx), limit)
    points = found.points
    body = {
        "services": found.watched,
        "only_important": found.only_important,
        "found": found.found,
        "points": [_body(p) for p in points],
    }
    print_rows(_COLUMNS, [_row(p) for p in points], output, body=body, empty="nothing takes a service down alone")
    if output == "table":
        which = "critical and high services" if found.only_important else "services"
        click.echo(f"{found.watched} {which}; {len(points)} of {found.found} single points", err=True)
        if not found.only_important and found.watched:
            hint = "`infradb set NAME criticality=critical` says which matter"
            click.echo(f"nobody said how critical any service is, so that all count: {hint}", err=True)


def _row(point: Point) -> dict[str, Any]:
    takes = [t.name for t in (*point.takes, *point.degrades)]
    return {
        "what": point.thing.label,
        "down": len(point.takes),
        "degraded": len(point.degrades),
        "takes": _few(takes),
        "mend": point.mend,
        "the_same": _few([t.label for t in point.same]),
    }


def _few(names: list[str]) -> str:
    more = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {more} more" if more > 0 else "")


def _body(point: Point) -> dict[str, Any]:
    lists = {"takes": point.takes, "degrades": point.degrades, "the_same": point.same}
    return {**said(point.thing), "mend": point.mend, **{n: [said(t) for t in things] for n, things in lists.items()}}
