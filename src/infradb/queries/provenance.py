"""Who says what about a thing, and who disagrees."""

from dataclasses import dataclass
from typing import Any

import orjson

from infradb import clock
from infradb.model.catalog import BY_TABLE
from infradb.reconcile.values import source_class, unexpired, winners
from infradb.store.database import Connection
from infradb.store.known import StoredKnown


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One claim about a thing."""

    source: str
    scope: str
    native_key: str
    rule: str
    evidence: dict[str, Any] | None
    said: dict[str, Any]
    expires: dict[str, str]
    missing_since: str | None
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one source says about one field."""

    field: str
    source: str
    value: Any
    wins: bool
    why: str


_CLASSES = {
    "people": ("what a person set here", "what was typed elsewhere", "what is observed"),
    "runtime": ("said by people", "what is observed", "what was typed", "not for observation to say"),
    "observed": ("what a person set here", "what is observed", "what was typed elsewhere"),
}


def claims(connection: Connection, entity_id: int) -> list[ClaimView]:
    """Return every claim about a thing, standing ones first."""
    known = StoredKnown(connection)
    scopes: dict[int, str] = dict(connection.query("SELECT id, name FROM scopes"))
    rules = {
        row[0]: row[1:]
        for row in connection.query("SELECT id, rule, evidence FROM claims WHERE entity_id = ?", (entity_id,))
    }
    found = []
    for claim in known.claims([entity_id]).get(entity_id, []):
        rule, evidence = rules[claim.id]
        found.append(
            ClaimView(
                known.sources[claim.source_id].name,
                str(scopes[claim.scope_id]),
                claim.native_key,
                rule,
                orjson.loads(evidence) if evidence else None,
                orjson.loads(claim.said),
                orjson.loads(claim.expires) if claim.expires else {},
                claim.missing_since,
                claim.withdrawn_at,
            )
        )
    return sorted(found, key=lambda c: (c.withdrawn_at is not None, c.source, c.native_key))


@dataclass(frozen=True, slots=True)
class Sighting:
    """An address of a host as a source saw it that does not speak of the host itself."""

    source: str
    scope: str
    address: str
    mac_address: str | None
    rule: str


def sightings(connection: Connection, host_id: int) -> list[Sighting]:
    """Return who saw a host on the network: in an ARP table, a lease, a scan."""
    rows = connection.query(
        "SELECT s.name, p.name, a.ip_address, a.mac_address, c.rule, c.said FROM ip_addresses a"
        " JOIN claims c ON c.entity_id = a.id AND c.withdrawn_at IS NULL JOIN scopes p ON p.id = c.scope_id"
        " JOIN sources s ON s.id = p.source_id WHERE a.host_id = ? AND a.retired_at IS NULL"
        " ORDER BY a.ip_key, s.name, p.name",
        (host_id,),
    )
    return [Sighting(*row) for *row, said in rows if not orjson.loads(said).get("host_id")]


def opinions(connection: Connection, table: str, entity_id: int, field: str | None = None) -> list[Opinion]:
    """Return what each source says about each field (or one), the winner first, with the reason."""
    known, now = StoredKnown(connection), clock.now()
    said = [
        (known.sources[c.source_id], c.native_key, unexpired(c.said, c.expires, now))
        for c in known.claims([entity_id]).get(entity_id, [])
        if not c.withdrawn_at
    ]
    best = winners(BY_TABLE[table], said, known.preferred(table))
    found: list[Opinion] = []
    for name, spec in BY_TABLE[table].claimable.items():
        if field not in (None, name):
            continue
        kind = (
            "runtime" if spec.follows_observation or spec.people_only else "people" if spec.people_first else "observed"
        )
        speaking = sorted((c for c in said if name in c[2]), key=lambda c: (c[0].order, c[1]))
        for source, _, values in speaking:
            class_ = source_class(spec, source, values[name])
            wins = name in best and best[name][1].id == source.id and best[name][0] == values[name]
            found.append(Opinion(name, source.name, values[name], wins, _CLASSES[kind][class_]))
    return sorted(found, key=lambda o: (list(BY_TABLE[table].fields).index(o.field), not o.wins))
