"""`infradb why`."""

from dataclasses import asdict

import click

from infradb.interfaces.cli.session import database, plain, print_json, print_rows, shown
from infradb.model.catalog import BY_TABLE
from infradb.queries.filters import field_named
from infradb.queries.naming import find
from infradb.queries.provenance import ClaimView, claims, opinions, sightings


@click.command(epilog="Examples:  infradb why pve1    infradb why pve1 purpose")
@click.argument("name")
@click.argument("field", required=False)
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer.")
@click.pass_context
def why(ctx: click.Context, name: str, field: str | None, output: str) -> None:
    """Show which source says what about a thing, by which rule it was recognized, and who disagrees."""
    with database(ctx).read() as connection:
        found = find(connection, name)
        wanted = field_named(BY_TABLE[found.table].fields, field).name if field else None
        said, heard = claims(connection, found.id), opinions(connection, found.table, found.id, wanted)
        seen = sightings(connection, found.id) if found.table == "hosts" and not wanted else []
    if output == "json":
        return print_json(
            {
                "name": found.label,
                "claims": [asdict(c) for c in said],
                "seen_on_the_network": [asdict(s) for s in seen],
                "fields": [asdict(o) for o in heard],
            }
        )
    click.secho(found.label, bold=True)
    rows = [_row(c) for c in said]
    print_rows(["source", "scope", "knows it as", "recognized by", "evidence", "since"], rows, "table")
    if seen:
        click.echo("\nseen on the network")
        print_rows(["source", "scope", "address", "mac_address"], [asdict(s) for s in seen], "table")
    click.echo()
    values = [
        {"field": o.field, "value": _short(o.value), "source": o.source, "": "wins" if o.wins else "", "because": o.why}
        for o in heard
    ]
    print_rows(["field", "value", "source", "", "because"], values, "table", empty="nobody says anything about it")
    return None


def _row(claim: ClaimView) -> dict[str, str]:
    withdrawn = f"withdrawn {shown(claim.withdrawn_at)}" if claim.withdrawn_at else ""
    return {
        "source": claim.source,
        "scope": claim.scope,
        "knows it as": claim.native_key,
        "recognized by": claim.rule,
        "evidence": plain(claim.evidence),
        "since": withdrawn or (f"missing {shown(claim.missing_since)}" if claim.missing_since else ""),
    }


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
