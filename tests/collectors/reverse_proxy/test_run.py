"""What all reverse proxies have in common: which ports are asked, what a run says, and what a database makes of it."""

from __future__ import annotations

import contextlib
import doctest
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from infradb import clock
from infradb.collectors.reverse_proxy.routes import ProxyFacts, Route, route_answers
from infradb.collectors.reverse_proxy.run import run_of
from infradb.collectors.reverse_proxy.settings import ProxySettings
from infradb.collectors.reverse_proxy.shown import ask_ports, place_of
from infradb.errors import SourceMalformed, SourceRefused, SourceUnreachable
from infradb.machine_id import inside_container, read_machine_id_hash
from infradb.observation import CollectionRun, Rejected
from infradb.operations.absorb import absorb
from infradb.store import runs
from infradb.store.schema import open_database
from infradb.transport.calls import CallLog
from infradb.transport.certificates import certificate_in, first_certificate, shown_certificate, understand
from tests.collectors.reverse_proxy.peer import free_ports, make_pair, observed, statuses


def route(**more: object) -> Route:
    values = {"entry": "secure", "listen": ":443", "hostname": "a.lan", "backend_url": "http://b.lan:1", "tls": True}
    return Route(**{**values, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "module",
    [
        "infradb.model.endpoints",
        "infradb.collectors.reverse_proxy.names",
        "infradb.collectors.reverse_proxy.matches",
        "infradb.collectors.reverse_proxy.routes",
        "infradb.collectors.traefik.rules",
        "infradb.collectors.haproxy.conditions",
    ],
)
def test_what_the_docstrings_show_is_so(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    ("said", "host", "address", "expected"),
    [
        ({}, "proxy.lan", None, ("proxy.lan", 443, "a.lan")),
        ({"listen": "0.0.0.0:443"}, "proxy.lan", None, ("proxy.lan", 443, "a.lan")),
        ({"listen": "[::]:443"}, "proxy.lan", None, ("proxy.lan", 443, "a.lan")),
        ({"listen": "*:8443"}, "proxy.lan", "10.0.0.1", ("10.0.0.1", 8443, "a.lan")),
        ({"listen": "10.0.0.9:443"}, "proxy.lan", None, ("10.0.0.9", 443, "a.lan")),
        ({"listen": "[fd00::9]:443"}, "proxy.lan", None, ("fd00::9", 443, "a.lan")),
        ({"hostname": "*"}, "proxy.lan", None, ("proxy.lan", 443, None)),
        # Not asked, because that would lead elsewhere, to nothing, or make the proxy do something.
        ({"listen": "127.0.0.1:443"}, "proxy.lan", None, None),
        ({"listen": "127.0.0.1:443"}, "127.0.0.1", None, ("127.0.0.1", 443, "a.lan")),
        ({"listen": "127.0.0.1:443"}, "localhost", None, ("127.0.0.1", 443, "a.lan")),
        ({"listen": ""}, "proxy.lan", None, None),
        ({"listen": "unix:/run/web.sock"}, "proxy.lan", None, None),
        ({"hostname": "*.lan"}, "proxy.lan", None, None),
        ({"tls": False}, "proxy.lan", None, None),
        ({"enabled": False}, "proxy.lan", None, None),
        ({"asked": False}, "proxy.lan", None, None),
    ],
)
def test_only_the_proxys_own_listening_ports_are_asked(
    said: dict[str, object], host: str, address: str | None, expected: tuple[str, int, str | None] | None
) -> None:
    assert place_of(route(**said), host, address) == expected


def test_backends_are_never_connected_to() -> None:
    with counting() as (port, seen):
        shown = ask_ports([route(listen="", backend_url=f"https://127.0.0.1:{port}")], "127.0.0.1", None, 1, CallLog())
    assert seen == []
    assert shown.problems == ()


def test_a_port_that_is_silent_three_times_is_not_asked_further() -> None:
    log = CallLog()
    with counting() as (port, seen):
        began = time.monotonic()
        routes = [route(hostname=f"h{n}.lan", listen=f":{port}") for n in range(200)]
        shown = ask_ports(routes, "127.0.0.1", None, 0.3, log)
        took = time.monotonic() - began
    assert len(seen) <= 8
    assert took < 3
    assert "200 of 200 names showed no certificate" in shown.problems[0]


def test_handshakes_begin_at_most_fifty_times_a_second(tmp_path: Path) -> None:
    with showing(tmp_path) as port:
        began = time.monotonic()
        shown = ask_ports(
            [route(hostname=f"h{n}.lan", listen=f":{port}") for n in range(30)], "127.0.0.1", None, 5, CallLog()
        )
    assert len(shown.certificates) == 30
    assert time.monotonic() - began >= 29 * 0.02


def test_the_certificate_is_that_of_the_name(tmp_path: Path) -> None:
    with showing(tmp_path, "a.lan") as port:
        read = understand(shown_certificate("127.0.0.1", port, "a.lan", 5))
    assert (read.subject, read.names, read.issuer) == ("a.lan", ["a.lan"], "a.lan")
    assert read.fingerprint == make_hash(tmp_path / "a.lan.crt")
    assert str(read.not_before_at) < clock.now() < str(read.not_after_at)


def test_what_is_no_tls_or_no_port_is_named() -> None:
    with speaking(b"220 smtp ready\r\n") as port, pytest.raises(SourceRefused, match="wrong version number"):
        shown_certificate("127.0.0.1", port, "a.lan", 2)
    with pytest.raises(SourceUnreachable, match="refused"):
        shown_certificate("127.0.0.1", free_ports(1)[0], "a.lan", 2)
    with pytest.raises(SourceUnreachable):
        shown_certificate("127.0.0.1", free_ports(1)[0], "x" * 300, 2)


def test_a_file_is_read_up_to_the_end_of_its_first_certificate(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "a.lan")
    assert understand(first_certificate(pair.both)).fingerprint == pair.fingerprint
    assert understand(certificate_in(pair.certificate.read_text() * 2)).fingerprint == pair.fingerprint
    reversed_file = tmp_path / "reversed.pem"
    reversed_file.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    for path in (pair.key, reversed_file, tmp_path, Path("/dev/zero")):
        with pytest.raises(SourceMalformed, match="no certificate"):
            first_certificate(path)
    with pytest.raises(SourceMalformed):
        understand(b"\x30\x03\x02\x01\x01")
    with pytest.raises(SourceUnreachable, match="cannot be read"):
        first_certificate(tmp_path / "nothing.pem")


def test_a_value_that_its_field_does_not_take_is_rejected_alone() -> None:
    answers = list(route_answers([route(), route(hostname="x" * 300)], "edge", {}, {}))
    said = [o for a in answers for o in a.parse()]
    assert [isinstance(o, Rejected) for o in said] == [False, True]


def test_routes_that_are_the_same_count_once_and_order_never_matters() -> None:
    routes = [route(rule="x"), route(rule="a"), route(hostname="b.lan"), route(enabled=False)]
    first, other = (
        [(a.key, a.digest) for a in route_answers(r, "edge", {}, {})] for r in (routes, list(reversed(routes)))
    )
    assert first == other
    assert len(first) == 2


def facts(*routes: Route, **more: object) -> ProxyFacts:
    return ProxyFacts(list(routes), **more)  # type: ignore[arg-type]


def run(found: ProxyFacts, **settings: object) -> CollectionRun:
    given = ProxySettings.model_validate({"probe_certificates": False, **settings})
    return run_of("traefik", "edge", clock.now(), found, given, "127.0.0.1", CallLog())


def test_a_route_that_is_missing_leaves_neither_scope_complete() -> None:
    assert statuses(run(facts(route(), problems=("a page is lost",)))) == {
        "certificates": "failed",
        "routes": "partial",
    }
    assert statuses(run(facts(problems=("nothing was told",)))) == {"certificates": "failed", "routes": "failed"}
    assert statuses(run(facts())) == {"certificates": "complete", "routes": "complete"}


def test_on_this_machine_the_proxy_is_a_service_of_it() -> None:
    made = run(facts(route(), route(entry="dns", listen=":53", backend_url="udp://b:53")), this_machine=True)
    if inside_container() or read_machine_id_hash() is None:
        assert statuses(made)["proxy"] == "failed"
        return
    rows = observed(made)
    assert rows["host"]["machine_id_hash"] == read_machine_id_hash()
    assert {k for k in rows if k.startswith("service/")} == {"service/tcp/443", "service/udp/53"}
    assert rows["route/secure/a.lan>http://b.lan:1"]["proxy_service_id"] == "service/tcp/443"


def test_a_database_takes_it_in_once_and_a_renewed_certificate_is_a_change(tmp_path: Path) -> None:
    pairs = [make_pair(tmp_path, "a.lan") for _ in range(2)]
    first = understand(first_certificate(pairs[1].certificate))
    database = open_database(str(tmp_path / "x.db"), create=True)
    with database.write() as connection:
        runs.add_source(connection, "edge", "traefik", clock.now(), declared=False, rank=30)
    with contextlib.closing(database):

        def take_in(certificate: object, fingerprint: str) -> tuple[int, int]:
            found = facts(route(fingerprint=fingerprint), certificates={fingerprint: certificate})
            with database.write() as connection:
                report = absorb(connection, run(found))
            return report.counts["created"], report.counts["updated"]

        assert take_in(first, first.fingerprint) == (2, 0)
        assert take_in(first, first.fingerprint) == (0, 0)
        second = first.model_copy(update={"fingerprint": "ab" * 32})
        assert take_in(second, second.fingerprint) == (1, 1)
        with database.read() as connection:
            shown = connection.query(
                "SELECT c.fingerprint FROM proxy_routes r JOIN certificates c ON c.id = r.certificate_id"
            )
        assert shown == [("ab" * 32,)]


def make_hash(path: Path) -> str:
    return understand(first_certificate(path)).fingerprint


@contextlib.contextmanager
def counting() -> Iterator[tuple[int, list[socket.socket]]]:
    """A port that takes connections, notes them and says nothing."""
    seen: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    seen.append(server.accept()[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    for connection in seen:
        connection.close()


@contextlib.contextmanager
def speaking(text: bytes) -> Iterator[int]:
    """A port that says a text to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(text)
                    connection.recv(1000)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


@contextlib.contextmanager
def showing(folder: Path, name: str = "any.lan") -> Iterator[int]:
    """A port that shows a self-made certificate."""
    pair = make_pair(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as one:
                    one.recv(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
