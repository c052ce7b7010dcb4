"""A real Kea with real clients: through its socket, an agent, and its lease file; and what bad sockets look like."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.kea.collector import KeaCollector
from infradb.collectors.kea.settings import KeaSettings
from infradb.errors import CollectionError, SourceRefused, SourceUnreachable
from tests.collectors.kea.peer import CLIENTS, Kea, agent, kea
from tests.collectors.told import digests, scope, told, told_by


def collector(**settings: Any) -> KeaCollector:
    return KeaCollector("kea", KeaSettings.model_validate({"timeout_seconds": 5, **settings}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kea]:
    with kea(tmp_path_factory.mktemp("kea")) as peer:
        peer.lab.lease(*CLIENTS)
        yield peer


def holders(found: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Name -> how its address came to it, and its hardware address."""
    rows = [v for k, v in found.items() if k.startswith("address/")]
    return {r["hostname"]: (r["allocation_type"], r["mac_address"]) for r in rows}


def test_networks_reservations_and_leases_are_told_over_the_socket(server: Kea) -> None:
    run = collector(socket=str(server.socket)).collect()
    assert run.status == "complete"
    found = told_by(run)
    assert found["network/10.77.0.0/24"] == {
        "network_name": "10.77.0.0/24",
        "cidr": "10.77.0.0/24",
        "dhcp_enabled": True,
        "dhcp_range_start": "10.77.0.100",
        "dhcp_range_end": "10.77.0.199",
        "gateway": "10.77.0.1",
        "dns_servers": ["10.77.0.2", "10.77.0.3"],
    }
    assert holders(found) == {
        "laptop": ("dhcp", "02:00:00:00:00:01"),
        "phone": ("dhcp", "02:00:00:00:00:02"),
        "nas": ("reserved", "02:00:00:00:00:03"),
        "printer": ("reserved", "02:00:00:00:00:09"),
    }
    assert found["address/10.77.0.20"]["network_id"] == "network/10.77.0.0/24"
    assert found["address/10.77.0.20"]["lease_ends_at"] > run.started_at
    assert "lease_ends_at" not in found["address/10.77.0.21"]
    assert [c.name for c in run.calls] == ["config-get", "lease4-get-all"]


def test_a_renewal_changes_measured_values_and_no_digest(server: Kea) -> None:
    one = collector(socket=str(server.socket))
    before = one.collect()
    time.sleep(1.1)
    server.lab.lease(CLIENTS[0])
    after = one.collect()
    assert digests(after) == digests(before)
    laptop = [next(v for v in told_by(r).values() if v.get("hostname") == "laptop") for r in (before, after)]
    assert laptop[0]["last_seen_at"] < laptop[1]["last_seen_at"]
    assert laptop[0]["lease_ends_at"] < laptop[1]["lease_ends_at"]


def test_an_agent_tells_the_same_as_the_socket(server: Kea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_SECRET", "right")
    monkeypatch.setenv("INFRADB_TEST_OTHER", "wrong")
    with agent(server.socket, "infradb", "right") as url:
        run = collector(url=url, user="infradb", password="env:INFRADB_TEST_SECRET").collect()
        assert digests(run) == digests(collector(socket=str(server.socket)).collect())
        one = collector(url=url, user="infradb", password="env:INFRADB_TEST_SECRET", services="dhcp4,dhcp6")
        assert {c.name for c in run.calls} < set(one.calls())
        half = one.collect()
        assert half.status == "partial"
        assert "does the agent know" in half.errors[0]
        assert [d.ok for d in one.diagnose()] == [True, True, False]
        with pytest.raises(SourceRefused, match="401"):
            collector(url=url, user="infradb", password="env:INFRADB_TEST_OTHER").collect()


def test_the_lease_file_alone_tells_the_leases(server: Kea) -> None:
    run = collector(path=str(server.leases)).collect()
    assert [s.name for s in run.scopes] == ["addresses"]
    assert run.status == "complete"
    assert set(holders(told_by(run))) == {"laptop", "phone", "nas"}


def test_a_lease_file_that_is_being_cleaned_up_is_read_whole(server: Kea, tmp_path: Path) -> None:
    head, *rows = server.leases.read_text().splitlines()
    (tmp_path / "l.csv.2").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "l.csv").write_text(head + "\n")
    run = collector(path=str(tmp_path / "l.csv")).collect()
    assert set(holders(told_by(run))) == {"laptop", "phone", "nas"}


