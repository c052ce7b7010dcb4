"""Answers the reconciler's questions about the state before a run, in bulk."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from infradb.change import SourceOrder, StoredClaim
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.reconcile.known import Holder
from infradb.reconcile.order import places
from infradb.store.database import Connection, Row
from infradb.store.rows import decode, field_columns
from infradb.store.source_order import source_order

BATCH = 400
"""Keys per statement: few enough that parsing it stays cheap."""
_CLAIM = (
    "c.id, c.scope_id, s.source_id, c.native_key, c.entity_id, c.answer, c.said, c.missing_since, c.withdrawn_at,"
    " c.expires"
)


def sources(connection: Connection) -> dict[int, SourceOrder]:
    """Return every source with its place in the order."""
    rows = connection.query("SELECT id, name, declared, rank, kind, silent_since FROM sources")
    return {id_: SourceOrder(id_, n, bool(d), rank, kind, since is not None) for id_, n, d, rank, kind, since in rows}


class StoredKnown:
    """What is known, asked of the database within the writing transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sources: Mapping[int, SourceOrder] = sources(connection)
        self.new_sources: set[int] = set()
        """Sources without a claim before this run: they know no native key."""
        self._preferred: dict[str, dict[str, dict[str, int]]] | None = None
        self._apart: dict[int, set[int]] | None = None
        self._filled: set[str] = set()
        self._made: dict[str, dict[tuple[str, ...], set[int]]] = {}
        """Table that was empty before this run -> fields of a name -> hashes of those that the run gave since."""

    def preferred(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """Return the fields of a table that have an order of sources of their own, and the places in it."""
        if self._preferred is None:
            self._preferred = places(source_order(self._connection))
        return self._preferred.get(table, {})

    def natives(self, source_id: int, keys: Collection[str]) -> dict[str, Holder]:
        """Return the entities that a source knows by native keys; `uid:…` finds any entity."""
        uids = [k for k in keys if k.startswith("uid:")]
        found: dict[str, Holder] = {}
        for rows in self._join(
            "SELECT k.a, t.id, t.retired_at FROM k JOIN entities e ON e.uid = k.a"
            " JOIN entities t ON t.id = coalesce(e.merged_into, e.id)",
            [(u[4:],) for u in uids],
        ):
            found.update({f"uid:{uid}": Holder(id_, retired is not None) for uid, id_, retired in rows})
        if source_id in self.new_sources:
            return found
        # A claim that stands comes after a withdrawn one, so that it overwrites it.
        sql = (
            "SELECT k.a, c.entity_id, e.retired_at, c.withdrawn_at FROM k JOIN claims c ON c.native_key = k.a"
            f" JOIN scopes s ON s.id = c.scope_id AND s.source_id = {source_id} JOIN entities e ON e.id = c.entity_id"
            " ORDER BY CASE WHEN c.withdrawn_at IS NULL THEN 1 ELSE 0 END, e.retired_at IS NULL"
        )
        for rows in self._join(sql, [(k,) for k in keys]):
            found.update(
                {k: Holder(i, retired is not None, withdrawn is not None) for k, i, retired, withdrawn in rows}
            )
        return found

    def holders(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Holder]]:
        """Return the entities that have hard keys (scheme, value); what was merged stands for what it became."""
        sql = (
            "SELECT DISTINCT k.a, k.b, e.id, e.retired_at FROM k"
            " JOIN identifiers i ON i.scheme = k.a AND i.value = k.b JOIN entities o ON o.id = i.entity_id"
            " JOIN entities e ON e.id = coalesce(o.merged_into, o.id)"
        )
        found: dict[tuple[str, str], list[Holder]] = defaultdict(list)
        for rows in self._join(sql, list(pairs)):
            for scheme, value, id_, retired in rows:
                found[scheme, value].append(Holder(id_, retired is not None))
        return found

    def identifiers(self, ids: Collection[int]) -> dict[int, dict[str, set[str]]]:
        """Return the hard keys of entities: id -> scheme -> values."""
        found: dict[int, dict[str, set[str]]] = {}
        for sql in (
            "SELECT k.a, i.scheme, i.value FROM k JOIN identifiers i ON i.entity_id = k.a",
            (
                "SELECT k.a, i.scheme, i.value FROM k JOIN entities e ON e.merged_into = k.a"
                " JOIN identifiers i ON i.entity_id = e.id"
            ),
        ):
            for rows in self._join(sql, [(i,) for i in ids]):
                for id_, scheme, value in rows:
                    found.setdefault(id_, {}).setdefault(scheme, set()).add(value)
        return found

    def apart(self, id_: int) -> set[int]:
        """Return the entities that a person keeps apart from one."""
        if self._apart is None:
            self._apart = {}
            for a, b in self._connection.query("SELECT entity_a_id, entity_b_id FROM kept_apart"):
                self._apart.setdefault(a, set()).add(b)
                self._apart.setdefault(b, set()).add(a)
        return self._apart.get(id_, set())

    def named(
        self, table: str, fields: tuple[str, ...], keys: Collection[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], list[int]]:
        """Return the live rows whose fields have these values."""
        if (made := self._names_made(table)) is not None:
            keys = [k for k in keys if hash(k) in made[fields]]
        on = " AND ".join(f"t.{f} = k.{_letter(n)}" for n, f in enumerate(fields))
        listed = ", ".join(f"k.{_letter(n)}" for n in range(len(fields)))
        sql = f"SELECT t.id, {listed} FROM k JOIN {table} t ON {on} AND t.retired_at IS NULL"
        found: dict[tuple[Any, ...], list[int]] = {}
        for rows in self._join(sql, list(keys)):
            for id_, *values in rows:
                found.setdefault(tuple(values), []).append(id_)
        return found

    def former(
        self, table: str, fields: tuple[str, ...], keys: Collection[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], int]:
        """Return the last retired row, as long as it was not merged into another, whose fields have these values."""
        if self._names_made(table) is not None:
            return {}
        on = " AND ".join(f"t.{f} = k.{_letter(n)}" for n, f in enumerate(fields))
        listed = ", ".join(f"k.{_letter(n)}" for n in range(len(fields)))
        sql = (
            f"SELECT t.id, {listed} FROM k JOIN {table} t ON {on} AND t.retired_at IS NOT NULL"
            " JOIN entities e ON e.id = t.id AND e.merged_into IS NULL ORDER BY t.retired_at, t.id"
        )
        return {tuple(values): id_ for rows in self._join(sql, list(keys)) for id_, *values in rows}

    def answers_of(self, claim_ids: Collection[int]) -> dict[int, str | None]:
        """Return the answer that makes each claim now."""
        sql = "SELECT c.id, c.answer FROM k JOIN claims c ON c.id = k.a"
        return dict(row for rows in self._join(sql, [(i,) for i in claim_ids]) for row in rows)

    def note_names(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Remember the names that rows were given, while they are all that a table holds."""
        made = self._names_made(table)
        if made is not None:
            getters = [row.get for row in rows]
            for fields, hashes in made.items():
                hashes.update([hash(tuple(map(get, fields))) for get in getters])

    def _names_made(self, table: str) -> dict[tuple[str, ...], set[int]] | None:
        """Return what `note_names` noted of a table, or None where it was not empty before this run."""
        if table not in self._made and table not in self._filled:
            if self._connection.query(f"SELECT 1 FROM {table} LIMIT 1"):
                self._filled.add(table)
            else:
                keys = BY_TABLE[table].natural_keys
                names = [k.fields for k in keys] + ([a.fields] if (a := BY_TABLE[table].adopted_by) else [])
                self._made[table] = {fields: set() for fields in names}
        return self._made.get(table)

    def claims(self, ids: Collection[int]) -> dict[int, list[StoredClaim]]:
        """Return all claims about entities, withdrawn ones too."""
        found: dict[int, list[StoredClaim]] = {}
        sql = f"SELECT {_CLAIM} FROM k JOIN claims c ON c.entity_id = k.a JOIN scopes s ON s.id = c.scope_id"
        for rows in self._join(sql, [(i,) for i in ids]):
            for row in rows:
                found.setdefault(row[4], []).append(StoredClaim(*row))
        return found

    def parts(self, scope_id: int, answers: Collection[str]) -> dict[str, list[StoredClaim]]:
        """Return the claims that answers made about things besides their own."""
        found: dict[str, list[StoredClaim]] = {}
        sql = (
            f"SELECT {_CLAIM} FROM k JOIN claims c ON c.answer = k.a AND c.scope_id = k.b"
            " JOIN scopes s ON s.id = c.scope_id"
        )
        # The scope is part of the keys: given as one number, SQLite walks all claims of the scope for each batch.
        for rows in self._join(sql, [(a, scope_id) for a in answers]):
            for row in rows:
                found.setdefault(row[5], []).append(StoredClaim(*row))
        return found

    def answers(self, scope_id: int, keys: Collection[str]) -> list[StoredClaim]:
        """Return the claims that answers make about their own things."""
        sql = (
            f"SELECT {_CLAIM} FROM k JOIN claims c ON c.native_key = k.a AND c.scope_id = k.b"
            " JOIN scopes s ON s.id = c.scope_id"
        )
        return [StoredClaim(*row) for rows in self._join(sql, [(k, scope_id) for k in keys]) for row in rows]

    def measured(self, table: str, ids: Collection[int]) -> Iterator[tuple[int, Row]]:
        """Yield the ids and the measured values, in their order, of live rows."""
        listed = ", ".join(f"t.{f.name}" for f in BY_TABLE[table].measured)
        sql = f"SELECT t.id, {listed} FROM k JOIN {table} t ON t.id = k.a AND t.retired_at IS NULL"
        for rows in self._join(sql, [(i,) for i in ids]):
            for row in rows:
                yield row[0], row[1:]

    def rows(self, table: str, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return rows as plain values, with `retired_at`."""
        listed = ", ".join(f"t.{c}" for c in field_columns(table))
        found: dict[int, dict[str, Any]] = {}
        for rows in self._join(f"SELECT {listed} FROM k JOIN {table} t ON t.id = k.a", [(i,) for i in ids]):
            found.update({row[0]: decode(table, row) for row in rows})
        return found

    def leases_over(self, ids: Collection[int], now: str) -> set[int]:
        """Return those of addresses whose lease has ended."""
        sql = "SELECT t.id FROM k JOIN ip_addresses t ON t.id = k.a AND t.lease_ends_at < "
        mark = f"'{now}'"  # an instant of our own clock
        return {id_ for rows in self._join(sql + mark, [(i,) for i in ids]) for (id_,) in rows}

    def below(self, table: str, field: str, owner: int) -> dict[int, dict[str, Any]]:
        """Return the live rows that refer to one thing by one field."""
        sql = f"SELECT id FROM {table} WHERE {field} = ? AND retired_at IS NULL"
        return self.rows(table, [i for (i,) in self._connection.query(sql, (owner,))])

    def tables(self, ids: Collection[int]) -> dict[int, str]:
        """Return the tables of entities."""
        found: dict[int, str] = {}
        for rows in self._join("SELECT e.id, e.kind FROM k JOIN entities e ON e.id = k.a", [(i,) for i in ids]):
            found.update(rows)
        return found

    def owned(self, ids: Collection[int], *, retired_with: bool = False) -> list[tuple[int, str, int]]:
        """Return (id, table, owner id) of the live rows that entities own, or of those retired with them."""
        found: list[tuple[int, str, int]] = []
        if retired_with:
            sql = "SELECT e.id, e.kind, e.retired_with FROM k JOIN entities e ON e.retired_with = k.a"
            return [row for rows in self._join(sql, [(i,) for i in ids]) for row in rows]
        kinds = set(self.tables(ids).values())
        for child in ENTITY_TYPES:
            for field in child.owners:
                if field.references in kinds:
                    sql = (
                        f"SELECT t.id, '{child.table}', t.{field.name} FROM k"
                        f" JOIN {child.table} t ON t.{field.name} = k.a AND t.retired_at IS NULL"
                    )
                    found += [row for rows in self._join(sql, [(i,) for i in ids]) for row in rows]
        return found

    def owners(self, ids: Collection[int]) -> dict[int, set[int]]:
        """Return the owners of entities."""
        found: dict[int, set[int]] = {}
        by_table: dict[str, list[int]] = {}
        for id_, table in self.tables(ids).items():
            by_table.setdefault(table, []).append(id_)
        for table, own in by_table.items():
            for field in BY_TABLE[table].owners:
                sql = f"SELECT t.id, t.{field.name} FROM k JOIN {table} t ON t.id = k.a"
                for rows in self._join(sql, [(i,) for i in own]):
                    for id_, owner in rows:
                        found.setdefault(id_, set()).add(owner)
        return found

    def _join(self, sql: str, keys: Sequence[tuple[Any, ...]]) -> Iterator[list[Row]]:
        """Yield the rows of a question about `k`, a batch of keys with columns a, b, c …"""
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            yield self._connection.query(_with(len(batch), len(batch[0])) + sql, [v for key in batch for v in key])


def _letter(index: int) -> str:
    return "abcdefghij"[index]


@lru_cache(maxsize=1024)
def _with(count: int, width: int) -> str:
    one = f"({', '.join('?' * width)})"
    names = ", ".join(_letter(n) for n in range(width))
    return f"WITH k({names}) AS (VALUES {', '.join([one] * count)}) "
