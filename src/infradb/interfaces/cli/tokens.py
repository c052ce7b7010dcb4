"""`infradb token`: what programs come in with."""

from dataclasses import asdict

import click

from infradb.interfaces.cli.edit import ahead
from infradb.interfaces.cli.session import database, instant, output_option, print_rows
from infradb.operations import tokens


@click.group()
def token() -> None:
    """Secrets of programs: add, list, revoke."""


@token.command(epilog="Example:  infradb token add branch --expires 365d")
@click.argument("source")
@click.option("--kind", default="runs", help="Collector that makes the runs: it says how much they count.")
@click.option("--expires", metavar="TIME", default="365d", show_default=True, help="When it ends: 90d, 2027-01-31.")
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.pass_context
def add(ctx: click.Context, source: str, kind: str, expires: str, description: str | None) -> None:
    """Make a token that brings runs of SOURCE to `POST /api/v1/runs`, and opens nothing else. It is shown once."""
    until = instant(ahead(expires), "--expires") or ""
    secret = tokens.add(database(ctx, create=True), source, kind, until, description)
    click.echo(secret)
    click.echo(
        "  it is not shown again; use it so:\n"
        "  curl --header 'Authorization: Bearer …' --data-binary @run.jsonl http://127.0.0.1:8420/api/v1/runs",
        err=True,
    )


@token.command("list")
@output_option
@click.pass_context
def list_(ctx: click.Context, output: str) -> None:
    """List the tokens: whose runs they bring, until when, and when they were last used."""
    rows = [asdict(t) for t in tokens.tokens(database(ctx))]
    print_rows(["id", "source", "description", "created_at", "expires_at", "used_at"], rows, output, empty="no tokens")


@token.command()
@click.argument("number", metavar="ID", type=int)
@click.pass_context
def revoke(ctx: click.Context, number: int) -> None:
    """End a token at once."""
    tokens.revoke(database(ctx), number)
    click.echo(f"token {number} is over")
