"""`infradb show`."""

from dataclasses import asdict

import click

from infradb.interfaces.cli.history import change_line
from infradb.interfaces.cli.session import as_of_option, database, instant, plain, print_json
from infradb.model.catalog import BY_TABLE
from infradb.queries.naming import find
from infradb.queries.picture import Picture, picture


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
        found = find(connection, name)
        shown = picture(connection, found.table, found.id, instant(as_of))
    if output == "json":
        print_json(asdict(shown))
    else:
        _print(shown)


def _print(shown: Picture) -> None:
    row = shown.row
    retired = f"  (retired {row['retired_at']})" if row.get("retired_at") else ""
    click.secho(f"{shown.table}/{shown.names.get(row['id'], row['id'])}{retired}", bold=True)
    fields = [(f.noun, plain(shown.names.get(row[f.name], row[f.name]) if f.references else row[f.name]))
              for f in BY_TABLE[shown.table].fields.values() if row.get(f.name) is not None]  # fmt: skip
    fields += [("id", str(row["id"])), ("uid", str(row["uid"])), ("created_at", row["created_at"])]
    click.echo(_indented(fields))
    if len(shown.chain) > 1:
        _section("runs on")
        click.echo("  " + "  →  ".join(f"{s.table}/{s.name}" if s.id else f"{s.table} {s.name}" for s in shown.chain))
    for label, names in shown.relations.items():
        _section(f"{label} ({len(names)})")
        click.echo("  " + ", ".join(names[:12]) + (f" … and {len(names) - 12} more" if len(names) > 12 else ""))
    if shown.findings:
        _section("findings")
        click.echo(_indented([(f"{f['severity']} {f['rule']}", f["summary"]) for f in shown.findings]))
    if shown.claims:
        _section("said by")
        click.echo(
            _indented(
                [
                    (c.source, _said(c.rule, shown.last_seen.get(c.source), c.missing_since, c.withdrawn_at))
                    for c in shown.claims
                ]
            )
        )
    if shown.changes:
        _section("last changes")
        click.echo("\n".join(f"  {change_line(c, shown.names)}" for c in shown.changes))


def _said(rule: str, seen: str | None, missing: str | None, withdrawn: str | None) -> str:
    state = (
        f"says it no more since {withdrawn}"
        if withdrawn
        else f"missing since {missing}"
        if missing
        else f"last seen {seen}"
        if seen
        else ""
    )
    return f"{rule}  {state}".rstrip()


def _section(title: str) -> None:
    click.secho(f"\n{title}", bold=True)


def _indented(pairs: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in pairs)
