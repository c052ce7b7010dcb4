"""`infradb collect` and `infradb ingest`: a run that is read in one place and taken in at another."""

import sys
from pathlib import Path

import click

from infradb.errors import UsageError
from infradb.interfaces.cli.discover import as_json, print_reports
from infradb.interfaces.cli.session import database, print_json
from infradb.interfaces.cli.sources import asked_secrets, pair
from infradb.operations import ingesting


@click.command(
    epilog="Examples:  infradb collect local -o run.jsonl    infradb collect ssh hosts=web1 --name branch -o b.jsonl"
)
@click.argument("kind")
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--name", metavar="SOURCE", help="Name of the source where the run is taken in; default: KIND.")
@click.option("--output", "-o", metavar="FILE", default="-", help="Where the run goes; `-` is standard output.")
def collect(kind: str, settings: tuple[str, ...], name: str | None, output: str) -> int:
    """Read a source without a database here, into a file that `infradb ingest` takes in elsewhere.

    Exit code 6 where it could not be read wholly: the file says so, and what is absent from it retires nothing.
    """
    pairs = dict(pair(s) for s in settings)
    secrets = asked_secrets(kind, pairs)
    given = {n: v for n, v in pairs.items() if n not in secrets}
    run = ingesting.collect(kind, name or kind, given, secrets)
    if output == "-":
        sys.stdout.buffer.writelines(ingesting.lines(run, kind))
        sys.stdout.buffer.flush()
    else:
        path = Path(output)
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {path.parent}")
        size = ingesting.write(run, kind, path)
        click.echo(f"{output}: {len(run.scopes)} scopes, {size / 1000:.0f} kB, {run.status}", err=True)
    for error in run.errors:
        click.echo(f"{run.source}: {error}", err=True)
    return 0 if run.status == "complete" else 6


@click.command(
    epilog="Examples:  infradb ingest run.jsonl    ssh branch infradb collect local --name branch | infradb ingest -"
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer.")
@click.pass_context
def ingest(ctx: click.Context, file: str, output: str) -> int:
    """Take in a run that `infradb collect`, or a collector of your own, wrote to FILE.

    The same run counts once, an older one never after a newer. docs/reference/run.schema.json says what a line holds.
    """
    with click.open_file(file, "rb") as lines:
        done = ingesting.ingest(database(ctx, create=True), lines)
    if done.ahead_seconds:
        click.echo(f"{done.source}: the clock there is {done.ahead_seconds / 60:.0f} minutes ahead", err=True)
    if output == "json":
        said = as_json(done.report) if done.report else {"run_id": done.run_id, "source": done.source}
        print_json({**said, "taken_in_before": done.report is None})
    elif done.report is None:
        click.echo(f"this run of {done.source} was taken in before, as run {done.run_id}; nothing was done")
    else:
        print_reports([done.report])
    return 6 if done.report and done.report.status != "complete" else 0
