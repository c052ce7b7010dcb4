"""`infradb import`."""

import sys
from pathlib import Path
from typing import Any

import click

from infradb.interfaces.cli.session import database, print_json, print_rows
from infradb.operations.importing import ImportReport, import_infrastructure_db
from infradb.queries import tables


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
    opened = database(ctx, create=True, dry_run=dry_run)
    report = import_infrastructure_db(
        opened, file, dry_run=dry_run, progress=_progress() if output == "table" else None
    )
    if output == "json":
        return print_json({"layout": report.layout, "dry_run": dry_run, **report.tables, **report.run.counts})
    _print(report, dry_run)
    if not dry_run:
        with opened.read() as connection:
            _print_quarantine(tables.rows(connection, "quarantine", (), ("-field", "native_key"), 20, None)[1], report)
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


def _print_quarantine(rows: list[dict[str, Any]], report: ImportReport) -> None:
    if rows:
        click.echo("\nin quarantine")
        print_rows(["native_key", "field", "reason"], rows, "table")
        total = sum(t["quarantined"] + t["fields_quarantined"] for t in report.tables["tables"].values())
        if total > len(rows):
            click.echo(f"… and {total - len(rows)} more: `infradb list quarantine`")
