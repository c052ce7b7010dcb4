"""`POST /api/v1/runs`: a run from elsewhere, under a token that is bound to its source."""

from __future__ import annotations

from uuid import uuid4

import pytest

from infradb import clock, run_file
from infradb.interfaces.web.runs import PATH
from infradb.model.physical import Host
from infradb.observation import CollectionRun, ScopeResult
from infradb.operations import tokens
from tests.interfaces.web.conftest import answer

LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def token(database):
    return tokens.add(database, "branch", "ssh", LATER, None)


@pytest.fixture
def run() -> bytes:
    return run_of("branch")


def run_of(source: str) -> bytes:
    scopes = (ScopeResult("hosts", "complete", (answer("h", Host(hostname="far", machine_id_hash="f")),)),)
    return b"".join(run_file.written(CollectionRun(source, clock.now(), scopes), uuid4(), "ssh", declared=False))


def send(browser, body: bytes, token: str | None = None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return browser.post(PATH, content=body, headers=headers)


def test_a_run_is_taken_in_and_the_same_one_once(database, browse, token, run):
    browser = browse(database)
    first, again = send(browser, run, token), send(browser, run, token)
    assert (first.status_code, first.json()["status"], first.json()["created"]) == (200, "complete", 1)
    assert (again.status_code, again.json()["taken_in_before"]) == (200, True)
    assert again.json()["run_id"] == first.json()["run_id"]


@pytest.mark.parametrize("wrong", [None, "", "infradb_nobodys"])
def test_without_a_token_that_stands_nothing_is_read(database, browse, run, wrong):
    refused = send(browse(database), run, wrong)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    with database.read() as connection:
        assert connection.query("SELECT 1 FROM hosts") == []


def test_neither_a_session_nor_sitting_at_the_machine_stands_for_a_token(lab, browse, run):
    assert browse(lab).get("/").status_code == 200
    assert send(browse(lab), run).status_code == 401


def test_the_run_of_another_source_is_refused(database, browse, token):
    refused = send(browse(database), run_of("other"), token)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:infradb:conflict")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"[]\n", b'{"line": "run"}\n', b"x" * 100_000])
def test_what_is_no_run_is_a_problem_in_words(database, browse, token, body):
    refused = send(browse(database), body, token)
    assert refused.status_code == 422
    assert refused.json()["hint"]


def test_half_a_run_leaves_nothing(database, browse, token, run):
    assert send(browse(database), run[: len(run) // 2], token).status_code == 422
    with database.read() as connection:
        assert connection.query("SELECT 1 FROM discovery_runs") == []


def test_a_token_opens_nothing_else_and_other_methods_are_refused(with_user, browse):
    browser = browse(with_user)
    secret = tokens.add(with_user, "branch", "ssh", LATER, None)
    headers = {"Authorization": f"Bearer {secret}"}
    assert browser.get("/list/hosts", headers=headers, follow_redirects=False).status_code == 303
    assert browser.get(PATH, headers=headers).status_code == 405
    assert browser.delete(PATH, headers=headers).status_code == 405
