"""`infradb list` and `infradb search`."""

from typing import Any

import click

from infradb.interfaces.cli.session import as_of_option, database, instant, output_option, print_rows
from infradb.model.catalog import BY_TABLE
from infradb.operations.databases import Connection
from infradb.queries import entities, filters, history, kinds, naming, tables


def _complete_kind(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    words = {w.replace("_", "-") if "-" in incomplete else w for w in kinds.WORDS}
    return sorted(w for w in words if w.startswith(incomplete))


@click.command(
    "list",
    epilog="Examples:  infradb list hosts    infradb list containers status=running image~postgres --sort -started_at"
    "    infradb list services host=pve1 --output csv",
)
@click.argument("kind", required=False, shell_complete=_complete_kind)
@click.argument("conditions", metavar="[FIELD=VALUE]...", nargs=-1)
@click.option("--columns", help="Columns, separated by commas; `all` for every one.")
@click.option("--sort", multiple=True, metavar="FIELD", help="Order; a leading `-` turns it around.")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many.")
@click.option("--retired", is_flag=True, help="Those that are gone, too.")
@as_of_option
@output_option
@click.pass_context
def list_(
    ctx: click.Context,
    kind: str | None,
    conditions: tuple[str, ...],
    columns: str | None,
    sort: tuple[str, ...],
    limit: int | None,
    retired: bool,
    as_of: str | None,
    output: str,
) -> None:
    """List things of one KIND: hosts, containers, services, networks, ips … or a view such as host-inventory.

    Conditions are field=value, field!=value, field~text, field>number, field<number, field=null; a reference is
    given by name and without `_id`. Without KIND, tell how many of each there are.
    """
    opened = database(ctx)
    with opened.read() as connection:
        if kind is None:
            gone = entities.counts(connection, retired=True)
            found = [{"kind": t, "count": n, "retired": gone[t]} for t, n in entities.counts(connection).items()]
            return print_rows(["kind", "count", "retired"], found, output)
        table, conditions = kinds.table_of(kind), (*kinds.narrowed(kind), *conditions)
        if table not in BY_TABLE:
            names, rows = tables.rows(connection, table, conditions, sort, limit, instant(as_of))
            default = tables.listed(table, names)
            return print_rows(
                _chosen(columns, default, names),
                rows,
                output,
                body=_body(rows, limit),
                empty=f"no {table}",
                chosen=bool(columns),
            )
        listing = entities.Listing(
            BY_TABLE[table],
            [_condition(connection, table, c) for c in conditions],
            sort,
            limit,
            instant(as_of),
            retired,
        )
        empty = f"no {table}{' that fit' if conditions else ''}{_known_since(connection, instant(as_of))}"
        rows = entities.with_labels(connection, BY_TABLE[table], entities.rows(connection, listing))
    nouns = [f.noun for f in BY_TABLE[table].listed]
    every = ["id", "uid", *(f.noun for f in BY_TABLE[table].fields.values()), "created_at", "updated_at", "retired_at"]
    names = _chosen(columns, [*nouns, "retired_at"] if retired else nouns, every)
    print_rows(names, rows, output, body=_body(rows, limit), empty=empty, chosen=bool(columns))
    return None


def _known_since(connection: Connection, as_of: str | None) -> str:
    """Return the words about a time before the first that is known."""
    first = history.beginning(connection)
    return f" at {as_of}: the history begins at {first}" if as_of and first and as_of < first else ""


def _body(rows: list[dict[str, Any]], limit: int | None) -> dict[str, Any]:
    """Return the body that REST gives; how many there are in all is open where the limit cut them off."""
    return {"items": rows, "next": None, "total": len(rows) if limit is None or len(rows) < limit else None}


def _condition(connection: Connection, table: str, text: str) -> filters.Condition:
    return filters.condition(BY_TABLE[table].fields, text, lambda field, name: naming.identify(connection, field, name))


def _chosen(columns: str | None, default: list[str], every: list[str]) -> list[str]:
    if not columns:
        return default
    if columns == "all":
        return every
    wanted = [c.strip() for c in columns.split(",") if c.strip()]
    known = {**{n: n for n in every}, **{f"{n}_id": n for n in every}}
    if unknown := [c for c in wanted if c not in known]:
        raise filters.unknown("column", unknown[0], every)
    return [known[c] for c in wanted]


@click.command(epilog="Example:  infradb search postgres")
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@output_option
@click.pass_context
def search(ctx: click.Context, text: str, limit: int, output: str) -> None:
    """Find things by any TEXT in them: names, addresses, images, serial numbers, notes."""
    with database(ctx).read() as connection:
        found = tables.search(connection, text, limit)
    print_rows(["kind", "name", "field", "value"], found, output, empty=f"nothing has {text!r} in it")
