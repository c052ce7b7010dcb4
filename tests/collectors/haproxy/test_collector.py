"""HAProxy itself: 2.6 from Debian, its socket as a path and on TCP, and sockets of something else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.haproxy.collector import HaproxyCollector
from infradb.collectors.haproxy.settings import HaproxySettings
from infradb.errors import SourceRefused
from infradb.observation import CollectionRun
from tests.collectors.reverse_proxy.peer import (
    digests,
    free_ports,
    listens,
    make_pair,
    observed,
    program,
    running,
    shown_by_name,
    statuses,
    wait_for,
)

CONFIGURATION = """\
global
  stats socket {folder}/s mode 600 level user
  stats socket ipv4@127.0.0.1:{stats} level user
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:{http}
  bind 127.0.0.1:{https} ssl crt {folder}/a.example.org.pem crt {folder}/b.example.org.pem
  use_backend app if {{ hdr(host) -i a.example.org }}
  use_backend other if {{ hdr(host) -i b.example.org }} {{ path_beg /x }}
backend app
  server dead 127.0.0.1:{dead} check inter 200ms
  server alive 127.0.0.1:{http} check inter 200ms
backend other
  server unchecked 127.0.10.9:443 ssl verify none
"""


class Peer:
    """A configuration of HAProxy, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https, self.stats, self.dead = free_ports(4)
        self.a, self.b = make_pair(folder, "a.example.org"), make_pair(folder, "b.example.org")
        self.path = folder / "haproxy.cfg"
        self.path.write_text(CONFIGURATION.format(**vars(self)))
        self.command = [program("haproxy"), "-f", str(self.path), "-db"]

    def collector(self, **more: Any) -> HaproxyCollector:
        given = {"path": self.path, "url": f"unix://{self.folder}/s", "timeout_seconds": 5, **more}
        return HaproxyCollector("edge", HaproxySettings(**given))

    def row(self, run: CollectionRun, server: str) -> dict[str, Any]:
        return observed(run)[f"route/web/a.example.org>http://127.0.0.1:{server}"]


@pytest.fixture(scope="module")
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    # The path of a socket has at most 107 characters.
    peer = Peer(tmp_path_factory.mktemp("ha"))

    def down() -> bool:
        return peer.row(peer.collector().collect(), str(peer.dead)).get("backend_status") == "down"

    with running(peer.command, peer.folder, lambda: listens(peer.https)):
        wait_for(down, lambda: "the dead server is not noticed")
        yield peer


@pytest.mark.parametrize("url", ["unix://{0.folder}/s", "tcp://127.0.0.1:{0.stats}"])
def test_names_lead_to_servers_with_their_state_and_the_certificates_that_are_shown(haproxy: Peer, url: str) -> None:
    made = haproxy.collector(url=url.format(haproxy))
    run = made.collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert haproxy.row(run, str(haproxy.dead))["backend_status"] == "down"
    assert haproxy.row(run, str(haproxy.http))["backend_status"] == "up"
    unchecked = observed(run)["route/web/b.example.org/x>https://127.0.10.9:443"]
    assert "backend_status" not in unchecked
    assert unchecked["tls"] is True
    assert shown_by_name(run) == {"a.example.org": haproxy.a.fingerprint, "b.example.org": haproxy.b.fingerprint}
    assert digests(made.collect()) == digests(run)
    assert {c.name for c in run.calls} == set(made.calls())
    assert all(d.ok for d in made.diagnose())


def test_without_a_socket_the_routes_are_there_and_partial(haproxy: Peer) -> None:
    run = haproxy.collector(url="unix:///nonexistent/s").collect()
    assert statuses(run) == {"certificates": "partial", "routes": "partial"}
    assert "stats socket" in run.errors[-1]
    assert len([k for k in observed(run) if k.startswith("route/")]) == 3
    found = haproxy.collector(url="unix:///nonexistent/s").diagnose()
    assert [d.ok for d in found[:3]] == [True, False, False]


def test_a_socket_that_is_not_wanted_is_not_missed(haproxy: Peer) -> None:
    made = haproxy.collector(url="")
    run = made.collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert not any("show" in c for c in made.calls())


def test_the_socket_lets_nothing_be_changed(haproxy: Peer) -> None:
    from infradb.collectors.haproxy.client import HaproxyClient
    from infradb.transport.calls import CallLog

    client = HaproxyClient(haproxy.collector().settings, CallLog())
    with pytest.raises(SourceRefused, match="permission denied"):
        client.ask("disable server app/alive")


# --- sockets of something else


def html(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")


def closes(_: socket.socket, __: threading.Event) -> None:
    return


def silent(_: socket.socket, stop: threading.Event) -> None:
    stop.wait(30)


def drips(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        connection.sendall(b"x")


def endless(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize("way", [html, closes, silent, drips, endless])
def test_a_socket_of_something_else_is_named_in_time(
    tmp_path: Path, way: Callable[[socket.socket, threading.Event], None]
) -> None:
    peer = Peer(tmp_path)
    with speaking(tmp_path / "other", way) as path:
        began = time.monotonic()
        run = peer.collector(url=f"unix://{path}", timeout_seconds=1, probe_certificates=False).collect()
    assert time.monotonic() - began < 10
    assert statuses(run)["routes"] == "partial"
    assert "the state of backends is not known" in run.errors[-1]


@contextlib.contextmanager
def speaking(path: Path, way: Callable[[socket.socket, threading.Event], None]) -> Iterator[Path]:
    """A socket that answers everything in this way."""
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1000)
            way(connection, stop)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
