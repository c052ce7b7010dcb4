"""What a person decides about identity: two are one, one is two, two stay two. Each is logged and can be taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb import clock
from infradb.change import Change, ChangeSet, StoredClaim
from infradb.errors import Conflict, UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.operations.manual import Edit
from infradb.queries.naming import Named, find, labels
from infradb.reconcile.plan import Planner
from infradb.store import merging, runs
from infradb.store.apply import Writer
from infradb.store.database import Connection, Database
from infradb.store.known import StoredKnown
from infradb.store.merging import StoredMerge


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of two things."""

    kept: Named
    other: Named
    along: int
    """How many things that they own went the same way."""
    changed: int
    """How many rows have other values now."""
    goes_on_as: str = ""
    """What the kept one is called now: which name counts is decided as ever."""


class _Undo(Exception):
    """Leaves a transaction without keeping anything."""


def merge(database: Database, kept: str, gone: str, edit: Edit, *, dry_run: bool = False) -> Decision:
    """Take two things for one: all that is said about `gone` is said about `kept` from now on.

    What both own under one name (an interface, a disk) becomes one as well. Raises `Conflict` where they are of two
    kinds, retired, or kept apart.
    """
    decided: Decision | None = None
    try:
        with database.write() as connection:
            decided = _merge(connection, kept, gone, edit)
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    assert decided is not None
    return decided


def split(database: Database, name: str, source: str | None, edit: Edit) -> Decision:
    """Take apart what was taken for one: what `source` says becomes a thing of its own, and stays one.

    Undoes the merge that brought the source in where there was one, else separates what was recognized as the same.
    Raises `UsageError` where the source is not named and several speak, `Conflict` where nothing is to be separated.
    """
    with database.write() as connection:
        found = find(connection, name)
        work = _Work(connection, edit)
        claims = [c for c in work.known.claims([found.id]).get(found.id, []) if not c.withdrawn_at]
        names = {c.id: work.known.sources[c.source_id].name for c in claims}
        speaking = sorted(set(names.values()))
        if source is None:
            hint = f"--source, one of: {', '.join(speaking)}"
            raise UsageError(
                f"{found.label} is known by {len(speaking)} sources: which one is another thing?", hint=hint
            )
        own = [c for c in claims if names[c.id] == source]
        if not own:
            raise Conflict(f"{source} says nothing about {found.label}", hint=f"those that do: {', '.join(speaking)}")
        moved = {c.id for c in own}
        undone = [m for m in merging.merges_into(connection, found.id) if moved & set(m.claims)]
        if undone:
            return _part(work, found, undone[0])
        if len(own) == len(claims):
            raise Conflict(f"{found.label} is known by {source} alone: there is nothing to separate")
        return _separate(work, found, own)


def keep_apart(database: Database, a: str, b: str, edit: Edit, *, undo: bool = False) -> tuple[Named, Named]:
    """Say that two things are two, whatever makes them look like one; or take that back."""
    with database.write() as connection:
        one, other = find(connection, a), find(connection, b)
        _check_two(one, other)
        if undo:
            if not merging.are_kept_apart(connection, one.id, other.id):
                raise Conflict(f"{one.label} and {other.label} are not kept apart")
            merging.let_together(connection, one.id, other.id)
        else:
            merging.keep_apart(connection, one.id, other.id, now=clock.now(), who=edit.who, reason=edit.reason)
        return one, other


class _Work:
    """One decision on its way into the database."""

    def __init__(self, connection: Connection, edit: Edit) -> None:
        now = clock.now()
        self.connection, self.edit = connection, edit
        source = runs.manual_source(connection, now)
        self.known = StoredKnown(connection)
        self.writer = Writer(
            connection, now, source_id=source, change_source="manual", changed_by=edit.who, reason=edit.reason
        )
        self.planner = Planner(self.known.sources[source], self.known, self.writer.new_id, self.writer.now)

    def settle(self, ids: set[int], born: Mapping[int, str] = {}) -> None:
        """Work out anew what rows hold, after claims moved."""
        retired = {i for t in set(self.known.tables(ids).values()) for i, r in self._rows(t, ids) if r["retired_at"]}
        change_set = self.planner.settle(sorted(ids - retired), born)
        if change_set.parked:
            table, field, id_ = change_set.parked[0]
            label = labels(self.connection, [id_])[id_]
            raise Conflict(
                f"{table}/{label} has a {field} that something else would get", hint="merge or rename it first"
            )
        self.writer.apply(change_set)

    def log(self, change_type: Any, entity: Named, reason: str) -> None:
        """Note a decision about a thing in the change log."""
        said = f"{reason}: {self.edit.reason}" if self.edit.reason else reason
        self.writer.apply(ChangeSet([Change(change_type, entity.id, entity.table, {}, {}, reason=said)]))

    def _rows(self, table: str, ids: set[int]) -> list[tuple[int, dict[str, Any]]]:
        return list(self.known.rows(table, ids).items())


