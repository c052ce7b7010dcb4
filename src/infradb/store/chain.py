"""The change log's hash chain: appending to it, and finding its first broken link.

A row's `values_digest` is SHA-256 over its salt and `WORDS`, everything that people and sources put into words, as
first written; its `hash` is SHA-256 over the previous hash, that digest and everything else. So a secret can be
overwritten later (with its salt, without which the digest gives nothing away) while the chain still verifies, and the
redaction itself is a row of the chain. What is hashed is a JSON list: no value can be taken for its neighbour.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from infradb.errors import ChainBroken
from infradb.store.connection import Connection, Row

FIRST_HASH = "0" * 64
COLUMNS = (
    "position",
    "change_timestamp",
    "recorded_at",
    "change_type",
    "entity_type",
    "entity_id",
    "old_values",
    "new_values",
    "changed_by",
    "change_source",
    "source_id",
    "run_id",
    "reason",
    "description",
    "imported_id",
    "imported_entity_id",
    "salt",
    "values_digest",
    "previous_hash",
    "hash",
)
WORDS = ("entity_type", "old_values", "new_values", "changed_by", "reason", "description")
"""Columns that `values_digest` covers: a secret may be in any of them."""
_words = itemgetter(*(COLUMNS.index(name) for name in WORDS))
_linked = itemgetter(*(n for n, name in enumerate(COLUMNS[:-4]) if name not in WORDS))


class Entry(NamedTuple):
    """One row to be appended; instants and values as text."""

    change_type: str
    entity_type: str
    entity_id: int | None
    old_values: str | None = None
    new_values: str | None = None
    changed_by: str | None = None
    change_source: str | None = None
    source_id: int | None = None
    run_id: int | None = None
    reason: str | None = None
    description: str | None = None
    imported_id: int | None = None
    imported_entity_id: int | None = None
    change_timestamp: str | None = None


class Chain:
    """The end of the chain, within the writing transaction."""

    def __init__(self, connection: Connection, now: str) -> None:
        self._connection = connection
        last = connection.query(
            "SELECT position, recorded_at, hash FROM infrastructure_changes ORDER BY position DESC LIMIT 1"
        ) or connection.query("SELECT position, recorded_at, hash FROM change_anchors ORDER BY position DESC LIMIT 1")
        self.position, recorded_at, self.head = last[0] if last else (0, "", FIRST_HASH)
        self.now = max(now, recorded_at)
        """Instant at which entries are recorded: never before the last one, whatever the clock says."""

    def append(self, entries: Iterable[Entry]) -> None:
        """Append entries in order."""
        entries = list(entries)
        chance = os.urandom(8 * len(entries)).hex()
        rows: list[Row] = []
        for n, entry in enumerate(entries):
            self.position += 1
            # Entry has the columns in their order, but for the time at its end.
            kept = (self.position, entry[-1] or self.now, self.now, *entry[:-1])
            salt = chance[16 * n : 16 * n + 16]
            digest = values_digest(salt, kept)
            previous, self.head = self.head, link_hash(self.head, kept, digest)
            rows.append((*kept, salt, digest, previous, self.head))
        self._connection.insert_many("infrastructure_changes", COLUMNS, rows)


def values_digest(salt: str | None, row: Sequence[Any]) -> str:
    """Return the digest of what a row (as `COLUMNS`) says in words."""
    return sha256(orjson.dumps([salt, *_words(row)])).hexdigest()


def link_hash(previous: str, row: Sequence[Any], digest: str) -> str:
    """Return the hash that ties a row (as `COLUMNS`) to the one before."""
    return sha256(orjson.dumps([previous, *_linked(row), digest])).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that holds."""

    rows: int
    redacted: int
    starts_after: int
    head: str


def verify(connection: Connection) -> Verified:
    """Walk the whole chain; raise `ChainBroken` naming the first link that does not hold."""
    anchor = connection.query("SELECT position, hash FROM change_anchors ORDER BY position DESC LIMIT 1")
    start, previous = anchor[0] if anchor else (0, FIRST_HASH)
    # The redactions are read first; they are rows of the chain themselves, so a forged one breaks it.
    redacted = _redacted(connection)
    position, count, overwritten = start, 0, 0
    for row in connection.stream(f"SELECT {', '.join(COLUMNS)} FROM infrastructure_changes ORDER BY position"):
        salt, digest, said_previous, said_hash = row[-4:]
        if row[0] != position + 1:
            raise ChainBroken(f"the change log breaks at position {position + 1}: it is missing (the next is {row[0]})")
        position = row[0]
        if said_previous != previous or link_hash(previous, row, digest) != said_hash:
            raise ChainBroken(
                f"the change log breaks at position {position}: the row was altered ({row[3]} of {row[4]})"
            )
        if values_digest(salt, row) != redacted.get(position, digest):
            raise ChainBroken(f"the change log breaks at position {position}: what it says was altered")
        previous = said_hash
        count += 1
        overwritten += position in redacted
    expected = connection.query("SELECT value FROM infradb_meta WHERE name = 'chain_head'")
    if expected and expected[0][0] != f"{position}:{previous}":
        written = expected[0][0].split(":")[0]
        raise ChainBroken(f"the change log ends at position {position}, but went to {written}: its end was altered")
    return Verified(count, overwritten, start, previous)


def remember_head(connection: Connection, chain: Chain) -> None:
    """Note where the chain ends, so that a cut end is noticed too."""
    connection.execute(
        "INSERT INTO infradb_meta (name, value) VALUES ('chain_head', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (f"{chain.position}:{chain.head}",),
    )


def _redacted(connection: Connection) -> dict[int, str]:
    """Return position -> digest of rows whose values were overwritten, from the redactions in the chain."""
    found: dict[int, str] = {}
    for (values,) in connection.query(
        "SELECT new_values FROM infrastructure_changes WHERE change_type = 'redact' ORDER BY position"
    ):
        try:
            found.update({int(p): d for p, d in orjson.loads(values)["positions"].items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            # Altered: the walk along the chain will name it.
            continue
    return found
