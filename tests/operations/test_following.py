"""Keeping the picture current: due times, failures, events, the end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest

from infradb.collectors.registry import COLLECTORS, Registration
from infradb.errors import Conflict
from infradb.operations import following, sources
from infradb.operations.databases import Database, open_database
from infradb.operations.following import Follower, Told, keep_turn, next_night
from infradb.settings import Settings
from tests.operations.scripted import SCRIPTS, Script, away

Follow = Callable[..., Follower]


@pytest.fixture
def database(tmp_path, monkeypatch) -> Database:
    monkeypatch.setitem(COLLECTORS, "scripted", Registration("tests.operations.scripted:Scripted", 50))
    monkeypatch.setitem(COLLECTORS, "watched", Registration("tests.operations.scripted:ScriptedWatcher", 50))
    SCRIPTS.clear()
    return open_database(str(tmp_path / "infradb.db"), create=True)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def follow(database, said) -> Iterator[Follow]:
    started: list[Follower] = []

    def begin(interval: str = "1s", **options) -> Follower:
        told = Told(said.append, lambda name: said.append(f"begun {name}"), lambda r: said.append(f"done {r.source}"))
        follower = Follower(database, Settings(interval=interval), told, **options)
        started.append(follower)
        follower.start()
        return follower

    yield begin
    for follower in started:
        follower.stop(5.0)


def script(database: Database, name: str, kind: str = "scripted", **what) -> Script:
    SCRIPTS[name] = Script(**what)
    sources.register(database, kind, name, {})
    return SCRIPTS[name]


def wait_until(holds: Callable[[], bool], seconds: float = 8.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "does not hold in time"
        time.sleep(0.01)


def hosts(database: Database) -> set[str]:
    with database.read() as connection:
        return {n for (n,) in connection.query("SELECT hostname FROM hosts WHERE retired_at IS NULL")}


def statuses(database: Database, name: str) -> list[str]:
    sql = "SELECT r.status FROM discovery_runs r JOIN sources s ON s.id = r.source_id WHERE s.name = ? ORDER BY r.id"
    with database.read() as connection:
        return [s for (s,) in connection.query(sql, (name,))]


def test_every_source_is_read_at_once_and_again_when_due(database, follow, said):
    read = script(database, "a")
    follower = follow()
    assert follower.first_round.wait(5)
    assert hosts(database) == {"one"}
    wait_until(lambda: read.read >= 3)
    assert said == ["begun a", "done a"]


def test_what_changed_is_told_and_nothing_else(database, follow, said):
    read = script(database, "a")
    follow().first_round.wait(5)
    read.hosts = ["one", "two"]
    wait_until(lambda: "a: 1 new" in said)
    assert said == ["begun a", "done a", "a: 1 new"]


def test_a_slow_source_does_not_hold_up_another(database, follow):
    script(database, "slow", takes_seconds=3.0, hosts=["late"])
    quick = script(database, "quick")
    follower = follow()
    wait_until(lambda: quick.read >= 2, 2.8)
    assert not follower.first_round.is_set()
    assert "slow" in follower.reading


def test_a_failure_is_told_when_it_begins_and_when_it_ends(database, follow, said):
    read = script(database, "a")
    follow().first_round.wait(5)
    read.fails_with = away
    wait_until(lambda: statuses(database, "a").count("failed") >= 2)
    read.fails_with = None
    wait_until(lambda: "a can be read again" in said)
    assert said[2:] == ["a cannot be read: nobody answers (switch it on)", "a can be read again"]
    assert hosts(database) == {"one"}


def test_pauses_double_with_each_failure_up_to_an_hour(database, monkeypatch):
    script(database, "a")
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    follower = Follower(database, Settings(interval="5m"), Told())
    reader = following._Reader(follower, "a")
    pauses = []
    for reader._failures in (0, 1, 2, 3, 4, 5, 100):
        pauses.append(reader._pause())
    assert pauses == [300, 300, 600, 1200, 2400, 3600, 3600]
    follower.interval_seconds = 7200.0
    assert reader._pause() == 7200


def test_a_mistake_in_a_collector_is_a_failed_run_and_stops_nobody(database, follow):
    script(database, "broken", fails_with=lambda: KeyError("State"))
    good = script(database, "good")
    assert follow().first_round.wait(5)
    assert statuses(database, "broken")[0] == "failed"
    wait_until(lambda: good.read >= 2)
    with database.read() as connection:
        errors = connection.query("SELECT errors FROM discovery_runs WHERE errors IS NOT NULL")[0][0]
    assert "KeyError" in errors


def test_a_secret_in_a_mistakes_words_is_not_stored(database, follow):
    script(database, "broken", fails_with=lambda: ValueError("http://admin:hunter2@nas/"))
    assert follow().first_round.wait(5)
    with database.read() as connection:
        assert "hunter2" not in connection.query("SELECT errors FROM discovery_runs WHERE errors IS NOT NULL")[0][0]


def test_a_source_that_is_added_is_read_at_once_and_a_removed_one_no_more(database, follow):
    first = script(database, "a")
    follower = follow()
    follower.first_round.wait(5)
    second = script(database, "b", hosts=["two"])
    follower.look_again()
    wait_until(lambda: hosts(database) == {"one", "two"}, 3)
    sources.remove(database, "a", retire=False)
    follower.look_again()
    wait_until(lambda: "a" not in follower._readers)
    time.sleep(0.2)
    before = first.read
    wait_until(lambda: second.read >= 3)
    assert first.read == before


def test_events_are_taken_in_at_once_and_each_batch_is_one_run(database, follow, said):
    watched = script(database, "a", "watched")
    follow("1h").first_round.wait(5)
    watched.events.put(["two", "three"])
    wait_until(lambda: hosts(database) == {"one", "two", "three"}, 2)
    wait_until(lambda: "a: 2 new" in said)
    assert statuses(database, "a") == ["complete", "partial"]


def test_when_a_watch_breaks_off_it_begins_again_and_the_source_is_read_whole(database, follow):
    watched = script(database, "a", "watched")
    follow("1h").first_round.wait(5)
    before = watched.read
    watched.hosts = ["one", "two"]
    watched.events.put(None)
    wait_until(lambda: watched.watched >= 2)
    wait_until(lambda: hosts(database) == {"one", "two"}, 5)
    watched.events.put(["one", "two", "three"])
    wait_until(lambda: "three" in hosts(database))
    assert watched.read - before <= 2


def test_while_a_source_is_away_its_watch_does_not_wake_its_readings(database, follow):
    watched = script(database, "a", "watched", fails_with=away)
    follow("1h").first_round.wait(5)
    wait_until(lambda: watched.watched >= 3, 12)
    assert watched.read <= 2


def test_a_batch_waits_for_the_reading_under_way(database, follow):
    watched = script(database, "a", "watched", takes_seconds=0.8)
    follow("1h")
    assert watched.reading.wait(5)
    watched.events.put(["two"])
    time.sleep(0.3)
    assert hosts(database) == set()
    wait_until(lambda: "two" in hosts(database))
    assert statuses(database, "a") == ["complete", "partial"]


def test_the_end_comes_at_once_while_a_source_hangs(database, follow):
    hanging = script(database, "hanging", takes_seconds=30.0)
    follower = follow()
    assert hanging.reading.wait(5)
    began = time.monotonic()
    follower.stop(1.0)
    assert time.monotonic() - began < 0.5


def test_after_the_end_nothing_is_taken_in(database, follow):
    late = script(database, "late", takes_seconds=0.5)
    follower = follow()
    assert late.reading.wait(5)
    follower.stop(1.0)
    time.sleep(0.8)
    assert hosts(database) == set()


def test_without_reading_first_nothing_is_read_before_it_is_due(database, follow):
    read = script(database, "a")
    follower = follow("1h", at_once=False)
    assert follower.first_round.wait(5)
    assert read.read == 0


def test_findings_follow_what_was_read(database, follow, monkeypatch):
    asked = []
    monkeypatch.setattr("infradb.operations.findings.refresh", lambda database, settings: asked.append(hosts(database)))
    monkeypatch.setattr(following, "SHORTEST_JUDGING_PAUSE_SECONDS", 0.1)
    read = script(database, "a")
    assert follow().first_round.wait(5)
    assert asked == [{"one"}]
    read.hosts = ["one", "two"]
    wait_until(lambda: len(asked) == 2)
    assert asked[1] == {"one", "two"}


def test_the_night_is_the_next_one_between_three_and_four():
    zone = timezone(timedelta(hours=2))
    for hour in range(24):
        moment = datetime(2026, 5, 1, hour, 30, tzinfo=zone)
        night = next_night(moment)
        assert night.hour == 3
        assert timedelta() < night - moment <= timedelta(days=1)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_process_keeps_a_database_current(request, tmp_path, engine):
    url = str(tmp_path / "infradb.db") if engine == "sqlite" else request.getfixturevalue("fresh_postgresql")
    database = open_database(url, create=True)
    give_back = keep_turn(database, "http://127.0.0.1:8420")
    with pytest.raises(Conflict, match=r"http://127\.0\.0\.1:8420"):
        keep_turn(database, "http://127.0.0.1:9999")
    give_back()
    keep_turn(database, "http://127.0.0.1:9999")()


def test_a_process_that_was_killed_gives_its_turn_back(tmp_path):
    path = str(tmp_path / "infradb.db")
    database = open_database(path, create=True)
    program = (
        "import sys, time; from infradb.operations.databases import open_database;"
        "from infradb.operations.following import keep_turn;"
        "keep_turn(open_database(sys.argv[1]), 'x'); print('has it', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "has it\n"
        with pytest.raises(Conflict):
            keep_turn(database, "y")
        holder.kill()
    keep_turn(database, "y")()


def test_many_who_ask_for_the_turn_at_once_get_it_one_at_a_time(tmp_path):
    database = open_database(str(tmp_path / "infradb.db"), create=True)
    holding, most = [0], [0]
    lock = threading.Lock()

    def ask() -> None:
        for _ in range(50):
            try:
                give_back = keep_turn(database, "x")
            except Conflict:
                continue
            with lock:
                holding[0] += 1
                most[0] = max(most[0], holding[0])
            with lock:
                holding[0] -= 1
            give_back()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
