"""What nobody has seen for long, and tables that outgrow their retention."""

from collections.abc import Iterator

import orjson

from infradb import clock
from infradb.collectors.registry import COLLECTORS
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.quality.rule import Defect, Question, Rule

DAY = 86400.0
_LONGEST_SILENCE = 7 * DAY
_UNSEEN_ADDRESS = 90 * DAY
_RETENTION_SLACK = 2 * DAY
"""Cleaning runs once a day, and may be missed once."""
_SHOWN_ERRORS = 3

_OBSERVED = """\
observed AS (
  SELECT DISTINCT c.entity_id AS id
  FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id
  WHERE c.withdrawn_at IS NULL AND NOT s.declared)"""


def _overdue(question: Question) -> Iterator[Defect]:
    """Yield live things that every source misses for longer than their kind's grace, twice over and an hour."""
    sql = (
        "SELECT e.id, e.kind, max(c.missing_since) FROM claims c JOIN entities e ON e.id = c.entity_id"
        " WHERE c.withdrawn_at IS NULL AND e.retired_at IS NULL"
        " AND c.entity_id IN (SELECT entity_id FROM claims WHERE missing_since IS NOT NULL AND withdrawn_at IS NULL)"
        " GROUP BY e.id, e.kind HAVING count(*) = count(c.missing_since)"
    )
    for id_, kind, since in question.query(sql):
        if since < question.before(max(2 * BY_TABLE[kind].grace_seconds, 3600)):
            yield Defect(id_, evidence={"since": since})


def _silent(question: Question) -> Iterator[Defect]:
    allowed = max(3 * clock.parse_duration(question.settings.interval), _LONGEST_SILENCE)
    since = question.before(allowed)
    sql = "SELECT id, name, kind, created_at FROM sources WHERE enabled AND NOT declared ORDER BY id"
    for id_, name, kind, created_at in question.query(sql):
        if kind not in COLLECTORS:
            continue
        last = question.query(
            "SELECT finished_at FROM discovery_runs WHERE source_id = ? AND status = 'complete' ORDER BY id DESC"
            " LIMIT 1",
            (id_,),
        )
        at = last[0][0] if last else None
        if (at or created_at) < since:
            said = f"was last read completely at {at}" if at else f"was never read completely since {created_at}"
            yield Defect(None, name, evidence={"source": name, "kind": kind, "said": said})


def _failing(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT s.name, r.status, r.errors FROM sources s JOIN discovery_runs r ON r.id ="
        " (SELECT max(l.id) FROM discovery_runs l WHERE l.source_id = s.id)"
        " WHERE s.enabled AND NOT s.declared AND r.status <> 'complete'"
    )
    for name, status, errors in question.query(sql):
        said = orjson.loads(errors)[:_SHOWN_ERRORS] if errors else []
        first = said[0] if said else "it gave no reason"
        yield Defect(None, name, evidence={"source": name, "status": status, "errors": said, "first": first})


def _unseen_addresses(question: Question) -> Iterator[Defect]:
    sql = "SELECT id, last_seen_at FROM ip_addresses WHERE retired_at IS NULL AND last_seen_at < ?"
    for id_, last_seen_at in question.query(sql, (question.before(_UNSEEN_ADDRESS),)):
        yield Defect(id_, evidence={"last_seen_at": last_seen_at})


def _outgrown(question: Question) -> Iterator[Defect]:
    kept = question.settings
    oldest = {
        (
            "health_checks",
            "keep_health_checks",
            kept.keep_health_checks,
        ): "SELECT min(check_timestamp) FROM health_checks",
        # Rows are recorded in the order of their positions; what was imported counts from then, not from what it says.
        ("infrastructure_changes", "keep_changes", kept.keep_changes): (
            "SELECT recorded_at FROM infrastructure_changes ORDER BY position LIMIT 1"
        ),
        ("samples", "keep_samples", kept.keep_samples): _oldest_sample(),
    }
    for (table, setting, text), sql in oldest.items():
        since = question.before(clock.parse_duration(text) + _RETENTION_SLACK)
        for (at,) in question.query(sql):
            if at is not None and at < since:
                yield Defect(None, table, evidence={"table": table, "oldest": at, "setting": setting, "kept": text})


