"""`infradb add`, `set`, `unset` and `retire`."""

import getpass
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import click

from infradb import clock
from infradb.errors import UsageError
from infradb.interfaces.cli.session import database, instant
from infradb.operations import manual


def edit_of(reason: str | None, expires: str | None = None) -> manual.Edit:
    """Return who edits, why, and until when."""
    who = os.environ.get("SUDO_USER") or getpass.getuser()
    until = instant(ahead(expires), "--expires")
    if until is not None and until <= clock.now():
        raise UsageError(f"--expires {expires!r} lies in the past", hint="30d for thirty days from now, or a date")
    return manual.Edit(who, reason, until, partial(click.echo, err=True))


def ahead(text: str | None) -> str | None:
    """Return an expiry: a length of time counts forward."""
    if text is None:
        return None
    try:
        return clock.to_instant(datetime.now(UTC) + timedelta(seconds=clock.parse_duration(text)))
    except (ValueError, OverflowError):
        return text


reason_option = click.option("--reason", metavar="TEXT", help="Why; kept with the change.")


@click.command(epilog="Example:  infradb add hosts hostname=nas host_type=physical purpose='files and backups'")
@click.argument("kind")
@click.argument("values", metavar="FIELD=VALUE...", nargs=-1, required=True)
@reason_option
@click.pass_context
def add(ctx: click.Context, kind: str, values: tuple[str, ...], reason: str | None) -> None:
    """Say that a thing of KIND exists. References are given by name: host=pve1, network=lan."""
    found = manual.add(database(ctx, create=True), kind, values, edit_of(reason))
    click.echo(f"added {found.label}")


@click.command("set", epilog="Example:  infradb set pve1 criticality=critical owner=ann --expires 30d --reason 'trial'")
@click.argument("name")
@click.argument("values", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.option("--expires", metavar="TIME", help="Until then: 30d, 2027-01-31.")
@reason_option
@click.pass_context
def set_(ctx: click.Context, name: str, values: tuple[str, ...], expires: str | None, reason: str | None) -> None:
    """Say what fields of a thing are; it stands above what is observed, where that is for people to say."""
    found, report = manual.set_fields(database(ctx), name, values, edit_of(reason, expires))
    click.echo(
        f"{found.label}: {'changed' if report.changed else 'noted; what counts is as it was (see `infradb why`)'}"
    )


@click.command(epilog="Example:  infradb unset pve1 owner")
@click.argument("name")
@click.argument("fields", metavar="FIELD...", nargs=-1, required=True)
@reason_option
@click.pass_context
def unset(ctx: click.Context, name: str, fields: tuple[str, ...], reason: str | None) -> None:
    """Take back what was said by hand about fields; what the sources say counts again."""
    found, report = manual.unset(database(ctx), name, fields, edit_of(reason))
    click.echo(f"{found.label}: {'changed' if report.changed else 'taken back; the value stays the same'}")


@click.command(epilog="Example:  infradb retire old-nas --reason 'sold'")
@click.argument("name")
@reason_option
@click.pass_context
def retire(ctx: click.Context, name: str, reason: str | None) -> None:
    """Say that a thing is gone. Nothing is deleted: its history stays, and it comes back if it is seen again."""
    found, along = manual.retire(database(ctx), name, edit_of(reason))
    click.echo(f"retired {found.label}" + (f", and {along} that belonged to it" if along else ""))
