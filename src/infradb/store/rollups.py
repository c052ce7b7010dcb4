"""Sums results of checks up by hour and day, and removes the results."""

from collections.abc import Sequence
from datetime import timedelta

from infradb import clock
from infradb.store.database import Connection


def roll_up(connection: Connection, *, day: str, services: Sequence[int]) -> dict[str, int]:
    """Sum up one day of some services and remove its results; in one transaction, so that none counts twice."""
    end = clock.to_instant(clock.to_moment(day) + timedelta(days=1))
    listed = ", ".join(str(int(id_)) for id_ in services)
    where = f"service_id IN ({listed}) AND check_timestamp >= ? AND check_timestamp < ?"
    for resolution in ("hour", "day"):
        connection.execute(_sum(connection.dialect, resolution, where), (day, end))
    return {"health_checks": connection.execute(f"DELETE FROM health_checks WHERE {where}", (day, end))}


def _sum(dialect: str, resolution: str, where: str) -> str:
    """Return the statement that adds sums to the rollups.

    The 95th percentile is the nearest rank: the smallest answer time that at least 95 % of the answers do not exceed.
    Where results of a span come late, after it was summed up, the greater percentile stands.
    """
    length, rest = (13, ":00:00.000Z") if resolution == "hour" else (10, "T00:00:00.000Z")
    start = f"substr(check_timestamp, 1, {length}) || '{rest}'"
    if dialect == "postgresql":
        start = f"date_trunc('{resolution}', check_timestamp)"
    greatest, least = ("greatest", "least") if dialect == "postgresql" else ("max", "min")
    statuses = ("healthy", "degraded", "down", "timeout")
    counted = ", ".join(f"sum(CASE WHEN status = '{s}' THEN 1 ELSE 0 END)" for s in statuses)
    added = ", ".join(f"{s} = health_check_rollups.{s} + excluded.{s}" for s in statuses)
    old, new = "health_check_rollups", "excluded"
    weights = [f"({t}.healthy + {t}.degraded + {t}.down)" for t in (old, new)]

    def one_of(function: str, column: str) -> str:
        both = f"{function}({old}.{column}, {new}.{column})"
        return f"{column} = coalesce({both}, {old}.{column}, {new}.{column})"

    return (
        "INSERT INTO health_check_rollups (service_id, resolution, starts_at, healthy, degraded, down, timeout,"
        " response_time_min_ms, response_time_avg_ms, response_time_p95_ms, response_time_max_ms)"
        f" SELECT service_id, '{resolution}', starts_at, {counted},"
        " min(response_time_ms), avg(response_time_ms),"
        " max(CASE WHEN place = (answers * 95 + 99) / 100 THEN response_time_ms END), max(response_time_ms)"
        f" FROM (SELECT service_id, {start} AS starts_at, status, response_time_ms,"
        f" count(response_time_ms) OVER (PARTITION BY service_id, {start}) AS answers,"
        f" row_number() OVER (PARTITION BY service_id, {start} ORDER BY response_time_ms IS NULL, response_time_ms)"
        f" AS place FROM health_checks WHERE {where}) ranked WHERE true GROUP BY service_id, starts_at"
        f" ON CONFLICT (service_id, resolution, starts_at) DO UPDATE SET {added},"
        f" response_time_avg_ms = coalesce(({old}.response_time_avg_ms * {weights[0]}"
        f" + {new}.response_time_avg_ms * {weights[1]}) / nullif({weights[0]} + {weights[1]}, 0),"
        f" {old}.response_time_avg_ms, {new}.response_time_avg_ms),"
        f" {one_of(least, 'response_time_min_ms')}, {one_of(greatest, 'response_time_p95_ms')},"
        f" {one_of(greatest, 'response_time_max_ms')}"
    )
