"""`infradb sql`."""

import sys

import click

from infradb.interfaces.cli.session import as_of_option, database, instant, output_option, print_rows
from infradb.queries import tables


@click.command(epilog='Example:  infradb sql "SELECT hostname, ram_percent FROM v_host_inventory ORDER BY 2 DESC"')
@click.argument("question", metavar="SELECT", required=False)
@as_of_option
@output_option
@click.pass_context
def sql(ctx: click.Context, question: str | None, as_of: str | None, output: str) -> None:
    """Ask in SQL, read-only; from standard input where no question is given. `infradb erd` shows the tables."""
    text = question if question not in (None, "-") else sys.stdin.read()
    with database(ctx).read() as connection:
        names, rows = tables.ask(connection, text or "", instant(as_of))
    # Two columns may have one name: positions tell them apart.
    unique = [n if names.count(n) == 1 else f"{n}:{i + 1}" for i, n in enumerate(names)]
    print_rows(unique, [dict(zip(unique, row, strict=True)) for row in rows], output, empty="no rows")
