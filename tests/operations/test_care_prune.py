"""Pruning: what goes, what stays, and that the history still verifies."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infradb import clock
from infradb.change import MANUAL
from infradb.model.services import Service
from infradb.operations import care
from infradb.settings import Settings
from infradb.store import retention
from infradb.store.apply import Writer
from infradb.store.chain import Chain, Entry, remember_head, verify
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.operations.care_lab import NOW, answer, container, count, host, id_of, take_in


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else str(tmp_path / "a.db")
    return open_database(url, create=True)


def ago(**length: float) -> str:
    return clock.to_instant(clock.to_moment(NOW) - timedelta(**length))


def prune(database: Database, **options: Any) -> care.Pruned:
    before = care.prune(database, Settings(), now=NOW, dry_run=True)
    done = care.prune(database, Settings(), now=NOW, **options)
    hanging = {"docker_container_volumes", "services", "entities"}
    assert {t: n for t, n in done.removed.items() if t not in hanging} == before.removed, "a dry run says the same"
    with database.read() as connection:
        verify(connection)
    return done


class TestHealthChecks:
    def fill(self, database: Database, days: int, per_day: int) -> list[tuple[str, int, str, int | None]]:
        take_in(database, [host(), container("web")])
        service = id_of(database, "services", "web")
        chance = random.Random(1)
        rows: list[tuple[str, int, str, int | None]] = []
        for day in range(days):
            for n in range(per_day):
                status = chance.choice(["healthy", "healthy", "degraded", "down", "timeout"])
                took = None if status == "timeout" else chance.randrange(5, 2000)
                rows.append((ago(days=day, minutes=n * 7), service, status, took))
        with database.write() as connection:
            names = ("check_timestamp", "service_id", "check_id", "sequence", "status", "response_time_ms")
            connection.insert_many("health_checks", names, [(a, s, 0, 0, st, ms) for a, s, st, ms in rows])
        return rows

    @pytest.mark.parametrize("slice_rows", [10_000, 30])
    def test_old_ones_are_summed_up_by_hour_and_day_first(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, slice_rows: int
    ) -> None:
        monkeypatch.setattr(retention, "SLICE", slice_rows)
        rows = self.fill(database, 12, 90)
        limit = ago(days=7)[:10]
        old = [r for r in rows if r[0][:10] < limit]
        assert prune(database).removed == {"health_checks": len(old)}
        assert count(database, "health_checks") == len(rows) - len(old)
        for resolution, length in (("hour", 13), ("day", 10)):
            with database.read() as connection:
                made = connection.query(
                    "SELECT starts_at, healthy, degraded, down, timeout, response_time_min_ms, response_time_avg_ms,"
                    " response_time_p95_ms, response_time_max_ms FROM health_check_rollups WHERE resolution = ?"
                    " ORDER BY starts_at",
                    (resolution,),
                )
            assert [(m[0][:length], *m[1:6], round(m[6] or 0, 6), *m[7:]) for m in made] == expected(old, length)

    def test_results_that_come_late_are_added_to_their_sums(self, database: Database) -> None:
        rows = self.fill(database, 12, 10)
        prune(database)
        with database.write() as connection:
            connection.insert_many(
                "health_checks",
                ("check_timestamp", "service_id", "check_id", "sequence", "status", "response_time_ms"),
                [(ago(days=11), rows[0][1], 7, 1, "down", 9999)],
            )
        prune(database)
        day = f"{ago(days=11)[:10]}T00:00:00.000Z"
        with database.read() as connection:
            total, most = connection.query(
                "SELECT healthy + degraded + down + timeout, response_time_max_ms FROM health_check_rollups"
                " WHERE resolution = 'day' AND starts_at = ?",
                (day,),
            )[0]
        assert total == len([r for r in rows if r[0][:10] == day[:10]]) + 1
        assert most == 9999


def expected(rows: list[tuple[str, int, str, int | None]], length: int) -> list[tuple[object, ...]]:
    spans: dict[str, list[tuple[str, int | None]]] = {}
    for at, _, status, took in rows:
        spans.setdefault(at[:length], []).append((status, took))
    result: list[tuple[object, ...]] = []
    for start, results in sorted(spans.items()):
        times = sorted(t for _, t in results if t is not None)
        counts = [sum(1 for s, _ in results if s == status) for status in ("healthy", "degraded", "down", "timeout")]
        p95 = times[math.ceil(0.95 * len(times)) - 1] if times else None
        mean = round(sum(times) / len(times), 6) if times else 0
        result.append((start, *counts, min(times, default=None), mean, p95, max(times, default=None)))
    return result


class TestHistory:
    def log(self, database: Database, *entries: tuple[str, str | None]) -> None:
        """Append changes: (recorded at, for an imported one when it happened)."""
        with database.write() as connection:
            for at, imported in entries:
                chain = Chain(connection, at)
                number = chain.position + 1 if imported else None
                entry = Entry("update", "hosts", None, None, '{"a":1}', change_timestamp=imported, imported_id=number)
                chain.append([entry])
                remember_head(connection, chain)

    def positions(self, database: Database) -> list[int]:
        with database.read() as connection:
            own = "change_type <> 'prune'"
            sql = f"SELECT position FROM infrastructure_changes WHERE {own} ORDER BY position"
            return [p for (p,) in connection.query(sql)]

    def test_a_prefix_goes_and_the_chain_verifies_from_its_anchor(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "SLICE", 3)
        self.log(database, *[(ago(days=365 * 6 - n), None) for n in range(10)], (ago(days=3), None))
        assert prune(database).removed == {"infrastructure_changes": 10}
        assert self.positions(database) == [11]
        assert count(database, "change_anchors") == 1
        with database.read() as connection:
            assert verify(connection).starts_after == 10
        take_in(database, [host()])
        with database.read() as connection:
            assert verify(connection).rows == 3

    def test_all_of_it_may_go(self, database: Database) -> None:
        self.log(database, (ago(days=365 * 6), None))
        prune(database)
        assert self.positions(database) == []

    def test_imported_changes_are_spared_once_then_go_by_their_own_time(self, database: Database) -> None:
        old, lately = ago(days=365 * 9), ago(days=9)
        self.log(database, *[(ago(days=1), old)] * 3, (ago(days=1), lately), (ago(days=1), old))
        assert care.nightly(database, Settings(), NOW) is not None
        first = prune(database)
        assert (first.removed, first.spared) == ({}, 4)
        second = prune(database)
        assert second.removed == {"infrastructure_changes": 3}
        assert second.spared == 0
        assert self.positions(database) == [4, 5], "a prefix: what lies behind a row that stays stays"

    def test_the_night_alone_never_takes_what_nobody_was_told_about(self, database: Database) -> None:
        self.log(database, (ago(days=1), ago(days=365 * 9)))
        for hour in range(5):
            care.nightly(database, Settings(), clock.to_instant(clock.to_moment(NOW) + timedelta(days=hour)))
        assert self.positions(database) == [1]

    def test_a_prune_is_in_the_history_itself(self, database: Database) -> None:
        self.log(database, (ago(days=365 * 6), None))
        prune(database)
        with database.read() as connection:
            assert connection.query("SELECT change_type, new_values FROM infrastructure_changes") == [
                ("prune", '{"removed":{"infrastructure_changes":1}}')
            ]


class TestSamples:
    def test_hours_become_days_and_days_end(self, database: Database) -> None:
        take_in(database, [host()])
        entity = id_of(database, "hosts", "nas")
        hours = [ago(hours=n) for n in range(24 * 40)] + [ago(days=1000), ago(days=900, hours=3)]
        with database.write() as connection:
            names = ("entity_id", "field", "sampled_at", "value")
            filled = [(entity, "used_ram_mb", at, float(n)) for n, at in enumerate(hours)]
            connection.insert_many("samples", names, filled)
        prune(database)
        limit = f"{ago(days=28)[:10]}T00:00:00.000Z"
        kept = [at for at in hours if at >= limit]
        days: dict[str, list[float]] = {}
        for n, at in enumerate(hours[:-2]):
            if at < limit:
                days.setdefault(at[:10], []).append(float(n))
        with database.read() as connection:
            rows = connection.query("SELECT sampled_at, value FROM samples")
        stored: dict[str, float] = {row[0]: row[1] for row in rows}
        assert stored.keys() == {*kept, *(f"{d}T00:00:00.000Z" for d in days)}
        for day, values in days.items():
            assert stored[f"{day}T00:00:00.000Z"] == pytest.approx(sum(values) / len(values))
        assert prune(database).removed == {}


class TestRuns:
    def test_one_a_day_stays_and_whatever_a_change_names(self, database: Database) -> None:
        take_in(database, [host()])
        with database.write() as connection:
            source = connection.query("SELECT id FROM sources WHERE name = 'lab'")[0][0]
            names = ("id", "source_id", "started_at", "finished_at", "status", "scopes")
            starts = [ago(days=day, hours=n) for day in range(90, 0, -1) for n in (3, 2, 1)]
            rows = [(100 + n, source, at, at, "complete", "{}") for n, at in enumerate(starts)]
            connection.insert_many("discovery_runs", names, rows)
            writer = Writer(connection, NOW, run_id=100, source_id=source)
            writer.append([Entry("update", "hosts", None, None, "{}", run_id=100)])
            writer.finish()
        # Of 270 runs, 60 days with 3 are older than 30 days: 2 of each day go, but for the one that is named.
        assert prune(database).removed == {"discovery_runs": 2 * 60 - 1}
        assert count(database, "discovery_runs", "id = 100") == 1

    def test_the_newest_of_a_source_that_rests_stay(self, database: Database) -> None:
        take_in(database, [host()])
        with database.write() as connection:
            source = connection.query("SELECT id FROM sources WHERE name = 'lab'")[0][0]
            connection.execute("UPDATE infrastructure_changes SET run_id = NULL WHERE false")
            names = ("id", "source_id", "started_at", "finished_at", "status", "scopes")
            at = ago(days=300)
            connection.insert_many(
                "discovery_runs", names, [(9 + n, source, at, at, "complete", "{}") for n in range(80)]
            )
        prune(database)
        assert count(database, "discovery_runs", "id > 1") == retention.RUNS_ALWAYS_KEPT


class TestContainersRunOnce:
    def retire(self, database: Database, *others: Any, at: str) -> None:
        """Let the lab say nothing but `others`, and have been silent about the rest since `at`."""
        take_in(database, [host(), *others])
        with database.write() as connection:
            # Services have a grace of minutes; here it is over.
            gone = "SELECT entity_id FROM claims WHERE missing_since IS NOT NULL"
            for table in ("entities", "services"):
                connection.execute(f"UPDATE {table} SET retired_at = ? WHERE id IN ({gone})", (at,))
            connection.execute("UPDATE claims SET withdrawn_at = ? WHERE missing_since IS NOT NULL", (at,))
            for table in ("entities", "docker_containers", "services", "docker_container_volumes"):
                connection.execute(f"UPDATE {table} SET retired_at = ? WHERE retired_at IS NOT NULL", (at,))

    def test_they_go_with_all_that_hangs_on_them_and_the_chain_still_verifies(self, database: Database) -> None:
        take_in(database, [host(), container("job"), container("web", restart_policy="unless-stopped")])
        self.retire(database, container("web", restart_policy="unless-stopped"), at=ago(days=40))
        job = id_of(database, "docker_containers", "job")
        done = prune(database)
        assert done.removed == {"docker_containers": 1, "docker_container_volumes": 1, "services": 1}
        assert count(database, "docker_containers") == count(database, "services") == 1
        assert count(database, "claims", "native_key LIKE 'container/job%'") == 0
        assert count(database, "infrastructure_changes", "entity_id = ?", (job,)) == 2, "its history stays"
        assert count(database, "entities", "id = ?", (job,)) == 1

    def test_the_last_trace_goes_with_the_history(self, database: Database) -> None:
        take_in(database, [host(), container("job")])
        self.retire(database, at=ago(days=40))
        prune(database)
        assert count(database, "entities") == 4
        later = clock.to_instant(clock.to_moment(clock.now()) + timedelta(days=365 * 6))
        care.prune(database, Settings(), now=later)
        care.prune(database, Settings(), now=later)
        assert count(database, "entities") == 1
        with database.read() as connection:
            verify(connection)

    @pytest.mark.parametrize(
        "values", [{"restart_policy": "always"}, {"compose_project": "media", "compose_service": "web"}]
    )
    def test_others_stay(self, database: Database, values: dict[str, Any]) -> None:
        take_in(database, [host(), container("web", **values)])
        self.retire(database, at=ago(days=400))
        assert prune(database).removed == {}

    def test_those_that_a_person_spoke_about_stay(self, database: Database) -> None:
        take_in(database, [host(), container("job")])
        with database.write() as connection:
            uid = connection.query(
                "SELECT uid FROM entities WHERE id = (SELECT id FROM services WHERE service_name = 'job')"
            )[0][0]
        said = answer((f"uid:{uid}", Service(service_name="job", owner="me")))
        take_in(database, [said], MANUAL, status="partial")
        assert count(database, "services", "owner = 'me'") == 1
        with database.write() as connection:
            scope = connection.query("SELECT c.scope_id FROM claims c WHERE native_key LIKE 'uid:%'")[0][0]
            connection.execute("UPDATE claims SET withdrawn_at = ? WHERE scope_id = ?", (NOW, scope))
        self.retire(database, at=ago(days=400))
        assert count(database, "docker_containers", "retired_at IS NOT NULL") == 1
        assert prune(database).removed == {}

    def test_those_that_came_back_stay(self, database: Database) -> None:
        take_in(database, [host(), container("job")])
        self.retire(database, at=ago(days=40))
        take_in(database, [host(), container("job")])
        assert prune(database).removed == {}


def test_the_nightly_prune_comes_once_a_day(database: Database) -> None:
    assert care.nightly(database, Settings(), NOW) is not None
    assert care.nightly(database, Settings(), NOW) is None
    tomorrow = clock.to_instant(clock.to_moment(NOW) + timedelta(hours=24))
    assert care.nightly(database, Settings(), tomorrow) is not None
