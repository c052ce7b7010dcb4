"""Which sources are read, and reading them."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from infradb import clock
from infradb.change import MANUAL
from infradb.collectors import Diagnosis
from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import CollectionError, Conflict, NotFound, SettingsError, UsageError
from infradb.observation import CollectionRun, ScopeResult
from infradb.operations.absorb import Manner, Progress, RunReport, absorb, without_garbage_collector
from infradb.operations.manual import expire
from infradb.store import runs
from infradb.store.database import Connection, Database

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


def add(database: Database, kind: str, name: str, settings: Mapping[str, Any]) -> SourceEntry:
    """Add a source, or read a removed one again; raise `SettingsError` where a setting is wrong."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a source", hint="letters, digits, dots, dashes and underscores")
    make(kind, name, settings)
    registered = COLLECTORS[kind]
    with database.write() as connection:
        before = next((e for e in entries(connection) if e.name == name), None)
        if before and (before.enabled or before.kind != kind):
            raise Conflict(f"there is a source {name!r} already", hint="give another name, or remove that one first")
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
    """Return every call that a source's collector makes."""
    _readable(source)
    result: Sequence[str] = make(source.kind, source.name, source.settings).calls()
    return result


def collect(source: SourceEntry) -> CollectionRun:
    """Read a source; one that cannot be read at all gives a run that failed, with the reason and what to do."""
    started_at = clock.now()
    try:
        with without_garbage_collector():
            run: CollectionRun = make(source.kind, source.name, source.settings).collect()
    except CollectionError as error:
        said = f"{error} ({error.hint})" if error.hint else str(error)
        return CollectionRun(source.name, started_at, (ScopeResult("source", "failed", errors=(said,)),))
    return run


def discover(
    database: Database,
    names: Sequence[str],
    *,
    allow_retire: bool = False,
    dry_run: bool = False,
    begun: Callable[[str], None] = lambda _name: None,
    progress: Progress | None = None,
    done: Callable[[RunReport], None] = lambda _report: None,
) -> list[RunReport]:
    """Read sources (default: every enabled one) side by side and take each in as it comes.

    Reading happens outside the writer's lock. `begun` and `done` tell about each source.
    """
    if not dry_run:
        expire(database)
    with database.read() as connection:
        chosen = [_readable(entry(connection, n)) for n in names] or [
            e for e in entries(connection) if e.enabled and e.kind in COLLECTORS
        ]
    reports = []
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="collect") as pool:
        pending = {s.name: pool.submit(collect, s) for s in chosen}
        for source in chosen:
            begun(source.name)
            run = pending[source.name].result()
            report = take_in(database, run, Manner(allow_retire=allow_retire), dry_run=dry_run, progress=progress)
            reports.append(report)
            done(report)
    return reports


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
