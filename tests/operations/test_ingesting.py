"""Runs that are collected elsewhere: once each, in order, bound to their source, and nothing of half a file."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb import clock, run_file
from infradb.errors import Conflict, InvalidValue
from infradb.model.physical import Host
from infradb.observation import CollectionRun, observe
from infradb.operations import ingesting, tokens
from tests.collectors.fuzzing import spoiled_text
from tests.lab import Estate, answer, names, nic, scope

KIND = "ssh"
MEASURED = {"used_ram_mb": 9}


def run_of(estate: Estate, *hosts: str, source: str = "branch", identifier: UUID | None = None, **said: Any) -> bytes:
    """A run of a source with these hosts, as text."""
    estate.clock.passes(minutes=1)
    answers = [
        answer(
            observe(h, Host(hostname=h, machine_id_hash=h, **said)), nic(h, "eth0"), measured={h: {"used_ram_mb": 9}}
        )
        for h in hosts
    ]
    run = CollectionRun(source, clock.now(), (scope("hosts", *answers),))
    return b"".join(run_file.written(run, identifier or uuid4(), KIND, declared=False))


def take_in(estate: Estate, text: bytes, **more: Any) -> ingesting.Ingested:
    return ingesting.ingest(estate.database, text.splitlines(keepends=True), **more)


def test_a_run_from_elsewhere_is_taken_in_as_if_it_had_been_read_here(estate: Estate) -> None:
    done = take_in(estate, run_of(estate, "a", "b"))
    assert done.report is not None
    assert (done.report.status, done.report.counts["created"]) == ("complete", 4)
    assert names(estate.rows("hosts")) == ["a", "b"]
    assert estate.row("hosts", hostname="a")["used_ram_mb"] == 9


def test_the_same_run_counts_once_however_often_it_is_sent(estate: Estate) -> None:
    text = run_of(estate, "a")
    first = take_in(estate, text)
    again = take_in(estate, text)
    assert (again.report, again.run_id) == (None, first.run_id)
    assert len(estate.ask("SELECT id FROM discovery_runs")) == 1


def test_a_later_run_that_finds_nothing_new_writes_one_row(estate: Estate) -> None:
    take_in(estate, run_of(estate, "a"))
    before = len(estate.changes())
    assert take_in(estate, run_of(estate, "a")).report is not None
    assert len(estate.changes()) == before
    assert len(estate.ask("SELECT id FROM discovery_runs")) == 2


def test_an_older_run_never_comes_after_a_newer_one(estate: Estate) -> None:
    old, new = run_of(estate, "a"), run_of(estate, "a", kernel="6.2")
    take_in(estate, new)
    with pytest.raises(Conflict, match="after this run"):
        take_in(estate, old)
    assert estate.row("hosts")["kernel"] == "6.2"


def test_what_a_complete_run_no_longer_holds_is_retired(estate: Estate) -> None:
    take_in(estate, run_of(estate, "a", "b"))
    take_in(estate, run_of(estate, "a"))
    estate.clock.passes(days=1)
    take_in(estate, run_of(estate, "a"))
    assert names(estate.rows("hosts")) == ["a"]


def test_half_a_run_is_none(estate: Estate) -> None:
    lines = run_of(estate, "a", "b").splitlines(keepends=True)
    for cut in range(len(lines)):
        with pytest.raises(InvalidValue):
            take_in(estate, b"".join(lines[:cut]))
    with pytest.raises(InvalidValue, match="announced"):
        take_in(estate, b"".join([*lines[:-2], lines[-1]]))
    assert estate.ask("SELECT id FROM discovery_runs") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"line": "answer", "key": "x", "observations": []}, "the first observation"),
        (
            {"line": "answer", "key": "x", "observations": [{"key": "x", "table": "nope", "values": {}}]},
            "there is no table",
        ),
        ({"line": "scope", "scope": "s", "status": "perhaps"}, "status"),
        ({"line": "what"}, "line 3"),
        ({"line": "run", "run": str(UUID(int=1)), "source": "a", "kind": "b", "started_at": "2026-01-01"}, "no other"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(estate: Estate, line: dict[str, Any], said: str) -> None:
    lines = run_of(estate, "a").splitlines(keepends=True)
    lines.insert(2, json.dumps(line).encode() + b"\n")
    with pytest.raises(InvalidValue, match=said) as raised:
        take_in(estate, b"".join(lines))
    assert "line 3" in str(raised.value)
    assert "run.schema.json" in raised.value.hint


def test_a_value_that_its_field_does_not_take_goes_to_quarantine_and_the_rest_comes_in(estate: Estate) -> None:
    text = run_of(estate, "a").replace(b'"machine_id_hash":"a"', b'"cpu_cores":"many","no_such_field":1')
    take_in(estate, text)
    assert names(estate.rows("hosts")) == ["a"]
    assert sorted(estate.ask("SELECT field FROM quarantine")) == [("cpu_cores",), ("no_such_field",)]


def test_a_secret_from_elsewhere_is_taken_out_here(estate: Estate) -> None:
    take_in(estate, run_of(estate, "a", kernel="6.1 --password=hunter2"))
    assert "hunter2" not in str(estate.ask("SELECT said FROM claims") + estate.ask("SELECT kernel FROM hosts"))


def test_a_clock_that_is_ahead_is_told_and_makes_no_later_run_look_old(estate: Estate) -> None:
    text = run_of(estate, "a")
    ahead = clock.to_instant(estate.clock.moment.replace(year=2031)).encode()
    later = text.replace(clock.now().encode(), ahead)
    assert take_in(estate, later).ahead_seconds > 300
    assert take_in(estate, run_of(estate, "a", "b")).report is not None


def test_a_source_that_is_read_here_takes_no_runs_from_elsewhere(estate: Estate) -> None:
    estate.run("local", scope("host", observe("h", Host(hostname="here"))))
    with pytest.raises(Conflict, match="a source of this database's own"):
        take_in(estate, run_of(estate, "a", source="local"))


class TestToken:
    def test_it_brings_the_runs_of_its_source_and_of_no_other(self, estate: Estate) -> None:
        secret = tokens.add(estate.database, "branch", KIND, "2031-01-01T00:00:00.000Z", None)
        source = tokens.source_of(estate.database, secret)
        take_in(estate, run_of(estate, "a"), bound_to=source)
        with pytest.raises(Conflict, match="does not speak for"):
            take_in(estate, run_of(estate, "b", source="other"), bound_to=source)
        assert names(estate.rows("hosts")) == ["a"]
        assert estate.ask("SELECT name FROM sources WHERE name = 'other'") == []

    def test_it_ends_and_can_be_ended(self, estate: Estate) -> None:
        old = tokens.add(estate.database, "branch", KIND, "2026-01-01T00:00:00.000Z", None)
        new = tokens.add(estate.database, "branch", KIND, "2031-01-01T00:00:00.000Z", "site 2")
        assert tokens.source_of(estate.database, old) is None
        assert tokens.source_of(estate.database, new) is not None
        tokens.revoke(estate.database, tokens.tokens(estate.database)[-1].id)
        assert tokens.source_of(estate.database, new) is None

    def test_only_its_hash_is_kept(self, estate: Estate) -> None:
        secret = tokens.add(estate.database, "branch", KIND, "2031-01-01T00:00:00.000Z", None)
        assert secret not in str(estate.ask("SELECT * FROM api_tokens"))


TEXT = b"".join(
    run_file.written(
        CollectionRun("x", "2026-01-01T00:00:00.000Z", (scope("s", observe("h", Host(hostname="h"))),)),
        UUID(int=1),
        KIND,
        declared=False,
    )
).decode()


@given(spoiled_text(TEXT) | st.text(max_size=200))
def test_whatever_is_sent_is_a_run_or_an_error_in_words(text: str) -> None:
    try:
        run_file.read(text.encode("utf-8", "replace").splitlines(keepends=True))
    except InvalidValue as error:
        assert error.hint  # noqa: PT017  (either way is right)
