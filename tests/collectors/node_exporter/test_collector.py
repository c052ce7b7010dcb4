"""The collector against real exporters (prometheus-node-exporter 1.5) on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.local.collector import LocalCollector
from infradb.collectors.node_exporter.collector import NodeExporterCollector
from infradb.collectors.node_exporter.settings import NodeExporterSettings
from infradb.errors import CollectionError, SourceRefused
from infradb.observation import CollectionRun, Observation
from infradb.operations import sources
from infradb.store.schema import open_database
from tests.collectors.bad_http import bad_server
from tests.collectors.node_exporter.peer import exporter, free_port

EVERYTHING = ("--collector.netdev.address-info", "--collector.cpu.info")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with exporter(*EVERYTHING) as address:
        yield address


def collect(*urls: str, **settings: Any) -> CollectionRun:
    return NodeExporterCollector("machines", NodeExporterSettings(urls=list(urls), **settings)).collect()


def values(run: CollectionRun, table: str) -> list[dict[str, Any]]:
    said = [o for s in run.scopes for a in s.answers for o in a.parse() if isinstance(o, Observation)]
    return [dict(o.values) for o in said if o.table == table]


def test_it_says_of_this_machine_what_the_machine_itself_says(url: str) -> None:
    run, local = collect(url), LocalCollector("here").collect()
    assert run.status == "complete"
    (mine,), (own,) = values(run, "hosts"), values(local, "hosts")
    same = ("hostname", "os_name", "os_version", "kernel", "architecture", "cpu_cores", "total_ram_mb")
    assert {n: mine[n] for n in same} == {n: own[n] for n in same}
    theirs = {i["interface_name"]: i for i in values(local, "network_interfaces")}
    for interface in values(run, "network_interfaces"):
        other = theirs.get(interface["interface_name"], {})  # other tests' come and go
        if interface["interface_name"] not in ("lo", "eth0"):
            continue
        for name in ("mac_address", "mtu", "link_status", "interface_type"):
            assert interface.get(name) in (None, other.get(name)), (interface, other)
    addresses = {a["ip_address"] for a in values(local, "ip_addresses") if a["vrf"] == "default"}
    assert {a["ip_address"] for a in values(run, "ip_addresses")} & addresses


def test_every_call_is_told_and_is_one_of_those_announced(url: str) -> None:
    (call,) = collect(url, url.replace("127.0.0.1", "localhost")).calls
    assert (call.name, call.times, call.failed) == ("GET /metrics", 2, 0)
    assert call.name in NodeExporterCollector("x", NodeExporterSettings(urls=[url])).calls()


def test_two_readings_give_the_same_digests_and_measure_anew(url: str) -> None:
    first, second = ([a for s in collect(url).scopes for a in s.answers] for _ in "12")
    other = {a.key: a.digest for a in second}  # of other tests, interfaces come and go
    assert {other.get(a.key, a.digest) == a.digest for a in first if "/interface/br" not in a.key} == {True}
    assert first[0].digest == second[0].digest
    assert first[0].measured[first[0].key]["used_ram_mb"] > 0


def test_an_exporter_that_is_down_spoils_its_own_scope_only(url: str) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    run = collect(url, down)
    assert {s.status for s in run.scopes if s.name.startswith(url)} == {"complete"}
    (failed,) = [s for s in run.scopes if s.status == "failed"]
    assert failed.name == down
    assert "nothing listens there" in failed.errors[0]


def test_an_exporter_that_says_nothing_holds_nobody_up_for_longer_than_allowed(url: str) -> None:
    with bad_server("silent") as silent:
        began = time.monotonic()
        run = collect(silent, url, timeout_seconds=1)
    assert time.monotonic() - began < 5
    assert [s.status for s in run.scopes].count("failed") == 1


def test_a_password_is_read_from_where_it_lies_and_never_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPORTER", "hunter2")
    with bad_server("wrong_credentials") as refusing, pytest.raises(SourceRefused) as raised:
        collect(refusing, user="infradb", password="env:EXPORTER")
    assert "hunter2" not in str(raised.value) + raised.value.hint
    assert collect(url, user="infradb", password="env:EXPORTER").status == "complete"


def test_every_right_is_proved_and_what_would_tell_more_is_named(url: str) -> None:
    with exporter() as plain:
        settings = NodeExporterSettings(urls=[url, plain, f"http://127.0.0.1:{free_port()}"])
        found = NodeExporterCollector("machines", settings).diagnose()
    assert [d.ok for d in found] == [True, True, False]
    assert "address-info" not in found[0].detail
    assert "--collector.netdev.address-info" in found[1].detail
    assert found[2].hint


def test_a_collector_of_the_exporter_that_is_switched_off_retires_nothing(url: str) -> None:
    with exporter("--no-collector.netclass", "--no-collector.filesystem") as silent:
        run = collect(silent)
    assert [s.name.split()[-1] for s in run.scopes] == ["host"]


def test_it_is_one_host_with_the_machine_itself_and_a_second_run_finds_nothing_new(url: str, tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "lab.db"), create=True)
    sources.ensure_defaults(database)
    sources.add(database, "node_exporter", "exporters", {"urls": url})
    sources.discover(database, ["local", "exporters"])
    again = sources.discover(database, ["local", "exporters"])
    with database.read() as connection:
        for report in again:  # of other tests, interfaces come and go
            told = "SELECT count(*) FROM infrastructure_changes WHERE run_id = ? AND entity_type = 'hosts'"
            assert connection.query(told, (report.run_id,)) == [(0,)]
        assert connection.query("SELECT count(*) FROM hosts WHERE retired_at IS NULL") == [(1,)]
        assert connection.query("SELECT count(*) FROM findings WHERE rule = 'identity-conflict'") == [(0,)]
    database.close()


@pytest.mark.parametrize("way", ["web_page", "cut_in_half", "half_json", "empty"])
def test_what_is_no_page_of_metrics_is_told(way: str) -> None:
    with bad_server(way) as url, pytest.raises(CollectionError) as raised:
        collect(url, timeout_seconds=2)
    assert raised.value.hint
