"""`infradb shutdown-order` and `infradb boot-order`."""

from collections.abc import Callable
from dataclasses import asdict
from itertools import groupby
from typing import Any

import click

from infradb.interfaces.cli.session import FORMATS, database, print_rows, shown
from infradb.operations import waves as operations
from infradb.operations.waves import Plan

_COLUMNS = ("wave", "what", "on", "command")


def _order_options(function: Callable[..., Any]) -> Callable[..., Any]:
    form = click.Choice([*FORMATS, "runbook"])
    option = click.option("--output", "-o", type=form, default="table", help="Form of the answer.")
    return click.argument("names", metavar="NAME...", nargs=-1, required=True)(option(click.pass_context(function)))


@click.command(
    "shutdown-order", epilog="Examples:  infradb shutdown-order pve1    infradb shutdown-order nas -o runbook > nas.md"
)
@_order_options
def shutdown_order(ctx: click.Context, names: tuple[str, ...], output: str) -> None:
    """List in which order to stop things and all that would go down with them, with the commands; none is run.

    Steps of one wave may be taken together. Circles are named, and broken where that matters least.
    """
    _print(operations.shutdown_plan(database(ctx), names), f"Shut down {', '.join(names)}", output)


@click.command("boot-order", epilog="Examples:  infradb boot-order pve1    infradb boot-order nas pve1 -o runbook")
@_order_options
def boot_order(ctx: click.Context, names: tuple[str, ...], output: str) -> None:
    """List in which order to start things and all that went down with them, with the commands; none is run.

    Guests of a node keep to the node's own order of start.
    """
    _print(operations.boot_plan(database(ctx), names), f"Start {', '.join(names)}", output)


def _print(plan: Plan, title: str, output: str) -> None:
    rows = [{"wave": s.wave, "what": s.thing.label, "on": s.on, "command": s.command} for s in plan.steps]
    if output == "runbook":
        click.echo(_runbook(plan, title))
        return
    body = {"steps": rows, "circles": plan.circles, "left_out": [asdict(t) for t in plan.left_out]}
    print_rows(_COLUMNS, rows, output, body=body, empty="nothing of it can be stopped or started by a command")
    if output == "table":
        for note in _notes(plan):
            click.echo(note, err=True)


def _notes(plan: Plan) -> list[str]:
    notes = [f"circle: {shown(c)}" for c in plan.circles]
    if plan.left_out:
        notes.append(f"left out, since they did not run: {', '.join(shown(t.label) for t in plan.left_out)}")
    return notes


def _runbook(plan: Plan, title: str) -> str:
    lines = [f"# {title}", "", "Wait until all of a wave is done before the next one."]
    for wave, steps in groupby(plan.steps, key=lambda s: s.wave):
        lines += ["", f"## Wave {wave}", ""]
        lines += [f"- [ ] {shown(s.thing.label)}: {_told(s.on, s.command)}" for s in steps]
    notes = _notes(plan)
    return "\n".join([*lines, *(["", "## Notes", "", *(f"- {n}" for n in notes)] if notes else [])])


def _told(on: str, command: str) -> str:
    return f"on {shown(on)}: `{shown(command)}`" if on else shown(command)
