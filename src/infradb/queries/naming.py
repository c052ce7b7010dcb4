"""From a name to a thing, and from things to their names."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

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
    wanted = _cleaned(name)
    direct = _by_number(connection, wanted, table)
    if direct:
        return direct
    kind, tail = _kind_and_name(wanted) if table is None else ("", "")
    if kind:
        found = _by_number(connection, tail, kind) or _one(_candidates(connection, tail, [BY_TABLE[kind]], True), tail)
        if found:
            return found
    types = [BY_TABLE[table]] if table else ENTITY_TYPES
    found = _one(_candidates(connection, wanted, types, table is not None), wanted)
    if found:
        return found
    raise not_found(name, table)


def candidates(connection: Connection, name: str) -> list[Named]:
    """Return everything that a name, `KIND/NAME`, id or uid may mean, retired things too."""
    wanted = _cleaned(name)
    if direct := _by_number(connection, wanted, None):
        return [direct]
    kind, tail = _kind_and_name(wanted)
    if kind:
        direct = _by_number(connection, tail, kind)
        if found := [direct] if direct else _candidates(connection, tail, [BY_TABLE[kind]], True):
            return found
    return _candidates(connection, wanted, ENTITY_TYPES)


def kind_and_name(name: str) -> tuple[str, str]:
    """Return the table that a name asks for, or an empty one, and the rest of the name."""
    kind, tail = _kind_and_name(_cleaned(name))
    return (kind, tail) if kind else ("", _cleaned(name))


def ambiguous(name: str, found: list[Named]) -> Ambiguous:
    """Return the error that lists what a name may mean."""
    listed = "\n".join(f"  {c.label}  (id {c.id})" for c in found[:20])
    more = f"\n  … and {len(found) - 20} more" if len(found) > 20 else ""
    return Ambiguous(f"{name!r} may be any of {len(found)}:\n{listed}{more}")


def not_found(name: str, table: str | None = None) -> NotFound:
    """Return the error for a name that nothing has."""
    among = f" among {table}" if table else ""
    last = name.strip().rstrip("/").rpartition("/")[2]
    quoted = last if last.replace("-", "").replace(".", "").replace("_", "").isalnum() else repr(last)
    return NotFound(f"nothing is called {name!r}{among}", hint=f"`infradb search {quoted}` looks everywhere")


def _cleaned(name: str) -> str:
    wanted = name.strip()
    if not wanted:
        raise UsageError("an empty name names nothing")
    return wanted


def _kind_and_name(wanted: str) -> tuple[str, str]:
    head, _, tail = wanted.partition("/")
    if tail and head.lower().replace("-", "_") in WORDS and (kind := table_of(head)) in BY_TABLE:
        return kind, tail
    return "", ""


def identify(connection: Connection, field: FieldSpec, name: str) -> int:
    """Return the id of what a reference field's value names."""
    table = field.references if field.references in BY_TABLE else None
    return find(connection, name, table).id


def labels(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the names of things, retired ones too."""
    known = StoredKnown(connection)
    wanted, tables = set(ids), {}
    parts: dict[int, list[tuple[bool, Any]]] = {}
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
                more.update(v for is_reference, v in named if is_reference and v)
        wanted = more - parts.keys()
    return {i: _spelled(i, parts) for i in ids if i in parts}


def _spelled(id_: int, parts: dict[int, list[tuple[bool, Any]]], depth: int = 0) -> str:
    """Return the parts of a name joined by slashes: `nas/dev/sda` for /dev/sda, and what two parts share only once."""
    name = ""
    for is_reference, value in parts.get(id_, []):
        word = str(value)
        if is_reference:
            word = _spelled(int(value), parts, depth + 1) if value and depth < 8 else "?"
            above = f"{name.rpartition('/')[0]}/"
            word = word.removeprefix(above) if name and above != "/" else word
        name = word if not name else f"{name}{word}" if word.startswith("/") else f"{name}/{word}"
    return name


def _columns(connection: Connection, entity_type: EntityType, ids: list[int]) -> Iterable[tuple[Any, ...]]:
    listed = ", ".join(entity_type.named_by)
    for start in range(0, len(ids), 500):
        batch = ids[start : start + 500]
        marks = ", ".join("?" * len(batch))
        yield from connection.query(f"SELECT id, {listed} FROM {entity_type.table} WHERE id IN ({marks})", batch)


def _by_number(connection: Connection, wanted: str, table: str | None) -> Named | None:
    """Find by id or uid."""
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 16:
        rows = connection.query("SELECT id, kind, retired_at FROM entities WHERE id = ?", (int(wanted),))
    elif len(wanted) == 36 and wanted.count("-") == 4:
        rows = connection.query("SELECT id, kind, retired_at FROM entities WHERE uid = ?", (wanted.lower(),))
    else:
        return None
    for id_, kind, retired in rows:
        if table in (None, kind):
            return Named(id_, kind, labels(connection, [id_]).get(id_, wanted), retired is not None)
    return None


def _candidates(connection: Connection, wanted: str, types: Iterable[EntityType], deep: bool = False) -> list[Named]:
    """Return the things whose whole name or last part is `wanted`, the strongest kind of match only.

    Things that are named by two others are meant only by their whole name, unless `deep` says that one is looked for.
    """
    tails = [wanted, *(wanted[i + n :] for i, c in enumerate(wanted) if c == "/" for n in (0, 1))]
    tails = list(dict.fromkeys(t for t in tails if t.strip("/")))
    found: list[tuple[int, str, bool]] = []
    for entity_type in types:
        if deep or "/" in wanted or not _named_by_two(entity_type):
            found += [(i, entity_type.table, r) for i, r in _ending_in(connection, entity_type, tails)]
    names = labels(connection, [i for i, _, _ in found])
    named = [Named(i, t, names[i], r) for i, t, r in found]
    plain = wanted.replace("//", "/")
    whole = [n for n in named if plain in (n.name, n.name.replace("//", "/"))]
    return whole or [
        n
        for n in named
        if n.name.endswith(("/" + plain, "/" + wanted)) and (deep or not _named_by_two(BY_TABLE[n.table]))
    ]


def _named_by_two(entity_type: EntityType) -> bool:
    return bool(entity_type.fields[entity_type.name_field].references)


def _ending_in(connection: Connection, entity_type: EntityType, tails: list[str]) -> list[tuple[int, bool]]:
    """Return (id, retired) of the things of a type whose last part is any of `tails`."""
    field = entity_type.fields[entity_type.name_field]
    values: list[object] = list(tails)
    if field.references:
        values = [i for i, _ in _ending_in(connection, BY_TABLE[field.references], tails)]
    elif field.python_type is int:
        values = [int(t) for t in tails if t.isascii() and t.isdecimal() and len(t) < 16]
    found: list[tuple[int, bool]] = []
    for start in range(0, len(values), 500):
        batch = values[start : start + 500]
        marks = ", ".join("?" * len(batch))
        sql = f"SELECT id, retired_at FROM {entity_type.table} WHERE {field.name} IN ({marks})"
        found += [(int(i), r is not None) for i, r in connection.query(sql, batch)]
    return found


def _one(candidates: list[Named], wanted: str) -> Named | None:
    live = [c for c in candidates if not c.retired] or candidates[-1:]
    if len(live) > 1:
        raise ambiguous(wanted, live)
    return live[0] if live else None
