"""A server that replays what AdGuard Home's API answers, with its basic authentication, and parts that fail."""

from __future__ import annotations

import base64
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from infradb.collectors.adguard.collector import AdGuardCollector
from infradb.collectors.adguard.settings import AdGuardSettings
from infradb.errors import SourceMalformed, SourceRefused
from tests.collectors.recorded import recorded
from tests.collectors.replay import replaying
from tests.collectors.told import digests, scope, told_by

BASIC = "Basic " + base64.b64encode(b"infradb:right").decode()


@pytest.fixture
def said() -> dict[str, tuple[int, Any]]:
    raw = recorded(__file__)["answers"]["raw"]
    raw["dhcp"]["leases"].pop()
    raw["rewrites"].pop()
    for lease in raw["dhcp"]["leases"]:
        lease["expires"] = "2099-01-01T00:00:00+01:00"
    return {
        "GET /control/status": (200, {"version": "v0.107.56", "running": True, "dns_port": 53}),
        "GET /control/dhcp/status": (200, raw["dhcp"]),
        "GET /control/rewrite/list": (200, raw["rewrites"]),
        "GET /control/clients": (200, raw["clients"]),
    }


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_SECRET", "right")
    monkeypatch.setenv("INFRADB_TEST_OTHER", "wrong")


def allowed(request: BaseHTTPRequestHandler) -> bool:
    return request.headers.get("Authorization") == BASIC


def collector(url: str, secret: str = "env:INFRADB_TEST_SECRET") -> AdGuardCollector:
    given = {"url": url, "user": "infradb", "password": secret, "timeout_seconds": 5}
    return AdGuardCollector("adguard", AdGuardSettings.model_validate(given))


def test_names_networks_and_addresses_are_told(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, calls):
        one = collector(url)
        run = one.collect()
    assert run.status == "complete"
    found = told_by(run)
    assert found["network/192.168.7.0/24"]["gateway"] == "192.168.7.1"
    assert found["address/192.168.7.100"]["mac_address"] == "02:00:00:00:00:01"
    assert found["address/192.168.7.10"]["allocation_type"] == "reserved"
    assert "hostname" not in found["address/192.168.7.120"], "a label is no name of a host"
    assert found["record//files.lan/CNAME/nas.lan"]["server"] == "adguard"
    assert {c.name for c in run.calls} == set(one.calls()) == set(calls)


def test_a_renewal_and_another_order_change_no_digest(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, _):
        before = collector(url).collect()
        for lease in said["GET /control/dhcp/status"][1]["leases"]:
            lease["expires"] = "2099-02-01T00:00:00Z"
        said["GET /control/dhcp/status"][1]["leases"].reverse()
        said["GET /control/rewrite/list"][1].reverse()
        after = collector(url).collect()
    assert digests(after) == digests(before)
    assert told_by(after) != told_by(before)


def test_a_wrong_password_is_named(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, _):
        one = collector(url, "env:INFRADB_TEST_OTHER")
        with pytest.raises(SourceRefused, match="401"):
            one.collect()
        assert [d.ok for d in one.diagnose()] == [False] * 4
        assert [d.ok for d in collector(url).diagnose()] == [True] * 4


def test_another_program_is_named(said: dict[str, tuple[int, Any]]) -> None:
    with (
        replaying({**said, "GET /control/status": (200, {"status": "ok"})}) as (url, _),
        pytest.raises(SourceMalformed, match="no version"),
    ):
        collector(url).collect()


@pytest.mark.parametrize(
    ("call", "statuses"),
    [
        ("rewrite/list", {"records": "failed", "networks": "complete", "addresses": "complete"}),
        ("dhcp/status", {"records": "complete", "networks": "failed", "addresses": "partial"}),
        ("clients", {"records": "complete", "networks": "complete", "addresses": "partial"}),
    ],
)
@pytest.mark.parametrize("bad", [(403, {}), (500, {}), (200, {"leases": 3, "clients": "none"})])
def test_a_part_that_cannot_be_read_leaves_the_others_whole(
    said: dict[str, tuple[int, Any]], call: str, statuses: dict[str, str], bad: tuple[int, Any]
) -> None:
    with replaying({**said, f"GET /control/{call}": bad}, allowed) as (url, _):
        run = collector(url).collect()
    assert {s.name: s.status for s in run.scopes} == statuses
    assert run.errors


def test_a_dhcp_server_that_is_off_hands_nothing_out() -> None:
    raw = recorded(__file__)["dhcp-off"]["raw"]
    said = {
        "GET /control/status": (200, {"version": "v0.107.56"}),
        "GET /control/dhcp/status": (200, raw["dhcp"]),
        "GET /control/rewrite/list": (200, raw["rewrites"]),
        "GET /control/clients": (200, raw["clients"]),
    }
    with replaying(said, allowed) as (url, _):
        run = collector(url).collect()
    assert run.status == "complete"
    assert told_by(run) == {}
    assert scope(run, "networks").status == "complete"
