"""Opens, changes and closes findings. The only module that writes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from infradb.change import Note
from infradb.errors import NotFound
from infradb.store.database import Connection, Row

NOTED_PER_SCOPE = "mass-change-brake"
"""Rule of the reconciler whose subject is source:scope:table."""
NOTED_PER_KEY = ("identity-conflict", "unplaced-observation")
"""Rules of the reconciler whose subject is source:native key."""
_COLUMNS = (
    "id, rule, severity, subject, entity_id, summary, evidence, first_seen_at, closed_at,"
    " waived_until, waived_reason, waived_by"
)


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding as it lies in the database."""

    id: int
    rule: str
    severity: str
    subject: str
    entity_id: int | None
    summary: str
    evidence: Mapping[str, Any]
    first_seen_at: str
    closed_at: str | None
    waived_until: str | None
    waived_reason: str | None
    waived_by: str | None

    def is_waived(self, now: str) -> bool:
        """Tell whether somebody accepted it until a time still to come."""
        return self.waived_until is not None and self.waived_until > now


@dataclass(slots=True)
class Difference:
    """What separates the open findings from those that were found."""

    opened: list[Note] = field(default_factory=list)
    changed: list[tuple[int, Note]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.opened or self.changed or self.closed)


def open_findings(connection: Connection) -> list[StoredFinding]:
    """Return every open finding, waived ones too."""
    return [
        _read(row) for row in connection.query(f"SELECT {_COLUMNS} FROM findings WHERE closed_at IS NULL ORDER BY id")
    ]


def finding(connection: Connection, id_: int) -> StoredFinding:
    """Return one finding, open or closed; raise `NotFound`."""
    rows = connection.query(f"SELECT {_COLUMNS} FROM findings WHERE id = ?", (id_,))
    if not rows:
        raise NotFound(f"there is no finding {id_}", hint="`infradb findings --all` lists them")
    return _read(rows[0])


def compare(stored: Iterable[StoredFinding], found: Mapping[tuple[str, str], Note]) -> Difference:
    """Compare the open findings with those that were found, both by rule and subject."""
    result = Difference()
    known: set[tuple[str, str]] = set()
    for old in stored:
        known.add((old.rule, old.subject))
        new = found.get((old.rule, old.subject))
        if new is None:
            result.closed.append(old.id)
        elif (new.severity, new.entity_id, new.summary) != (old.severity, old.entity_id, old.summary) or (
            orjson.loads(_text(new.evidence)) != old.evidence
        ):
            result.changed.append((old.id, new))
    result.opened = [note for key, note in found.items() if key not in known]
    return result


def write(connection: Connection, difference: Difference, now: str) -> None:
    """Make the findings what was found; harmless where somebody else did so in between."""
    note_findings(connection, difference.opened, now)
    connection.execute_many(
        "UPDATE findings SET severity = ?, entity_id = ?, summary = ?, evidence = ? WHERE id = ? AND closed_at IS NULL",
        [(n.severity, n.entity_id, n.summary, _text(n.evidence), id_) for id_, n in difference.changed],
    )
    close(connection, difference.closed, now)


def close(connection: Connection, ids: Iterable[int], now: str) -> None:
    """Close open findings."""
    connection.execute_many(
        "UPDATE findings SET closed_at = ? WHERE id = ? AND closed_at IS NULL", [(now, id_) for id_ in ids]
    )


def note_findings(connection: Connection, notes: Iterable[Note], now: str) -> None:
    """Open a finding for each note, unless it is open already; one that was closed begins anew."""
    rows = {
        (n.rule, n.subject): (n.rule, n.severity, n.subject, n.entity_id, n.summary, _text(n.evidence), now)
        for n in notes
    }
    if rows:
        connection.execute_many(
            "INSERT INTO findings (rule, severity, subject, entity_id, summary, evidence, first_seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (rule, subject)"
            " DO UPDATE SET closed_at = NULL, first_seen_at = excluded.first_seen_at, severity = excluded.severity,"
            " entity_id = excluded.entity_id, summary = excluded.summary, evidence = excluded.evidence"
            " WHERE findings.closed_at IS NOT NULL",
            list(rows.values()),
        )


def close_lapsed(
    connection: Connection,
    source: str,
    noted: Collection[tuple[str, str]],
    complete_scopes: Sequence[str],
    *,
    whole: bool,
    now: str,
) -> None:
    """Close what the reconciler noted about a source before, and did not note again in the run that ends.

    `noted` holds rule and subject of this run's notes. A brake is over once its scope was read completely without it.
    What could not be placed is read anew by every run; where the `whole` run was complete and nothing was noted, it is
    gone or found its place. A thing that was placed although it may be another one stays a question for people.
    """
    rules = (NOTED_PER_SCOPE, *NOTED_PER_KEY)
    sql = f"SELECT id, rule, subject FROM findings WHERE closed_at IS NULL AND rule IN ({', '.join('?' * len(rules))})"
    heads = {f"{source}:{scope}" for scope in complete_scopes}
    over = []
    for id_, rule, subject in connection.query(sql, rules):
        if (rule, subject) in noted:
            continue
        if rule == NOTED_PER_SCOPE:
            if subject.rpartition(":")[0] in heads:
                over.append(id_)
        elif whole and subject.startswith(f"{source}:"):
            key = subject.removeprefix(f"{source}:")
            if rule == "unplaced-observation" or claimed_entity(connection, source, key) is None:
                over.append(id_)
    close(connection, over, now)


def claimed_entity(connection: Connection, source: str, native_key: str) -> int | None:
    """Return the entity for which a source's standing claim about a native key was found to speak."""
    rows = connection.query(
        "SELECT c.entity_id FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        " WHERE c.native_key = ? AND s.name = ? AND c.withdrawn_at IS NULL",
        (native_key, source),
    )
    return int(rows[0][0]) if rows else None


def waive(connection: Connection, id_: int, until: str, reason: str, who: str) -> None:
    """Accept a finding until a time."""
    connection.execute(
        "UPDATE findings SET waived_until = ?, waived_reason = ?, waived_by = ? WHERE id = ?", (until, reason, who, id_)
    )


def unwaive(connection: Connection, id_: int) -> None:
    """Take back that a finding is accepted."""
    connection.execute(
        "UPDATE findings SET waived_until = NULL, waived_reason = NULL, waived_by = NULL WHERE id = ?", (id_,)
    )


def _read(row: Row) -> StoredFinding:
    values = list(row)
    values[6] = orjson.loads(values[6]) if values[6] else {}
    return StoredFinding(*values)


def _text(evidence: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(evidence), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
