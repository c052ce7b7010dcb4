"""Takes in runs that were collected elsewhere: once each, in order, under names of their own."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from infradb import clock, run_file
from infradb.collectors.registry import COLLECTORS
from infradb.errors import Conflict
from infradb.observation import CollectionRun
from infradb.operations import sources
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.operations.concluding import conclude
from infradb.store import runs
from infradb.store.database import Database
from infradb.transport import credentials

INGESTED = "ingested"
"""Kind of a source that is read elsewhere."""
_CLOCK_MAY_BE_AHEAD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a run from elsewhere."""

    source: str
    report: RunReport | None
    """None where the run had been taken in before."""
    run_id: int
    ahead_seconds: float = 0
    """How far the clock of the collecting machine is ahead, where that is more than five minutes."""


def collect(kind: str, name: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> CollectionRun:
    """Read a source without a database; raise `CollectionError` where it cannot be read at all."""
    with credentials.holding(name, secrets) as held:
        run: CollectionRun = sources.make(kind, name, {**settings, **held}).collect()
    return run


def write(run: CollectionRun, kind: str, path: Path) -> int:
    """Write a run into a file, which is there whole or not at all; return its size in bytes."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(lines(run, kind))
            size = file.tell()
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return size


def lines(run: CollectionRun, kind: str) -> Iterable[bytes]:
    """Return a run line by line."""
    declared = COLLECTORS[kind].declared if kind in COLLECTORS else False
    return run_file.written(run, uuid4(), kind, declared=declared)


def ingest(database: Database, text: Iterable[bytes], *, bound_to: int | None = None) -> Ingested:
    """Take in a run from elsewhere.

    `bound_to` is the source that the bearer of a token may speak for. Raises `InvalidValue` where it is no run,
    `Conflict` where the source is read from here, is another one than the token's, or told something newer already.
    """
    head, run = run_file.read(text)
    with database.write() as connection:
        source = _source(connection, head)
        if bound_to is not None and source.id != bound_to:
            raise Conflict(f"this token does not speak for {head.source!r}", hint="`infradb token list` says for what")
        if known := runs.run_with_uid(connection, source.id, str(head.run)):
            return Ingested(source.name, None, known)
        latest = runs.latest_start(connection, source.id)
        if latest and run.started_at < latest:
            hint = "a run is taken in once, in order: collect again where it is to count"
            raise Conflict(f"{source.name} was read at {latest}, after this run of {run.started_at}", hint=hint)
        now = clock.now()
        ahead = (clock.to_moment(run.started_at) - clock.to_moment(now)).total_seconds()
        if ahead > _CLOCK_MAY_BE_AHEAD_SECONDS:
            # A clock that is off must not make every later run look old.
            run = CollectionRun(run.source, now, run.scopes, run.actors, run.calls)
        report = absorb(connection, run, Manner(change_source="api" if bound_to is not None else "discovery"))
        runs.name_run(connection, report.run_id, str(head.run))
    if report.changed:
        conclude(database)
    return Ingested(source.name, report, report.run_id, ahead if ahead > _CLOCK_MAY_BE_AHEAD_SECONDS else 0)


def source_for_runs(database: Database, name: str, kind: str) -> int:
    """Return the number of the source that runs from elsewhere speak for, adding it where it is new."""
    with database.write() as connection:
        line = run_file.RunLine(run=uuid4(), source=name, kind=kind, started_at=clock.now())
        return _source(connection, line).id


def _source(connection: Any, head: run_file.RunLine) -> sources.SourceEntry:
    found = next((e for e in sources.entries(connection) if e.name == head.source), None)
    if found is None:
        sources.check_name(head.source)
        registered = COLLECTORS.get(head.kind)
        runs.add_source(
            connection,
            head.source,
            INGESTED,
            clock.now(),
            declared=registered.declared if registered else head.declared,
            rank=registered.rank if registered else 50,
            settings={"kind": head.kind},
        )
        found = sources.entry(connection, head.source)
    if found.kind != INGESTED:
        raise Conflict(
            f"{found.name} is a source of this database's own, of kind {found.kind}",
            hint="give the runs from elsewhere a name of their own: `infradb collect KIND --name NAME …`",
        )
    return found
