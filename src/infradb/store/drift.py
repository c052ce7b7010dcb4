"""Keeps what people decided about drift. The only module that writes it."""

from dataclasses import dataclass

from infradb.store.database import Connection


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about two values that differ."""

    declared: str
    """The declared value at that time (JSON)."""
    observed: str
    """The observed value at that time (JSON)."""
    decision: str
    until: str | None
    reason: str | None
    decided_by: str | None


def decisions(connection: Connection) -> dict[tuple[int, str], Decision]:
    """Return (entity, field) -> what was decided last."""
    rows = connection.query(
        "SELECT entity_id, field, declared, observed, decision, until, reason, decided_by FROM drift_decisions"
    )
    return {(id_, field): Decision(*rest) for id_, field, *rest in rows}


def decide(connection: Connection, entity_id: int, field: str, decision: Decision, now: str) -> None:
    """Note a decision; an earlier one about the same field gives way."""
    connection.execute(
        "INSERT INTO drift_decisions (entity_id, field, declared, observed, decision, until, reason, decided_by,"
        " decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entity_id, field) DO UPDATE SET"
        " declared = excluded.declared, observed = excluded.observed, decision = excluded.decision,"
        " until = excluded.until, reason = excluded.reason, decided_by = excluded.decided_by,"
        " decided_at = excluded.decided_at",
        (
            entity_id,
            field,
            decision.declared,
            decision.observed,
            decision.decision,
            decision.until,
            decision.reason,
            decision.decided_by,
            now,
        ),
    )
