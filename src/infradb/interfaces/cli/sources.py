"""`infradb sources`."""

import time

import click

from infradb.errors import UsageError
from infradb.interfaces.cli.discover import print_reports
from infradb.interfaces.cli.session import database, output_option, print_rows
from infradb.operations import sources as operations


@click.group()
def sources() -> None:
    """What is read: list, add, test, doctor, calls, remove."""


@sources.command("list")
@output_option
@click.pass_context
def list_(ctx: click.Context, output: str) -> None:
    """List the sources in the order in which they win, with their last run."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        rows = operations.overview(connection)
    print_rows(["name", "kind", "enabled", "status", "last_run", "seen", "errors"], rows, output)


@sources.command(
    epilog="Examples:  infradb sources add docker nas url=ssh://admin@nas.lan    infradb sources doctor nas"
)
@click.argument("kind")
@click.argument("name")
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
@click.pass_context
def add(ctx: click.Context, kind: str, name: str, settings: tuple[str, ...]) -> None:
    """Add a source of KIND (docker, local) under a NAME of yours. `sources calls` shows what it will ask.

    A wrong setting is told with all that there are. No setting holds a password: ssh:// logs in by key, https:// by
    certificate.
    """
    pairs = dict(_pair(s) for s in settings)
    added = operations.add(database(ctx, create=True), kind, name, pairs)
    click.echo(f"added {added.name}; `infradb sources doctor {added.name}` proves its rights")


@sources.command()
@click.argument("name")
@click.pass_context
def test(ctx: click.Context, name: str) -> int:
    """Read a source once and write nothing."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    began = time.monotonic()
    reports = operations.discover(opened, [name], dry_run=True)
    print_reports(reports, dry_run=True)
    click.echo(f"{time.monotonic() - began:.1f} s", err=True)
    return 0 if reports[0].status == "complete" else 6


@sources.command()
@click.argument("name")
@output_option
@click.pass_context
def doctor(ctx: click.Context, name: str, output: str) -> int:
    """Prove each right and tool that a source needs, and say what is missing."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        entry = operations.entry(connection, name)
    found = operations.diagnose(entry)
    rows = [{"": "ok" if d.ok else "missing", "needs": d.needs, "found": d.detail, "what to do": d.hint} for d in found]
    print_rows(["", "needs", "found", "what to do"], rows, output)
    return 0 if all(d.ok for d in found) else 6


@sources.command()
@click.argument("name")
@click.pass_context
def calls(ctx: click.Context, name: str) -> None:
    """List every call that a source's collector makes, so that a proxy can allow just these."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        entry = operations.entry(connection, name)
    click.echo("\n".join(operations.calls(entry)))


@sources.command()
@click.argument("name")
@click.option("--keep", "keep", is_flag=True, help="Leave what it said as it is (default).")
@click.option("--retire", "retire", is_flag=True, help="Retire what nobody else says.")
@click.pass_context
def remove(ctx: click.Context, name: str, keep: bool, retire: bool) -> None:
    """Read a source no more."""
    if keep and retire:
        raise UsageError("--keep and --retire contradict each other")
    report = operations.remove(database(ctx), name, retire=retire)
    click.echo(
        f"removed {name}" + (f"; {report.counts['retired']} things retired" if report else "; what it said stays")
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"{text!r} is no setting", hint="key=value, such as url=tcp://nas.lan:2375")
    return name, value
