"""`infradb erd` and `infradb map`."""

from pathlib import Path

import click

from infradb import clock
from infradb.errors import UsageError
from infradb.interfaces.cli.session import as_of_option, database, instant
from infradb.interfaces.export.erd import ErdFormat, Statistics
from infradb.interfaces.export.erd import erd as draw_erd
from infradb.interfaces.export.map_svg import map_svg
from infradb.interfaces.export.map_tree import MapData
from infradb.queries import whole
from infradb.queries.statistics import sizes


@click.command(epilog="Examples:  infradb erd    infradb erd --format svg -o erd.svg    infradb erd --format mermaid")
@click.option(
    "--format",
    "form",
    type=click.Choice(["ascii", "mermaid", "dot", "svg"]),
    default="ascii",
    show_default=True,
    help="Form of the drawing.",
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.pass_context
def erd(ctx: click.Context, form: ErdFormat, output: Path | None) -> None:
    """Draw the entity relationship diagram of the model, with the row counts of this database."""
    opened = database(ctx)
    with opened.read() as connection:
        found = sizes(opened, connection)
    figures = Statistics(found.rows, found.tables, found.views, found.database_bytes, clock.now()[:10])
    write(draw_erd(figures, form), output)


@click.command("map", epilog="Example:  infradb map -o map.svg")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it there (SVG).")
@as_of_option
@click.pass_context
def map_(ctx: click.Context, output: Path | None, as_of: str | None) -> None:
    """Draw hosts with the guests, containers and services in them, and what needs what, as one SVG picture."""
    moment = instant(as_of)
    with database(ctx).read() as connection:
        tables = whole.tables(connection, whole.MAP_TABLES, moment)
    shown = (moment or clock.now())[:16].replace("T", " ")
    write(map_svg(MapData(**tables, moment=f"{shown} UTC")), output)  # type: ignore[arg-type]


def write(text: str, output: Path | None) -> None:
    """Write a text to a file, or to standard output; raise `UsageError` where that cannot be."""
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {output}", err=True)
