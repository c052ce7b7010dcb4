"""Drift: fields on which what people wrote down and what is observed differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from infradb import clock
from infradb.change import SourceOrder, StoredClaim
from infradb.model.catalog import ENTITY_TYPES
from infradb.model.describe import EntityType, FieldSpec
from infradb.queries.naming import labels
from infradb.reconcile.values import unexpired, winners
from infradb.store.database import Connection
from infradb.store.drift import Decision, decisions
from infradb.store.known import StoredKnown

Side = tuple[SourceOrder, str, Mapping[str, Any]]
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Drift:
    """One field of one thing on which a declared and an observing source disagree."""

    table: str
    entity_id: int
    field: str
    declared: Any
    """What was written down; of a reference the id."""
    declared_by: str
    observed: Any
    observed_by: str
    what: str = ""
    decision: Decision | None = None
    """What a person decided about just these two values, if anybody did."""

    @property
    def id(self) -> str:
        """Return thing and field: `412.os_name`."""
        return f"{self.entity_id}.{self.field}"

    def is_open(self, now: str) -> bool:
        """Tell whether it waits for a person."""
        return self.decision is None or (self.decision.until is not None and self.decision.until <= now)


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing came to."""

    found: list[Drift]
    fields: int
    """Fields that both a declared and an observing source speak about."""


def drift(connection: Connection, *, source: str | None = None) -> Compared:
    """Return every drift, and how many fields were compared; of one declared source only, where it is named.

    Fields that are for people to say (purpose, owner), that follow what runs (status), or that are measured are no
    matter of drift: there one side rightly differs.
    """
    known, now = StoredKnown(connection), clock.now()
    found: list[Drift] = []
    fields = 0
    for entity_type in ENTITY_TYPES:
        for ids in _batches(_told_by_both(connection, entity_type.table)):
            claims = known.claims(ids)
            sides = {i: _sides(known, claims.get(i, []), now, source) for i in ids}
            resolved = _resolved(known, entity_type, sides.values())
            for id_, (written, seen) in sides.items():
                for both in _both(known, entity_type, id_, written, seen, resolved):
                    fields += 1
                    found += [] if _same(both.declared, both.observed) else [both]
    names = labels(connection, {d.entity_id for d in found})
    decided = decisions(connection)
    return Compared(
        [
            replace(d, what=f"{d.table}/{names[d.entity_id]}", decision=_about(decided.get((d.entity_id, d.field)), d))
            for d in found
        ],
        fields,
    )


def text(value: Any) -> str:
    """Return a value in the form in which decisions keep it."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _about(decision: Decision | None, one: Drift) -> Decision | None:
    """Return a decision where it was made about these very values: others are a new question."""
    fits = decision and (decision.declared, decision.observed) == (text(one.declared), text(one.observed))
    return decision if fits else None


def _told_by_both(connection: Connection, table: str) -> list[int]:
    """Return the live things that both a declared and an observing source speak about."""
    sql = (
        f"SELECT c.entity_id FROM claims c JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        f" JOIN {table} t ON t.id = c.entity_id AND t.retired_at IS NULL WHERE c.withdrawn_at IS NULL"
        " GROUP BY c.entity_id HAVING count(CASE WHEN s.declared THEN 1 END) > 0"
        " AND count(CASE WHEN NOT s.declared THEN 1 END) > 0 ORDER BY c.entity_id"
    )
    return [i for (i,) in connection.query(sql)]


def _sides(
    known: StoredKnown, claims: Iterable[StoredClaim], now: str, source: str | None
) -> tuple[list[Side], list[Side]]:
    """Return what is said of one thing: what was written down, and what is seen."""
    written: list[Side] = []
    seen: list[Side] = []
    for claim in claims:
        speaker = known.sources[claim.source_id]
        if claim.withdrawn_at or (speaker.declared and source not in (None, speaker.name)):
            continue
        said = (speaker, claim.native_key, unexpired(claim.said, claim.expires, now))
        (written if speaker.declared else seen).append(said)
    return written, seen


def _both(
    known: StoredKnown,
    entity_type: EntityType,
    id_: int,
    written: list[Side],
    seen: list[Side],
    resolved: Mapping[tuple[int, str], int],
) -> Iterator[Drift]:
    """Yield the fields of one thing of which both sides speak."""
    order = known.preferred(entity_type.table)
    ours, theirs = winners(entity_type, written, order), winners(entity_type, seen, order)
    for name in (n for n, f in entity_type.claimable.items() if n in ours and n in theirs and _comparable(f)):
        (said, by), (shown, shown_by) = ours[name], theirs[name]
        if entity_type.fields[name].references:
            said, shown = resolved.get((by.id, said)), resolved.get((shown_by.id, shown))
        yield Drift(entity_type.table, id_, name, said, by.name, shown, shown_by.name)


def _comparable(field: FieldSpec) -> bool:
    return not (field.people_first or field.follows_observation or field.people_only)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return sorted(map(text, a)) == sorted(map(text, b))
    if isinstance(a, str) and isinstance(b, str):
        return a.strip().casefold() == b.strip().casefold()
    return bool(a == b)


def _resolved(
    known: StoredKnown, entity_type: EntityType, sides: Iterable[tuple[list[Side], list[Side]]]
) -> dict[tuple[int, str], int]:
    """Return (source, native key) -> entity for the references that are compared."""
    wanted: dict[int, set[str]] = {}
    for written, seen in sides:
        for speaker, _, said in (*written, *seen):
            wanted.setdefault(speaker.id, set()).update(
                said[f.name] for f in entity_type.references if said.get(f.name)
            )
    return {
        (source, key): holder.entity_id
        for source, keys in wanted.items()
        for key, holder in known.natives(source, keys).items()
    }


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
