"""`infradb show`."""

from dataclasses import asdict

import click

from infradb.interfaces.cli.history import change_line
from infradb.interfaces.cli.session import as_of_option, database, instant, print_json, shown
from infradb.model.catalog import BY_TABLE
from infradb.queries.naming import find
from infradb.queries.past import find_at
from infradb.queries.picture import RUNNING, Picture, Step, picture
from infradb.queries.provenance import ClaimView

_PATHS = {"storage_devices", "docker_container_volumes"}
"""Kinds whose own names begin with a slash: they are written whole."""
MOST_SHOWN = 30
"""Names of each relation that are written out."""


@click.command(
    epilog="Examples:  infradb show pve1    infradb show containers/nas/immich    infradb show 10.0.0.5 --as-of 7d"
)
@click.argument("name")
@as_of_option
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer.")
@click.pass_context
def show(ctx: click.Context, name: str, as_of: str | None, output: str) -> None:
    """Show everything about one thing: fields, what it runs on, what belongs to it, who says so, last changes.

    NAME is a natural name (pve1, pve1/vmbr0, nas/immich, 10.0.0.5), KIND/NAME, an id or a uid.
    """
    with database(ctx).read() as connection:
        moment = instant(as_of)
        found = find_at(connection, name, moment) if moment else find(connection, name)
        seen = picture(connection, found.table, found.id, moment)
    if output == "json":
        print_json(asdict(seen))
    else:
        _print(seen)


def _print(seen: Picture) -> None:
    row, name = seen.row, seen.names.get(seen.row["id"], str(seen.row["id"]))
    retired = f"  (retired {shown(row['retired_at'])})" if row.get("retired_at") else ""
    click.secho(f"{seen.table}/{shown(name)}{retired}", bold=True)
    click.echo(_indented(_fields(seen)))
    if len(seen.chain) > 1:
        _section("runs on" if seen.table in RUNNING else "belongs to")
        click.echo("  " + "  →  ".join(map(_step, seen.chain[1:])))
    for label, names in seen.relations.items():
        _section(f"{label} ({len(names)})")
        own = "" if label.split()[0] in _PATHS else f"{name}/"
        below = [shown(n.removeprefix(own)) for n in names[:MOST_SHOWN]]
        more = len(names) - len(below)
        click.echo(_wrapped([*below, *([f"… and {more} more"] if more else [])]))
    if seen.findings:
        _section("findings")
        click.echo(_indented([(f"{f['severity']} {f['rule']}", f["summary"]) for f in seen.findings]))
    if seen.claims:
        _section("said by")
        click.echo(_indented([(c.source, _said(c, seen.last_seen.get(c.source))) for c in seen.claims]))
    if seen.changes:
        _section("last changes")
        click.echo("\n".join(f"  {change_line(c, seen.names)}" for c in seen.changes))


def _step(step: Step) -> str:
    gone = " (retired)" if step.retired else ""
    return f"{step.table}/{shown(step.name)}{gone}" if step.id else f"{step.table} {shown(step.name)}"


def _fields(seen: Picture) -> list[tuple[str, str]]:
    row, fields = seen.row, BY_TABLE[seen.table].fields.values()
    said = [
        (f.noun, seen.names.get(row[f.name], row[f.name]) if f.references else row[f.name])
        for f in fields
        if row.get(f.name) not in (None, "", [], {})
    ]
    updated = ["updated_at"] if row.get("updated_at") != row["created_at"] else []
    rest = [(n, row[n]) for n in ("id", "uid", "created_at", *updated)]
    return [(name, shown(value)) for name, value in [*said, *rest]]


def _said(claim: ClaimView, seen_at: str | None) -> str:
    if claim.withdrawn_at:
        state = f"says it no more since {shown(claim.withdrawn_at)}"
    elif claim.missing_since:
        state = f"missing since {shown(claim.missing_since)}"
    else:
        state = f"last seen {shown(seen_at)}" if seen_at else ""
    return f"{claim.rule}  {state}".rstrip()


def _section(title: str) -> None:
    click.secho(f"\n{title}", bold=True)


def _indented(pairs: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in pairs)


def _wrapped(words: list[str]) -> str:
    """Return words with commas, as lines of at most 100 characters that break between words."""
    lines = ["  "]
    for n, word in enumerate(words):
        text = word if n == len(words) - 1 else f"{word}, "
        if len(lines[-1]) + len(text) > 100 and lines[-1].strip():
            lines.append("  ")
        lines[-1] += text
    return "\n".join(line.rstrip() for line in lines)
