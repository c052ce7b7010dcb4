"""What points at something: every reference of the model, checked alike."""

from collections.abc import Iterator

from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import FieldSpec, RecordType
from infradb.quality.rule import Defect, Question, Rule

_APPEND_ONLY = frozenset({"health_checks", "health_check_rollups", "samples", "infrastructure_changes"})
"""Tables too long to be read whole: their indexes are asked for each distinct value instead."""


def _dangling() -> str:
    """Return SQL for the live rows that point at something retired."""
    return "\nUNION ALL\n".join(
        f"SELECT t.id AS entity_id, '{f.name}' AS subject, r.id AS other_id, '{f.noun}' AS reference"  # noqa: S608  names come from the model
        f" FROM {t.table} t JOIN entities r ON r.id = t.{f.name}"
        " WHERE t.retired_at IS NULL AND r.retired_at IS NOT NULL"
        for t in ENTITY_TYPES
        for f in t.references
    )


def _unlike() -> str:
    """Return SQL for the rows whose end of life differs from their entity's."""
    return "\nUNION ALL\n".join(
        f"SELECT e.id AS entity_id, '{t.table}' AS kind FROM {t.table} t JOIN entities e ON e.id = t.id"  # noqa: S608  names come from the model
        " WHERE (t.retired_at IS NULL) <> (e.retired_at IS NULL)"
        for t in ENTITY_TYPES
    )


def _orphans(question: Question) -> Iterator[Defect]:
    """Yield rows that point at a row that is not there, and entities without their row."""
    for entity_type in ENTITY_TYPES:
        table = entity_type.table
        own = [("id", "entities"), *((f.name, f.references or "") for f in entity_type.references)]
        for name, target in own:
            sql = (
                f"SELECT e.id, t.id, t.{name} FROM {table} t LEFT JOIN {target} r ON r.id = t.{name}"  # noqa: S608  names come from the model
                f" LEFT JOIN entities e ON e.id = t.id WHERE t.{name} IS NOT NULL AND r.id IS NULL"
            )
            for known, id_, missing in question.query(sql):
                evidence = {"table": table, "row": id_, "field": name, "missing": f"{target} {missing}"}
                yield Defect(known, f"{table}/{id_}/{name}", evidence=evidence)
        sql = (
            f"SELECT e.id FROM entities e LEFT JOIN {table} t ON t.id = e.id"  # noqa: S608  names come from the model
            f" WHERE e.kind = '{table}' AND t.id IS NULL"
        )
        for (id_,) in question.query(sql):
            evidence = {"table": "entities", "row": id_, "field": "kind", "missing": f"{table} {id_}"}
            yield Defect(id_, f"entities/{id_}/{table}", evidence=evidence)
    for record_type in RECORD_TYPES:
        for field in record_type.references:
            yield from _orphaned_records(question, record_type, field)


def _orphaned_records(question: Question, record_type: RecordType, field: FieldSpec) -> Iterator[Defect]:
    """Yield one defect for all rows of a table whose reference leads nowhere."""
    table, name, target = record_type.table, field.name, field.references
    values = f"(SELECT DISTINCT {name} AS v FROM {table} WHERE {name} IS NOT NULL)"  # noqa: S608  names come from the model
    head = ""
    if table in _APPEND_ONLY:
        # A loose index scan: one step for each distinct value (both engines read it from the reference's index).
        head = (
            f"WITH RECURSIVE d(v) AS (SELECT min({name}) FROM {table} UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({name}) FROM {table} WHERE {name} > d.v) FROM d WHERE d.v IS NOT NULL) "
        )
        values = "d"
    sql = (
        f"{head}SELECT count(*), min(d.v) FROM {values} {'AS d' if not head else ''}"  # noqa: S608
        f" LEFT JOIN {target} r ON r.id = d.v WHERE d.v IS NOT NULL AND r.id IS NULL"
    )
    for count, example in question.query(sql):
        if count:
            evidence = {
                "table": table,
                "row": "?",
                "field": name,
                "missing": f"{target} {example}",
                "missing_rows": count,
            }
            yield Defect(None, f"{table}/{name}", evidence=evidence)


RULES = (
    Rule(
        "dangling-reference",
        "medium",
        "Something points at a thing that was retired",
        "Whoever reads the row is sent to something that is no longer there: an address to a host that was sold, a"
        " mount to a volume that was removed. What breaks when something dies is then answered wrongly.",
        "If the thing is gone for good, correct the reference at its source or with `infradb set NAME FIELD=…`; if"
        " the row is gone too, `infradb retire NAME`. If the thing is still there, find out why its source does not"
        " see it.",
        "{thing} still names {other} as its {reference}, which was retired",
        sql=_dangling(),
    ),
    Rule(
        "orphan",
        "high",
        "A row points at a row that is not there",
        "infradb itself cannot make such a row: somebody deleted or inserted rows in a shell where foreign keys were"
        " off. Whatever joins the two tables leaves the row out silently.",
        "Restore a backup from before (`infradb restore FILE`), or delete the row in the same shell; start it with"
        " `PRAGMA foreign_keys = ON`. `infradb verify` tells whether the change log was altered as well.",
        "{field} of row {row} in {table} points at {missing}, which is not there",
        check=_orphans,
    ),
    Rule(
        "lifecycle-mismatch",
        "high",
        "A row and its entity disagree whether it is retired",
        "Both tables keep when a thing was retired, and are written together. Where they differ, somebody edited one of"
        " them by hand; the thing is shown in some answers and not in others.",
        "Restore a backup from before, or set `retired_at` of the row to that of its entity in a shell.",
        "{thing} is retired in one of entities and {kind}, and not in the other",
        sql=_unlike(),
    ),
)
