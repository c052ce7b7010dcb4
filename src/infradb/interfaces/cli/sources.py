"""`infradb sources`."""

import sys
import time

import click

from infradb import settings as settings_module
from infradb.errors import UsageError
from infradb.interfaces.cli.discover import print_reports
from infradb.interfaces.cli.session import database, output_option, plain, print_rows, shown
from infradb.operations import ordering
from infradb.operations import sources as operations


@click.group()
def sources() -> None:
    """What is read: list, kinds, add, test, doctor, calls, order, remove."""


@sources.command("list")
@output_option
@click.pass_context
def list_(ctx: click.Context, output: str) -> None:
    """List the sources in the order in which they win, with their last run."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        rows = operations.overview(connection)
    print_rows(["name", "kind", "enabled", "status", "last_run", "seen", "errors"], rows, output)


@sources.command()
@output_option
def kinds(output: str) -> None:
    """List what can be read, and the settings of each."""
    rows = [
        {
            "kind": kind,
            "needs": ", ".join(s.name for s in known if s.required),
            "may have": ", ".join(s.name for s in known if not s.required),
        }
        for kind in operations.kinds()
        for known in [operations.settings_of(kind)]
    ]
    print_rows(["kind", "needs", "may have"], rows, output)


@sources.command(
    epilog="Examples:  infradb sources add docker nas url=ssh://admin@nas.lan    infradb sources add proxmox pve"
    " url=https://pve1:8006 token_id=infradb@pve!infradb"
)
@click.argument("kind")
@click.argument("name")
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--untested", is_flag=True, help="Add it without trying it first.")
@click.pass_context
def add(ctx: click.Context, kind: str, name: str, settings: tuple[str, ...], untested: bool) -> int:
    """Add a source of KIND under a NAME of yours; `sources kinds` lists the kinds and their settings.

    Shows the lines that make the least-privileged account on the other side, asks for the secret, tries the
    connection, and only then stores the source. A secret is never an argument: leave it out to be asked (an optional
    one: KEY=ask), or say where it lies: KEY=env:NAME, file:/path, keyring:SERVICE/USER, credential:NAME.
    """
    pairs = dict(pair(s) for s in settings)
    lines = operations.grant(kind, name)
    if lines and sys.stdin.isatty():
        click.echo(f"{lines}\n", err=True)
    secrets = asked_secrets(kind, pairs)
    given = {n: v for n, v in pairs.items() if n not in secrets}
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    if untested:
        operations.keep_untested(opened, kind, name, given, secrets)
        click.echo(f"added {name}, untested; `infradb sources doctor {name}` proves its rights")
        return 0
    missing = [d for d in operations.add(opened, kind, name, given, secrets) if not d.ok]
    click.echo(f"added {name}; `infradb discover {name}` reads it")
    for lacking in missing:
        click.echo(f"  missing: {lacking.needs}" + (f" ({lacking.detail})" if lacking.detail else ""), err=True)
        click.echo(f"    → {lacking.hint}", err=True)
    return 6 if missing else 0


def asked_secrets(kind: str, pairs: dict[str, str]) -> dict[str, str]:
    """Ask for the secrets that a collector needs and that were not referred to, and for those given as `ask`."""
    known = [s for s in operations.settings_of(kind) if s.secret]
    wanted = [s for s in known if pairs.get(s.name) == "ask" or (s.required and s.name not in pairs)]
    return {s.name: _ask(s.name, s.doc) for s in wanted}


def _ask(name: str, doc: str) -> str:
    """Ask for a secret without showing it; from a pipe, a line is read."""
    if sys.stdin.isatty():
        click.echo(doc, err=True)
        secret: str = click.prompt(name, hide_input=True, err=True)
        return secret
    line = sys.stdin.readline().strip()
    if not line:
        raise UsageError(
            f"{name} is a secret, and nobody is there to be asked", hint=f"{name}=env:NAME or {name}=file:/path"
        )
    return line


@sources.command()
@click.argument("name")
@click.pass_context
def test(ctx: click.Context, name: str) -> int:
    """Read a source once and write nothing."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    began = time.monotonic()
    reports = operations.discover(opened, [name], dry_run=True)
    print_reports(reports, dry_run=True)
    click.echo(f"{time.monotonic() - began:.1f} s", err=True)
    return 0 if reports[0].status == "complete" else 6