def _oldest_sample() -> str:
    """Return SQL that asks the primary key for each measured field's first sample, instead of reading them all."""
    first = "(SELECT min(s.sampled_at) FROM samples s WHERE s.entity_id = t.id AND s.field = '{}')"
    firsts = [
        f"SELECT {first.format(f.name)} AS first_at FROM {t.table} t"  # noqa: S608  names come from the model
        for t in ENTITY_TYPES
        for f in t.measured
        if f.python_type in (int, float)
    ]
    return f"SELECT min(first_at) FROM ({' UNION ALL '.join(firsts)}) AS firsts"  # noqa: S608


RULES = (
    Rule(
        "missing-too-long",
        "low",
        "Something has been missing for longer than it may",
        "No source sees it, yet it is not retired: since it went missing, its scope was not read completely any more."
        " What is shown about it may be long out of date.",
        "Read its source (`infradb discover SOURCE`) and mend what keeps it from being complete; or `infradb retire"
        " NAME`.",
        "{thing} was last seen at {since}",
        check=_overdue,
    ),
    Rule(
        "source-stale",
        "medium",
        "A source was not read completely for long",
        "Only a complete answer tells that something is gone. Without one the picture grows old: what was removed"
        " stays, what was added may be missing. Counted are sources that read by themselves, after seven days or three"
        " intervals, whichever is longer.",
        "`infradb discover SOURCE`; `infradb sources doctor SOURCE` names the rights and tools that are missing."
        " Remove a source that is no more: `infradb sources remove SOURCE`.",
        "the source {source} {said}",
        check=_silent,
    ),
    Rule(
        "source-failing",
        "medium",
        "The last run of a source failed, wholly or in part",
        "What it could not read stays as it was; nothing in it is retired, however long it is gone.",
        "The errors say what to do; `infradb sources doctor SOURCE` proves each right and tool that it needs.",
        "the last run of {source} was {status}: {first}",
        check=_failing,
    ),
    Rule(
        "declared-never-seen",
        "low",
        "Somebody typed it, but what is there to be seen was never seen",
        "Other guests of its node, or other containers of its engine, are observed, and this one is not: it is a"
        " leftover of an old list, or its name or number was mistyped so that the two were not recognized as one.",
        "Correct it so that it is recognized, `infradb merge` it with the observed one, or retire it.",
        "{thing} is only declared; others on {other} are observed, it is not",
        sql=f"""\
WITH {_OBSERVED}
SELECT g.id AS entity_id, g.proxmox_host_id AS other_id FROM proxmox_containers g
WHERE g.retired_at IS NULL AND g.id NOT IN (SELECT id FROM observed)
  AND g.proxmox_host_id IN (SELECT o.proxmox_host_id FROM proxmox_containers o
                            WHERE o.retired_at IS NULL AND o.id IN (SELECT id FROM observed))
UNION ALL
SELECT c.id AS entity_id, c.docker_host_id AS other_id FROM docker_containers c
WHERE c.retired_at IS NULL AND c.id NOT IN (SELECT id FROM observed)
  AND c.docker_host_id IN (SELECT o.docker_host_id FROM docker_containers o
                           WHERE o.retired_at IS NULL AND o.id IN (SELECT id FROM observed))""",  # noqa: S608  no values in it
    ),
    Rule(
        "address-unseen",
        "low",
        "An address was not seen for 90 days",
        "It blocks a place in its network, and whoever looks for its holder is led astray.",
        "Retire it where its holder is gone (`infradb retire ADDRESS`); waive it for what is switched on once a year.",
        "{thing} was last seen at {last_seen_at}",
        check=_unseen_addresses,
    ),
    Rule(
        "retention-outgrown",
        "low",
        "A table holds rows from before its retention",
        "The raw results of checks, the change log and samples are kept by age, so that the database stops growing."
        " Rows two days older than that mean that cleaning does not run.",
        "`infradb prune` removes them; `infradb up` does so every night. To keep more, raise the setting.",
        "{table} goes back to {oldest}, although {setting} is {kept}",
        check=_outgrown,
    ),
)
