"""A server that replays what Pi-hole's API answers: the login, sessions that end, and parts that cannot be read."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from infradb.collectors.pihole.client import MOST
from infradb.collectors.pihole.collector import PiholeCollector
from infradb.collectors.pihole.settings import PiholeSettings
from infradb.errors import SourceRefused
from tests.collectors.recorded import recorded
from tests.collectors.replay import replaying
from tests.collectors.told import digests, scope, told_by

SID = "vFA+EP4MQ5JJvJg+3Q2Jnw="
SESSION = {"valid": True, "totp": False, "sid": SID, "csrf": "Ux87YTIiMOf/GKCefVIOMw=", "validity": 300}


def answers() -> dict[str, tuple[int, Any]]:
    raw = recorded(__file__)["answers"]["raw"]
    now = int(time.time())
    for lease in raw["leases"]["leases"]:
        lease["expires"] = now + 3600 if lease["expires"] else 0
    for device in raw["devices"]["devices"]:
        for address in device["ips"]:
            address["lastSeen"] = now - 60 if address["lastSeen"] > 1795700000 else now - 10**6
    raw["aliases"]["config"]["dns"]["cnameRecords"].remove("half")
    return {
        "POST /api/auth": (200, {"session": SESSION, "took": 0.03}),
        "GET /api/info/version": (200, {"version": {"core": {"local": {"version": "v6.0.6"}}}, "took": 0.01}),
        "GET /api/config/dns/hosts": (200, raw["hosts"]),
        "GET /api/config/dns/cnameRecords": (200, raw["aliases"]),
        "GET /api/config/dhcp": (200, raw["dhcp"]),
        "GET /api/network/interfaces": (200, raw["interfaces"]),
        "GET /api/dhcp/leases": (200, raw["leases"]),
        "GET /api/network/devices": (200, raw["devices"]),
    }


def allowed(request: BaseHTTPRequestHandler) -> bool:
    if request.path == "/api/auth":
        return bool(json.loads(request.body) == {"password": "right"})  # type: ignore[attr-defined]
    return request.headers.get("X-FTL-SID") == SID


@pytest.fixture
def said() -> dict[str, tuple[int, Any]]:
    return answers()


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_SECRET", "right")
    monkeypatch.setenv("INFRADB_TEST_OTHER", "wrong")


def collector(url: str, secret: str | None = "env:INFRADB_TEST_SECRET") -> PiholeCollector:
    given = {"url": url, "app_password": secret, "timeout_seconds": 5}
    return PiholeCollector("pihole", PiholeSettings.model_validate(given))


def test_names_networks_and_addresses_are_told_in_one_session(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, calls):
        one = collector(url)
        run = one.collect()
    assert run.status == "complete"
    found = told_by(run)
    assert found["network/192.168.7.0/24"]["dhcp_range_end"] == "192.168.7.199"
    assert found["address/192.168.7.100"]["hostname"] == "laptop"
    assert found["address/192.168.7.10"]["allocation_type"] == "reserved"
    assert "allocation_type" not in found["address/192.168.7.77"]
    assert "address/192.168.7.150" not in found, "it was seen long ago"
    assert found["record//web.lan/A/192.168.7.6"]["zone"] == ""
    assert {c.name for c in run.calls} == set(one.calls())
    assert [c for c in calls if not c.startswith("GET ")] == ["POST /api/auth"]
    assert any(f"max_devices={MOST}" in c for c in calls)


def test_what_changes_by_itself_changes_no_digest(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, _):
        before = collector(url).collect()
        for lease in said["GET /api/dhcp/leases"][1]["leases"]:
            lease["expires"] += 600 if lease["expires"] else 0
        devices = said["GET /api/network/devices"][1]["devices"]
        for device in devices:
            device["numQueries"] += 100
            device["lastQuery"] += 50
            for address in device["ips"]:
                address["lastSeen"] += 30
        devices.reverse()
        assert digests(collector(url).collect()) == digests(before)


def test_a_wrong_password_is_named_and_the_doctor_stops_there(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said, allowed) as (url, calls):
        one = collector(url, "env:INFRADB_TEST_OTHER")
        with pytest.raises(SourceRefused, match="401"):
            one.collect()
        (bad,) = one.diagnose()
        assert not bad.ok
        assert {c.partition("?")[0] for c in calls} == {"POST /api/auth"}
        assert all(d.ok for d in collector(url).diagnose())
    invalid = {**SESSION, "valid": False, "sid": None}
    with (
        replaying({**said, "POST /api/auth": (200, {"session": invalid})}) as (url, _),
        pytest.raises(SourceRefused, match="password is refused"),
    ):
        collector(url).collect()


def test_all_seats_taken_is_named(said: dict[str, tuple[int, Any]]) -> None:
    full = (429, {"error": {"key": "api_seats_exceeded", "message": "API seats exceeded", "hint": "increase"}})
    from infradb.errors import SourceUnreachable

    with (
        replaying({**said, "POST /api/auth": full}) as (url, _),
        pytest.raises(SourceUnreachable, match="429"),
    ):
        collector(url).collect()


def test_a_pihole_without_a_password_needs_no_login(said: dict[str, tuple[int, Any]]) -> None:
    with replaying(said) as (url, calls):
        assert collector(url, None).collect().status == "complete"
    assert "POST /api/auth" not in calls


@pytest.mark.parametrize(
    ("call", "statuses"),
    [
        ("/api/config/dns/hosts", {"records": "partial", "networks": "complete", "addresses": "complete"}),
        ("/api/config/dhcp", {"records": "complete", "networks": "failed", "addresses": "partial"}),
        ("/api/dhcp/leases", {"records": "complete", "networks": "complete", "addresses": "partial"}),
        ("/api/network/devices", {"records": "complete", "networks": "complete", "addresses": "partial"}),
    ],
)
@pytest.mark.parametrize("bad", [(401, {}), (500, {}), (200, {"leases": "none", "config": [], "devices": {}})])
def test_a_part_that_cannot_be_read_leaves_the_others_whole(
    said: dict[str, tuple[int, Any]], call: str, statuses: dict[str, str], bad: tuple[int, Any]
) -> None:
    with replaying({**said, f"GET {call}": bad}) as (url, _):
        run = collector(url).collect()
    assert {s.name: s.status for s in run.scopes} == statuses
    assert run.errors
    assert scope(run, "addresses").gone == ()


def test_a_dhcp_server_that_is_off_hands_nothing_out(said: dict[str, tuple[int, Any]]) -> None:
    said["GET /api/config/dhcp"][1]["config"]["dhcp"]["active"] = False
    said["GET /api/dhcp/leases"][1]["leases"] = []
    with replaying(said) as (url, _):
        run = collector(url).collect()
    assert scope(run, "networks").answers == []
    assert {v.get("allocation_type") for k, v in told_by(run).items() if k.startswith("address/")} == {None}