@sources.command()
@click.argument("name")
@output_option
@click.pass_context
def doctor(ctx: click.Context, name: str, output: str) -> int:
    """Prove each right and tool that a source needs, and say what is missing."""
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        entry = operations.entry(connection, name)
    found = operations.diagnose(entry)
    rows = [{"": "ok" if d.ok else "missing", "needs": d.needs, "found": d.detail, "what to do": d.hint} for d in found]
    print_rows(["", "needs", "found", "what to do"], rows, output)
    return 0 if all(d.ok for d in found) else 6


@sources.command()
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="What it may call, so that a proxy can allow just these.")
@output_option
@click.pass_context
def calls(ctx: click.Context, name: str, everything: bool, output: str) -> None:
    """List every call of a source's last run: how often, how many failed, how long they took.

    Before its first run, and with --all, every call that it may make.
    """
    opened = database(ctx, create=True)
    operations.ensure_defaults(opened)
    with opened.read() as connection:
        entry = operations.entry(connection, name)
        at, made = operations.calls_made(connection, entry)
    rows: list[dict[str, object]]
    if everything or at is None:
        rows = [{"call": c} for c in operations.calls(entry)]
        if output == "table":
            click.echo("\n".join(str(r["call"]) for r in rows))
        else:
            print_rows(["call"], rows, output)
        return
    rows = [{"call": c.name, "times": c.times, "failed": c.failed, "ms": c.milliseconds} for c in made]
    print_rows(["call", "times", "failed", "ms"], rows, output)
    if output == "table":
        click.echo(f"{sum(c.times for c in made)} calls in the run of {shown(at)}", err=True)


@sources.command(epilog='Example, in infradb.toml:  [order]  "hosts.os_name" = ["ssh", "netbox"]')
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@output_option
@click.pass_context
def order(ctx: click.Context, dry_run: bool, output: str) -> None:
    """Show whose word counts first for which field, and let the values follow the settings.

    Elsewhere the general order counts: `sources list` shows it. A change in the table `[order]` of infradb.toml is
    worked out from what the sources said before: nothing is read again.
    """
    opened, given = database(ctx, create=True), settings_module.load()
    changed = ordering.follow_order(opened, given, dry_run=dry_run)
    rows = ordering.in_force(opened, given)
    if output != "table":
        return print_rows(["field", "first", "from"], rows, output)
    print_rows(["field", "first", "from"], rows, output)
    for one in changed:
        click.echo(f"{one.what}: {one.field}: {plain(one.old) or '-'} → {plain(one.new) or '-'}")
    if dry_run:
        click.echo("dry run: nothing was written")
    return None


@sources.command()
@click.argument("name")
@click.option("--keep", "keep", is_flag=True, help="Leave what it said as it is (default).")
@click.option("--retire", "retire", is_flag=True, help="Retire what nobody else says.")
@click.pass_context
def remove(ctx: click.Context, name: str, keep: bool, retire: bool) -> None:
    """Read a source no more."""
    if keep and retire:
        raise UsageError("--keep and --retire contradict each other")
    report = operations.remove(database(ctx), name, retire=retire)
    click.echo(
        f"removed {name}" + (f"; {report.counts['retired']} things retired" if report else "; what it said stays")
    )


def pair(text: str) -> tuple[str, str]:
    """Return a setting and its value; raise `UsageError`."""
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"{text!r} is no setting", hint="key=value, such as url=tcp://nas.lan:2375")
    return name, value
