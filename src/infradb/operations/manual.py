"""What people say themselves: it is the source `manual`, and goes the way of every other source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from infradb import clock
from infradb.change import MANUAL
from infradb.errors import Conflict, InvalidValue, UsageError
from infradb.model.describe import EntityType, FieldSpec
from infradb.observation import Answer, CollectionRun, Observation, ScopeResult, digest_of
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.operations.absorb import retire as retire_owned
from infradb.queries import filters
from infradb.queries.kinds import entity_type as kind_named
from infradb.queries.naming import Named, find
from infradb.redaction import redact_json
from infradb.store import runs
from infradb.store.apply import Writer
from infradb.store.database import Connection, Database
from infradb.store.known import StoredKnown

SCOPE = "manual"


@dataclass(frozen=True, slots=True)
class Edit:
    """Who edits, and why."""

    who: str
    reason: str | None = None
    expires_at: str | None = None
    tell: Callable[[str], None] = lambda _text: None
    """Called with what the person should know besides."""


def add(database: Database, kind: str, assignments: Sequence[str], edit: Edit) -> Named:
    """Say that something exists; raise `Conflict` where it is there already."""
    entity_type = kind_named(kind)
    with database.write() as connection:
        said = _said(connection, entity_type, assignments, edit)
        missing = [f.noun for f in entity_type.fields.values() if f.required and f.name not in said]
        if missing:
            raise UsageError(f"{entity_type.table} need {', '.join(missing)}", hint=_example(entity_type))
        key = f"manual:{orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()}"
        before = _last_id(connection)
        report = _say(connection, entity_type.table, key, said, edit, {})
        entity_id = int(connection.query("SELECT entity_id FROM claims WHERE native_key = ?", (key,))[0][0])
        found = find(connection, str(entity_id), entity_type.table)
        if not report.counts["created"] or entity_id <= before:
            raise Conflict(
                f"{found.label} is there already", hint=f"`infradb set {found.label} field=value` changes it"
            )
        return found


def set_fields(database: Database, name: str, assignments: Sequence[str], edit: Edit) -> tuple[Named, RunReport]:
    """Say what fields of a thing are; what a person says stands above what is observed, where it is theirs to say."""
    with database.write() as connection:
        found = find(connection, name)
        entity_type = kind_named(found.table)
        key, before, expires = _claim(connection, found)
        said = _said(connection, entity_type, assignments, edit)
        for field in said:
            expires.pop(field, None)
            if edit.expires_at:
                expires[field] = edit.expires_at
        return found, _say(connection, found.table, key, {**before, **said}, edit, expires)


def say(database: Database, entity_id: int, values: Mapping[str, Any], edit: Edit) -> RunReport:
    """Say by hand what fields of a thing are, with values as its row holds them: ids for references."""
    with database.write() as connection:
        found = find(connection, str(entity_id))
        key, before, expires = _claim(connection, found)
        fields = kind_named(found.table).fields
        said = {n: _as_key(connection, v) if fields[n].references and v else v for n, v in values.items()}
        return _say(connection, found.table, key, {**before, **said}, edit, expires)


def unset(database: Database, name: str, fields: Sequence[str], edit: Edit) -> tuple[Named, RunReport]:
    """Take back what a person said about fields; what the sources say counts again."""
    with database.write() as connection:
        found = find(connection, name)
        entity_type = kind_named(found.table)
        key, before, expires = _claim(connection, found)
        names = [filters.field_named(entity_type.fields, f).name for f in fields]
        if unsaid := [n for n in names if n not in before]:
            raise Conflict(
                f"nobody said {', '.join(unsaid)} of {found.label} by hand",
                hint=f"`infradb why {found.label}` shows who says what",
            )
        kept = {n: v for n, v in before.items() if n not in names}
        return found, _say(connection, found.table, key, kept, edit, {n: t for n, t in expires.items() if n in kept})


def retire(database: Database, name: str, edit: Edit) -> tuple[Named, int]:
    """Say that something is gone, and return how many things went along; raise `Conflict` while a source sees it."""
    with database.write() as connection:
        found = find(connection, name)
        if found.retired:
            raise Conflict(f"{found.label} is gone already", hint=f"`infradb changes {found.id}` shows since when")
        known = StoredKnown(connection)
        claims = [c for c in known.claims([found.id]).get(found.id, []) if not c.withdrawn_at]
        seeing = sorted({s.name for c in claims if not (s := known.sources[c.source_id]).declared})
        if seeing:
            raise Conflict(
                f"{found.label} is still seen by {', '.join(seeing)}; it would come back at once",
                hint="stop it there, or remove the source with `infradb sources remove NAME --retire`",
            )
        now = clock.now()
        source = runs.manual_source(connection, now)
        writer = Writer(
            connection, now, source_id=source, change_source="manual", changed_by=edit.who, reason=edit.reason
        )
        writer.withdraw([c.id for c in claims])
        retire_owned(writer, known, [found.id], edit.reason)
        writer.finish()
        return found, writer.counts["retired"] - 1


def expire(database: Database) -> int:
    """Let go of what people said until a time that has passed; return how many things that touched."""
    now = clock.now()
    with database.read() as connection:
        due = [row for row in connection.query(_EXPIRING) if any(t <= now for t in orjson.loads(row[2]).values())]
    for key, said, expires, table in due:
        until = orjson.loads(expires)
        late = {n for n, t in until.items() if t <= now}
        kept = {n: v for n, v in orjson.loads(said).items() if n not in late}
        with database.write() as connection:
            edit = Edit("infradb", f"what was said about {', '.join(sorted(late))} held until {min(until.values())}")
            _say(connection, table, key, kept, edit, {n: t for n, t in until.items() if n not in late})
    return len(due)


_EXPIRING = (
    "SELECT c.native_key, c.said, c.expires, e.kind FROM claims c JOIN entities e ON e.id = c.entity_id"
    " WHERE c.expires IS NOT NULL AND c.withdrawn_at IS NULL"
)


def _say(
    connection: Connection, table: str, key: str, said: Mapping[str, Any], edit: Edit, expires: Mapping[str, str]
) -> RunReport:
    """Take in one thing as the source `manual` describes it now."""
    now = clock.now()
    source = runs.manual_source(connection, now)
    answer = Answer(key, digest_of([said, expires], 1), lambda: [Observation(key, table, dict(said))])
    run = CollectionRun(MANUAL, now, [ScopeResult(SCOPE, "partial", [answer])])
    report = absorb(connection, run, Manner(change_source="manual", changed_by=edit.who, reason=edit.reason))
    connection.execute(
        "UPDATE claims SET expires = ? WHERE native_key = ? AND scope_id = ?",
        (orjson.dumps(dict(expires)).decode() if expires else None, key, runs.scope_id(connection, source, SCOPE)),
    )
    return report


def _claim(connection: Connection, found: Named) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the key, the values and the expiries of what was said by hand about a thing."""
    known = StoredKnown(connection)
    for claim in known.claims([found.id]).get(found.id, []):
        if known.sources[claim.source_id].is_manual and not claim.withdrawn_at:
            return claim.native_key, orjson.loads(claim.said), orjson.loads(claim.expires) if claim.expires else {}
    uid = connection.query("SELECT uid FROM entities WHERE id = ?", (found.id,))[0][0]
    return f"uid:{uid}", {}, {}


