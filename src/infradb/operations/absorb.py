"""Takes a run into the database: identify, plan, apply, and what absence means. One transaction, in batches."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from infradb import clock
from infradb.change import Change, ChangeSet, StoredClaim
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, CollectionRun, ScopeResult
from infradb.operations.ordering import set_silence
from infradb.reconcile.absence import judge
from infradb.reconcile.identify import Sight
from infradb.reconcile.plan import Planner, name_taken
from infradb.reconcile.values import past_dead_band
from infradb.store import runs
from infradb.store.apply import Writer, measure, parked_name
from infradb.store.database import Connection
from infradb.store.findings import close_lapsed
from infradb.store.known import StoredKnown
from infradb.store.runs import KnownAnswer

BATCH = 500
"""Answers planned and written at a time: a change set kept whole took 945 MB for 240,000 rows, in batches of 2,000
187 MB; those of 1,000 stay in the processor's cache and take a tenth less time, those of 500 a little less still."""
Progress = Callable[[str, int], None]
"""Called with a scope and how many of its answers were taken in."""


@dataclass(slots=True)
class RunReport:
    """What a run changed."""

    run_id: int
    source: str
    status: str
    scopes: dict[str, dict[str, Any]]
    counts: dict[str, int]
    errors: tuple[str, ...]
    braked: dict[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Return how many entities were made, changed, retired or brought back."""
        return sum(self.counts[n] for n in ("created", "updated", "retired", "revived"))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run is taken in."""

    change_source: str = "discovery"
    changed_by: str | None = None
    reason: str | None = None
    allow_retire: bool = False


def absorb(
    connection: Connection, run: CollectionRun, manner: Manner = Manner(), progress: Progress | None = None
) -> RunReport:
    """Take in one run of a source that exists, and return what changed. Part of the caller's transaction."""
    with without_garbage_collector():
        absorption = _Absorption(connection, run, manner, progress or (lambda _scope, _count: None))
        report = absorption.carry_out()
        if absorption.source.silent and run.status != "failed":
            set_silence(connection, absorption.source.id, None, f"{run.source} speaks again")
        return report


@contextmanager
def without_garbage_collector() -> Iterator[None]:
    """Let Python's search for cycles rest: a run is a million small values with no cycles, walked over and over."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Absorption:
    """One run on its way into the database."""

    def __init__(self, connection: Connection, run: CollectionRun, manner: Manner, progress: Progress) -> None:
        self.connection, self.run, self.manner, self.progress = connection, run, manner, progress
        self.known = StoredKnown(connection)
        self.source = self.known.sources[runs.source_id(connection, run.source)]
        there, still = {s.name for s in run.scopes}, run.has_scope
        standing = runs.standing_scopes(connection, self.source.id) if still else []
        self.left_scopes = [(i, n) for i, n in standing if n not in there and still and not still(n)]
        complete = bool(self.left_scopes) or any(s.status == "complete" for s in run.scopes)
        self.last_seen = runs.last_complete_at(connection, self.source.id) if complete else {}
        self.run_id = runs.begin_run(connection, self.source.id, run.started_at)
        self.writer = Writer(
            connection,
            clock.now(),
            source_id=self.source.id,
            run_id=self.run_id,
            change_source=manner.change_source,
            changed_by=manner.changed_by,
            reason=manner.reason,
            actors=run.actors,
        )
        if runs.is_new(connection, self.source.id):
            self.known.new_sources.add(self.source.id)
            self.writer.fresh_source = True
        self.planner = Planner(self.source, self.known, self.writer.new_id, self.writer.now)
        self.parked: dict[int, tuple[str, str, str]] = {}
        self.measured: dict[str, Any] = {}
        self.missing = 0
        self.braked: dict[str, int] = {}

    def carry_out(self) -> RunReport:
        """Take in every scope, then decide about what is absent."""
        self._look()
        details: dict[str, dict[str, Any]] = {}
        absent: list[tuple[ScopeResult, int, set[str], dict[str, KnownAnswer]]] = []
        ended: list[StoredClaim] = []
        for scope in self.run.scopes:
            details[scope.name] = {
                "status": scope.status,
                "seen": 0,
                **({"errors": list(scope.errors)} if scope.errors else {}),
            }
            if scope.status == "failed":
                continue
            scope_id = runs.scope_id(self.connection, self.source.id, scope.name)
            known = runs.known_answers(self.connection, scope_id)
            seen, vanished = self._take_in(scope, scope_id, known)
            details[scope.name]["seen"] = len(seen)
            ended += vanished + self._claims_of(scope_id, [k for k in scope.gone if k in known and k not in seen])
            if scope.status == "complete":
                absent.append((scope, scope_id, seen.union(scope.gone), known))
        absent += self._left_scopes()
        self._settle_pending()
        withdrawn = self._still_said_there(ended) + [c for parts in absent for c in self._absent(*parts)]
        self._withdraw(withdrawn)
        self._measure()
        return self._finish(details)

    def _left_scopes(self) -> list[tuple[ScopeResult, int, set[str], dict[str, KnownAnswer]]]:
        """Return the scopes that the source has no more, as if each had been read and found empty."""
        return [
            (ScopeResult(name, "complete"), id_, set(), runs.known_answers(self.connection, id_))
            for id_, name in self.left_scopes
        ]

    def _take_in(
        self, scope: ScopeResult, scope_id: int, known: dict[str, KnownAnswer]
    ) -> tuple[set[str], list[StoredClaim]]:
        """Plan and apply what is new in a scope; return the answers seen and the claims that vanished from them."""
        seen: set[str] = set()
        vanished: list[StoredClaim] = []
        ids = self.planner.identifier.ids
        ids.update({k: a.entity_id for k, a in known.items() if a.digest is not None and k not in ids})
        for batch in _batches(self._news(scope.answers, known, seen)):
            keys = [a.key for a in batch]
            change_set, rejected, gone = self.planner.plan(
                scope_id, batch, {k: known[k].claim_id for k in keys if k in known}
            )
            self._end_replaced()
            self._apply(change_set)
            self.writer.quarantine(self.source.id, rejected, keys)
            self._revive_owned([c.entity_id for c in change_set.changes if c.change_type == "revive"])
            whole = {a.key for a in batch if a.whole}
            vanished += [c for c in gone if scope.status == "complete" or c.answer in whole]
            self.progress(scope.name, len(seen))
        return seen, vanished

    def _look(self) -> None:
        """Note what the scopes show before any of it is parsed."""
        identifier = self.planner.identifier
        read = [s for s in self.run.scopes if s.status != "failed"]
        scopes = {runs.scope_id(self.connection, self.source.id, s.name): s for s in read}
        identifier.sights = {i: Sight(s.status == "complete", _present(s)) for i, s in scopes.items()}
        identifier.sights |= {i: Sight(complete=True, present=frozenset()) for i, _ in self.left_scopes}
        identifier.gone = {key for s in scopes.values() for key in s.gone}

    def _end_replaced(self) -> None:
        """Retire what lost its native key to another thing and was known by nothing else."""
        if ended := self.planner.identifier.ended:
            live = sorted(ended - self._retired(ended))
            retire(self.writer, self.known, live, f"{self.source.name} shows another thing under its key")
            self.planner.identifier.ended = set()

    def _note_names(self, changes: Sequence[Change]) -> None:
        created: dict[str, list[Any]] = {}
        for change in changes:
            if change.change_type == "create":
                created.setdefault(change.table, []).append(change.new)
        for table, rows in created.items():
            self.known.note_names(table, rows)
        renamed = [c for c in changes if c.change_type != "create" and c.new]
        for change in renamed:
            self.known.note_names(change.table, self.known.rows(change.table, [change.entity_id]).values())

    def _news(self, answers: Iterable[Answer], known: dict[str, KnownAnswer], seen: set[str]) -> Iterator[Answer]:
        """Yield the answers that are new or differ from what stands."""
        for answer in answers:
            seen.add(answer.key)
            if answer.measured:
                self.measured.update(answer.measured)
            before = known.get(answer.key)
            if before is None or before.digest != answer.digest or before.missing:
                yield answer

    def _claims_of(self, scope_id: int, keys: Sequence[str]) -> list[StoredClaim]:
        """Return the standing claims of answers and their parts."""
        if not keys:
            return []
        parts = [c for claims in self.known.parts(scope_id, keys).values() for c in claims]
        own = self.known.answers(scope_id, keys)
        return [c for c in own + parts if not c.withdrawn_at]

    def _absent(
        self, scope: ScopeResult, scope_id: int, seen: set[str], known: dict[str, KnownAnswer]
    ) -> list[StoredClaim]:
        """Return the claims of a complete scope that are to be withdrawn; mark the missing ones."""
        keys = [k for k in known if k not in seen]
        claims = self._claims_of(scope_id, keys)
        if not claims:
            return []
        # What the run shows elsewhere has moved: its old place is not missing, and not judged.
        moved = [c for c in claims if c.entity_id in self.planner.identifier.key_of]
        if len(moved) == len(claims):
            return moved
        claims = [c for c in claims if c.entity_id not in self.planner.identifier.key_of]
        # A lease that ran out is an end that was foreseen: neither missing, nor a matter for the brake.
        over = self.known.leases_over({c.entity_id for c in claims}, self.writer.now)
        moved += [c for c in claims if c.entity_id in over]
        claims = [c for c in claims if c.entity_id not in over]
        standing = {a.entity_id for a in known.values() if a.digest is not None}
        tables = self.known.tables(standing | {c.entity_id for c in claims})
        result = judge(
            self.source.name,
            scope.name,
            claims,
            tables,
            owners=self.known.owners({c.entity_id for c in claims}),
            seen=Counter(tables.values()),
            last_seen_at=self.last_seen.get(scope.name),
            now=self.writer.now,
            allow_retire=self.manner.allow_retire,
        )
        self.writer.miss(result.missing + result.held)
        self.missing += len(result.missing)
        self.braked.update(result.braked)
        self.writer.note(result.notes)
        withdrawn = set(result.withdrawn)
        return moved + [c for c in claims if c.id in withdrawn]

    def _withdraw(self, claims: Sequence[StoredClaim]) -> None:
        """Withdraw claims; retire what nobody speaks for any more, with all that it owns, and settle the rest."""
        if not claims:
            return
        self.writer.withdraw([c.id for c in claims])
        touched = {c.entity_id for c in claims}
        standing = {e for e, cs in self.known.claims(touched).items() if any(not c.withdrawn_at for c in cs)}
        dead = [e for e in touched - standing if e not in self._retired(touched - standing)]
        retire(self.writer, self.known, dead)
        self._apply(self.planner.settle(sorted(standing)))

    def _retired(self, ids: set[int]) -> set[int]:
        return {
            id_
            for table in set(self.known.tables(ids).values())
            for id_, row in self.known.rows(table, ids).items()
            if row["retired_at"]
        }

    def _revive_owned(self, ids: Sequence[int]) -> None:
        """Bring back what was retired with its owner, as long as somebody still speaks for it."""
        while ids:
            owned = [(i, t) for i, t, _ in self.known.owned(ids, retired_with=True)]
            claims = self.known.claims([i for i, _ in owned])
            back = [(i, t) for i, t in owned if any(not c.withdrawn_at for c in claims.get(i, []))]
            taken = self._names_taken(back)
            back = [(i, t) for i, t in back if i not in taken]
            self.writer.revive(back, "its owner came back")
            ids = [i for i, _ in back]

    def _names_taken(self, retired: Sequence[tuple[int, str]]) -> set[int]:
        """Return those of retired entities whose unique name something else has by now."""
        found: set[int] = set()
        for table in {t for _, t in retired}:
            rows = self.known.rows(table, [i for i, t in retired if t == table])
            for key in BY_TABLE[table].natural_keys:
                if key.unique:
                    wanted = {i: tuple(row[f] for f in key.fields) for i, row in rows.items()}
                    taken = self.known.named(table, key.fields, {v for v in wanted.values() if None not in v})
                    found.update(i for i, values in wanted.items() if values in taken)
        return found

    def _still_said_there(self, claims: Sequence[StoredClaim]) -> list[StoredClaim]:
        """Leave out the claims about parts that another answer of the run took over."""
        answers = self.known.answers_of([c.id for c in claims])
        return [c for c in claims if answers.get(c.id) == c.answer]

    def _settle_pending(self) -> None:
        """Resolve references to things that the run reached only later."""
        if self.planner.pending:
            pending, self.planner.pending = self.planner.pending, {}
            self._apply(self.planner.settle(sorted(pending)))
        # What still points at something unknown is read again next time, when that may be known.
        claims = self.known.claims(self.planner.pending)
        self.writer.forget_digests(c for own in claims.values() for c in own if c.source_id == self.source.id)

    def _apply(self, change_set: ChangeSet) -> None:
        for table, name, id_ in change_set.parked:
            row = self.known.rows(table, [id_])[id_]
            self.parked.setdefault(id_, (table, name, row[name]))
        self.writer.apply(change_set)
        self._note_names(change_set.changes)

    def _measure(self) -> None:
        """Keep measured values current, where they passed their dead band."""
        self.measured.update(self.planner.measured)
        if not self.measured:
            return
        self.planner.identifier.learn(list(self.measured))
        known = self.planner.identifier.ids
        ids = {known[k]: v for k, v in self.measured.items() if k in known}
        by_table: dict[str, list[int]] = {}
        for id_, table in self.known.tables(list(ids)).items():
            by_table.setdefault(table, []).append(id_)
        for table, own in by_table.items():
            changed = []
            for id_, row in self.known.measured(table, own):
                said = ids[id_]
                new = {}
                for spec, was in zip(BY_TABLE[table].measured, row, strict=True):
                    now = said.get(spec.name)
                    if now is not None and now != was and past_dead_band(spec, was, now):
                        new[spec.name] = now
                if new:
                    changed.append((id_, new))
            measure(self.connection, table, changed, self.writer.now)

    def _give_back_names(self) -> None:
        """Give parked names back to those that got no other; where somebody else has it now, that is a finding."""
        lost = ChangeSet()
        for id_, (table, name, value) in self.parked.items():
            row, waiting = self.known.rows(table, [id_])[id_], parked_name(table, name, id_)
            if row[name] != waiting:
                continue
            if not row["retired_at"] and self._name_is_taken(table, {**row, name: value}):
                if isinstance(waiting, str):
                    lost.changes.append(Change("update", id_, table, {name: value}, {name: waiting}))
                    lost.notes.append(name_taken(table, id_, name, value))
                    continue
                retire(self.writer, self.known, [id_], "something else is in its place")
            self.connection.execute(f"UPDATE {table} SET {name} = ? WHERE id = ?", (value, id_))  # noqa: S608
        if lost.changes:
            self.writer.apply(lost)

    def _name_is_taken(self, table: str, row: Mapping[str, Any]) -> bool:
        wanted = [(k.fields, tuple(row[f] for f in k.fields)) for k in BY_TABLE[table].natural_keys if k.unique]
        return any(self.known.named(table, fields, [values]) for fields, values in wanted if None not in values)

    def _finish(self, details: dict[str, dict[str, Any]]) -> RunReport:
        self._give_back_names()
        counts = {
            **self.writer.counts,
            "seen": sum(d["seen"] for d in details.values()),
            "missing": self.missing,
        }
        runs.end_run(
            self.connection,
            self.run_id,
            clock.now(),
            self.run.status,
            details,
            counts,
            self.run.errors,
            self.run.calls,
        )
        complete = [name for name, detail in details.items() if detail["status"] == "complete"]
        whole = self.run.status == "complete"
        close_lapsed(self.connection, self.source.name, self.writer.noted, complete, whole=whole, now=self.writer.now)
        self.writer.finish()
        return RunReport(self.run_id, self.source.name, self.run.status, details, counts, self.run.errors, self.braked)


def retire(writer: Writer, known: StoredKnown, ids: Sequence[int], reason: str | None = None) -> None:
    """Retire entities, and with them everything that they own."""
    owners = known.owners(ids)
    tables = known.tables(ids)
    wave: list[tuple[int, str, int | None]] = [(i, tables[i], None) for i in ids if not owners.get(i, set()) & set(ids)]
    done: set[int] = set()
    while wave:
        writer.retire(wave, reason)
        done |= {i for i, _, _ in wave}
        # A thing that two of the wave own goes with the first.
        owned = {i: (i, t, o) for i, t, o in reversed(known.owned([i for i, _, _ in wave])) if i not in done}
        wave, reason = list(owned.values()), None


def _present(scope: ScopeResult) -> frozenset[str]:
    """Return the keys of all answers that are there at once; a stream is not walked twice for it."""
    return frozenset(a.key for a in scope.answers) if isinstance(scope.answers, list | tuple) else frozenset()


def _batches(answers: Iterable[Answer]) -> Iterator[list[Answer]]:
    waiting = iter(answers)
    while batch := list(islice(waiting, BATCH)):
        yield batch
