"""Decides which known entity an observation is about.

In this order: the native key; hard keys, strongest first; what the thing is called below its parent; adoption of
what a person typed. Contradiction forbids, two candidates mean that nothing is done and a finding, and whatever
is left is new.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from infradb.change import Note, SourceOrder, StoredClaim
from infradb.model.catalog import BY_TABLE
from infradb.model.describe import EntityType
from infradb.model.entity import Key
from infradb.reconcile.identity import compatible, contradicts, hard_keys
from infradb.reconcile.known import Holder, Known


class Item:
    """One observation on its way to an entity.

    No dataclass: one is made for every thing in a run, and what most of them leave as it is costs nothing on the class.
    """

    resolved: dict[str, Any]
    """What was said, with ids for native keys, and the defaults of what was not."""
    pairs: Sequence[tuple[str, str]] = ()
    entity_id = 0
    rule = ""
    evidence: Any = None
    is_new = False
    is_open = False
    """Whether a reference named something that was not known at first."""

    def __init__(
        self,
        key: str,
        table: str,
        answer_key: str,
        digest: int | None,
        said: Mapping[str, Any],
        measured: Mapping[str, Any],
    ) -> None:
        self.key, self.table, self.answer_key, self.digest = key, table, answer_key, digest
        self.said, self.measured = said, measured


@dataclass(slots=True)
class Candidates:
    """What one batch of one type was found to know."""

    holders: dict[tuple[str, str], list[Holder]]
    named: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]]
    held: dict[int, dict[str, set[str]]]
    rows: dict[int, dict[str, Any]]
    counts: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    """(fields, values) of a name that many may have -> how many of the batch have it."""
    declared: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    """Entities that this source knows by a key of which it could not say now whether it still stands."""
    former: dict[tuple[tuple[str, ...], Any], int] = field(default_factory=dict)
    """(fields, values) of a name -> the last thing that had it and is retired."""
    unlike: bool = False
    """Whether nothing in the batch is like anything known, nor like anything else in the batch."""
    bound: dict[int, Item] = field(default_factory=dict)
    """Entity -> the item that has it."""


@dataclass(slots=True)
class Sight:
    """What a run shows of one scope before any of it is parsed."""

    complete: bool
    present: frozenset[str]
    """Keys of its answers; empty where they are a stream, which is not walked twice."""


class Identifier:
    """Identifies the observations of one run, batch by batch."""

    def __init__(self, source: SourceOrder, known: Known, new_id: Callable[[], int]) -> None:
        self.source = source
        self.known = known
        self.ids: dict[str, int] = {}
        self.retired: set[int] = set()
        self.notes: list[Note] = []
        self.sights: Mapping[int, Sight] = {}
        """Scope id -> what the run shows of it."""
        self.gone: Collection[str] = frozenset()
        self.key_of: dict[int, str] = {}
        self.replaced: dict[int, str] = {}
        """Entities that lost their native key to another thing, and that key."""
        self.ended: set[int] = set()
        """Those of them that nobody else speaks for."""
        self._successors: set[int] = set()
        self._lapsed: dict[str, int] = {}
        """Native keys that were withdrawn: their entity may have another one by now."""
        self.clashes: list[tuple[str, Key, int]] = []
        """(table, key, entity id) of unique names whose holder must let go of them first."""
        self._new_id = new_id

    def learn(self, keys: Collection[str]) -> None:
        """Look up native keys that the run has not met yet."""
        unknown = [k for k in keys if k not in self.ids]
        if unknown:
            for key, holder in self.known.natives(self.source.id, unknown).items():
                self.ids[key] = holder.entity_id
                if holder.retired:
                    self.retired.add(holder.entity_id)
                if holder.lapsed:
                    self._lapsed[key] = holder.entity_id

    def stands(self, claim: StoredClaim) -> bool | None:
        """Tell whether the source still makes a claim of its own in this run; None where it cannot say."""
        key, sight = claim.answer or claim.native_key, self.sights.get(claim.scope_id)
        if sight and key in sight.present:
            return True
        return False if key in self.gone or (sight and sight.complete) else None

    def identify(self, entity_type: EntityType, items: list[Item]) -> None:
        """Give each item its entity: a known one, a new one, or 0 where a person must decide."""
        keys = [i.key for i in items]
        self.learn(keys)
        at = self._candidates(entity_type, items)
        if at.unlike and len(set(keys)) == len(keys):
            # As in every batch of a first run: there is nothing to decide, which takes a quarter of the time.
            for item, key in zip(items, keys, strict=True):
                item.entity_id, item.rule, item.is_new = self._new_id(), "new", True
                self.ids[key] = item.entity_id
                self.key_of[item.entity_id] = key
            return
        replaced = self._replaced(entity_type, items, at)
        for item in items:
            key = item.key
            item.entity_id, item.rule, item.evidence = self._decide(entity_type, item, at)
            if item.rule == "conflict":
                continue
            if not item.entity_id:
                item.entity_id, item.rule, item.is_new = self._new_id(), "new", True
            self.ids[key] = item.entity_id
            self.key_of[item.entity_id] = key
            at.bound.setdefault(item.entity_id, item)
            self._remember(entity_type, item, at)
        if replaced:
            lost = {e: k for e, k in replaced.items() if self.ids.get(k) not in (e, None)}
            self._successors |= {self.ids[k] for k in lost.values()}
            self.ended |= self._alone({e: k for e, k in lost.items() if e not in at.bound})

    def _replaced(self, entity_type: EntityType, items: list[Item], at: Candidates) -> dict[int, str]:
        """Find what lost its native key to another thing: a guest of an old number, and what that guest owned."""
        found: dict[int, str] = {}
        heirs: dict[int, Item] = {}
        for item in items:
            native = self.ids.get(item.key)
            if native is None:
                continue
            if item.pairs and contradicts(entity_type, item.pairs, at.held.get(native, {})):
                found[native] = item.key
            elif self._successors and any(item.resolved.get(f.name) in self._successors for f in entity_type.owners):
                heirs[native] = item
            elif self._live_native(item):
                at.bound[native] = item
                self._name(entity_type, item, native, at)
        if heirs:
            owners = self.known.owners(heirs)
            alone = self._alone({e: i.key for e, i in heirs.items()})
            for native, item in heirs.items():
                if native in alone and owners.get(native, set()).isdisjoint(
                    item.resolved.get(f.name) for f in entity_type.owners
                ):
                    found[native] = item.key
                else:
                    at.bound[native] = item
        if found:
            self.replaced.update(found)
            self._find_names(entity_type, [i for i in items if i.key in found.values()], at)
        return found

    def _find_names(self, entity_type: EntityType, items: list[Item], at: Candidates) -> None:
        for key in _lookups(entity_type.table):
            wanted = {k for i in items if (k := _name_of(i, key.fields)) is not None}
            for values, ids in self.known.named(entity_type.table, key.fields, wanted).items():
                found = at.named[key.fields].setdefault(values, [])
                found += [e for e in ids if e not in found]

    def _alone(self, keys: Mapping[int, str]) -> set[int]:
        """Return those of entities (with their native key) that nobody else speaks for."""
        claims = self.known.claims(keys)
        return {
            entity_id
            for entity_id, key in keys.items()
            if all(
                c.withdrawn_at or (c.source_id == self.source.id and key in (c.native_key, c.answer))
                for c in claims.get(entity_id, [])
            )
        }

    def _candidates(self, entity_type: EntityType, items: list[Item]) -> Candidates:
        pairs: set[tuple[str, str]] = set()
        count = 0
        if entity_type.hard_keys:
            for item in items:
                item.pairs = hard_keys(entity_type, item.said)
                pairs.update(item.pairs)
                count += len(item.pairs)
        holders = self.known.holders(pairs) if pairs else {}
        unknown = [i for i in items if i.key not in self.ids or not self._live_native(i)]
        named: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]] = {}
        alone = len(pairs) == count
        for key in _lookups(entity_type.table):
            names = [k for i in unknown if (k := _name_of(i, key.fields)) is not None]
            wanted = set(names)
            alone = alone and len(wanted) == len(names)
            named[key.fields] = self.known.named(entity_type.table, key.fields, wanted) if wanted else {}
        former: dict[tuple[tuple[str, ...], Any], int] = {}
        for key in [k for k in entity_type.natural_keys if k.succeeds]:
            wanted = {k for i in unknown if (k := _name_of(i, key.fields)) is not None}
            if unmet := wanted - named[key.fields].keys():
                found = self.known.former(entity_type.table, key.fields, unmet)
                former.update({(key.fields, values): entity_id for values, entity_id in found.items()})
        ids = {h.entity_id for hs in holders.values() for h in hs} | {
            e for n in named.values() for f in n.values() for e in f
        }
        native = {self.ids[i.key] for i in items if i.key in self.ids}
        if self._lapsed:
            ids |= {self._lapsed[i.key] for i in items if i.key in self._lapsed}
        held = self.known.identifiers(ids | native) if entity_type.hard_keys and (ids or native) else {}
        at = Candidates(holders, named, held, self.known.rows(entity_type.table, ids) if ids else {})
        at.former = former
        at.unlike = alone and not (ids or native or former)
        for key in _adopting(entity_type.table) if unknown and not at.unlike else ():
            at.counts.update((key.fields, _name_of(i, key.fields)) for i in items)
        if ids:
            self._learn_keys(ids, at)
        return at

    def _learn_keys(self, ids: set[int], at: Candidates) -> None:
        """Note which candidates this source sees under another key or may see, and which only people spoke about."""
        for entity_id, claims in self.known.claims(ids).items():
            live = [c for c in claims if not c.withdrawn_at]
            if all(self.known.sources[c.source_id].declared for c in live):
                at.declared.add(entity_id)
            for claim in live:
                if claim.source_id == self.source.id:
                    stands = self.stands(claim)
                    if stands:
                        self.key_of.setdefault(entity_id, claim.native_key)
                    elif stands is None and not self.source.declared:
                        at.doubtful.add(entity_id)

    def _decide(self, entity_type: EntityType, item: Item, at: Candidates) -> tuple[int, str, Any]:
        native = self.ids.get(item.key)
        if native is not None and self.replaced.get(native) == item.key:
            native = None
        if native is not None and self._lapsed.get(item.key) == native and self._taken(native, item):
            native = None
        if native is not None and native not in self.retired:
            return native, "native-key", None
        found, rule, evidence = self._by_hard_keys(entity_type, item, at)
        if not found and rule != "conflict":
            found, rule, evidence = self._by_name(entity_type, item, at)
        if not found and rule != "conflict" and native is not None:
            return native, "native-key", None
        if not found and rule != "conflict":
            found, rule, evidence = self._by_adoption(entity_type, item, at)
        return found, rule, evidence

    def _by_hard_keys(self, entity_type: EntityType, item: Item, at: Candidates) -> tuple[int, str, Any]:
        found: dict[int, tuple[str, str]] = {}
        native = self.ids.get(item.key)
        for pair in item.pairs:
            holders = at.holders.get(pair, [])
            live = [h for h in holders if not h.retired] or holders
            if len(live) > 1:
                self._note_collision(entity_type, pair, [h.entity_id for h in live])
                continue
            for holder in live:
                if native is not None and holder.entity_id in self.known.apart(native):
                    continue
                if self._taken(holder.entity_id, item):
                    self._note_collision(entity_type, pair, [holder.entity_id])
                elif not contradicts(entity_type, item.pairs, at.held.get(holder.entity_id, {})):
                    if holder.entity_id in at.doubtful and self.ids.get(item.key) != holder.entity_id:
                        self._note_two(
                            entity_type, item, [holder.entity_id], "what it looks like could not be read now"
                        )
                        return 0, "conflict", None
                    found.setdefault(holder.entity_id, pair)
                elif not holder.retired:
                    self._note_collision(entity_type, pair, [holder.entity_id])
        alive = {e: p for e, p in found.items() if e not in self.retired and not self._is_retired(e, at)}
        found = alive or found
        if len(found) > 1:
            self._note_two(entity_type, item, list(found), "its identifiers point at different ones")
            return 0, "conflict", None
        for entity_id, (scheme, value) in found.items():
            return entity_id, f"hard-key:{scheme}", {"value": value}
        return 0, "", None

    def _by_name(self, entity_type: EntityType, item: Item, at: Candidates) -> tuple[int, str, Any]:
        for key in entity_type.natural_keys:
            if not (key.unique or key.succeeds):
                continue
            values = _name_of(item, key.fields)
            for entity_id in at.named[key.fields].get(values, []) if values else []:
                if entity_id in self.replaced:
                    continue
                other = at.bound.get(entity_id)
                if other is not None:
                    is_same = key.unique and _name_of(other, key.fields) == values
                elif key.succeeds and entity_id in at.doubtful:
                    self._note_two(entity_type, item, [entity_id], "what has its name could not be read now")
                    return 0, "conflict", None
                else:
                    is_same = not (key.succeeds and self._taken(entity_id, item))
                if is_same:
                    return entity_id, "natural-key", {"fields": list(key.fields)}
                if key.unique:
                    self.clashes.append((entity_type.table, key, entity_id))
        return self._by_former_name(entity_type, item, at)

    def _by_former_name(self, entity_type: EntityType, item: Item, at: Candidates) -> tuple[int, str, Any]:
        """Find what went under this name and comes back re-created: a container after `compose down` and `up`."""
        for key in entity_type.natural_keys:
            values = _name_of(item, key.fields) if key.succeeds else None
            entity_id = at.former.get((key.fields, values))
            if entity_id and entity_id not in at.bound and entity_id not in self.key_of:
                return entity_id, "natural-key", {"fields": list(key.fields)}
        return 0, "", None

    def _by_adoption(self, entity_type: EntityType, item: Item, at: Candidates) -> tuple[int, str, Any]:
        native = self.ids.get(item.key)
        for key in _adopting(entity_type.table):
            values = _name_of(item, key.fields)
            # A name below what it runs on is a place, and what two sources see in one place is one thing.
            placed = key in entity_type.natural_keys and entity_type.fields[key.fields[0]].references is not None
            observed = placed or key.corroborates
            fit = (
                [
                    e
                    for e in at.named[key.fields].get(values, ())
                    if not self._taken(e, item)
                    and not (native is not None and e in self.known.apart(native))
                    and (self.source.declared or e in at.declared or (observed and e not in at.doubtful))
                    and compatible(entity_type.table, item.resolved, at.rows.get(e, {}))
                    and not contradicts(entity_type, item.pairs, at.held.get(e, {}))
                ]
                if values
                else []
            )
            if key.corroborates and fit and values and not self._is_unique(entity_type, key, values, fit, at):
                continue
            if len(fit) > 1 or (fit and at.counts[key.fields, values] > 1):
                self._note_two(entity_type, item, fit, "more than one thing has its name")
                return 0, "", None
            if fit:
                adopted = self.source.declared or fit[0] in at.declared
                rule = "adopted" if adopted else "corroborated" if key.corroborates else "natural-key"
                return fit[0], rule, {"fields": list(key.fields), "values": list(values or ())}
        return 0, "", None

    def _is_unique(
        self, entity_type: EntityType, key: Key, values: tuple[Any, ...], fit: list[int], at: Candidates
    ) -> bool:
        """Tell whether a key is unique on both sides, and the name that it corroborates is so by itself."""
        if len(fit) > 1 or at.counts[key.fields, values] > 1:
            return False
        name = entity_type.adopted_by
        if name is None:
            return True
        own = tuple(v for f, v in zip(key.fields, values, strict=True) if f in name.fields)
        return len(at.named.get(name.fields, {}).get(own, ())) == 1 and at.counts[name.fields, own] == 1

    def _taken(self, entity_id: int, item: Item) -> bool:
        """Tell whether this source itself holds the entity apart: it sees it under another key in the same run."""
        other = self.key_of.get(entity_id)
        return other is not None and other != item.key and self.replaced.get(entity_id) != other

    def _live_native(self, item: Item) -> bool:
        entity_id = self.ids.get(item.key)
        return entity_id is not None and entity_id not in self.retired and item.key not in self._lapsed

    def _is_retired(self, entity_id: int, at: Candidates) -> bool:
        return bool(at.rows.get(entity_id, {}).get("retired_at"))

    def _remember(self, entity_type: EntityType, item: Item, at: Candidates) -> None:
        """Let later observations of the batch find what this one made."""
        if not item.is_new:
            return
        for pair in item.pairs:
            at.holders.setdefault(pair, []).append(Holder(item.entity_id, retired=False))
        if item.pairs:
            at.held[item.entity_id] = {scheme: {value} for scheme, value in item.pairs}
        self._name(entity_type, item, item.entity_id, at)

    def _name(self, entity_type: EntityType, item: Item, entity_id: int, at: Candidates) -> None:
        for fields, found in at.named.items():
            values = _name_of(item, fields)
            if values is not None and entity_id not in found.setdefault(values, []):
                found[values].append(entity_id)

    def _note_collision(self, entity_type: EntityType, pair: tuple[str, str], ids: list[int]) -> None:
        scheme, value = pair
        self.notes.append(
            Note(
                "identifier-collision",
                "medium",
                f"{entity_type.table}:{scheme}:{value}",
                f"several live {entity_type.table} show the same {scheme.replace('_', ' ')}; it identifies none of them"
                " (was a clone not sealed?)",
                ids[0],
                {"scheme": scheme, "entities": ids},
            )
        )

    def _note_two(self, entity_type: EntityType, item: Item, ids: list[int], why: str) -> None:
        self.notes.append(
            Note(
                "identity-conflict",
                "high",
                f"{self.source.name}:{item.key}",
                f"{item.key} of {self.source.name} may be any of {len(ids)} {entity_type.table}: {why}",
                ids[0] if ids else None,
                {"candidates": ids, "native_key": item.key},
            )
        )


@lru_cache(maxsize=64)
def _lookups(table: str) -> tuple[Key, ...]:
    """Return the keys by which a thing of a table is found."""
    entity_type = BY_TABLE[table]
    wanted = tuple(k for k in entity_type.natural_keys if k.unique or k.succeeds)
    return wanted + tuple(k for k in _adopting(table) if k.fields not in [w.fields for w in wanted])


@lru_cache(maxsize=64)
def _adopting(table: str) -> tuple[Key, ...]:
    """Return the keys by which what people typed is found: names that more than one may have."""
    entity_type = BY_TABLE[table]
    own = (entity_type.adopted_by,) if entity_type.adopted_by else ()
    named = (k for k in entity_type.natural_keys if not (k.unique or k.succeeds))
    return own + tuple(k for k in named if k.fields not in [o.fields for o in own])


def _name_of(item: Item, fields: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return what the item is called by these fields, or None where one of them is unknown."""
    values = tuple(map(item.resolved.get, fields))
    return None if None in values else values
