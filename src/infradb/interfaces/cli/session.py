"""What every command shares: its database and its output."""

import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import orjson

from infradb import clock, settings
from infradb.errors import DatabaseMissing, UsageError
from infradb.interfaces.cli.layout import aligned, fitted
from infradb.operations.databases import Database, open_database

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
FORMATS = ("table", "json", "csv", "yaml", "markdown")


def database(ctx: click.Context, *, create: bool = False, dry_run: bool = False) -> Database:
    """Open the database that the call names, or the default one.

    A dry run where there is none takes place in one that is thrown away, so that it leaves nothing behind.
    """
    given = (ctx.find_root().obj or {}).get("database")
    url = given or settings.load().database_url
    if not dry_run:
        return open_database(url, create=create)
    try:
        return open_database(url)
    except DatabaseMissing:
        folder = ctx.with_resource(tempfile.TemporaryDirectory(prefix="infradb-dry-run-"))
        return open_database(f"{folder}/infradb.db", create=True)


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--output`."""
    option = click.option("--output", "-o", type=click.Choice(FORMATS), default="table", help="Form of the answer.")
    return option(function)


def as_of_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-of`."""
    return click.option("--as-of", metavar="TIME", help="As it was then: 2026-01-31, 7d, 'yesterday 14:00'.")(function)


def instant(text: str | None, option: str = "--as-of") -> str | None:
    """Return a time that a person gave as an instant; raise `UsageError`."""
    if text is None:
        return None
    try:
        return clock.parse_time(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no time", hint="ISO 8601, or 7d, 12h, 'yesterday 14:00'") from error


def print_json(value: Any) -> None:
    """Write a value as JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def print_rows(
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    output: str,
    *,
    body: Any = None,
    empty: str = "nothing",
    chosen: bool = False,
) -> None:
    """Write rows in the asked form; `body` is the JSON one where it is not the list of rows.

    `chosen` says that somebody asked for just these columns.
    """
    if output == "json":
        print_json(body if body is not None else [{n: r.get(n) for n in names} for r in rows])
    elif output == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([[_cell(r.get(n)) for n in names] for r in rows])
        click.echo(text.getvalue(), nl=False)
    elif output == "yaml":
        click.echo(_yaml([{n: r.get(n) for n in names} for r in rows]), nl=False)
    elif output == "markdown":
        click.echo(markdown_table(names, [[plain(r.get(n)) for n in names] for r in rows]))
    elif not rows:
        click.echo(empty, err=True)
    else:
        table(names, rows, chosen=chosen)


def _cell(value: Any) -> str:
    """Return a value for CSV, exactly: every digit, every line."""
    if isinstance(value, str | float):
        return str(value)
    simple = isinstance(value, list) and all(isinstance(v, str) for v in value)
    return orjson.dumps(value).decode() if isinstance(value, list | dict) and not simple else plain(value)


def table(names: Sequence[str], rows: Sequence[Mapping[str, Any]], *, chosen: bool = False) -> None:
    """Write an aligned table; at a terminal it fits the width, in a pipe it is plain and complete.

    What somebody has `chosen` is never left out.
    """
    cells = [[shown(r.get(n)) for n in names] for r in rows]
    right = [_are_numbers([r.get(n) for r in rows]) for n in names]
    if not sys.stdout.isatty():
        click.echo("\n".join(aligned(names, cells, right)))
        return
    lines, left_out = fitted(names, cells, right, shutil.get_terminal_size().columns, keep=chosen)
    click.echo("\n".join([click.style(lines[0], bold=True), *lines[1:]]))
    if left_out:
        click.secho(f"left out: {', '.join(left_out)}  (--columns, or --output json)", dim=True, err=True)


def _are_numbers(values: Sequence[Any]) -> bool:
    said = [v for v in values if v is not None]
    return bool(said) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in said)


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table."""
    head = [f"| {' | '.join(names)} |", f"|{'|'.join(['---'] * len(names))}|"]
    return "\n".join([*head, *(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in rows)])


def shown(value: Any) -> str:
    """Return a value as one line for people: a time without its fractions, nothing that moves the cursor."""
    text = plain(value)
    if isinstance(value, str) and len(value) == 24 and _INSTANT.match(value):
        return f"{value[:10]} {value[11:19]}"
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return " " if character.isspace() else repr(character)[1:-1]


def plain(value: Any) -> str:
    """Return a value as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, list) and value and all(isinstance(v, dict) and "container_port" in v for v in value):
        return ", ".join(map(_port, value))
    if isinstance(value, list) and all(isinstance(v, str | int) for v in value):
        return ", ".join(map(str, value))
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return " ".join(value.splitlines()) if isinstance(value, str) else str(value)


def _port(port: Mapping[str, Any]) -> str:
    """Return a container's port as Docker writes it: `0.0.0.0:8080->80/tcp`."""
    inner = f"{port['container_port']}/{port.get('protocol', 'tcp')}"
    host = port.get("host_ip") or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port['host_port']}->{inner}" if port.get("host_port") else inner


def _yaml(value: Any, indent: int = 0) -> str:
    """Return plain data as YAML: JSON scalars are YAML scalars (YAML 1.2, 1.3)."""
    pad = "  " * indent
    if isinstance(value, list) and value:
        return "".join(
            f"{pad}- {_yaml(v, indent + 1).lstrip() if isinstance(v, dict | list) and v else _scalar(v) + chr(10)}"
            for v in value
        )
    if isinstance(value, dict) and value:
        return "".join(
            f"{pad}{_key(k)}:\n{_yaml(v, indent + 1)}"
            if isinstance(v, dict | list) and v
            else f"{pad}{_key(k)}: {_scalar(v)}\n"
            for k, v in value.items()
        )
    return f"{pad}{_scalar(value)}\n"


def _key(name: Any) -> str:
    """Return a key as it is where YAML cannot take it for anything else."""
    text = str(name)
    return text if _PLAIN_KEY.fullmatch(text) and text.lower() not in _YAML_WORDS else _scalar(text)


def _scalar(value: Any) -> str:
    return orjson.dumps(value).decode()
