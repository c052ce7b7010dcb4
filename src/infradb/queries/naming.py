"""From a name to a thing, and from things to their names."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from infradb.errors import Ambiguous, NotFound, UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.model.describe import EntityType, FieldSpec
from infradb.queries.kinds import WORDS, table_of
from infradb.store.database import Connection
from infradb.store.known import StoredKnown


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that a name was found to mean."""

    id: int
    table: str
    name: str
    retired: bool

    @property
    def label(self) -> str:
        """Return kind and name, as `KIND/NAME`."""
        return f"{self.table}/{self.name}"


def find(connection: Connection, name: str, table: str | None = None) -> Named:
    """Return the one thing that a name, `KIND/NAME`, id or uid means, live ones first.

    Raises `NotFound`, or `Ambiguous` that lists the candidates with their kinds.
    """
    wanted = name.strip()
    if not wanted:
        raise UsageError("an empty name names nothing")
    direct = _by_number(connection, wanted, table)
    if direct:
        return direct
    head, _, tail = wanted.partition("/")
    if table is None and tail and head.lower().replace("-", "_") in WORDS:
        kind = table_of(head)
        if kind in BY_TABLE:
            found = _by_number(connection, tail, kind) or _one(_candidates(connection, tail, [BY_TABLE[kind]]), tail)
            if found:
                return found
    types = [BY_TABLE[table]] if table else ENTITY_TYPES
    found = _one(_candidates(connection, wanted, types), wanted)
    if found:
        return found
    kind_said = f" among {table}" if table else ""
    raise NotFound(
        f"nothing is called {name!r}{kind_said}", hint=f"`infradb search {name.split('/')[-1]}` looks everywhere"
    )


def identify(connection: Connection, field: FieldSpec, name: str) -> int:
    """Return the id of what a reference field's value names."""
    table = field.references if field.references in BY_TABLE else None
    return find(connection, name, table).id


def labels(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the names of things, retired ones too."""
    known = StoredKnown(connection)
    wanted, tables = set(ids), {}
    parts: dict[int, list[tuple[bool, object]]] = {}
    while wanted:
        found = known.tables(wanted)
        tables.update(found)
        more: set[int] = set()
        for table in set(found.values()):
            entity_type = BY_TABLE[table]
            own = [i for i in wanted if found.get(i) == table]
            for row in _columns(connection, entity_type, own):
                named = [
                    (bool(entity_type.fields[f].references), v)
                    for f, v in zip(entity_type.named_by, row[1:], strict=True)
                ]
                parts[row[0]] = named
                more.update(v for is_reference, v in named if is_reference and v)  # type: ignore[misc]
        wanted = more - parts.keys()
    return {i: _spelled(i, parts) for i in ids if i in parts}


def _spelled(id_: int, parts: dict[int, list[tuple[bool, object]]], depth: int = 0) -> str:
    words = []
    for is_reference, value in parts.get(id_, []):
        if is_reference:
            words.append(_spelled(int(value), parts, depth + 1) if value and depth < 8 else "?")  # type: ignore[call-overload]
        else:
            words.append(str(value))
    return "/".join(words)


def _columns(connection: Connection, entity_type: EntityType, ids: list[int]) -> Iterable[tuple[object, ...]]:
    listed = ", ".join(entity_type.named_by)
    for start in range(0, len(ids), 500):
        batch = ids[start : start + 500]
        marks = ", ".join("?" * len(batch))
        yield from connection.query(f"SELECT id, {listed} FROM {entity_type.table} WHERE id IN ({marks})", batch)


def _by_number(connection: Connection, wanted: str, table: str | None) -> Named | None:
    """Find by id or uid."""
    if wanted.isdigit() and len(wanted) < 16:
        rows = connection.query("SELECT id, kind, retired_at FROM entities WHERE id = ?", (int(wanted),))
    elif len(wanted) == 36 and wanted.count("-") == 4:
        rows = connection.query("SELECT id, kind, retired_at FROM entities WHERE uid = ?", (wanted.lower(),))
    else:
        return None
    for id_, kind, retired in rows:
        if table in (None, kind):
            return Named(id_, kind, labels(connection, [id_]).get(id_, wanted), retired is not None)
    return None


def _candidates(connection: Connection, wanted: str, types: Iterable[EntityType]) -> list[Named]:
    """Return the things whose whole name or last part is `wanted`, the strongest kind of match only."""
    splits = [wanted[i + 1 :] for i, c in enumerate(wanted) if c == "/"]
    found: list[tuple[int, str, bool]] = []
    for entity_type in types:
        field = entity_type.fields[entity_type.named_by[-1]]
        if field.references:
            continue
        tails = [t for t in (wanted, *splits) if t and (field.python_type is not int or t.isdigit())]
        if field.python_type is int:
            tails = [int(t) for t in tails]  # type: ignore[misc]
        if tails:
            marks = ", ".join("?" * len(tails))
            sql = f"SELECT id, retired_at FROM {entity_type.table} WHERE {field.name} IN ({marks})"
            found += [(i, entity_type.table, r is not None) for i, r in connection.query(sql, tails)]
    names = labels(connection, [i for i, _, _ in found])
    named = [Named(i, t, names[i], r) for i, t, r in found]
    whole = [n for n in named if n.name == wanted]
    return whole or [n for n in named if n.name.endswith("/" + wanted)]


def _one(candidates: list[Named], wanted: str) -> Named | None:
    live = [c for c in candidates if not c.retired] or candidates[-1:]
    if len(live) > 1:
        listed = "\n".join(f"  {c.label}  (id {c.id})" for c in live[:20])
        raise Ambiguous(f"{wanted!r} may be any of {len(live)}:\n{listed}")
    return live[0] if live else None
