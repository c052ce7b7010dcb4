"""`infradb impact` and `infradb depends`."""

from collections.abc import Mapping
from typing import Any

import click

from infradb.interfaces.cli.session import as_of_option, database, instant, output_option, print_json, print_rows, shown
from infradb.operations import graph as operations
from infradb.operations.graph import Below, Impact, State, Struck, Thing

_HIT = ("state", "what", "criticality", "owner", "why")


@click.command(
    epilog="Examples:  infradb impact pve2    infradb impact pi-dns docker3    infradb impact nas --as-of 7d -o json"
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@as_of_option
@output_option
@click.pass_context
def impact(ctx: click.Context, names: tuple[str, ...], as_of: str | None, output: str) -> None:
    """Show what is down, degraded or at risk if these things die together, and why.

    Users' services come first, by criticality and owner. What stands in for each other, high availability and members
    of arrays are reckoned with. NAME is as for `show`; an address that nobody is known at works too.
    """
    found = operations.impact(database(ctx), names, instant(as_of))
    rows = [_row(s) for s in found.struck if s.distance]
    if output == "table":
        click.echo(_counts("services", found.services))
        click.echo(_counts("other things", found.others) + "\n")
    print_rows(_HIT, rows, output, body=_body(found), empty=f"nothing needs {_names(found)}")


def _row(struck: Struck) -> dict[str, Any]:
    thing = struck.thing
    said = {"state": struck.state, "what": thing.label, "criticality": thing.criticality, "owner": thing.owner}
    return {**said, "why": struck.why}


def _counts(what: str, numbers: Mapping[State, int]) -> str:
    return f"{what}: " + ", ".join(f"{number} {state}" for state, number in numbers.items())


def _names(found: Impact) -> str:
    return ", ".join(t.label for t in found.dead)


def _body(found: Impact) -> dict[str, Any]:
    return {
        "dead": [said(t) for t in found.dead],
        "services": found.services,
        "others": found.others,
        "hit": [
            {**said(s.thing), "state": s.state, "distance": s.distance, "why": s.why, "way": s.way}
            for s in found.struck
            if s.distance
        ],
    }


def said(thing: Thing) -> dict[str, Any]:
    """Return a thing as JSON has it; what is unknown has no kind and no id."""
    known = thing.id > 0
    row = {"id": thing.id if known else None, "kind": thing.table or None, "name": thing.name}
    return {**row, "criticality": thing.criticality, "owner": thing.owner}


@click.command(epilog="Examples:  infradb depends immich    infradb depends containers/docker1/traefik -o json")
@click.argument("name")
@as_of_option
@output_option
@click.pass_context
def depends(ctx: click.Context, name: str, as_of: str | None, output: str) -> None:
    """Show what a thing needs, directly or by others, down to disks, switches and resolvers.

    Each thing stands once, at the shortest way to it.
    """
    found = operations.depends(database(ctx), name, instant(as_of))
    if output == "json":
        print_json([{**said(b.thing), "depth": b.depth, **_need(b)} for b in found])
    elif output == "table":
        click.echo("\n".join(_line(b) for b in found))
    else:
        rows = [{"depth": b.depth, "what": b.thing.label, **_need(b)} for b in found]
        print_rows(("depth", "what", "how", "strength", "group", "origin"), rows, output)


def _need(below: Below) -> dict[str, Any]:
    need = below.need
    if need is None:
        return {"how": None, "strength": None, "group": None, "origin": None}
    return {"how": need.words, "strength": need.strength, "group": need.group or None, "origin": need.origin}


def _line(below: Below) -> str:
    need = below.need
    if need is None:
        return shown(below.thing.label)
    marks: list[str] = [need.strength] if need.strength != "hard" else []
    marks += [f"one of {below.alike}"] if below.alike > 1 else []
    marks += [need.origin] if need.origin == "inferred" else []
    tail = f"  ({', '.join(marks)})" if marks else ""
    return f"{'  ' * below.depth}{need.words} {shown(below.thing.label)}{tail}"
