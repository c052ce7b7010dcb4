"""Looking after the data: removing what is old, removing a secret, proving that everything is whole."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import orjson

from infradb import clock
from infradb.errors import StoreError
from infradb.settings import Settings
from infradb.store import redact as redaction
from infradb.store import retention
from infradb.store.chain import Chain, Entry, Verified, remember_head, verify
from infradb.store.copies import structure_problem
from infradb.store.database import Connection, Database, SqliteDatabase
from infradb.store.redact import Redacted
from infradb.store.retention import Limits

HOURLY_SAMPLES_DAYS = 28
EVERY_RUN_DAYS = 30
PRUNE_EVERY = timedelta(hours=24)
_PRUNED_AT = "pruned_at"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune removed, or would remove."""

    dry_run: bool
    removed: dict[str, int]
    """Rows by table, without what went along with its owner."""
    before: dict[str, str]
    """By table: what is older than this is removed."""
    spared: int = 0
    """Old imported changes that the first prune after their import leaves; the next one removes them."""


def limits(settings: Settings, now: str) -> Limits:
    """Return what counts as old at an instant."""
    moment = clock.to_moment(now)

    def ago(length: str) -> str:
        return clock.to_instant(moment - timedelta(seconds=clock.parse_duration(length)))

    return Limits(
        health_checks=_day(ago(settings.keep_health_checks)),
        changes=ago(settings.keep_changes),
        containers=ago(settings.keep_removed_containers),
        hourly_samples=_day(ago(f"{HOURLY_SAMPLES_DAYS}d")),
        samples=_day(ago(settings.keep_samples)),
        runs=_day(ago(f"{EVERY_RUN_DAYS}d")),
    )


def prune(
    database: Database,
    settings: Settings,
    *,
    dry_run: bool = False,
    now: str | None = None,
    by_person: bool = True,
    progress: Callable[[str, int], None] = lambda _table, _rows: None,
) -> Pruned:
    """Remove what is past its retention, a slice at a time; a dry run only says what that would be.

    The first prune that a person asks for after an import spares the imported changes, and says so.
    """
    now = now or clock.now()
    old = limits(settings, now)
    with database.read() as connection:
        jobs = retention.plan(connection, old)
        spared, spared_to = retention.to_spare(connection, old)
    removed: dict[str, int] = {}
    for job in jobs:
        if dry_run:
            counts = {job.table: job.rows}
        else:
            with database.write() as connection:
                counts = job.carry_out(connection)
        for table, count in counts.items():
            removed[table] = removed.get(table, 0) + count
        progress(job.table, sum(counts.values()))
    removed = {table: count for table, count in removed.items() if count}
    if not dry_run:
        with database.write() as connection:
            _note(connection, now, removed, by_person, spared_to if by_person else 0)
    return Pruned(dry_run, removed, _before(old), spared if by_person else 0)


def due_for_prune(connection: Connection, now: str) -> bool:
    """Tell whether the last prune is a day ago."""
    found = connection.query("SELECT value FROM infradb_meta WHERE name = ?", (_PRUNED_AT,))
    return not found or clock.to_moment(now) - clock.to_moment(found[0][0]) >= PRUNE_EVERY


def nightly(database: Database, settings: Settings, now: str | None = None) -> Pruned | None:
    """Prune where it is due; to be called as often as one likes."""
    now = now or clock.now()
    with database.read() as connection:
        if not due_for_prune(connection, now):
            return None
    return prune(database, settings, now=now, by_person=False)


def redact(database: Database, secret: str) -> Redacted:
    """Overwrite a secret everywhere and take its bytes out of the files; raise `InvalidValue` where it is too short.

    A source that still says it brings it back as soon as its answer changes.
    """
    with database.write() as connection:
        result = redaction.overwrite(connection, secret, clock.now())
    # Also where nothing was found: an earlier call may have been interrupted before this.
    result.remains += redaction.scrub(database, sorted(result.tables))
    return result


def verify_all(database: Database) -> Verified:
    """Check the file's structure, every reference and the change log's chain; raise `StoreError` or `ChainBroken`."""
    if isinstance(database, SqliteDatabase):
        if problem := structure_problem(database.path):
            raise StoreError(f"{database.path} is damaged: {problem}", hint="restore a backup: `infradb restore FILE`")
    else:
        with database.read() as connection:
            sql = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
            if broken := connection.query(f"{sql} AND connamespace = current_schema()::regnamespace"):
                raise StoreError(f"PostgreSQL does not vouch for {', '.join(name for (name,) in broken)}")
    with database.read() as connection:
        return verify(connection)


def _note(connection: Connection, now: str, removed: dict[str, int], by_person: bool, spared_to: int) -> None:
    """Leave in the change log what was removed, and note when."""
    facts = {_PRUNED_AT: now}
    if spared_to:
        facts[retention.SPARED] = str(spared_to)
    for name, value in facts.items():
        connection.execute(
            "INSERT INTO infradb_meta (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
    if removed:
        chain = Chain(connection, now)
        values = orjson.dumps({"removed": removed}, option=orjson.OPT_SORT_KEYS).decode()
        source = "manual" if by_person else "automation"
        chain.append([Entry("prune", "infradb_meta", None, None, values, change_source=source)])
        remember_head(connection, chain)


def _before(old: Limits) -> dict[str, str]:
    return {
        "health_checks": old.health_checks,
        "health_check_rollups": old.samples,
        "samples": old.hourly_samples,
        "infrastructure_changes": old.changes,
        "discovery_runs": old.runs,
        "docker_containers": old.containers,
    }


def _day(instant: str) -> str:
    return f"{instant[:10]}T00:00:00.000Z"
