"""`infradb drift`: where notes and the world differ."""

from typing import Any

import click

from infradb import clock
from infradb.interfaces.cli.edit import ahead, edit_of, reason_option
from infradb.interfaces.cli.session import database, instant, output_option, plain, print_rows
from infradb.operations import drift as operations
from infradb.operations.drift import Drift

_COLUMNS = ("id", "what", "field", "declared", "by", "observed", "seen_by")


@click.group(
    invoke_without_command=True,
    epilog="Examples:  infradb drift --source netbox    infradb drift take-observed 412.os_name"
    " --reason 'was reinstalled'",
)
@click.option("--source", metavar="SOURCE", help="Only what this declared source says.")
@click.option("--all", "everything", is_flag=True, help="Decided and waived ones too.")
@click.option("--fail", is_flag=True, help="Exit code 5 where something waits for a decision.")
@output_option
@click.pass_context
def drift(ctx: click.Context, source: str | None, everything: bool, fail: bool, output: str) -> int:
    """List the fields on which what people wrote down and what is observed differ, with who says which.

    Nothing is ever written to the source of the notes.
    """
    if ctx.invoked_subcommand:
        return 0
    opened = database(ctx)
    compared = operations.compared(opened, source)
    now = clock.now()
    waiting = [d for d in compared.found if d.is_open(now)]
    shown = compared.found if everything else waiting
    names = operations.named_values(opened, shown)
    rows = [_row(d, names, now) for d in shown]
    columns = [*_COLUMNS, "decided"] if everything else list(_COLUMNS)
    print_rows(columns, rows, output, empty="nothing drifts")
    if output == "table" and compared.fields:
        share = 100 * len(compared.found) / compared.fields
        said = (
            f"{len(compared.found)} of {compared.fields} fields that are observed too are contradicted ({share:.1f} %)"
        )
        click.echo(f"{source or 'all that is written down'}: {said}", err=True)
    return 5 if fail and waiting else 0


def _row(one: Drift, names: dict[int, str], now: str) -> dict[str, Any]:
    decided = one.decision and ("" if one.is_open(now) else f"{one.decision.decision} by {one.decision.decided_by}")
    return {
        "id": one.id,
        "what": one.what,
        "field": one.field,
        "declared": _shown(one.field, one.declared, names),
        "by": one.declared_by,
        "observed": _shown(one.field, one.observed, names),
        "seen_by": one.observed_by,
        "decided": decided or "",
    }


def _shown(field: str, value: Any, names: dict[int, str]) -> Any:
    return names.get(value, value) if field.endswith("_id") and isinstance(value, int) else value


@drift.command("take-observed")
@click.argument("numbers", metavar="ID...", nargs=-1, required=True)
@reason_option
@click.pass_context
def take_observed(ctx: click.Context, numbers: tuple[str, ...], reason: str | None) -> None:
    """Let what is observed count: what was said by hand is taken back."""
    for number in numbers:
        done = operations.take_observed(database(ctx), number, edit_of(reason))
        click.echo(f"{done.what}: {done.field} is {plain(done.observed)}, as {done.observed_by} sees it")


@drift.command("keep-declared")
@click.argument("numbers", metavar="ID...", nargs=-1, required=True)
@reason_option
@click.pass_context
def keep_declared(ctx: click.Context, numbers: tuple[str, ...], reason: str | None) -> None:
    """Let what was written down count, whatever is observed."""
    for number in numbers:
        done = operations.keep_declared(database(ctx), number, edit_of(reason))
        click.echo(f"{done.what}: {done.field} stays {plain(done.declared)}, as {done.declared_by} says")


@drift.command()
@click.argument("numbers", metavar="ID...", nargs=-1, required=True)
@click.option("--expires", metavar="TIME", required=True, help="Until then: 30d, 2027-01-31.")
@click.option("--reason", metavar="TEXT", required=True, help="Why it is acceptable.")
@click.pass_context
def waive(ctx: click.Context, numbers: tuple[str, ...], expires: str, reason: str) -> None:
    """Accept drift until a time; it comes back by itself, or as soon as either value changes."""
    until = instant(ahead(expires), "--expires") or ""
    for number in numbers:
        done = operations.waive(database(ctx), number, until, edit_of(reason))
        click.echo(f"{done.what}: {done.field} may differ until {until[:16].replace('T', ' ')}")
