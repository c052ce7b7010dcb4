"""`infradb merge`, `split` and `keep-apart`: what a person decides about identity."""

import click

from infradb.interfaces.cli.edit import edit_of, reason_option
from infradb.interfaces.cli.session import database
from infradb.operations import identity


@click.command(epilog="Example:  infradb merge web1 hosts/412 --reason 'the scanner saw its second address'")
@click.argument("kept", metavar="A")
@click.argument("gone", metavar="B")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@reason_option
@click.pass_context
def merge(ctx: click.Context, kept: str, gone: str, dry_run: bool, reason: str | None) -> None:
    """Say that A and B are one thing, which goes on as A. `infradb split A --source S` takes it back."""
    done = identity.merge(database(ctx), kept, gone, edit_of(reason), dry_run=dry_run)
    along = f", and {done.along} that they both own" if done.along else ""
    name = f", which goes on as {done.goes_on_as}" if done.goes_on_as != done.kept.label else ""
    click.echo(f"{done.other.label} is {done.kept.label}{name}{along}; {done.changed} rows changed")
    if dry_run:
        click.echo("dry run: nothing was written")


@click.command(epilog="Example:  infradb split web1 --source snmp --reason 'another machine of that name'")
@click.argument("name")
@click.option("--source", metavar="SOURCE", help="Whose thing is another one.")
@reason_option
@click.pass_context
def split(ctx: click.Context, name: str, source: str | None, reason: str | None) -> None:
    """Say that what SOURCE shows as NAME is another thing. It becomes one of its own, and the two are kept apart."""
    done = identity.split(database(ctx), name, source, edit_of(reason))
    along = f", with {done.along} that it owns" if done.along else ""
    click.echo(f"{done.other.label} (id {done.other.id}) is a thing of its own now{along}")


@click.command("keep-apart", epilog="Example:  infradb keep-apart web1 412 --reason 'two machines behind one name'")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--undo", is_flag=True, help="Take it back.")
@reason_option
@click.pass_context
def keep_apart(ctx: click.Context, a: str, b: str, undo: bool, reason: str | None) -> None:
    """Say that A and B are two things, whatever makes them look like one."""
    one, other = identity.keep_apart(database(ctx), a, b, edit_of(reason), undo=undo)
    click.echo(f"{one.label} and {other.label} " + ("may be one again" if undo else "stay two"))
