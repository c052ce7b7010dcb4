"""`infradb coverage`: blind spots, and the command that closes each."""

from dataclasses import asdict

import click

from infradb.interfaces.cli.session import database, output_option, print_rows
from infradb.operations.coverage import coverage as blind_spots


@click.command(epilog="Example:  infradb coverage --limit 10")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, those first on which most depends.")
@output_option
@click.pass_context
def coverage(ctx: click.Context, limit: int | None, output: str) -> None:
    """List what is known to be there and seen by nobody who could tell more, with the command that closes the gap.

    That on which most depends comes first: guests never seen from inside, addresses without a machine, Docker hosts
    whose engine no source reads, ways out whose rules nobody knows, sources that fail.
    """
    found = blind_spots(database(ctx))
    rows = [asdict(b) for b in found[:limit]]
    print_rows(["depends", "what", "lacks", "command"], rows, output, empty="no blind spots")
    if output == "table" and limit and len(found) > limit:
        click.echo(f"{len(found) - limit} more", err=True)
