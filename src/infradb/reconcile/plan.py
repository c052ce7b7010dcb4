"""Works out what a run changes: claims, then winning values, then a change set. Values follow from claims alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from infradb.change import Change, ChangeSet, ClaimWrite, Note, SourceOrder, StoredClaim
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, ORDER
from infradb.model.describe import EntityType, FieldSpec
from infradb.observation import Answer, Observation, Rejected
from infradb.reconcile.identify import Identifier, Item
from infradb.reconcile.known import Known
from infradb.reconcile.values import Said, change_type, differences, unexpired, winners

_NOTHING: Mapping[str, Any] = {}
_MEASURED = {t.table: frozenset(f.name for f in t.measured) for t in ENTITY_TYPES}
_UNCLAIMED = {
    t.table: unclaimed for t in ENTITY_TYPES if (unclaimed := [f.name for f in t.fields.values() if not f.claimable])
}


class Planner:
    """Plans the batches of one run; `now` is the instant at which the run is taken in."""

    def __init__(self, source: SourceOrder, known: Known, new_id: Callable[[], int], now: str) -> None:
        self.source = source
        self.known = known
        self.now = now
        self.identifier = Identifier(source, known, new_id)
        self.measured: dict[str, Mapping[str, Any]] = {}
        """Native key -> measured values of known things that were said among the others."""
        self.dropped: set[str] = set()
        """Keys of answers of the batch whose own thing was left out."""
        self.left_out: set[str] = set()
        """Answers of which something found no place: without a digest, they count as news in the next run."""
        self.pending: dict[int, str] = {}
        """Entities with a reference to something that the run has not reached yet, and their tables."""

    def plan(
        self, scope_id: int, answers: Sequence[Answer], known: Mapping[str, int]
    ) -> tuple[ChangeSet, list[Rejected], list[StoredClaim]]:
        """Plan a batch of new or changed answers.

        `known` gives the claim ids of the answers that are known. Returns what to write, what cannot be taken in,
        and the claims about parts that their answers no longer make.
        """
        items, rejected = _items(answers)
        result = ChangeSet()
        parts = self.known.parts(scope_id, [a.key for a in answers if a.key in known])
        old = {c.native_key: c for claims in parts.values() for c in claims}
        kept: list[Item] = []
        self._leave_out(items, result)
        for table in sorted(items, key=ORDER.__getitem__):
            kept += self._identified(BY_TABLE[table], items[table], result)
        self._claims(scope_id, kept, known, old, result)
        said = {i.key for of_table in items.values() for i in of_table}
        vanished = [c for c in old.values() if c.native_key not in said and not c.withdrawn_at]
        self._values(scope_id, kept, result)
        self._park(result)
        result.notes += self.identifier.notes
        self.identifier.notes = []
        return result, rejected, vanished

    def settle(self, ids: Iterable[int], born: Mapping[int, str] = MappingProxyType({})) -> ChangeSet:
        """Recompute entities whose claims changed otherwise: one was withdrawn, or a reference can be resolved now.

        `born` tells the tables of those that claims were given to and that have no row yet.
        """
        result = ChangeSet()
        tables = {**self.known.tables(list(ids)), **born}
        for table in sorted(set(tables.values()), key=ORDER.__getitem__):
            of_table = [e for e, t in tables.items() if t == table]
            stored = self.known.claims(of_table)
            said = {e: [c for c in stored.get(e, []) if not c.withdrawn_at] for e in of_table}
            self._recompute(BY_TABLE[table], said, {}, result)
        self._park(result)
        return result

    def _park(self, result: ChangeSet) -> None:
        """Find the holders of unique names that a batch gives to others; of two that get one name, the first has it."""
        renamed: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], int]] = {}
        wanting: dict[str, list[int]] = {}
        for n, change in enumerate(result.changes):
            if change.change_type == "revive" or (change.change_type != "create" and change.new):
                wanting.setdefault(change.table, []).append(n)
        refused: set[int] = set()
        for table, numbers in wanting.items():
            unique = [k for k in BY_TABLE[table].natural_keys if k.unique]
            rows = self.known.rows(table, [result.changes[n].entity_id for n in numbers]) if unique else {}
            for n in numbers:
                change = result.changes[n]
                for key in unique:
                    if change.change_type != "revive" and not any(f in change.new for f in key.fields):
                        continue
                    row = {**rows[change.entity_id], **change.new}
                    values = tuple(row[f] for f in key.fields)
                    if None in values:
                        continue
                    first = renamed.setdefault((table, key.fields), {}).setdefault(values, change.entity_id)
                    if first != change.entity_id:
                        new = {f: v for f, v in change.new.items() if f not in key.fields}
                        result.changes[n] = change._replace(new=new, old={f: change.old[f] for f in new})
                        result.notes.append(name_taken(table, change.entity_id, key.fields[-1], values[-1]))
                        if change.change_type == "revive" or not new:
                            refused.add(n)
        result.changes = [c for n, c in enumerate(result.changes) if n not in refused] if refused else result.changes
        clashes = {(table, parking_field(table, key.fields), h) for table, key, h in self.identifier.clashes}
        for (table, fields), wanted in renamed.items():
            for values, holders in self.known.named(table, fields, list(wanted)).items():
                clashes |= {(table, parking_field(table, fields), h) for h in holders if h != wanted[values]}
        self.identifier.clashes = []
        result.parked = sorted(clashes)

    def _leave_out(self, items: Mapping[str, list[Item]], result: ChangeSet) -> None:
        """Find answers whose own thing has no place: its parts have none either, whatever they are."""
        self.dropped = set()
        in_batch: set[str] | None = None
        for table, own in items.items():
            required = [f for f in BY_TABLE[table].references if f.required]
            if not required:
                continue
            primary = [i for i in own if i.key == i.answer_key]
            wanted = {i.said[f.name] for i in primary for f in required if i.said.get(f.name)}
            self.identifier.learn(wanted)
            for item in () if wanted <= self.identifier.ids.keys() else primary:
                for field in required:
                    key = item.said.get(field.name)
                    if key is None or key in self.identifier.ids:
                        continue
                    if in_batch is None:
                        in_batch = {i.key for of_table in items.values() for i in of_table}
                    if key not in in_batch and item.answer_key not in self.dropped:
                        self._note_unplaced(item, field, result)
                        self.dropped.add(item.answer_key)

    def _identified(self, entity_type: EntityType, items: list[Item], result: ChangeSet) -> list[Item]:
        """Resolve references, identify, and return the items that found their place."""
        if self.dropped:
            items = [i for i in items if i.answer_key not in self.dropped]
        wanted = [f.name for f in entity_type.references]
        if wanted:
            self.identifier.learn({i.said[f] for i in items for f in wanted if i.said.get(f)})
        placed = [i for i in items if self._resolve(entity_type, i, result)]
        self.identifier.identify(entity_type, placed)
        own = [f for f in entity_type.references if f.references == entity_type.table]
        for item in placed:
            for field in own:
                self._resolve_one(field.name, item)
        out = [i for i in items if not i.entity_id]
        self.left_out.update(i.answer_key for i in out)
        self.dropped.update(i.answer_key for i in out if i.key == i.answer_key)
        return [i for i in placed if i.entity_id]

    def _resolve(self, entity_type: EntityType, item: Item, result: ChangeSet) -> bool:
        """Replace native keys by ids; False where what is required is unknown."""
        item.resolved = resolved = {**entity_type.defaults, **item.said}
        for field in entity_type.references:
            key = resolved.get(field.name)
            if key is None:
                continue
            resolved[field.name] = found = self.identifier.ids.get(key)
            if found is None:
                item.is_open = True
                if field.required:
                    self._note_unplaced(item, field, result)
                    return False
        return True

    def _note_unplaced(self, item: Item, field: FieldSpec, result: ChangeSet) -> None:
        key, source = item.key, self.source.name
        why = f"its {field.noun} {item.said.get(field.name)!r} is unknown"
        summary = f"{key} of {source} was left out: {why}"
        result.notes.append(Note("unplaced-observation", "low", f"{source}:{key}", summary))

    def _resolve_one(self, name: str, item: Item) -> None:
        key = item.said.get(name)
        if key is not None:
            item.resolved[name] = self.identifier.ids.get(key)

    def _claims(
        self,
        scope_id: int,
        items: list[Item],
        known: Mapping[str, int],
        old: Mapping[str, StoredClaim],
        result: ChangeSet,
    ) -> None:
        """Write what each item says as the claim of its native key; of several that say it, the first."""
        written: set[str] = set()
        for item in items:
            key = item.key
            if key in written:
                continue
            written.add(key)
            primary = key == item.answer_key
            before = old.get(key)
            claim_id = known.get(key) if primary else (before.id if before else None)
            evidence = orjson.dumps(item.evidence).decode() if item.evidence else None
            said = orjson.dumps(item.said).decode()
            result.claims.append(
                ClaimWrite(
                    claim_id,
                    scope_id,
                    key,
                    item.entity_id,
                    None if primary else item.answer_key,
                    item.digest if primary and key not in self.left_out else None,
                    said,
                    item.rule,
                    evidence,
                )
            )
            if item.pairs:
                result.identifiers += [(s, v, item.entity_id, self.source.id) for s, v in item.pairs]

    def _values(self, scope_id: int, items: list[Item], result: ChangeSet) -> None:
        """Turn claims into rows: new ones directly, known ones from all that is said about them."""
        by_entity: dict[int, list[Item]] = {}
        for item in items:
            by_entity.setdefault(item.entity_id, []).append(item)
        again: dict[str, dict[int, list[Item]]] = {}
        for entity_id, own in by_entity.items():
            first = own[0]
            table = first.table
            if len(own) == 1 and first.is_new:
                entity_type = BY_TABLE[table]
                values = first.resolved
                if unclaimed := _UNCLAIMED.get(table):
                    values.update({n: entity_type.defaults.get(n) for n in unclaimed if n in values})
                if first.is_open:
                    self._note_pending(entity_type, first, entity_id)
                result.changes.append(Change("create", entity_id, table, {}, values, first.key))
                if first.measured:
                    result.measured_at_creation[entity_id] = dict(first.measured)
            else:
                again.setdefault(table, {})[entity_id] = own
                self.measured.update({i.key: i.measured for i in own if i.measured})
        for table in sorted(again, key=ORDER.__getitem__):
            stored = self.known.claims([e for e, own in again[table].items() if not own[0].is_new])
            claims: dict[int, list[StoredClaim]] = {}
            for entity_id, own in again[table].items():
                mine = {i.key for i in own}
                claims[entity_id] = [
                    c
                    for c in stored.get(entity_id, [])
                    if not c.withdrawn_at
                    and not (c.scope_id == scope_id and c.native_key in mine)
                    and not (c.source_id == self.source.id and self.identifier.stands(c) is False)
                ]
            self._recompute(BY_TABLE[table], claims, again[table], result)

    def _note_pending(self, entity_type: EntityType, item: Item, entity_id: int) -> None:
        for field in entity_type.references:
            if item.said.get(field.name) is not None and item.resolved.get(field.name) is None:
                self.pending[entity_id] = entity_type.table

    def _recompute(
        self,
        entity_type: EntityType,
        claims: Mapping[int, list[StoredClaim]],
        items: Mapping[int, list[Item]],
        result: ChangeSet,
    ) -> None:
        """Compare the winning values of entities with their rows."""
        rows = self.known.rows(entity_type.table, list(claims))
        decided: dict[int, tuple[dict[str, Any], str]] = {}
        references: dict[int, set[str]] = {}
        for entity_id, stored in claims.items():
            own = items.get(entity_id, [])
            # Of what one source says under one key in several scopes, the newest comes first.
            said: list[Said] = [(self.source, i.key, i.said) for i in own]
            said += [
                (self.known.sources[c.source_id], c.native_key, unexpired(c.said, c.expires, self.now))
                for c in sorted(stored, key=lambda c: -c.id)
            ]
            best = winners(entity_type, said, self.known.preferred(entity_type.table))
            decided[entity_id] = ({n: v for n, (v, _) in best.items()}, own[0].key if own else "")
            for field in entity_type.references:
                if field.name in best and best[field.name][0] is not None:
                    references.setdefault(best[field.name][1].id, set()).add(best[field.name][0])
                    decided[entity_id][0][field.name] = (best[field.name][1].id, best[field.name][0])
        ids = self._look_up(references)
        for entity_id, (values, key) in decided.items():
            for field in entity_type.references:
                if isinstance(values.get(field.name), tuple):
                    values[field.name] = ids.get(values[field.name])
                    if values[field.name] is None:
                        self.pending[entity_id] = entity_type.table
            self._compare(entity_type, entity_id, rows.get(entity_id), values, key, items.get(entity_id, []), result)

    def _look_up(self, references: Mapping[int, set[str]]) -> dict[tuple[int, str], int]:
        found: dict[tuple[int, str], int] = {}
        for source_id, keys in references.items():
            if source_id == self.source.id:
                self.identifier.learn(keys)
                found.update({(source_id, k): self.identifier.ids[k] for k in keys if k in self.identifier.ids})
            else:
                natives = self.known.natives(source_id, keys)
                found.update({(source_id, k): h.entity_id for k, h in natives.items()})
        return found

    def _compare(
        self,
        entity_type: EntityType,
        entity_id: int,
        row: Mapping[str, Any] | None,
        values: dict[str, Any],
        key: str,
        items: list[Item],
        result: ChangeSet,
    ) -> None:
        table = entity_type.table
        if row is None:
            result.changes.append(Change("create", entity_id, table, {}, {**entity_type.defaults, **values}, key))
            measured = {n: v for i in items for n, v in i.measured.items()}
            if measured:
                result.measured_at_creation[entity_id] = measured
            return
        for field in entity_type.fields.values():
            if field.required and values.get(field.name) is None:
                values[field.name] = row[field.name]
        old, new = differences(entity_type, row, values)
        if row.get("retired_at") and items:
            result.changes.append(Change("revive", entity_id, table, old, new, key))
        elif new:
            result.changes.append(Change(change_type(table, old, new), entity_id, table, old, new, key))  # type: ignore[arg-type]


def name_taken(table: str, entity_id: int, field: str, value: Any) -> Note:
    """Return the finding that a thing is said to have the unique name of another one."""
    return Note(
        "name-taken",
        "medium",
        f"{table}:{entity_id}:{field}",
        f"sources say {field} {value!r} of two {table}, which only one can have",
        entity_id,
        {"field": field, "value": value},
    )


def parking_field(table: str, fields: Sequence[str]) -> str:
    """Return the field of a unique key in which a row can wait for its new name: its last text, else its last one."""
    specs = [BY_TABLE[table].fields[f] for f in fields]
    texts = [f.name for f in specs if f.python_type is str and not f.choices]
    return texts[-1] if texts else fields[-1]


def _items(answers: Sequence[Answer]) -> tuple[dict[str, list[Item]], list[Rejected]]:
    """Parse answers; return what they say by table, and what cannot be taken in."""
    items: dict[str, list[Item]] = {}
    rejected: list[Rejected] = []
    for answer in answers:
        for said in answer.parse():
            if isinstance(said, Observation):
                items.setdefault(said.table, []).append(_item(answer, said))
            else:
                rejected.append(said)
    return items, rejected


def _item(answer: Answer, observation: Observation) -> Item:
    values = observation.values
    measured = answer.measured.get(observation.key, _NOTHING) if answer.measured else _NOTHING
    names = _MEASURED[observation.table]
    if not names.isdisjoint(values):
        measured = {**measured, **{n: v for n, v in values.items() if n in names}}
        values = {n: v for n, v in values.items() if n not in names}
    return Item(observation.key, observation.table, answer.key, answer.digest, values, measured)
