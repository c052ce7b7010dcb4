"""Which sources are read, and reading them."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import ValidationError

from infradb import clock
from infradb.change import MANUAL
from infradb.collectors import Diagnosis
from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import CollectionError, Conflict, NotFound, SettingsError, UsageError
from infradb.observation import Call, CollectionRun, ScopeResult
from infradb.operations.absorb import Manner, Progress, RunReport, absorb, without_garbage_collector
from infradb.operations.concluding import conclude
from infradb.operations.manual import expire
from infradb.operations.ordering import follow_order, note_silence
from infradb.redaction import redact_text
from infradb.settings import Settings
from infradb.store import runs
from infradb.store.database import Connection, Database
from infradb.transport import credentials

_NAME = re.compile(r"\w[\w.-]{0,62}")


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One configured source."""

    id: int
    name: str
    kind: str
    declared: bool
    rank: int
    enabled: bool
    settings: Mapping[str, Any]


def entries(connection: Connection) -> list[SourceEntry]:
    """Return every source in the order in which they win."""
    rows = connection.query("SELECT id, name, kind, declared, rank, enabled, settings FROM sources ORDER BY rank, name")
    return [SourceEntry(i, n, k, bool(d), r, bool(e), orjson.loads(s) if s else {}) for i, n, k, d, r, e, s in rows]


def entry(connection: Connection, name: str) -> SourceEntry:
    """Return one source; raise `NotFound`."""
    for found in entries(connection):
        if found.name == name:
            return found
    raise NotFound(f"there is no source {name!r}", hint="`infradb sources list` shows them")


def ensure_defaults(database: Database) -> None:
    """Make sure that this machine and its Docker engine are sources, unless somebody removed them."""
    with database.read() as connection:
        if connection.query("SELECT 1 FROM infradb_meta WHERE name = 'default_sources'"):
            return
    with database.write() as connection:
        now = clock.now()
        runs.manual_source(connection, now)
        for kind in ("local", "docker"):
            runs.add_source(connection, kind, kind, now, declared=False, rank=COLLECTORS[kind].rank)
        connection.execute(
            "INSERT INTO infradb_meta (name, value) VALUES ('default_sources', ?) ON CONFLICT DO NOTHING", (now,)
        )