@pytest.mark.long
def test_without_the_hook_leases_come_from_the_file_or_are_said_to_be_missing(tmp_path: Path) -> None:
    with kea(tmp_path, hook=False) as server:
        server.lab.lease(CLIENTS[0], CLIENTS[2])
        run = collector(socket=str(server.socket)).collect()
        assert scope(run, "networks").status == "complete"
        assert scope(run, "addresses").status == "partial"  # the reservations are known
        assert "libdhcp_lease_cmds.so" in run.errors[0]
        whole = collector(socket=str(server.socket), path=str(server.leases)).collect()
        assert whole.status == "complete"
        assert set(holders(told_by(whole))) == {"laptop", "nas", "printer"}
        server.lab.release(1)
        deadline = time.monotonic() + 5
        while not (gone := scope(collector(path=str(server.leases)).collect(), "addresses").gone):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert gone == tuple(k for k, v in told(whole.scopes[1].answers).items() if v["hostname"] == "laptop")


@pytest.mark.long
def test_a_lease_that_ended_is_no_address_in_use(tmp_path: Path) -> None:
    with kea(tmp_path, lasts=3) as server:
        server.lab.lease(CLIENTS[0], CLIENTS[2])
        server.lab.stop(1)  # it would renew
        one = collector(socket=str(server.socket))
        (address,) = [k for k, v in told_by(one.collect()).items() if v.get("hostname") == "laptop"]
        deadline = time.monotonic() + 10
        while address not in scope(run := one.collect(), "addresses").gone:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert address not in told_by(run)
        assert "address/10.77.0.20" in told_by(run), "a reservation stays"


def test_clocks_that_differ_retire_nothing(server: Kea, monkeypatch: pytest.MonkeyPatch) -> None:
    for now, said in (("2030-01-01T00:00:00.000Z", "have ended"), ("2020-01-01T00:00:00.000Z", "in the future")):
        monkeypatch.setattr("infradb.clock.now", lambda now=now: now)
        run = collector(path=str(server.leases)).collect()
        assert run.status != "complete"
        assert said in run.errors[0]


def _silent(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(20)


def _endless(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        connection.sendall(b" " * 65536)


def _half(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b'{"result": 0, "arguments": {"Dhcp4": {')


def _other(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b'["another program"]')


def _no_server(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b'{"result": 0, "arguments": {"Control-agent": {}}}')


def _error(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b'{"result": 1, "text": "out of memory"}')


@pytest.mark.parametrize("way", [_silent, _endless, _half, _other, _no_server, _error])
def test_a_socket_that_answers_badly_is_named_in_time(
    tmp_path: Path, way: Callable[[socket.socket, threading.Event], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infradb.collectors.kea.client.MOST_BYTES", 2**20)
    stop, path = threading.Event(), tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    way(connection, stop)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            with pytest.raises(CollectionError) as raised:
                collector(socket=str(path), timeout_seconds=1).collect()
        finally:
            stop.set()
            thread.join(5)
    assert raised.value.hint


def test_files_that_are_no_lease_files_are_named(tmp_path: Path) -> None:
    for text in ("", "<html>\n", "address,\n"):
        (tmp_path / "leases.csv").write_text(text)
        run = None
        try:
            run = collector(path=str(tmp_path / "leases.csv")).collect()
        except CollectionError as error:
            assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
        assert run is None or told_by(run) == {}
    with pytest.raises(SourceUnreachable, match=r"is not there"):
        collector(path=str(tmp_path / "none.csv")).collect()


def test_settings_that_cannot_be_right_are_named() -> None:
    for wrong in (
        {},
        {"socket": "a", "url": "http://b"},
        {"url": "http://b", "user": "c"},
        {"path": "a", "services": "d2"},
    ):
        with pytest.raises(ValueError, match=r"needs|takes|knows"):
            KeaSettings.model_validate(wrong)
