"""`infradb discover`."""

import shutil
import sys
import threading
import time
from typing import Self

import click

from infradb import settings
from infradb.interfaces.cli.session import database, print_json, print_rows
from infradb.operations import sources
from infradb.operations.absorb import RunReport


@click.command(epilog="Examples:  infradb discover    infradb discover docker --dry-run")
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--allow-retire", is_flag=True, help="Retire what is gone even where it is suddenly a lot.")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer.")
@click.pass_context
def discover(ctx: click.Context, names: tuple[str, ...], dry_run: bool, allow_retire: bool, output: str) -> int:
    """Read the sources (all of them, or those named) and show what changed.

    Exit code 6 where a source could not be read, or not wholly.
    """
    opened = database(ctx, create=True, dry_run=dry_run)
    sources.ensure_defaults(opened)
    with Reading(told=output == "table" and sys.stderr.isatty()) as reading:
        reports = sources.discover(
            opened,
            names,
            allow_retire=allow_retire,
            dry_run=dry_run,
            settings=settings.load(),
            begun=reading.begun,
            done=reading.done,
        )
    if output == "json":
        print_json([as_json(r) for r in reports])
    else:
        print_reports(reports, dry_run=dry_run)
    return 6 if any(r.status != "complete" for r in reports) else 0


class Reading:
    """One line at a terminal that says which sources are being read, and for how long."""

    def __init__(self, *, told: bool) -> None:
        self._told = told
        self._since: dict[str, float] = {}
        self._finished = 0
        self._over = threading.Event()
        self._lock = threading.Lock()

    def begun(self, name: str) -> None:
        """Note that a source is being read."""
        with self._lock:
            self._since[name] = time.monotonic()

    def done(self, report: RunReport) -> None:
        """Note that a source was read and taken in."""
        with self._lock:
            self._since.pop(report.source, None)
            self._finished += 1

    def __enter__(self) -> Self:
        if self._told:
            threading.Thread(target=self._tell, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._told:
            click.echo("\r\033[K", nl=False, err=True)

    def _tell(self) -> None:
        while not self._over.wait(0.2):
            now = time.monotonic()
            with self._lock:
                waiting = ", ".join(f"{n} {now - s:.0f} s" for n, s in sorted(self._since.items()))
            line = f"{self._finished} read" + (f"; reading {waiting}" if waiting else "")
            click.echo(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}", nl=False, err=True)


def print_reports(reports: list[RunReport], *, dry_run: bool = False) -> None:
    """Write what each source changed, and what it could not read."""
    names = ["source", "status", "seen", "created", "updated", "retired", "revived", "missing"]
    print_rows(names, [{"source": r.source, "status": r.status, **r.counts} for r in reports], "table")
    for report in reports:
        for error in report.errors:
            click.echo(f"{report.source}: {error}", err=True)
        for table, count in report.braked.items():
            click.echo(
                f"{report.source}: {count} {table} are suddenly gone and were kept; `infradb findings` says more",
                err=True,
            )
    if dry_run:
        click.echo("dry run: nothing was written")
    elif reports and not any(r.changed for r in reports):
        click.echo("nothing new")


def as_json(report: RunReport) -> dict[str, object]:
    """Return a report as it is in JSON."""
    return {
        "run_id": report.run_id,
        "source": report.source,
        "status": report.status,
        "scopes": report.scopes,
        **report.counts,
        "braked": report.braked,
        "errors": list(report.errors),
    }
