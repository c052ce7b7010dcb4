"""Carries out change sets. The only module that writes entities, claims and their history."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import orjson

from infradb.change import Change, ChangeSet, ClaimWrite, Note, StoredClaim
from infradb.model.catalog import BY_TABLE
from infradb.observation import Rejected
from infradb.store.chain import Chain, Entry, remember_head
from infradb.store.database import Connection
from infradb.store.findings import note_findings
from infradb.store.rows import encoder, stored_columns

_CLAIM_COLUMNS = ClaimWrite._fields[1:]
_SORTED = orjson.OPT_SORT_KEYS
_ENTITY_COLUMNS = ("id", "kind", "uid", "created_at")


class Writer:
    """Writes the change sets of one run, within one transaction."""

    def __init__(
        self,
        connection: Connection,
        now: str,
        *,
        source_id: int | None = None,
        run_id: int | None = None,
        change_source: str = "discovery",
        changed_by: str | None = None,
        reason: str | None = None,
        actors: Mapping[str, str] | None = None,
    ) -> None:
        self.connection = connection
        self.chain = Chain(connection, now)
        self.now = self.chain.now
        self._first_position = self.chain.position
        self.counts = {"created": 0, "updated": 0, "retired": 0, "revived": 0}
        self.noted: set[tuple[str, str]] = set()
        """Rule and subject of every finding that was noted."""
        self.fresh_source = False
        """Whether none of the source's claims was there before: then they can be inserted in bulk."""
        self._change_source, self._source_id, self._run_id = change_source, source_id, run_id
        self._changed_by, self._reason, self._actors = changed_by, reason, actors or {}
        last_id: int = connection.query("SELECT coalesce(max(id), 0) FROM entities")[0][0]
        self.new_id: Callable[[], int] = count(last_id + 1).__next__
        """Returns the number of the next entity."""

    def apply(self, change_set: ChangeSet) -> None:
        """Carry out a change set: names that are taken over, rows, claims, history."""
        for table, name, id_ in change_set.parked:
            self.connection.execute(f"UPDATE {table} SET {name} = ? WHERE id = ?", (parked_name(table, name, id_), id_))
        creates = [c for c in change_set.changes if c.change_type == "create"]
        others = [c for c in change_set.changes if c.change_type != "create"]
        self._update(others)
        self._create(creates, change_set.measured_at_creation)
        self._claim(change_set.claims)
        if change_set.digests:
            self.connection.execute_many("UPDATE claims SET digest = ? WHERE id = ?", change_set.digests)
        if change_set.identifiers:
            self.connection.execute_many(
                "INSERT INTO identifiers (scheme, value, entity_id, source_id) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                change_set.identifiers,
            )
        self._log(change_set.changes)
        self.note(change_set.notes)

    def note(self, notes: Iterable[Note]) -> None:
        """Open a finding for each note, and remember that it was noted."""
        kept = list(notes)
        self.noted.update((n.rule, n.subject) for n in kept)
        note_findings(self.connection, kept, self.now)

    def retire(self, rows: Iterable[tuple[int, str, int | None]], reason: str | None = None) -> None:
        """Retire live entities: (id, table, owner that takes it along)."""
        changes: list[Change] = []
        for id_, table, owner in rows:
            self.connection.execute(
                f"UPDATE {table} SET retired_at = ?, updated_at = ? WHERE id = ?",
                (self.now, self.now, id_),
            )
            self.connection.execute(
                "UPDATE entities SET retired_at = ?, retired_with = ? WHERE id = ?", (self.now, owner, id_)
            )
            # Without its digest the claim counts as news when the thing is seen again.
            self.connection.execute("UPDATE claims SET digest = NULL WHERE entity_id = ?", (id_,))
            why = reason or (f"its owner (id {owner}) was retired" if owner else None)
            changes.append(Change("retire", id_, table, {}, {}, reason=why))
        self._log(changes)

    def revive(self, rows: Iterable[tuple[int, str]], reason: str) -> None:
        """Bring back entities that were retired with their owner."""
        changes = [Change("revive", id_, table, {}, {}, reason=reason) for id_, table in rows]
        self._update(changes)
        self._log(changes)

    def withdraw(self, claim_ids: Sequence[int]) -> None:
        """Mark claims as no longer made."""
        self.connection.execute_many(
            "UPDATE claims SET withdrawn_at = ?, missing_since = NULL, digest = NULL WHERE id = ?",
            [(self.now, id_) for id_ in claim_ids],
        )

    def forget_digests(self, claims: Iterable[StoredClaim]) -> None:
        """Make the answers that make claims count as news."""
        keys = sorted({(c.answer or c.native_key, c.scope_id) for c in claims})
        self.connection.execute_many(
            "UPDATE claims SET digest = NULL WHERE native_key = ? AND scope_id = ? AND answer IS NULL", keys
        )

    def miss(self, claims: Sequence[tuple[int, str]]) -> None:
        """Mark claims as missing since (claim id, instant)."""
        self.connection.execute_many(
            "UPDATE claims SET missing_since = ? WHERE id = ? AND missing_since IS NULL", [(at, i) for i, at in claims]
        )

    def quarantine(self, source_id: int, rejected: Iterable[Rejected], parsed: Collection[str] = ()) -> None:
        """Keep aside what could not be taken in; what is there already stays as it is.

        `parsed` are the keys of all answers that were read for it: what lay aside of them and fits now is let go.
        """
        rejected = list(rejected)
        self._let_go(source_id, parsed, {(r.key, r.field) for r in rejected})
        rows = [
            (source_id, r.key, r.field, r.reason, None if r.content is None else _text(r.content), self.now)
            for r in rejected
        ]
        if rows:
            self.connection.execute_many(
                "INSERT INTO quarantine (source_id, native_key, field, reason, content, quarantined_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, native_key, field)"
                " DO UPDATE SET reason = excluded.reason, content = excluded.content",
                rows,
            )

    def _let_go(self, source_id: int, parsed: Collection[str], kept: set[tuple[str, str]]) -> None:
        """Delete the quarantine of answers that were parsed again, except what is rejected once more."""
        keys = [] if self.fresh_source else list(parsed)
        for start in range(0, len(keys), 500):
            batch = keys[start : start + 500]
            sql = f"SELECT native_key, field FROM quarantine WHERE source_id = ? AND native_key IN ({', '.join('?' * len(batch))})"  # noqa: E501
            lying = self.connection.query(sql, (source_id, *batch))
            self.connection.execute_many(
                "DELETE FROM quarantine WHERE source_id = ? AND native_key = ? AND field = ?",
                [(source_id, key, field) for key, field in lying if (key, field) not in kept],
            )

    def append(self, entries: Iterable[Entry]) -> None:
        """Append rows to the change log that are no changes of rows."""
        self.chain.append(entries)

    def finish(self) -> None:
        """Note where the chain ends, where it grew; the last thing in a transaction."""
        if self.chain.position != self._first_position:
            remember_head(self.connection, self.chain)

    def _create(self, changes: Sequence[Change], measured: Mapping[int, Mapping[str, Any]]) -> None:
        self.counts["created"] += len(changes)
        self.connection.insert_many(
            "entities",
            _ENTITY_COLUMNS,
            [(c.entity_id, c.table, uid, self.now) for c, uid in zip(changes, _uids(len(changes)), strict=True)],
        )
        by_table: dict[str, list[Change]] = {}
        for change in changes:
            by_table.setdefault(change.table, []).append(change)
        for table, own in by_table.items():
            encode = encoder(table)
            values = ({**c.new, **measured[c.entity_id]} if c.entity_id in measured else c.new for c in own)
            rows = [encode(v) for v in values]
            # Only the columns that something is said of: most would be NULL.
            said = set().union(*rows)
            names = [name for name in stored_columns(table) if name in said]
            self.connection.insert_many(
                table,
                ("id", *names, "created_at", "updated_at"),
                [(c.entity_id, *map(row.get, names), self.now, self.now) for c, row in zip(own, rows, strict=True)],
            )

    def _update(self, changes: Sequence[Change]) -> None:
        statements: dict[str, list[tuple[Any, ...]]] = {}
        for change in changes:
            if change.change_type == "revive":
                self.counts["revived"] += 1
                statements.setdefault(
                    "UPDATE entities SET retired_at = NULL, retired_with = NULL WHERE id = ?", []
                ).append((change.entity_id,))
            elif change.new:
                self.counts["updated"] += 1
            row = encoder(change.table)(change.new)
            row["updated_at"] = self.now
            if change.change_type == "revive":
                row["retired_at"] = None
            if change.new or change.change_type == "revive":
                sets = ", ".join(f"{n} = ?" for n in row)
                sql = f"UPDATE {change.table} SET {sets} WHERE id = ?"
                statements.setdefault(sql, []).append((*row.values(), change.entity_id))
        for sql, rows in statements.items():
            self.connection.execute_many(sql, rows)

    def _claim(self, claims: Sequence[ClaimWrite]) -> None:
        new = [c for c in claims if c.id is None]
        # Of a fresh source, a key that is known was met in an earlier batch.
        bulk = [c for c in new if c.rule != "native-key"] if self.fresh_source else []
        again = [c for c in new if c.rule == "native-key"] if self.fresh_source else new
        if bulk:
            self.connection.insert_many("claims", _CLAIM_COLUMNS, [c[1:] for c in bulk])
        if again:
            # A part may have moved from one answer to another, whose batch did not know it.
            sets = ", ".join(f"{c} = excluded.{c}" for c in _CLAIM_COLUMNS[2:])
            self.connection.execute_many(
                f"INSERT INTO claims ({', '.join(_CLAIM_COLUMNS)}) VALUES ({', '.join('?' * len(_CLAIM_COLUMNS))})"
                f" ON CONFLICT (native_key, scope_id) DO UPDATE SET {sets}, withdrawn_at = NULL, missing_since = NULL",
                [c[1:] for c in again],
            )
        known = [c for c in claims if c.id is not None]
        if known:
            self.connection.execute_many(
                "UPDATE claims SET entity_id = ?, answer = ?, digest = ?, said = ?, expires = ?, missing_since = NULL,"
                " withdrawn_at = NULL WHERE id = ?",
                [(c.entity_id, c.answer, c.digest, c.said, c.expires, c.id) for c in known],
            )
            self.connection.execute_many(
                "UPDATE claims SET rule = ?, evidence = ? WHERE id = ?",
                [(c.rule, c.evidence, c.id) for c in known if c.rule != "native-key"],
            )

    def _log(self, changes: Sequence[Change]) -> None:
        self.chain.append(map(self._entry, changes))
        self.counts["retired"] += sum(1 for c in changes if c.change_type == "retire")

    def _entry(self, change: Change) -> Entry:
        kind, entity_id, table, old, new, native_key, reason, _ = change
        if kind == "create" and None in new.values():
            new = {n: v for n, v in new.items() if v is not None}
        return Entry(
            kind,
            table,
            entity_id,
            _text(old) if old else None,
            _text(new) if new else None,
            self._changed_by or self._actors.get(native_key),
            self._change_source,
            self._source_id,
            self._run_id,
            reason or self._reason,
        )


