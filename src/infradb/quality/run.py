"""Asks every rule about one state of the database."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from infradb.change import Note
from infradb.quality.catalog import RULES
from infradb.quality.rule import Defect, Question, Rule
from infradb.queries.naming import labels
from infradb.store.findings import StoredFinding

_OF_A_DEFECT = ("entity_id", "subject", "other_id")


def evaluate(
    question: Question,
    stored: Sequence[StoredFinding],
    rules: Iterable[Rule] = RULES,
    seconds: dict[str, float] | None = None,
) -> dict[tuple[str, str], Note]:
    """Return what is wrong, by rule and subject; `stored` are the open findings.

    `seconds` is filled with the time that each rule took.
    """
    found: dict[Rule, list[Defect]] = {}
    result: dict[tuple[str, str], Note] = {}
    for rule in rules:
        started = time.monotonic()
        if rule.standing:
            result.update({(n.rule, n.subject): n for n in _standing(rule, question, stored)})
        else:
            found[rule] = list(_defects(rule, question))
        if seconds is not None:
            seconds[rule.name] = time.monotonic() - started
    names = labels(question.connection, _named(found))
    for rule, defects in found.items():
        for defect in defects:
            note = _note(rule, defect, names)
            # The first one counts, where a rule says the same twice.
            result.setdefault((note.rule, note.subject), note)
    return result


def _defects(rule: Rule, question: Question) -> Iterator[Defect]:
    if rule.check:
        yield from rule.check(question)
        return
    columns, rows = question.connection.columns(rule.sql)
    evidence = [c for c in columns if c not in _OF_A_DEFECT]
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        yield Defect(
            values.get("entity_id"),
            str(values.get("subject") or ""),
            values.get("other_id"),
            {name: values[name] for name in evidence},
        )


def _standing(rule: Rule, question: Question, stored: Iterable[StoredFinding]) -> Iterator[Note]:
    """Yield the open findings of a rule of the reconciler that still stand, as they are."""
    for finding in stored:
        if finding.rule == rule.name and rule.standing and rule.standing(question, finding):
            yield Note(rule.name, rule.severity, finding.subject, finding.summary, finding.entity_id, finding.evidence)


def _named(found: Mapping[Rule, Sequence[Defect]]) -> set[int]:
    """Return the entities whose names the summaries need."""
    wanted: set[int] = set()
    for rule, defects in found.items():
        if "{thing}" in rule.summary:
            wanted.update(d.entity_id for d in defects if d.entity_id)
        wanted.update(d.other_id for d in defects if d.other_id)
    return wanted


def _note(rule: Rule, defect: Defect, names: Mapping[int, str]) -> Note:
    evidence = dict(defect.evidence)
    other = names.get(defect.other_id, f"id {defect.other_id}") if defect.other_id else ""
    if other:
        evidence["other"] = other
    summary = rule.summary.format_map(
        {**evidence, "thing": names.get(defect.entity_id or 0, f"id {defect.entity_id}"), "other": other}
    )
    return Note(rule.name, defect.severity or rule.severity, _subject(defect), summary, defect.entity_id, evidence)


def _subject(defect: Defect) -> str:
    """Return what, with the rule, makes two findings the same; names change, so it holds ids."""
    parts = [f"#{defect.entity_id}" if defect.entity_id else "", defect.subject]
    if defect.other_id and not defect.subject:
        parts.append(f"#{defect.other_id}")
    return "/".join(p for p in parts if p)
