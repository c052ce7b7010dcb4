"""`infradb export`."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import click
import orjson

from infradb.errors import UsageError
from infradb.interfaces.cli.drawings import write
from infradb.interfaces.cli.session import as_of_option, database, instant, plain
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.queries import kinds, whole


@click.command(
    epilog="Examples:  infradb export json -o all.json    infradb export csv hosts    infradb export csv -o all.zip"
)
@click.argument("form", metavar="FORMAT", type=click.Choice(["json", "csv"]))
@click.argument("wanted", metavar="[KIND]...", nargs=-1)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@as_of_option
@click.pass_context
def export(ctx: click.Context, form: str, wanted: tuple[str, ...], output: Path | None, as_of: str | None) -> None:
    """Write out what is known, as json or csv: everything, or the KINDs named, with references by id and by name.

    CSV has one table a file: name one KIND, or write a .zip of all.
    """
    names = [kinds.entity_type(w).table for w in wanted] or [t.table for t in ENTITY_TYPES]
    zipped = output is not None and output.suffix == ".zip"
    if form == "csv" and len(names) > 1 and not zipped:
        raise UsageError("csv holds one table", hint="name one KIND, or write them all with `-o FILE.zip`")
    with database(ctx).read() as connection:
        tables = dict(whole.labelled(connection, names, instant(as_of)))
    if form == "json":
        write(orjson.dumps(tables, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n", output)
    elif output is not None and zipped:
        _zip(tables, output)
    else:
        write(_csv(names[0], tables[names[0]]), output)


def _csv(table: str, rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    fields = BY_TABLE[table].fields.values()
    names = [
        "id",
        "uid",
        *(n for f in fields for n in ((f.name, f.noun) if f.references else (f.name,))),
        "created_at",
        "updated_at",
    ]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_cell(row.get(n)) for n in names] for row in rows])
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return a value for a spreadsheet: a leading sign must not become a formula there."""
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    text = value if isinstance(value, str) else plain(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _zip(tables: dict[str, list[dict[str, Any]]], output: Path) -> None:
    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for table, rows in tables.items():
                archive.writestr(f"{table}.csv", _csv(table, rows))
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {output}", err=True)
