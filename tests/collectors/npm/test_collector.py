"""Nginx Proxy Manager as a server on loopback that replays its documented answers: logging in, rights, bad answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from infradb.collectors.npm.collector import NpmCollector
from infradb.collectors.npm.settings import NpmSettings
from infradb.errors import SourceRefused
from tests.collectors.reverse_proxy.peer import certificates, digests, observed, replaying, statuses

CASE: dict[str, Any] = orjson.loads((Path(__file__).parent / "cases" / "version-2.12.json").read_bytes())
TOKEN = "eyJhbGciOiJSUzI1NiJ9.made-up"


def logged_in(request: Any, body: bytes) -> Any:
    said = orjson.loads(body)
    if said == {"identity": "infradb@example.org", "secret": "hunter2"}:
        return {"token": TOKEN, "expires": "2026-01-01T00:00:00.000Z"}
    return 401, {"error": {"code": 401, "message": "Invalid email or password"}}


def guarded(document: Any) -> Any:
    def answer(request: Any, _: bytes) -> Any:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"error": {"code": 401, "message": "Token has expired"}}
        return document

    return answer


def answers() -> dict[str, Any]:
    permissions = {"visibility": "all", "proxy_hosts": "view", "streams": "view", "certificates": "view"}
    return {
        "/api/": CASE["status"],
        "/api/tokens": logged_in,
        "/api/users/me": guarded({"id": 2, "roles": [], "permissions": permissions}),
        **{f"/api/nginx/{name}": guarded(rows) for name, rows in CASE["lists"].items()},
    }


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_PASSWORD", "hunter2")


def collector(url: str, **more: Any) -> NpmCollector:
    given = {"email": "infradb@example.org", "password": "env:NPM_PASSWORD", "probe_certificates": False, **more}
    return NpmCollector("edge", NpmSettings(url=url, timeout_seconds=5, **given))


def test_hosts_redirections_and_streams_are_routes() -> None:
    with replaying(answers()) as server:
        made = collector(server.url)
        run, again = made.collect(), made.collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert len(observed(run)) == len(CASE["routes"]) + 1
    assert digests(run) == digests(again)
    assert {c.name for c in run.calls} == set(made.calls())
    assert {c.failed for c in run.calls} == {0}
    assert [a for a in server.asked if not a.startswith("GET")] == ["POST /api/tokens"] * 2


def test_neither_keys_nor_passwords_leave_it() -> None:
    with replaying(answers()) as server:
        run = collector(server.url).collect()
    assert certificates(run)
    assert "hunter2" not in str(observed(run)) + str(run)
    assert "PRIVATE" not in str(observed(run))


def test_a_wrong_password_and_a_second_factor_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_PASSWORD", "wrong")
    with replaying(answers()) as server:
        with pytest.raises(SourceRefused, match="credentials are refused"):
            collector(server.url).collect()
        assert [d.ok for d in collector(server.url).diagnose()] == [True, False]
    second = {**answers(), "/api/tokens": {"requires_2fa": True, "challenge_token": "x"}}
    with replaying(second) as server, pytest.raises(SourceRefused, match="second factor"):
        collector(server.url).collect()


def test_a_user_who_sees_only_its_own_hosts_gives_no_complete_list() -> None:
    own = {"id": 2, "permissions": {"visibility": "user"}}
    with replaying({**answers(), "/api/users/me": guarded(own), "/api/nginx/proxy-hosts": guarded([])}) as server:
        run = collector(server.url).collect()
        found = collector(server.url).diagnose()
    assert "complete" not in statuses(run).values()
    assert "All Items" in str(run.errors)
    assert [d.needs for d in found if not d.ok] == ["GET /api/users/me: the right to see what others made"]


@pytest.mark.parametrize("name", ["proxy-hosts", "redirection-hosts", "streams"])
def test_a_list_that_is_refused_leaves_the_others(name: str) -> None:
    with replaying({**answers(), f"/api/nginx/{name}": (403, b"{}")}) as server:
        run = collector(server.url).collect()
    assert statuses(run)["routes"] == "partial"
    assert any(name in e and "View Only" in e for e in run.errors)


def test_certificates_that_are_refused_leave_the_routes_complete() -> None:
    with replaying({**answers(), "/api/nginx/certificates": (403, b"{}")}) as server:
        run = collector(server.url).collect()
    assert statuses(run) == {"certificates": "failed", "routes": "complete"}
