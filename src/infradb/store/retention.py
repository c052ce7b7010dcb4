"""Removes what is past its retention: planned in one look, carried out in slices, so that other writers get in between.

Nothing is counted when rows are inserted and there are no triggers: what old rows cost is paid here, once a day.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from infradb.store import purge
from infradb.store.database import Connection
from infradb.store.rollups import roll_up

SLICE = 10_000
"""Rows removed in one transaction."""
CONTAINERS_AT_ONCE = 500
"""Containers purged in one transaction, each with some twenty rows."""
RUNS_ALWAYS_KEPT = 50
"""Newest runs of each source that stay whatever their age: absence is judged by them."""
SPARED = "imported_changes_spared_to"
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """Instants before which each kind of row is old; those of samples and checks begin a day."""

    health_checks: str
    changes: str
    containers: str
    hourly_samples: str
    samples: str
    runs: str


@dataclass(frozen=True, slots=True)
class Job:
    """What one transaction removes."""

    table: str
    rows: int
    carry_out: Callable[[Connection], Counts]


def plan(connection: Connection, limits: Limits) -> list[Job]:
    """Return what there is to remove, in order."""
    return [
        *_health_checks(connection, limits),
        *_hourly_rollups(connection, limits),
        *_samples(connection, limits),
        *_changes(connection, limits),
        *_runs(connection, limits),
        *_containers(connection, limits),
        *_tombstones(connection),
    ]


def day_of(column: str, dialect: str) -> str:
    """Return SQL for the beginning of an instant's day."""
    return f"date_trunc('day', {column})" if dialect == "postgresql" else f"substr({column}, 1, 10) || 'T00:00:00.000Z'"


# --- checks and samples ----------------------------------------------------------------------------------------------


