"""`infradb findings`: what is wrong, by rule."""

import getpass
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from infradb import clock, settings
from infradb.interfaces.cli.session import database, instant, output_option, plain, print_json, print_rows
from infradb.operations import findings as operations
from infradb.operations.findings import SEVERITIES, FindingView, Rule

_COLUMNS = ("id", "severity", "rule", "what", "summary", "since")
_level = click.Choice(SEVERITIES)


@click.group(
    invoke_without_command=True,
    epilog="Examples:  infradb findings --fail-on high    infradb findings explain 7    infradb findings waive 7"
    " --expires 30d --reason 'disk is ordered'",
)
@click.option("--fail-on", type=_level, help="Exit code 5 where something is as bad as that, or worse.")
@click.option("--severity", type=_level, default="info", help="Only what is as bad as that, or worse.")
@click.option("--rule", metavar="RULE", help="Only what this rule finds.")
@click.option("--all", "everything", is_flag=True, help="Waived ones too.")
@output_option
@click.pass_context
def findings(
    ctx: click.Context,
    fail_on: operations.Severity | None,
    severity: operations.Severity,
    rule: str | None,
    everything: bool,
    output: str,
) -> int:
    """Ask every rule, and list what is wrong, worst first."""
    if ctx.invoked_subcommand:
        return 0
    opened = database(ctx)
    operations.refresh(opened, settings.load())
    every = operations.open_findings(opened, "info", include_waived=True, rule=rule)
    now = clock.now()
    counted = [f for f in every if not _waived(f, now)]
    within = SEVERITIES[: SEVERITIES.index(severity) + 1]
    shown = [f for f in (every if everything else counted) if f.severity in within]
    columns = [*_COLUMNS, "waived_until"] if everything else list(_COLUMNS)
    rows = [{**asdict(f), "since": _short(f.since)} if output == "table" else asdict(f) for f in shown]
    print_rows(columns, rows, output, body=[asdict(f) for f in shown], empty="no findings")
    if output == "table" and every:
        click.echo(_tally(counted, len(every) - len(counted)), err=True)
    return 5 if fail_on and operations.reaches(counted, fail_on) else 0


@findings.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--expires", metavar="TIME", required=True, help="Until then: 30d, 2027-01-31.")
@click.option("--reason", metavar="TEXT", required=True, help="Why it is acceptable.")
@click.pass_context
def waive(ctx: click.Context, number: int, expires: str, reason: str) -> int:
    """Accept a finding until a time; then it comes back by itself."""
    who = os.environ.get("SUDO_USER") or getpass.getuser()
    found = operations.waive(database(ctx), number, _ahead(expires), reason, who)
    click.echo(f"finding {found.id} ({found.rule}: {found.what}) is waived until {_short(found.waived_until or '')}")
    return 0


@findings.command()
@click.argument("number", metavar="ID", type=int)
@click.pass_context
def unwaive(ctx: click.Context, number: int) -> int:
    """Take back a waiver."""
    found = operations.unwaive(database(ctx), number)
    click.echo(f"finding {found.id} ({found.rule}: {found.what}) counts again")
    return 0


@findings.command()
@output_option
def rules(output: str) -> int:
    """List the rules; `explain RULE` says why each matters and how to mend it."""
    names = ("rule", "severity", "topic", "title", "why", "mend")
    rows = [
        {"rule": r.name, "severity": r.severity, "topic": topic, "title": r.title, "why": r.why, "mend": r.mend}
        for topic, listed in operations.TOPICS.items()
        for r in listed
    ]
    print_rows(names[:4] if output in ("table", "markdown") else names, rows, output)
    return 0


@findings.command()
@click.argument("named", metavar="RULE|ID")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", help="Form of the answer.")
@click.pass_context
def explain(ctx: click.Context, named: str, output: str) -> int:
    """Say why a rule or a finding matters, how to mend it, and what was seen."""
    found = operations.find(database(ctx), int(named)) if named.isdecimal() and len(named) < 16 else None
    rule = operations.rule_named(found.rule if found else named)
    if output == "json":
        said = {"rule": rule.name, "severity": rule.severity, "title": rule.title, "why": rule.why, "mend": rule.mend}
        print_json({**said, "finding": asdict(found) if found else None})
        return 0
    if found:
        click.echo("\n".join(_told(found)) + "\n")
    click.echo("\n".join(_explained(rule)))
    return 0


def _told(found: FindingView) -> list[str]:
    lines = [f"finding {found.id}: {found.summary}", f"  about   {found.what}", f"  since   {_short(found.since)}"]
    if found.closed_at:
        lines.append(f"  closed  {_short(found.closed_at)}")
    if _waived(found, clock.now()):
        lines.append(f"  waived  until {_short(found.waived_until or '')} by {found.waived_by}: {found.waived_reason}")
    if found.evidence:
        lines += ["  seen", *(f"    {name}: {plain(value)}" for name, value in found.evidence.items())]
    return lines


def _explained(rule: Rule) -> list[str]:
    lines = [f"{rule.name} ({rule.severity}): {rule.title}."]
    for head, text in (("Why", rule.why), ("Mend", rule.mend)):
        lines += ["", *textwrap.wrap(f"{head}: {text}", 100, subsequent_indent="  ", break_on_hyphens=False)]
    return lines


def _tally(counted: Sequence[FindingView], waived: int) -> str:
    """Return how many there are of each severity."""
    counts: Counter[Any] = Counter(f.severity for f in counted)
    parts = [f"{counts[s]} {s}" for s in SEVERITIES if counts[s]]
    return ", ".join([*parts, *([f"{waived} waived"] if waived else [])])


def _waived(found: FindingView, now: str) -> bool:
    return found.waived_until is not None and found.waived_until > now


def _ahead(text: str) -> str:
    """Return the end of a waiver: a length of time counts forward, anything else is a time."""
    try:
        return clock.to_instant(datetime.now(UTC) + timedelta(seconds=clock.parse_duration(text)))
    except ValueError:
        return instant(text, "--expires") or ""


def _short(instant_: str) -> str:
    return instant_[:16].replace("T", " ")