def add(
    database: Database,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> Sequence[Diagnosis]:
    """Try a source, and add it or read a removed one again; return what it needs and has.

    Nothing is kept of one that cannot be reached at all: raises `CollectionError`. `secrets` are put into infradb's own
    file under the names of their settings. Raises `SettingsError` where a setting is wrong.
    """
    _check_new(database, kind, name)
    with credentials.holding(name, secrets) as held:
        diagnoses: Sequence[Diagnosis] = make(kind, name, {**settings, **held}).diagnose()
        if diagnoses and not any(d.ok for d in diagnoses):
            failed = diagnoses[0]
            said = f"{name} was not added: {failed.needs}: {failed.detail or 'missing'}"
            raise CollectionError(said, hint=failed.hint)
        credentials.keep(held.values())
        register(database, kind, name, {**settings, **held})
    return diagnoses


def keep_untested(
    database: Database, kind: str, name: str, settings: Mapping[str, Any], secrets: Mapping[str, str]
) -> None:
    """Add a source without trying it."""
    _check_new(database, kind, name)
    with credentials.holding(name, secrets) as held:
        register(database, kind, name, {**settings, **held})
        credentials.keep(held.values())


def kinds() -> Sequence[str]:
    """Return the kinds of source that can be read."""
    return list(COLLECTORS)


def register(database: Database, kind: str, name: str, settings: Mapping[str, Any]) -> SourceEntry:
    """Add a source untried, or read a removed one again."""
    _check_new(database, kind, name)
    make(kind, name, settings)
    registered = COLLECTORS[kind]
    with database.write() as connection:
        before = next((e for e in entries(connection) if e.name == name), None)
        runs.add_source(
            connection,
            name,
            kind,
            clock.now(),
            declared=registered.declared,
            rank=registered.rank,
            settings=dict(settings),
        )
        if before:
            runs.enable_source(connection, before.id, dict(settings))
        return entry(connection, name)


def _check_new(database: Database, kind: str, name: str) -> None:
    """Raise where a name is none, or another source has it."""
    collector_class(kind)
    check_name(name)
    with database.read() as connection:
        before = next((e for e in entries(connection) if e.name == name), None)
    if before and (before.enabled or before.kind != kind):
        raise Conflict(f"there is a source {name!r} already", hint="give another name, or remove that one first")


def check_name(name: str) -> None:
    """Raise `UsageError` where a source cannot be called so."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a source", hint="letters, digits, dots, dashes and underscores")


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting of a collector."""

    name: str
    doc: str
    required: bool
    secret: bool


def settings_of(kind: str) -> list[SettingInfo]:
    """Return the settings of a collector, as its users see them."""
    return [
        SettingInfo(n, " ".join((f.description or "").split()), f.is_required(), credentials.is_secret(f))
        for n, f in collector_class(kind).Settings.model_fields.items()
    ]


def grant(kind: str, name: str) -> str:
    """Return the lines that make the least-privileged account on the other side; empty where none is needed."""
    text: str = collector_class(kind).grant(name)
    return text.strip()


def make(kind: str, name: str, settings: Mapping[str, Any]) -> Any:
    """Return the collector of a source; raise `SettingsError` that names every wrong setting."""
    cls = collector_class(kind)
    try:
        return cls(name, cls.Settings.model_validate(dict(settings)))
    except ValidationError as error:
        wrong = "; ".join(_in_words(e) for e in error.errors())
        known = ", ".join(cls.Settings.model_fields)
        raise SettingsError(f"source {name!r}: {wrong}", hint=f"settings of {kind}: {known}") from error


def _in_words(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a setting, with its name."""
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"there is no setting {name!r}"
    text = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    return f"{name} {text}" if name else text


def diagnose(source: SourceEntry) -> Sequence[Diagnosis]:
    """Prove each right and tool that a source needs."""
    _readable(source)
    diagnoses: Sequence[Diagnosis] = make(source.kind, source.name, source.settings).diagnose()
    return diagnoses


def calls(source: SourceEntry) -> Sequence[str]:
    """Return every call that a source's collector may make."""
    _readable(source)
    result: Sequence[str] = make(source.kind, source.name, source.settings).calls()
    return result


def calls_made(connection: Connection, source: SourceEntry) -> tuple[str | None, list[Call]]:
    """Return when a source was last read, and every kind of call that this made."""
    rows = connection.query(
        "SELECT started_at, calls FROM discovery_runs WHERE source_id = ? AND calls IS NOT NULL"
        " ORDER BY id DESC LIMIT 1",
        (source.id,),
    )
    return (rows[0][0], [Call(*c) for c in orjson.loads(rows[0][1])]) if rows else (None, [])


def collect(source: SourceEntry) -> CollectionRun:
    """Read a source; one that cannot be read at all gives a run that failed, with the reason and what to do."""
    started_at = clock.now()
    try:
        with without_garbage_collector():
            run: CollectionRun = make(source.kind, source.name, source.settings).collect()
    except (CollectionError, SettingsError) as error:
        return _failed(source.name, started_at, f"{error} ({error.hint})" if error.hint else str(error))
    except Exception as error:
        # A mistake in one collector must not take the other sources' runs along; it is told like any failure.
        if os.environ.get("INFRADB_DEBUG"):
            raise
        said = f"unexpected {type(error).__name__}: {redact_text(str(error))}"
        return _failed(source.name, started_at, f"{said} (a mistake in infradb; INFRADB_DEBUG=1 shows it)")
    return run


def _failed(name: str, started_at: str, said: str) -> CollectionRun:
    return CollectionRun(name, started_at, (ScopeResult("source", "failed", errors=(said,)),))


def discover(
    database: Database,
    names: Sequence[str],
    *,
    allow_retire: bool = False,
    dry_run: bool = False,
    begun: Callable[[str], None] = lambda _name: None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    done: Callable[[RunReport], None] = lambda _report: None,
) -> list[RunReport]:
    """Read sources (default: every enabled one) side by side and take each in as it comes.

    Reading happens outside the writer's lock. `begun` and `done` tell about each source.
    """
    if not dry_run:
        expire(database)
        if settings:
            follow_order(database, settings)
            note_silence(database, settings)
    with database.read() as connection:
        chosen = [_readable(entry(connection, n)) for n in names] or [
            e for e in entries(connection) if e.enabled and e.kind in COLLECTORS
        ]
    reports: dict[str, RunReport] = {}
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="collect")
    try:
        pending = {pool.submit(_begin, source, begun): source.name for source in chosen}
        for future in as_completed(pending):
            manner = Manner(allow_retire=allow_retire)
            report = take_in(database, future.result(), manner, dry_run=dry_run, progress=progress)
            reports[pending[future]] = report
            done(report)
    finally:
        # After Ctrl-C nobody waits for sources that are still being read.
        pool.shutdown(wait=False, cancel_futures=True)
    if not dry_run and any(r.changed for r in reports.values()):
        conclude(database)
    return [reports[s.name] for s in chosen]


def _begin(source: SourceEntry, begun: Callable[[str], None]) -> CollectionRun:
    begun(source.name)
    return collect(source)


def _readable(source: SourceEntry) -> SourceEntry:
    if not source.enabled:
        raise Conflict(
            f"the source {source.name!r} was removed",
            hint=f"`infradb sources add {source.kind} {source.name} …` reads it again",
        )
    if source.kind not in COLLECTORS:
        raise Conflict(f"the source {source.name!r} is not read from here: it is of kind {source.kind}")
    return source


class _Undo(Exception):
    """Leaves a transaction without keeping anything."""


def take_in(
    database: Database, run: CollectionRun, manner: Manner, *, dry_run: bool = False, progress: Progress | None = None
) -> RunReport:
    """Take a run in, in a transaction of its own; a dry run keeps nothing of it."""
    report: RunReport | None = None
    try:
        with database.write() as connection:
            report = absorb(connection, run, manner, progress)
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    if report is None:
        raise AssertionError("a run ends with a report or an error")
    return report


def remove(database: Database, name: str, *, retire: bool) -> RunReport | None:
    """Remove a source: what it said stays as it is, or is retired where nobody else says it."""
    if name == MANUAL:
        raise Conflict("the source `manual` is yours and stays", hint="`infradb unset` takes back single fields")
    report = None
    with database.write() as connection:
        found = entry(connection, name)
        if not found.enabled and not retire:
            raise Conflict(f"the source {name!r} was removed already", hint="--retire retires what nobody else says")
        if retire:
            scopes = tuple(
                ScopeResult(scope, "partial", gone=tuple(runs.known_answers(connection, id_)))
                for id_, scope in connection.query("SELECT id, name FROM scopes WHERE source_id = ?", (found.id,))
            )
            run = CollectionRun(name, clock.now(), scopes)
            report = absorb(connection, run, Manner(change_source="manual", reason="its source was removed"))
        connection.execute("UPDATE sources SET enabled = ? WHERE id = ?", (False, found.id))
    if report and report.changed:
        conclude(database)
    credentials.forget(f"{name}.")
    return report


def overview(connection: Connection) -> list[dict[str, Any]]:
    """Return every source with the outcome of its last run."""
    last = {
        source: (status, at, seen, errors)
        for source, status, at, seen, errors in connection.query(
            "SELECT source_id, status, finished_at, seen, errors FROM discovery_runs"
            " WHERE id IN (SELECT max(id) FROM discovery_runs GROUP BY source_id)"
        )
    }
    rows = []
    for found in entries(connection):
        status, at, seen, errors = last.get(found.id, (None, None, None, None))
        row = {
            "name": found.name,
            "kind": found.kind,
            "enabled": found.enabled,
            "status": status,
            "last_run": at,
            "seen": seen,
        }
        rows.append({**row, "errors": orjson.loads(errors) if errors else None})
    return rows