def _health_checks(connection: Connection, limits: Limits) -> Iterator[Job]:
    """One job is whole days of services, so that each day's percentile is taken over all of it."""
    day = day_of("check_timestamp", connection.dialect)
    sql = (
        f"SELECT {day} AS day, service_id, count(*) FROM health_checks WHERE check_timestamp < ?"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    by_day: dict[str, list[tuple[int, int]]] = {}
    for start, service, count in connection.stream(sql, (limits.health_checks,)):
        by_day.setdefault(start, []).append((service, count))
    for start, services in by_day.items():
        for ids, rows in _portions(services):
            yield Job("health_checks", rows, partial(roll_up, day=start, services=ids))


def _hourly_rollups(connection: Connection, limits: Limits) -> Iterator[Job]:
    sql = (
        "SELECT service_id, count(*) FROM health_check_rollups WHERE resolution = 'hour' AND starts_at < ?"
        " GROUP BY service_id ORDER BY service_id"
    )
    where = "resolution = 'hour' AND starts_at < ?"
    for ids, rows in _portions(connection.query(sql, (limits.samples,))):
        remove = partial(_delete_of, "health_check_rollups", "service_id", ids, where, (limits.samples,))
        yield Job("health_check_rollups", rows, remove)


def _samples(connection: Connection, limits: Limits) -> Iterator[Job]:
    day = day_of("sampled_at", connection.dialect)
    sql = (
        f"SELECT entity_id, count(*) FROM samples WHERE sampled_at < ? AND (sampled_at < ? OR sampled_at <> {day})"
        " GROUP BY entity_id ORDER BY entity_id"
    )
    for ids, rows in _portions(connection.query(sql, (limits.hourly_samples, limits.samples))):
        yield Job("samples", rows, partial(_thin_samples, ids, limits))


def _thin_samples(ids: Sequence[int], limits: Limits, connection: Connection) -> Counts:
    """Put each day's mean in the place of its hours."""
    day, listed = day_of("sampled_at", connection.dialect), _listed(ids)
    hours = f"entity_id IN ({listed}) AND sampled_at >= ? AND sampled_at < ?"
    span = (limits.samples, limits.hourly_samples)
    connection.execute(
        f"INSERT INTO samples (entity_id, field, sampled_at, value) SELECT entity_id, field, {day}, avg(value)"
        f" FROM samples WHERE {hours} GROUP BY entity_id, field, {day} HAVING count(*) > 1 OR max(sampled_at) > {day}"
        " ON CONFLICT (entity_id, field, sampled_at) DO UPDATE SET value = excluded.value",
        span,
    )
    removed = connection.execute(f"DELETE FROM samples WHERE {hours} AND sampled_at <> {day}", span)
    return {
        "samples": removed + _delete_of("samples", "entity_id", ids, "sampled_at < ?", span[:1], connection)["samples"]
    }


# --- history ---------------------------------------------------------------------------------------------------------


def _changes(connection: Connection, limits: Limits) -> Iterator[Job]:
    """A prefix of the chain: up to the first row that is not old yet."""
    first, last = connection.query("SELECT min(position), max(position) FROM infrastructure_changes")[0]
    if first is None:
        return
    kept = connection.query(
        "SELECT position FROM infrastructure_changes WHERE recorded_at >= ?"
        " AND NOT (imported_id IS NOT NULL AND change_timestamp < ? AND position <= ?) ORDER BY position LIMIT 1",
        (limits.changes, limits.changes, spared_to(connection)),
    )
    end = kept[0][0] - 1 if kept else last
    for start in range(first, end + 1, SLICE):
        upto = min(start + SLICE - 1, end)
        yield Job("infrastructure_changes", upto - start + 1, partial(_cut, upto))


def _cut(upto: int, connection: Connection) -> Counts:
    """Remove the beginning of the chain and leave an anchor where `verify` starts."""
    sql = "INSERT INTO change_anchors SELECT position, recorded_at, hash FROM infrastructure_changes WHERE position = ?"
    connection.execute(f"{sql} ON CONFLICT DO NOTHING", (upto,))
    connection.execute("DELETE FROM change_anchors WHERE position < ?", (upto,))
    removed = connection.execute("DELETE FROM infrastructure_changes WHERE position <= ?", (upto,))
    return {"infrastructure_changes": removed}


def spared_to(connection: Connection) -> int:
    """Return up to which position imported changes were already spared once."""
    found = connection.query("SELECT value FROM infradb_meta WHERE name = ?", (SPARED,))
    return int(found[0][0]) if found else 0


def to_spare(connection: Connection, limits: Limits) -> tuple[int, int]:
    """Return how many old imported changes are spared this time, and the last one's position."""
    sql = (
        "SELECT count(*), max(position) FROM infrastructure_changes"
        " WHERE imported_id IS NOT NULL AND change_timestamp < ? AND position > ?"
    )
    count, last = connection.query(sql, (limits.changes, spared_to(connection)))[0]
    return count, last or 0


def _runs(connection: Connection, limits: Limits) -> Iterator[Job]:
    """All but one a day, and all that a change names."""
    day = day_of("started_at", connection.dialect)
    sql = (
        "SELECT id FROM (SELECT r.id, r.started_at,"
        f" row_number() OVER (PARTITION BY source_id, {day} ORDER BY id DESC) AS of_day,"
        " row_number() OVER (PARTITION BY source_id ORDER BY id DESC) AS of_source FROM discovery_runs r) n"
        f" WHERE started_at < ? AND of_day > 1 AND of_source > {RUNS_ALWAYS_KEPT}"
        " AND NOT EXISTS (SELECT 1 FROM infrastructure_changes c WHERE c.run_id = n.id) ORDER BY id"
    )
    for ids, rows in _portions((id_, 1) for (id_,) in connection.query(sql, (limits.runs,))):
        # A change may have come to name it since.
        still = "NOT EXISTS (SELECT 1 FROM infrastructure_changes c WHERE c.run_id = discovery_runs.id)"
        yield Job("discovery_runs", rows, partial(_delete_of, "discovery_runs", "id", ids, still, ()))


# --- containers of `docker run --rm` ---------------------------------------------------------------------------------


def _containers(connection: Connection, limits: Limits) -> Iterator[Job]:
    ids = purge.forgettable(connection, limits.containers)
    for start in range(0, len(ids), CONTAINERS_AT_ONCE):
        part = ids[start : start + CONTAINERS_AT_ONCE]
        yield Job("docker_containers", len(part), partial(purge.purge, ids=part, before=limits.containers))


def _tombstones(connection: Connection) -> Iterator[Job]:
    for ids, rows in _portions((id_, 1) for id_ in purge.tombstones(connection)):
        yield Job("entities", rows, partial(_delete_of, "entities", "id", ids, "retired_at IS NOT NULL", ()))


# --- slices ----------------------------------------------------------------------------------------------------------


def _portions(counted: Iterable[tuple[Any, ...]]) -> Iterator[tuple[list[int], int]]:
    """Yield ids whose rows together are about one slice, with their number."""
    ids: list[int] = []
    rows = 0
    for id_, count in counted:
        if ids and (rows + count > SLICE or len(ids) >= SLICE):
            yield ids, rows
            ids, rows = [], 0
        ids.append(id_)
        rows += count
    if ids:
        yield ids, rows


def _delete_of(
    table: str, column: str, ids: Sequence[int], where: str, values: Sequence[Any], connection: Connection
) -> Counts:
    sql = f"DELETE FROM {table} WHERE {column} IN ({_listed(ids)}) AND {where}"
    return {table: connection.execute(sql, values)}


def _listed(ids: Sequence[int]) -> str:
    """Return ids as SQL: more than an engine takes as values, and never text."""
    return ", ".join(str(int(id_)) for id_ in ids)
