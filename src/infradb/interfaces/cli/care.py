"""`infradb prune`, `redact`, `verify`, `backup`, `restore`, `doctor`."""

from pathlib import Path
from typing import Any

import click

from infradb import settings
from infradb.errors import UsageError
from infradb.interfaces.cli.session import database, print_json, print_rows
from infradb.operations import backups, care
from infradb.operations import doctor as examination

_output = click.option(
    "--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer."
)


@click.command(epilog="Examples:  infradb prune --dry-run    infradb prune")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@_output
@click.pass_context
def prune(ctx: click.Context, dry_run: bool, output: str) -> None:
    """Remove what is past its retention: raw results of checks, old history, samples, runs, one-off containers.

    How long each is kept says infradb.toml: keep_health_checks, keep_changes, keep_samples, keep_removed_containers.
    """
    done = care.prune(database(ctx), settings.load(), dry_run=dry_run)
    if output == "json":
        print_json({"dry_run": done.dry_run, "removed": done.removed, "before": done.before, "spared": done.spared})
        return
    verb = "would be removed" if dry_run else "removed"
    rows = [{"table": t, verb: n, "older than": done.before.get(t, "")} for t, n in sorted(done.removed.items())]
    print_rows(["table", verb, "older than"], rows, "table", empty="nothing is past its retention")
    if done.spared:
        said = "stay this time; the next prune removes them, unless keep_changes says longer"
        click.echo(f"{done.spared} imported changes are older than keep_changes and {said}", err=True)


@click.command(epilog="Example:  infradb redact")
@click.argument("text", required=False)
@_output
@click.pass_context
def redact(ctx: click.Context, text: str | None, output: str) -> None:
    """Overwrite a secret everywhere in the database and take its bytes out of the files.

    Without TEXT, or with `-`, it is asked for, so that it comes neither into the shell's history nor into `ps`.
    """
    opened = database(ctx)
    if text in (None, "-"):
        text = click.prompt("Text to redact", hide_input=True, err=True)
    else:
        click.echo(
            "the secret is in your shell's history now: remove it there too (next time: `infradb redact`)", err=True
        )
    if not text:
        raise UsageError("there is no text to redact")
    done = care.redact(opened, text)
    if output == "json":
        print_json({"tables": done.tables, "remains": done.remains})
    else:
        rows = [{"table": t, "rows": n} for t, n in sorted(done.tables.items())]
        print_rows(["table", "rows"], rows, "table", empty="it is in no row")
    if done.tables:
        click.echo(
            "change the secret, and mend it where it is said: the next change there would bring it back", err=True
        )
    for place in done.remains:
        click.echo(f"remains: {place}", err=True)


@click.command()
@_output
@click.pass_context
def verify(ctx: click.Context, output: str) -> None:
    """Check the database's structure, its references, and the change log's chain of hashes."""
    found = care.verify_all(database(ctx))
    if output == "json":
        said = {
            "changes": found.rows,
            "redacted": found.redacted,
            "starts_after": found.starts_after,
            "head": found.head,
        }
        print_json({"ok": True, **said})
        return
    start = f" after position {found.starts_after}, where history was pruned," if found.starts_after else ""
    redacted = f", {found.redacted} of them redacted" if found.redacted else ""
    click.echo(f"whole: structure, references and{start} a chain of {found.rows} changes{redacted}")
    click.echo(f"head: {found.head}")


@click.command(epilog="Example:  infradb backup /mnt/backup/infradb-$(date +%F).db")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.pass_context
def backup(ctx: click.Context, file: Path, force: bool) -> None:
    """Write a consistent, checked copy to FILE, while others go on reading and writing."""
    done = backups.backup(_url(ctx), file, force=force)
    click.echo(f"{done.path}: {done.size_bytes / 2**20:.1f} MiB, checked; `infradb restore {done.path}` puts it back")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Put the copy in FILE in the place of the database; what is there now is kept beside it."""
    done = backups.restore(_url(ctx), file)
    click.echo(f"restored from {file}, with {done.changes} changes, all verified")
    if done.kept:
        click.echo(f"what was there before is {done.kept}")


@click.command()
@_output
@click.pass_context
def doctor(ctx: click.Context, output: str) -> int:
    """Look at this installation and say what is wrong, and what to do. Exit code 1 where something is."""
    checks = examination.examine(_url(ctx), settings.load())
    rows: list[dict[str, Any]] = [{"": c.state, "what": c.name, "found": c.found, "what to do": c.hint} for c in checks]
    if output == "json":
        print_json([{"state": c.state, "name": c.name, "found": c.found, "hint": c.hint} for c in checks])
    else:
        print_rows(["", "what", "found", "what to do"], rows, "table")
    return 1 if any(c.state == "bad" for c in checks) else 0


def _url(ctx: click.Context) -> str:
    given = (ctx.find_root().obj or {}).get("database")
    return str(given or settings.load().database_url)
