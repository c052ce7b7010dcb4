"""`infradb import`."""

import sys
from pathlib import Path
from typing import Any

import click

from infradb.interfaces.cli.session import database, print_json, print_rows
from infradb.operations.importing import SOURCE, ImportReport, import_infrastructure_db, recognize
from infradb.queries import tables

MOST_CAUSES = 40
"""Causes of quarantine that are written out."""


@click.group("import")
def import_() -> None:
    """Take in what people have."""


@import_.command("infrastructure-db", epilog="Example:  infradb import infrastructure-db infrastructure.db --dry-run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would become of each row, and write nothing.")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the report.")
@click.pass_context
def infrastructure_db(ctx: click.Context, file: Path, dry_run: bool, output: str) -> None:
    """Import an old infrastructure database (SQLite) in either of its layouts.

    FILE is only read. Nothing is lost: what cannot be placed is kept in quarantine with its reason, and secrets are
    redacted before they are stored. A second import changes nothing.
    """
    recognize(file)
    opened = database(ctx, create=True, dry_run=dry_run)
    report = import_infrastructure_db(
        opened, file, dry_run=dry_run, progress=_progress() if output == "table" else None
    )
    if output == "json":
        return print_json({"layout": report.layout, "dry_run": dry_run, **report.tables, **report.run.counts})
    _print(report, dry_run)
    if not dry_run:
        with opened.read() as connection:
            mine = (f"source={SOURCE}",)
            _print_quarantine(tables.rows(connection, "quarantine", mine, ("field", "id"), None, None)[1])
    return None


def _progress() -> Any:
    if not sys.stderr.isatty():
        return None

    def tell(scope: str, count: int) -> None:
        click.echo(f"\r{scope}: {count:,} rows".ljust(60), err=True, nl=False)

    return tell


def _print(report: ImportReport, dry_run: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r".ljust(61) + "\r", err=True, nl=False)
    names = ["read", "imported", "merged", "quarantined", "fields_quarantined"]
    rows = [{"table": table, **counts} for table, counts in report.tables["tables"].items()]
    rows.append({"table": "total", **{n: sum(r[n] for r in rows) for n in names}})
    print_rows(["table", *names], rows, "table")
    for table, count in report.tables["ignored_tables"].items():
        click.echo(f"left out: table {table} with {count} rows, which infradb has no place for", err=True)
    for table, columns in report.tables["ignored_columns"].items():
        click.echo(f"left out: columns of {table}: {', '.join(columns)}", err=True)
    if dry_run:
        click.echo("dry run: nothing was written")
    elif not report.run.changed:
        click.echo("nothing new")


def _print_quarantine(rows: list[dict[str, Any]]) -> None:
    """Write why things are in quarantine: one line for all of a table that have one cause."""
    causes: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        cause = (row["native_key"].rpartition("/")[0], row["field"], row["reason"])
        causes.setdefault(cause, []).append(row["native_key"])
    if not causes:
        return
    click.echo("\nin quarantine")
    told = [
        {"table": table, "rows": len(keys), "field": field or "(whole row)", "first": keys[0], "why": why}
        for (table, field, why), keys in causes.items()
    ]
    print_rows(["table", "rows", "field", "first", "why"], told[:MOST_CAUSES], "table")
    more = f"… and {len(told) - MOST_CAUSES} more causes; " if len(told) > MOST_CAUSES else ""
    click.echo(f"{more}`infradb list quarantine` shows each with what it held")