def _merge(connection: Connection, kept_name: str, gone_name: str, edit: Edit) -> Decision:
    kept, gone = find(connection, kept_name), find(connection, gone_name)
    _check_two(kept, gone)
    for one in (kept, gone):
        if one.retired:
            raise Conflict(f"{one.label} is retired", hint="what is gone is not merged; its history stays where it is")
    if merging.are_kept_apart(connection, kept.id, gone.id):
        hint = f"`infradb keep-apart {kept.id} {gone.id} --undo` takes that back"
        raise Conflict(f"{kept.label} and {gone.label} are kept apart", hint=hint)
    work = _Work(connection, edit)
    pairs = _pairs(work.known, kept, gone)
    before = work.writer.counts["updated"]
    referring = merging.referring(connection, [g for g, _, _ in pairs])
    for gone_id, kept_id, along_with in pairs:
        merging.join(connection, gone_id, kept_id, along_with=along_with, now=work.writer.now, who=edit.who)
    tables = work.known.tables([g for g, _, _ in pairs])
    reason = f"merged into {kept.label}" + (f": {edit.reason}" if edit.reason else "")
    work.writer.retire([(g, tables[g], None) for g, _, _ in reversed(pairs)], reason)
    work.log("merge", kept, f"{gone.label} (id {gone.id}) is the same")
    work.settle({k for _, k, _ in pairs} | referring)
    work.writer.finish()
    name = f"{kept.table}/{labels(connection, [kept.id])[kept.id]}"
    return Decision(kept, gone, len(pairs) - 1, work.writer.counts["updated"] - before, name)


def _pairs(known: StoredKnown, kept: Named, gone: Named) -> list[tuple[int, int, int | None]]:
    """Return (gone, kept, owner that takes it along) of two things and of all that both own under one name."""
    found: list[tuple[int, int, int | None]] = [(gone.id, kept.id, None)]
    place = 0
    while place < len(found):
        gone_id, kept_id, _ = found[place]
        place += 1
        for entity_type in ENTITY_TYPES:
            owners = {f.name for f in entity_type.owners}
            for key in entity_type.natural_keys:
                if not owners.intersection(key.fields) and not _is_placed(entity_type.table, key.fields[0]):
                    continue
                mine = _named(known, entity_type.table, key.fields, kept_id)
                theirs = _named(known, entity_type.table, key.fields, gone_id, instead=kept_id)
                taken = {g for g, _, _ in found}
                found += [(theirs[v], mine[v], gone.id) for v in theirs if v in mine and theirs[v] not in taken]
    return found


def _is_placed(table: str, field: str) -> bool:
    """Tell whether a natural key begins with what a thing runs on: a service's host or container."""
    return table == "services" and BY_TABLE[table].fields[field].references is not None


def _named(
    known: StoredKnown, table: str, fields: Sequence[str], owner: int, instead: int | None = None
) -> dict[tuple[Any, ...], int]:
    """Return name -> id of the live rows below an owner; with `instead` in the place of the owner in the name."""
    references = [f for f in fields if BY_TABLE[table].fields[f].references]
    found: dict[tuple[Any, ...], int] = {}
    for field in references:
        for id_, row in known.below(table, field, owner).items():
            values = tuple(instead if instead and row[f] == owner and f in references else row[f] for f in fields)
            if None not in values:
                found[values] = id_
    return found


def _part(work: _Work, kept: Named, merge_: StoredMerge) -> Decision:
    """Undo a merge: every entity gets back what was its own."""
    undone = [*merging.taken_along(work.connection, merge_.gone), merge_]
    referring = merging.referring(work.connection, [m.kept for m in undone])
    for one in undone:
        merging.part(work.connection, one)
    tables = work.known.tables([m.gone for m in undone])
    work.writer.revive([(m.gone, tables[m.gone]) for m in reversed(undone)], f"split from {kept.label}")
    other = Named(merge_.gone, kept.table, labels(work.connection, [merge_.gone])[merge_.gone], False)
    return _parted(work, kept, other, {m.gone for m in undone} | {m.kept for m in undone} | referring, len(undone) - 1)


def _separate(work: _Work, kept: Named, own: Sequence[StoredClaim]) -> Decision:
    """Give what one source says about a thing, and about what it owns, to things of its own."""
    entity_type = BY_TABLE[kept.table]
    owners = {f.name for f in entity_type.owners}
    if any(k.unique and not owners.intersection(k.fields) for k in entity_type.natural_keys):
        keys = " and ".join(", ".join(k.fields) for k in entity_type.natural_keys if k.unique)
        raise Conflict(f"two {kept.table} cannot have the same {keys}", hint="correct it at the source that is wrong")
    source = own[0].source_id
    touched = {kept.id} | merging.referring(work.connection, [kept.id])
    wave = [(kept.id, kept.table, list(own))]
    born: list[int] = []
    while wave:
        entity_id, table, claims = wave.pop(0)
        born.append(work.writer.new_id())
        merging.move(work.connection, [c.id for c in claims], entity_id, born[-1])
        # An owner is there before what it owns, which is found below it.
        work.settle(set(), {born[-1]: table})
        for id_, child, _ in work.known.owned([entity_id]):
            said = [c for c in work.known.claims([id_]).get(id_, []) if not c.withdrawn_at]
            theirs = [c for c in said if c.source_id == source]
            touched.add(id_)
            if theirs and len(theirs) < len(said):
                wave.append((id_, child, theirs))
    other = Named(born[0], kept.table, labels(work.connection, [born[0]])[born[0]], False)
    return _parted(work, kept, other, touched, len(born) - 1)


def _parted(work: _Work, kept: Named, other: Named, touched: set[int], along: int) -> Decision:
    work.settle(touched)
    work.log("split", kept, f"{other.label} (id {other.id}) is another one")
    now, edit = work.writer.now, work.edit
    merging.keep_apart(work.connection, kept.id, other.id, now=now, who=edit.who, reason=edit.reason)
    work.writer.finish()
    return Decision(kept, other, along, work.writer.counts["updated"])


def _check_two(a: Named, b: Named) -> None:
    if a.id == b.id:
        raise UsageError(f"{a.label} is one thing already")
    if a.table != b.table:
        raise Conflict(f"{a.label} and {b.label} are of two kinds", hint="only things of one kind can be the same")
