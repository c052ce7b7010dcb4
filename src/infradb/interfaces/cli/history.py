"""`infradb changes` and `infradb diff`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from infradb.errors import Ambiguous, NotFound, UsageError
from infradb.interfaces.cli.session import database, instant, output_option, print_rows, shown
from infradb.model.catalog import BY_TABLE
from infradb.operations.databases import Connection
from infradb.operations.sources import entry
from infradb.queries import history, kinds
from infradb.queries.history import ChangeRow
from infradb.queries.naming import find, labels


@click.command(
    epilog="Examples:  infradb changes --since 7d    infradb changes pve1    infradb changes containers --source docker"
)
@click.argument("subject", metavar="[NAME|KIND]", required=False)
@click.option("--since", metavar="TIME", help="From then on: 7d, 2026-01-31.")
@click.option("--until", metavar="TIME", help="Up to then.")
@click.option("--source", metavar="NAME", help="What this source said.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many, newest first."
)
@output_option
@click.pass_context
def changes(
    ctx: click.Context,
    subject: str | None,
    since: str | None,
    until: str | None,
    source: str | None,
    limit: int,
    output: str,
) -> None:
    """Show what changed, newest first: of everything, of one thing, or of one kind."""
    with database(ctx).read() as connection:
        if source is not None:
            entry(connection, source)
        table, ids = _subject(connection, subject)
        found = history.changes(
            connection,
            entity_ids=ids,
            table=table,
            since=instant(since, "--since"),
            until=instant(until, "--until"),
            source=source,
            limit=limit,
        )
        names = labels(connection, _ids(found))
    rows = [_row(c, names) for c in found]
    print_rows(
        ["at", "what", "kind", "name", "changed", "by", "source"],
        rows,
        output,
        body=[asdict(c) for c in found],
        empty="no changes",
    )


@click.command(epilog="Example:  infradb diff --from yesterday --to now")
@click.option("--from", "start", metavar="TIME", required=True, help="The earlier time.")
@click.option("--to", "end", metavar="TIME", default="now", show_default=True, help="The later time.")
@click.argument("kind", required=False)
@output_option
@click.pass_context
def diff(ctx: click.Context, start: str, end: str, kind: str | None, output: str) -> None:
    """Show what differs between two times: what came, what went, and each net change."""
    first, last = instant(start, "--from"), instant(end, "--to")
    if first is None or last is None or first > last:
        raise UsageError("--from lies after --to", hint="turn them around")
    with database(ctx).read() as connection:
        found = history.diff(connection, first, last, kinds.table_of(kind) if kind else None)
        ids = {d.entity_id for d in found} | {v for d in found for v in _references(d.table, d.old, d.new)}
        names = labels(connection, ids)
    rows = [
        {
            "what": d.kind,
            "kind": d.table,
            "name": names.get(d.entity_id, d.entity_id),
            "changed": _changed(d.table, d.old, d.new, names) if d.kind == "updated" else "",
        }
        for d in found
    ]
    print_rows(
        ["what", "kind", "name", "changed"], rows, output, body=[asdict(d) for d in found], empty="no difference"
    )


def change_line(change: ChangeRow, names: Mapping[int, str]) -> str:
    """Return one change as a line of text."""
    said = (
        ""
        if change.change_type == "create"
        else _changed(change.entity_type, change.old_values, change.new_values, names)
    )
    reason = f"  ({change.reason})" if change.reason else ""
    return f"{change.at[:19].replace('T', ' ')}  {change.change_type:8}{said}{reason}".rstrip()


def _subject(connection: Connection, subject: str | None) -> tuple[str | None, list[int]]:
    if subject is None:
        return None, []
    word = subject.lower().replace("-", "_")
    if word not in kinds.WORDS:
        return None, [find(connection, subject).id]
    table = kinds.table_of(subject)
    try:
        named = find(connection, subject)
    except (NotFound, Ambiguous):
        return table, []
    raise Ambiguous(
        f"{subject!r} may be the kind {table} or the thing {named.label}", hint=f"say {table} or {named.label}"
    )


def _row(change: ChangeRow, names: Mapping[int, str]) -> dict[str, Any]:
    said = (
        ""
        if change.change_type == "create"
        else _changed(change.entity_type, change.old_values, change.new_values, names)
    )
    return {
        "at": shown(change.at),
        "what": change.change_type,
        "kind": change.entity_type,
        "name": names.get(change.entity_id or 0, ""),
        "changed": f"{said}  ({change.reason})" if change.reason else said,
        "by": change.changed_by,
        "source": "imported" if change.imported else change.source,
    }


def _changed(table: str, old: Mapping[str, Any], new: Mapping[str, Any], names: Mapping[int, str]) -> str:
    fields = BY_TABLE[table].fields if table in BY_TABLE else {}
    return ", ".join(
        f"{fields[n].noun if n in fields else n}: "
        f"{_value(table, n, old.get(n), names)} → {_value(table, n, new.get(n), names)}"
        for n in {**old, **new}
    )


def _value(table: str, name: str, value: Any, names: Mapping[int, str]) -> str:
    spec = BY_TABLE[table].fields.get(name) if table in BY_TABLE else None
    text = shown(names.get(value, value) if spec and spec.references else value)
    return (text if len(text) <= 60 else f"{text[:59]}…") or "-"


def _ids(found: list[ChangeRow]) -> set[int]:
    ids = {c.entity_id for c in found if c.entity_id}
    return ids | {v for c in found for v in history.references(c)}


def _references(table: str, *values: Mapping[str, Any]) -> set[int]:
    fields = BY_TABLE[table].fields if table in BY_TABLE else {}
    pairs = [pair for said in values for pair in said.items()]
    return {v for n, v in pairs if isinstance(v, int) and n in fields and fields[n].references}
