"""A real PowerDNS: its zones through the API, a zone that goes, a key that is wrong, a zone that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infradb.collectors.powerdns.collector import PowerDnsCollector
from infradb.collectors.powerdns.settings import PowerDnsSettings
from infradb.errors import SourceRefused
from tests.collectors.powerdns.peer import KEY, ZONE, PowerDns, powerdns
from tests.collectors.replay import replaying
from tests.collectors.told import digests, scope, told_by

SERVERS = "GET /api/v1/servers/localhost"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    with powerdns(tmp_path_factory.mktemp("pdns")) as peer:
        yield peer


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_SECRET", KEY)
    monkeypatch.setenv("INFRADB_TEST_OTHER", "another-key")


def collector(url: str, **settings: Any) -> PowerDnsCollector:
    given = {"url": url, "api_key": "env:INFRADB_TEST_SECRET", "timeout_seconds": 5, **settings}
    return PowerDnsCollector("ns1", PowerDnsSettings.model_validate(given))


def test_the_records_of_all_zones_are_told_without_the_disabled_ones(server: PowerDns) -> None:
    one = collector(server.url)
    run = one.collect()
    assert run.status == "complete"
    found = told_by(run)
    assert found["record/lab.example/web.lab.example/AAAA/2001:db8::4"]["ttl_seconds"] == 60
    assert "record/0.0.10.in-addr.arpa/4.0.0.10.in-addr.arpa/PTR/web.lab.example" in found
    assert not any("10.0.0.9" in k or "SOA" in k or "hunter2" in k for k in found)
    assert {c.name for c in run.calls} == set(one.calls())


def test_a_change_gives_the_serial_no_digest_and_a_removed_zone_takes_its_records_along(server: PowerDns) -> None:
    one = collector(server.url)
    before = digests(one.collect())
    server.add({**ZONE, "name": "more.example.", "rrsets": [], "nameservers": ["ns1.more.example."]})
    more = digests(one.collect())
    assert more.keys() - before.keys() == {"record/more.example/more.example/NS/ns1.more.example"}
    path = "/api/v1/servers/localhost/zones/lab.example."
    record = {"name": "web.lab.example.", "type": "A", "ttl": 60, "records": [{"content": "10.0.0.44"}]}
    server.call("PATCH", path, {"rrsets": [{**record, "changetype": "REPLACE"}]})
    changed = digests(one.collect())
    assert {k for k, v in changed.items() if more.get(k) != v} == {"record/lab.example/web.lab.example/A/10.0.0.44"}
    server.call("PATCH", path, {"rrsets": [{**record, "records": [{"content": "10.0.0.4"}], "changetype": "REPLACE"}]})
    server.call("DELETE", "/api/v1/servers/localhost/zones/more.example.")
    run = one.collect()
    assert run.status == "complete"
    assert digests(run) == before


def test_a_wrong_key_is_named(server: PowerDns) -> None:
    one = collector(server.url, api_key="env:INFRADB_TEST_OTHER")
    with pytest.raises(SourceRefused, match="401") as raised:
        one.collect()
    assert "another-key" not in str(raised.value)
    (bad,) = one.diagnose()
    assert not bad.ok
    assert all(d.ok for d in collector(server.url).diagnose())


def test_a_zone_that_cannot_be_read_keeps_its_records(server: PowerDns) -> None:
    zones = server.call("GET", "/api/v1/servers/localhost/zones")
    zone = server.call("GET", "/api/v1/servers/localhost/zones/lab.example.")
    answers = {
        SERVERS: (200, {"version": "4.7.3"}),
        f"{SERVERS}/zones": (200, zones),
        f"{SERVERS}/zones/lab.example.": (200, zone),
        f"{SERVERS}/zones/0.0.10.in-addr.arpa.": (500, {"error": "backend"}),
    }
    with replaying(answers) as (url, calls):
        run = collector(url).collect()
    assert scope(run, "records").status == "partial"
    assert run.errors[0].startswith("0.0.10.in-addr.arpa: ")
    assert [c for c in calls if not c.startswith("GET ")] == []
    with replaying({**answers, f"{SERVERS}/zones/0.0.10.in-addr.arpa.": (200, {"name": "0.0.10.in-addr.arpa."})}) as (
        url,
        _,
    ):
        assert scope(collector(url).collect(), "records").status == "partial"
