"""A real BIND: transfers with and without a key, refused ones, and what it looks like when something is wrong."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.dns.collector import DnsCollector
from infradb.collectors.dns.settings import DnsSettings
from infradb.errors import CollectionError, SettingsError, SourceUnreachable
from infradb.observation import CollectionRun
from tests.collectors.dns.peer import FORWARD, REVERSE, SECRET, Bind, bind, free_port
from tests.collectors.told import digests, scope, told_by


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with bind(tmp_path_factory.mktemp("bind")) as peer:
        yield peer


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_TSIG", SECRET)
    monkeypatch.setenv("INFRADB_TEST_OTHER", base64.b64encode(b"another secret, just as long as it").decode())


def collector(**settings: Any) -> DnsCollector:
    given = {"timeout_seconds": 5, **settings}
    return DnsCollector("ns1", DnsSettings.model_validate(given))


def collect(server: Bind, zones: str, **settings: Any) -> CollectionRun:
    return collector(server="127.0.0.1", port=server.port, zones=zones, **settings).collect()


def test_a_zone_is_told_with_all_its_records(server: Bind) -> None:
    run = collect(server, "Lab.Example.")
    assert run.status == "complete"
    found = told_by(run)
    assert found["record/lab.example/web.lab.example/A/10.0.0.4"] == {
        "record_name": "web.lab.example",
        "record_type": "A",
        "content": "10.0.0.4",
        "zone": "lab.example",
        "server": "ns1",
        "ttl_seconds": 60,
    }
    assert len(found) == 11
    assert [c.name for c in run.calls] == ["AXFR {zone}"]


def test_a_transfer_is_signed_where_a_key_is_set(server: Bind) -> None:
    key = {"tsig_key": "reader", "tsig_secret": "env:INFRADB_TEST_TSIG"}
    run = collect(server, "0.0.10.in-addr.arpa,lab.example", **key)
    assert run.status == "complete"
    assert "record/0.0.10.in-addr.arpa/4.0.0.10.in-addr.arpa/PTR/web.lab.example" in told_by(run)


def test_a_refused_transfer_fails_alone_and_says_what_to_allow(server: Bind) -> None:
    run = collect(server, "lab.example,closed.example")
    assert run.status == "partial"
    assert scope(run, "zone/lab.example").status == "complete"
    refused = scope(run, "zone/closed.example")
    assert refused.status == "failed"
    assert [w for w in ("refused", "allow-transfer", "Knot", "PowerDNS") if w not in refused.errors[0]] == []


@pytest.mark.parametrize(
    ("zones", "settings", "said"),
    [
        ("none.example", {}, "not in charge of the zone"),
        ("0.0.10.in-addr.arpa", {"tsig_key": "reader", "tsig_secret": "env:INFRADB_TEST_OTHER"}, "TSIG key is not"),
        ("0.0.10.in-addr.arpa", {"tsig_key": "nobody", "tsig_secret": "env:INFRADB_TEST_TSIG"}, "TSIG key is not"),
    ],
)
def test_wrong_names_and_keys_are_told_apart(server: Bind, zones: str, settings: dict[str, Any], said: str) -> None:
    run = collect(server, zones, **settings)
    assert run.status == "failed"
    assert said in run.errors[0]


def test_a_clock_that_is_off_is_named(server: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    # BIND cannot be given another clock, so the request is signed as if it were an hour ago.
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() - 3600)
    key = {"tsig_key": "reader", "tsig_secret": "env:INFRADB_TEST_TSIG"}
    run = collect(server, "0.0.10.in-addr.arpa", **key)
    assert run.status == "failed"
    assert "clocks differ" in run.errors[0]


def test_a_new_serial_changes_no_digest_and_a_new_record_only_its_own(tmp_path: Path) -> None:
    files = []
    for serial, more in ((1, ""), (2, ""), (3, "new A 10.0.0.77\n")):
        file = tmp_path / f"{serial}" / "lab.example.zone"
        file.parent.mkdir()
        file.write_text(FORWARD.format(serial=serial) + more)
        files.append(digests(collector(path=str(file)).collect()))
    assert files[0] == files[1]
    assert files[2].items() - files[1].items() == {
        (k, v) for k, v in files[2].items() if k.endswith("/new.lab.example/A/10.0.0.77")
    }


def test_zone_files_say_the_same_as_their_server(server: Bind) -> None:
    run = collector(path=f"{server.folder}/lab.zone", zones="lab.example").collect()
    assert told_by(run) == told_by(collect(server, "lab.example"))


@pytest.mark.parametrize(
    ("name", "text", "zone"),
    [
        ("db.0.0.10.in-addr.arpa", REVERSE.format(serial=1), "0.0.10.in-addr.arpa"),
        ("x", "$ORIGIN Lab.example. ; ours\n" + FORWARD.format(serial=1), "lab.example"),
        ("x", FORWARD.format(serial=1).replace("@ IN SOA", "lab.example. IN SOA"), "lab.example"),
    ],
)
def test_a_zone_file_tells_itself_which_zone_it_is(tmp_path: Path, name: str, text: str, zone: str) -> None:
    (tmp_path / name).write_text(text)
    run = collector(path=str(tmp_path / name)).collect()
    assert run.status == "complete"
    assert {row["zone"] for row in told_by(run).values()} == {zone}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>\n<body>", "does not say which zone"),
        ("$ORIGIN lab.example.\n@ IN A 10.0.0", "no zone file of lab.example"),
        ("$ORIGIN lab.example.\n$INCLUDE /etc/passwd\n", "no zone file of lab.example"),
    ],
)
def test_a_file_that_is_no_zone_fails_and_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x").write_text(text)
    good = tmp_path / "db.lab.example"
    good.write_text(FORWARD.format(serial=1))
    run = collector(path=f"{tmp_path / 'x'},{good}").collect()
    assert scope(run, f"file/{tmp_path / 'x'}").status == "failed"
    assert said in run.errors[0]
    assert scope(run, f"file/{good}").status == "complete"


def test_the_doctor_tells_of_each_zone(server: Bind) -> None:
    one = collector(server="127.0.0.1", port=server.port, zones="lab.example,closed.example")
    good, bad = one.diagnose()
    assert good.ok
    assert not bad.ok
    assert "allow-transfer" in bad.hint


def _silent(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(20)


def _endless(connection: socket.socket, stop: threading.Event) -> None:
    import dns.message
    import dns.rrset

    query = dns.message.from_wire(connection.recv(65536)[2:])
    first = True
    while not stop.is_set():
        answer = dns.message.make_response(query)
        soa = dns.rrset.from_text("lab.example.", 60, "IN", "SOA", "ns1.lab.example. root.lab.example. 1 1 1 1 1")
        rows = [dns.rrset.from_text(f"h{n}.lab.example.", 60, "IN", "A", "10.0.0.1") for n in range(500)]
        answer.answer = [*([soa] if first else []), *rows]
        first = False
        wire = answer.to_wire()
        connection.sendall(len(wire).to_bytes(2, "big") + wire)


def _half(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"\x10\x00half")


def _garbage(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\x2cHTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("way", [_silent, _endless, _half, _garbage])
def test_a_server_that_answers_badly_is_named_in_time(way: Callable[[socket.socket, threading.Event], None]) -> None:
    stop, port = threading.Event(), free_port()
    with socket.create_server(("127.0.0.1", port)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    way(connection, stop)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        one = collector(server="127.0.0.1", port=port, zones="lab.example", timeout_seconds=1)
        try:
            run = one.collect()
        except CollectionError as error:
            assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
        else:
            assert run.status == "failed"
            assert run.errors
        finally:
            stop.set()
            thread.join(5)


def test_nobody_there_is_an_error_and_not_a_failed_scope() -> None:
    with pytest.raises(SourceUnreachable, match="nothing listens"):
        collector(server="127.0.0.1", port=free_port(), zones="a.example,b.example").collect()
    with pytest.raises(SourceUnreachable, match="name is not known"):
        collector(server="no-such-host.invalid", zones="a.example").collect()


def test_settings_that_cannot_be_right_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRADB_TEST_TSIG", "hunter2!")
    one = collector(server="127.0.0.1", zones="a", tsig_key="k", tsig_secret="env:INFRADB_TEST_TSIG")
    with pytest.raises(SettingsError) as raised:
        one.collect()
    assert "hunter2" not in str(raised.value) + raised.value.hint
    for wrong in ({}, {"server": "x"}, {"server": "x", "path": "y"}, {"path": "a,b", "zones": "c"}):
        with pytest.raises(ValueError, match="needs"):
            DnsSettings.model_validate(wrong)