def parked_name(table: str, field: str, entity_id: int) -> str | int:
    """Return what a row has for a name while somebody else takes over its own; references are deferred."""
    return f"~{entity_id}" if BY_TABLE[table].fields[field].python_type is str else -entity_id


def measure(connection: Connection, table: str, values: Sequence[tuple[int, Mapping[str, Any]]], now: str) -> None:
    """Write measured values that passed their dead band, and a sample of each number once an hour."""
    statements: dict[str, list[tuple[Any, ...]]] = {}
    samples: list[tuple[int, str, str, float]] = []
    for id_, fields in values:
        sets = ", ".join(f"{n} = ?" for n in fields)
        statements.setdefault(f"UPDATE {table} SET {sets} WHERE id = ?", []).append((*fields.values(), id_))
        samples += [
            (id_, n, f"{now[:13]}:00:00.000Z", float(v)) for n, v in fields.items() if isinstance(v, int | float)
        ]
    for sql, rows in statements.items():
        connection.execute_many(sql, rows)
    connection.execute_many(
        "INSERT INTO samples (entity_id, field, sampled_at, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (entity_id, field, sampled_at) DO UPDATE SET value = excluded.value",
        samples,
    )


def _text(value: Any) -> str:
    return orjson.dumps(value, option=_SORTED | orjson.OPT_NON_STR_KEYS).decode()


def _uids(count: int) -> list[str]:
    """Return UUIDv7s in ascending order (RFC 9562, 5.7): milliseconds, then a counter, then chance.

    A counter that is full goes on in the next millisecond (RFC 9562, 6.2).
    """
    start = time.time_ns() // 1_000_000
    chance = os.urandom(8 * count).hex()
    result: list[str] = []
    for first in range(0, count, 4096):
        millis = f"{start + first // 4096:012x}"
        head = f"{millis[:8]}-{millis[8:]}-7"
        for n in range(min(4096, count - first)):
            at = (first + n) * 16
            result.append(f"{head}{n:03x}-8{chance[at : at + 3]}-{chance[at + 3 : at + 15]}")
    return result