def _said(connection: Connection, entity_type: EntityType, assignments: Sequence[str], edit: Edit) -> dict[str, Any]:
    """Read `field=value` pairs; raise `UsageError` or `InvalidValue`."""
    said: dict[str, Any] = {}
    for text in assignments:
        parts = filters.split(text)
        if parts is None or parts[1] != "=":
            raise UsageError(f"{text!r} is no assignment", hint="field=value, such as purpose='files and backups'")
        field = filters.field_named(entity_type.fields, parts[0])
        _check_settable(entity_type, field)
        said[field.name] = _value(connection, field, parts[2])
    try:
        valid = entity_type.adapter.validate_python(said)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))} {_in_words(e)}" for e in error.errors())
        raise InvalidValue(f"{entity_type.table}: {wrong}") from error
    return _without_secrets(entity_type, valid, edit)


def _without_secrets(entity_type: EntityType, said: Mapping[str, Any], edit: Edit) -> dict[str, Any]:
    """Redact what looks like a secret, and tell so: none reaches the database, from people neither."""
    open_text = {n for n in said if not entity_type.fields[n].references and not entity_type.fields[n].choices}
    cleaned = {n: redact_json(v) if n in open_text else v for n, v in said.items()}
    for name in open_text:
        if cleaned[name] != said[name]:
            edit.tell(f"{name}: what looks like a secret is kept as ***; note where it lies instead")
    return cleaned


def _in_words(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, as the rest of a sentence that begins with the field."""
    if error["type"] in ("too_short", "string_too_short"):
        return "must not be empty"
    if error["input"] is None:
        return "must not be null"
    text = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    return text if text.startswith("should") else f"does not fit: {text}"


def _check_settable(entity_type: EntityType, field: FieldSpec) -> None:
    if not field.claimable:
        raise Conflict(f"{entity_type.table}.{field.name} is set by infradb's own checks, never by hand")
    if field.is_measured:
        raise Conflict(f"{entity_type.table}.{field.name} is measured, never set by hand")


def _as_key(connection: Connection, id_: int) -> str:
    uid = connection.query("SELECT uid FROM entities WHERE id = ?", (id_,))[0][0]
    return f"uid:{uid}"


def _value(connection: Connection, field: FieldSpec, text: str) -> Any:
    if text == "null":
        return None
    if field.references:
        return _as_key(connection, find(connection, text, field.references).id)
    if field.name == "tags" and not text.startswith("["):
        return [t.strip() for t in text.split(",") if t.strip()]
    return filters.typed(field, text)


def _example(entity_type: EntityType) -> str:
    pairs = [f"{f.noun}=…" for f in entity_type.fields.values() if f.required]
    return f"infradb add {entity_type.table} {' '.join(pairs)}"


def _last_id(connection: Connection) -> int:
    return int(connection.query("SELECT coalesce(max(id), 0) FROM entities")[0][0])
