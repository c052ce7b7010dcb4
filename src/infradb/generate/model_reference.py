"""Writes the reference of the model: every type with its fields, and the ER diagram."""

import sys
from collections.abc import Iterable

from infradb.generate.reference import WRITTEN, one_line, table_of
from infradb.interfaces.export.erd import Statistics, erd
from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.model.describe import EntityType, FieldSpec, RecordType, TableType
from infradb.store.views import VIEWS

_WORDS = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "yes or no",
    "dict": "JSON",
    "list": "JSON list",
    "bytes": "bytes",
}
_ON_EVERY_ENTITY = ("tags", "custom")
_DOMAINS = {
    "physical": "Machines",
    "network": "Networks",
    "proxmox": "Proxmox",
    "docker": "Docker",
    "services": "Services",
    "operations": "Operations",
    "bookkeeping": "Bookkeeping",
}


def model_reference() -> str:
    """Return the page that documents every type: its fields, its names, and what identifies it."""
    types = (*ENTITY_TYPES, *RECORD_TYPES)
    domains: dict[str, list[TableType]] = {}
    for table in types:
        domains.setdefault(table.cls.__module__.rsplit(".", 1)[-1], []).append(table)
    overview = table_of(("Table", "What it holds"), [(f"[{t.table}](#{t.table})", one_line(t.doc)) for t in types])
    parts = [
        f"""# Model

{WRITTEN} Each type is one class in `src/infradb/model/`; tables, checks, columns and this page follow from it.

Fields have the same name in SQL, on the command line and in JSON. On the command line a reference drops its `_id` and
takes a name: `host=pve1`.

{overview}

Every entity also has `id` (number of this database), `uid` (UUIDv7, the same in every copy), `created_at`,
`updated_at` and `retired_at`, and two fields of your own: `tags` (a list of words) and `custom` (a JSON object).
Instants are UTC, as `2026-11-23T16:01:13.000Z`.

In the tables below:

- **required**: it must be said when the thing is first mentioned.
- **measured**: kept current, sampled for trends, never part of the history.
- **observed**: what is observed comes before what people say.
- **people**: what people say comes before what is observed.
- **set by infradb**: no source and no person can set it.
- **redacted**: secrets are taken out before it is stored.
- **owner**: when the thing pointed at is retired, so is this one, and both come back together.
"""
    ]
    for domain, tables in domains.items():
        doc = one_line(sys.modules[tables[0].cls.__module__].__doc__ or "")
        parts.append(f"\n## {_DOMAINS[domain]}\n\n{doc}\n")
        parts += [_type_section(t) for t in tables]
    views = table_of(("View", "What it shows"), [(f"`{v.name}`", v.doc) for v in VIEWS])
    parts.append(f"\n## Views\n\nThe same on both engines; read them with `infradb sql` or any SQL tool.\n\n{views}\n")
    return "".join(parts)


def _type_section(table: TableType) -> str:
    own = [f for f in table.fields.values() if f.name not in _ON_EVERY_ENTITY or not isinstance(table, EntityType)]
    rows = [(f"`{f.name}`", _kind_in_words(f), " ".join((one_line(f.doc), *_marks(f)))) for f in own]
    facts = _entity_facts(table) if isinstance(table, EntityType) else _record_facts(table)
    said = "".join(f"- {fact}\n" for fact in facts)
    return f"\n### {table.table}\n\n{one_line(table.doc)}\n\n{said}\n{table_of(('Field', 'Kind', 'Meaning'), rows)}\n"


def _entity_facts(table: EntityType) -> Iterable[str]:
    nouns = {f.name: f.noun for f in table.fields.values()}
    yield f"Called by: {' / '.join(nouns[n] for n in table.named_by)}"
    if table.short_names:
        yield f"Short names: {', '.join(f'`{n}`' for n in table.short_names)}"
    if table.hard_keys:
        keys = [" + ".join(k.fields) + (" (two values are two things)" if k.exclusive else "") for k in table.hard_keys]
        yield f"Identified by, strongest first: {'; '.join(keys)}"
    if table.natural_keys:
        keys = [" + ".join(nouns[n] for n in k.fields) + (" (unique)" if k.unique else "") for k in table.natural_keys]
        yield f"Natural key: {'; '.join(keys)}"
    if table.adopted_by:
        yield f"What a person typed is adopted by: {' + '.join(nouns[n] for n in table.adopted_by.fields)}"
    yield f"Grace before it is retired: {_length(table.grace_seconds)}"


def _record_facts(table: TableType) -> Iterable[str]:
    if isinstance(table, RecordType):
        yield f"Primary key: {', '.join(table.primary_key)}"
        for columns in table.unique:
            yield f"Unique: {', '.join(columns)}"


def _length(seconds: int) -> str:
    if not seconds:
        return "none; a complete reading that lacks it is enough"
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {word}{'' if seconds == size else 's'}"
    return f"{seconds} seconds"


def _kind_in_words(field: FieldSpec) -> str:
    if field.references:
        return f"→ {_link(field.references)}"
    if field.choices:
        return f"one of {', '.join(field.choices)}"
    if field.is_instant:
        return "instant"
    if field.is_json:
        return "JSON"
    word = _WORDS[field.python_type.__name__]
    if field.maximum in (None, 2**53):
        return word
    return f"{word} from {field.minimum or 0} to {field.maximum}"


def _link(table: str) -> str:
    return f"[{table}](#{table})"


def _marks(field: FieldSpec) -> Iterable[str]:
    if field.required:
        yield "**required**"
    if field.default not in (None, ""):
        yield f"Default: `{field.default}`."
    if field.owns:
        yield "**owner**"
    if field.is_measured:
        yield "**measured**"
    elif not field.claimable:
        yield "**set by infradb**"
    elif field.follows_observation:
        yield "**observed**" + (f", except {' and '.join(field.people_only)}" if field.people_only else "")
    elif field.people_first:
        yield "**people**"
    if field.redacted:
        yield "**redacted**"
    if field.tolerance_seconds:
        yield f"Times closer than {field.tolerance_seconds:g} s count as the same."


def schema_reference() -> str:
    """Return the page with the ER diagram."""
    diagram = erd(Statistics(), "mermaid")
    lines = [line for line in diagram.strip().splitlines() if not line.strip().startswith("%%")]
    drawn = "\n".join(lines)
    return f"""# Schema

{WRITTEN} The tables with their references and main columns; [model.md](model.md) has every column. For a database of
yours, with its row counts, `infradb erd` draws the same in the terminal, and `infradb erd --format svg` as a picture.
The statements that make the tables are [schema.sqlite.sql](../../src/infradb/store/schema.sqlite.sql) and
[schema.postgresql.sql](../../src/infradb/store/schema.postgresql.sql), each column with its meaning.

```mermaid
{drawn}
```
"""
