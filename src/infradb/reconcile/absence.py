"""What absence means: who is missing, who is retired, and when to stop and ask."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from infradb import clock
from infradb.change import Note, StoredClaim
from infradb.model.catalog import BY_TABLE

BRAKE_COUNT = 50
BRAKE_SHARE = 0.2
BRAKE_LEAST = 5


@dataclass(slots=True)
class Absence:
    """What becomes of the claims that a complete scope no longer makes."""

    withdrawn: list[int] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)
    """(claim id, last seen at)"""
    held: list[tuple[int, str]] = field(default_factory=list)
    """The same of those that the brake holds: their grace is over, and stays so."""
    notes: list[Note] = field(default_factory=list)
    braked: dict[str, int] = field(default_factory=dict)


def judge(
    source: str,
    scope: str,
    absent: Sequence[StoredClaim],
    tables: Mapping[int, str],
    *,
    owners: Mapping[int, Collection[int]],
    seen: Mapping[str, int],
    last_seen_at: str | None,
    now: str,
    allow_retire: bool,
) -> Absence:
    """Decide about the absent claims of one complete scope.

    `tables` and `owners` tell each entity's table and owners, `seen` how many things of each table the scope held
    before. A thing within its kind's grace is missing; past it its claim is withdrawn. What an answer said besides
    shares the fate of its own thing: the services of a container go when the container goes. More than 50 roots of a
    kind, or more than a fifth and at least five, are not withdrawn without a person's word.
    """
    result = Absence()
    gone = {c.entity_id for c in absent}
    own = {c.native_key: c for c in absent if c.answer is None}
    roots: dict[str, list[StoredClaim]] = {}
    late: list[StoredClaim] = []
    sinces: dict[int, str] = {}
    for claim in absent:
        lead = own.get(claim.answer or "", claim)
        since = lead.missing_since or last_seen_at or now
        waited = (clock.to_moment(now) - clock.to_moment(since)).total_seconds()
        if waited < BY_TABLE[tables[lead.entity_id]].grace_seconds:
            result.missing.append((claim.id, since))
            continue
        late.append(claim)
        sinces[claim.id] = since
        if lead is claim and not gone.intersection(owners.get(claim.entity_id, ())):
            roots.setdefault(tables[claim.entity_id], []).append(claim)
    braked = {t: c for t, c in roots.items() if not allow_retire and _too_many(len(c), seen.get(t, len(c)))}
    held = _held_back(braked, late, owners)
    held |= {c.entity_id for c in late if own.get(c.answer or "", c).entity_id in held}
    result.withdrawn = [c.id for c in late if c.entity_id not in held]
    result.held = [(c.id, sinces[c.id]) for c in late if c.entity_id in held]
    for table, claims in braked.items():
        result.braked[table] = len(claims)
        result.notes.append(
            Note(
                "mass-change-brake",
                "high",
                f"{source}:{scope}:{table}",
                f"{len(claims)} of {seen.get(table, len(claims))} {table} are suddenly absent from {scope} of {source};"
                f" none was retired: check the source, then run `infradb discover {source} --allow-retire`",
                evidence={"count": len(claims), "of": seen.get(table, len(claims))},
            )
        )
    return result


def _too_many(count: int, of: int) -> bool:
    return count > BRAKE_COUNT or (count >= BRAKE_LEAST and count > BRAKE_SHARE * of)


def _held_back(
    braked: Mapping[str, Sequence[StoredClaim]], late: Sequence[StoredClaim], owners: Mapping[int, Collection[int]]
) -> set[int]:
    """Return the braked roots and everything among the absent that they own."""
    held = {c.entity_id for claims in braked.values() for c in claims}
    growing = True
    while growing:
        more = {c.entity_id for c in late if c.entity_id not in held and held.intersection(owners.get(c.entity_id, ()))}
        held |= more
        growing = bool(more)
    return held
