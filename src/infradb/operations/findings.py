"""Keeps the findings true, and lets people accept them until a date."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb import clock
from infradb.errors import Conflict, InvalidValue, NotFound, UsageError
from infradb.quality.catalog import BY_NAME, RULES, TOPICS
from infradb.quality.rule import SEVERITIES, Question, Rule, Severity
from infradb.quality.run import evaluate
from infradb.queries.naming import labels
from infradb.settings import Settings
from infradb.store import findings as stored
from infradb.store.database import Connection, Database
from infradb.store.findings import StoredFinding

__all__ = [
    "RULES",
    "SEVERITIES",
    "TOPICS",
    "FindingView",
    "Refreshed",
    "Rule",
    "Severity",
    "find",
    "open_findings",
    "reaches",
    "refresh",
    "rule_named",
    "unwaive",
    "waive",
]


@dataclass(slots=True)
class Refreshed:
    """What asking all rules changed."""

    open: int
    opened: int
    changed: int
    closed: int
    seconds: dict[str, float] = field(default_factory=dict)
    """Time that each rule took."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding as people see it."""

    id: int
    severity: str
    rule: str
    what: str
    """Name of the entity; the subject where there is none."""
    summary: str
    since: str
    closed_at: str | None
    entity_id: int | None
    evidence: dict[str, Any]
    waived_until: str | None
    waived_reason: str | None
    waived_by: str | None


def refresh(database: Database, settings: Settings) -> Refreshed:
    """Ask every rule about the present state, and open and close findings; writes nothing where nothing changed."""
    now = clock.now()
    seconds: dict[str, float] = {}
    with database.read() as connection:
        before = stored.open_findings(connection)
        found = evaluate(Question(connection, now, settings), before, seconds=seconds)
    difference = stored.compare(before, found)
    if not difference.is_empty:
        with database.write() as connection:
            stored.write(connection, difference, now)
    return Refreshed(len(found), len(difference.opened), len(difference.changed), len(difference.closed), seconds)


def open_findings(
    database: Database, minimum: Severity = "info", *, include_waived: bool = False, rule: str | None = None
) -> list[FindingView]:
    """Return the open findings of a severity or worse, worst first; waived ones only where they are asked for."""
    if rule is not None:
        rule_named(rule)
    now, shown = clock.now(), SEVERITIES[: SEVERITIES.index(minimum) + 1]
    with database.read() as connection:
        found = [
            f
            for f in stored.open_findings(connection)
            if f.severity in shown and rule in (None, f.rule) and (include_waived or not f.is_waived(now))
        ]
        views = _views(connection, found)
    return sorted(views, key=lambda v: (shown.index(v.severity), v.rule, v.what, v.id))


def find(database: Database, id_: int) -> FindingView:
    """Return one finding, open or closed; raise `NotFound`."""
    with database.read() as connection:
        return _views(connection, [stored.finding(connection, id_)])[0]


def waive(database: Database, id_: int, until: str, reason: str, who: str) -> FindingView:
    """Accept a finding until an instant, with a reason; it comes back by itself.

    Raises `NotFound`, `Conflict` where it is closed, and `InvalidValue` where the time is over or the reason empty.
    """
    if until <= clock.now():
        raise InvalidValue(f"{until} is over", hint="a waiver ends at a time to come: --expires 30d")
    if not reason.strip():
        raise InvalidValue("a waiver needs a reason", hint="say why it is acceptable: --reason TEXT")
    with database.write() as connection:
        if stored.finding(connection, id_).closed_at is not None:
            raise Conflict(f"finding {id_} is closed: there is nothing to waive")
        stored.waive(connection, id_, until, reason.strip(), who)
    return find(database, id_)


def unwaive(database: Database, id_: int) -> FindingView:
    """Take back that a finding is accepted; raise `NotFound`, or `Conflict` where it is not."""
    with database.write() as connection:
        if stored.finding(connection, id_).waived_until is None:
            raise Conflict(f"finding {id_} is not waived")
        stored.unwaive(connection, id_)
    return find(database, id_)


def rule_named(name: str) -> Rule:
    """Return a rule; raise `NotFound`, or `UsageError` for an empty name."""
    if not name:
        raise UsageError("an empty name names no rule")
    if name not in BY_NAME:
        raise NotFound(f"there is no rule {name!r}", hint="`infradb findings rules` lists them")
    return BY_NAME[name]


def reaches(found: Iterable[FindingView], level: Severity) -> bool:
    """Tell whether any of the findings is of a severity or worse."""
    bad = SEVERITIES[: SEVERITIES.index(level) + 1]
    return any(f.severity in bad for f in found)


def _views(connection: Connection, found: Sequence[StoredFinding]) -> list[FindingView]:
    names = labels(connection, {f.entity_id for f in found if f.entity_id is not None})
    return [
        FindingView(
            id=f.id,
            severity=f.severity,
            rule=f.rule,
            what=names.get(f.entity_id or 0, f.subject),
            summary=f.summary,
            since=f.first_seen_at,
            closed_at=f.closed_at,
            entity_id=f.entity_id,
            evidence=dict(f.evidence),
            waived_until=f.waived_until,
            waived_reason=f.waived_reason,
            waived_by=f.waived_by,
        )
        for f in found
    ]
