"""Redaction: the secret is in no row and in no file any more, and the history still verifies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from infradb import clock
from infradb.change import Note
from infradb.errors import ChainBroken, InvalidValue
from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.observation import Rejected
from infradb.operations import care
from infradb.operations.absorb import Manner
from infradb.store.apply import Writer
from infradb.store.chain import Entry, verify
from infradb.store.copies import copy_beside
from infradb.store.database import Database
from infradb.store.ddl import columns
from infradb.store.findings import note_findings
from infradb.store.schema import open_database
from tests.operations.care_lab import container, count, host, take_in

SECRET = 'hunter2 "é\\ä/%'
PLAIN = "correct-horse-battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    url = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else str(tmp_path / "a.db")
    return open_database(url, create=True)


def spread(database: Database, secret: str) -> None:
    """Let a secret slip into every place that outsiders write to."""
    said: dict[str, Any] = {
        "environment_vars": {"DB": f"postgres://app:{secret}@db/app", f"odd-{secret}": "x"},
        "labels": {"note": f'{{"inner": "{secret}"}}'},
        "command": f"run --key {secret}",
    }
    manner = Manner(changed_by=f"me {secret}", reason=f"because {secret}", allow_retire=True)
    take_in(database, [host(notes=f"pw {secret}"), container("web", **said)], manner=manner)
    take_in(database, [host(notes=f"new pw {secret}!"), container("web", **said)], manner=manner)
    with database.write() as connection:
        writer = Writer(connection, clock.now())
        source = connection.query("SELECT id FROM sources")[0][0]
        writer.quarantine(source, [Rejected(f"hosts/{secret}", f"bad {secret}", {"a": [secret]})])
        writer.append([Entry("update", secret, None, None, None, description=f"said {secret}", imported_id=1)])
        writer.finish()
        note_findings(connection, [Note("rule", "low", f"about {secret}", secret, evidence={"x": secret})], clock.now())
        connection.execute("UPDATE discovery_runs SET errors = ?", (_json([f"cannot {secret}"]),))
        connection.execute("UPDATE claims SET evidence = ? WHERE id = 1", (_json({"saw": secret}),))
        ids = connection.query("SELECT id FROM entities ORDER BY id LIMIT 1")[0]
        connection.execute("INSERT INTO identifiers VALUES ('serial', ?, ?, ?)", (secret, *ids, source))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def everything(database: Database) -> str:
    with database.read() as connection:
        return "\n".join(
            repr(row)
            for t in (*ENTITY_TYPES, *RECORD_TYPES)
            for row in connection.query(f"SELECT {', '.join(columns(t))} FROM {t.table}")
        )


def holds(database: Database) -> None:
    with database.read() as connection:
        verify(connection)


@pytest.mark.parametrize("secret", [PLAIN, SECRET, "пароль-секрет", "two\nlines of it"])
def test_no_row_holds_the_secret_in_any_form_and_the_chain_verifies(database: Database, secret: str) -> None:
    spread(database, secret)
    done = care.redact(database, secret)
    assert {
        "hosts",
        "docker_containers",
        "claims",
        "infrastructure_changes",
        "quarantine",
        "findings",
    } <= done.tables.keys()
    assert {"discovery_runs", "identifiers"} <= done.tables.keys()
    left = everything(database)
    for form in (secret, repr(secret)[1:-1], _json(secret)[1:-1]):
        assert form not in left
    assert "postgres://app:***@db/app" in left
    holds(database)
    with database.read() as connection:
        assert connection.query("SELECT count(*) FROM infrastructure_changes WHERE change_type = 'redact'") == [(1,)]
        assert connection.query("SELECT count(*) FROM infrastructure_changes WHERE salt IS NULL")[0][0] >= 4


def test_rows_can_be_redacted_more_than_once(database: Database) -> None:
    spread(database, f"{PLAIN} and {SECRET}")
    for secret in (PLAIN, SECRET, PLAIN, "because"):
        care.redact(database, secret)
        holds(database)
    left = everything(database)
    assert PLAIN not in left
    assert "hunter2" not in left


def test_names_that_become_alike_stay_apart(database: Database) -> None:
    take_in(database, [host(), container("app-AAAA1"), container("app-BBBB2")])
    for secret in ("AAAA1", "BBBB2"):
        care.redact(database, secret)
    with database.read() as connection:
        names = [n for (n,) in connection.query("SELECT container_name FROM docker_containers ORDER BY id")]
    assert names[0] == "app-***"
    assert names[1].startswith("app-***~")
    holds(database)


def test_a_rescan_of_an_unchanged_answer_does_not_bring_it_back(database: Database) -> None:
    answers = [host(notes=f"pw {PLAIN}")]
    take_in(database, answers)
    care.redact(database, PLAIN)
    assert take_in(database, answers).changed == 0
    assert PLAIN not in everything(database)


def test_what_only_infradb_writes_stays(database: Database) -> None:
    take_in(database, [host(status="active", notes="running manual hosts active lab")])
    for word in ("active", "hosts", "manual", "host_type"):
        care.redact(database, word)
    assert count(database, "hosts", "status = 'active' AND notes = 'running *** *** *** lab'") == 1
    assert count(database, "entities", "kind = 'hosts'") == 1
    assert take_in(database, [host(status="active", notes="other")]).counts["seen"] == 1
    holds(database)


def test_an_altered_row_is_still_found_after_a_redaction(database: Database) -> None:
    spread(database, PLAIN)
    care.redact(database, PLAIN)
    with database.write() as connection:
        sql = "SELECT min(position) FROM infrastructure_changes WHERE salt IS NULL AND reason IS NOT NULL"
        position = connection.query(sql)[0][0]
        connection.execute("UPDATE infrastructure_changes SET reason = 'another' WHERE position = ?", (position,))
    with database.read() as connection, pytest.raises(ChainBroken, match=f"position {position}:"):
        verify(connection)


@pytest.mark.parametrize("text", ["", "abc", " ab "])
def test_a_text_that_is_everywhere_is_refused(database: Database, text: str) -> None:
    take_in(database, [host(notes="abc ab")])
    before = everything(database)
    with pytest.raises(InvalidValue):
        care.redact(database, text)
    assert everything(database) == before


def test_a_redaction_of_what_is_nowhere_changes_nothing(database: Database) -> None:
    take_in(database, [host()])
    before = everything(database)
    assert care.redact(database, PLAIN).tables == {}
    assert everything(database) == before


class TestFiles:
    def test_the_bytes_are_in_no_file_and_copies_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        database = open_database(str(path), create=True)
        spread(database, PLAIN)
        assert PLAIN.encode() in b"".join(f.read_bytes() for f in tmp_path.iterdir())
        copy = copy_beside(path, "before-0001")
        done = care.redact(database, PLAIN)
        assert any(str(copy) in place for place in done.remains)
        copy.unlink()
        for file in tmp_path.iterdir():
            assert PLAIN.encode() not in file.read_bytes(), file.name
            assert b"because" in file.read_bytes() or file.name != "a.db"

    def test_a_reader_in_the_way_is_said_and_a_second_call_finishes(self, tmp_path: Path) -> None:
        database = open_database(str(tmp_path / "a.db"), create=True)
        spread(database, PLAIN)
        with database.read() as reader:
            reader.query("SELECT count(*) FROM hosts")
            done = care.redact(database, PLAIN)
            assert "call `infradb redact` again" in " ".join(done.remains)
        care.redact(database, PLAIN)
        assert all(PLAIN.encode() not in f.read_bytes() for f in tmp_path.iterdir())

    def test_postgresql_keeps_no_dead_rows(self, fresh_postgresql: str) -> None:
        database = open_database(fresh_postgresql, create=True)
        spread(database, PLAIN)
        done = care.redact(database, PLAIN)
        assert any("write-ahead log" in place for place in done.remains)
        with psycopg.connect(fresh_postgresql) as raw:
            raw.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
            for table in done.tables:
                found = raw.execute(
                    "SELECT count(*) FROM generate_series(0, pg_relation_size(%s::regclass) / 8192 - 1) n"
                    " WHERE position(%s::bytea in get_raw_page(%s, n::int)) > 0",
                    (table, PLAIN.encode(), table),
                ).fetchone()
                assert found == (0,), table
