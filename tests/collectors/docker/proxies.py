"""What stands between a collector and the real engine in tests: it forwards, refuses, delays or dies."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENGINE = "/var/run/docker.sock"


def call_of(path: str) -> str:
    """The call's name as `calls()` writes it."""
    bare = re.sub(r"^/v[0-9.]+", "", path.split("?")[0])
    return "GET " + re.sub(r"^/containers/(?!json$)[^/]+/", "/containers/{id}/", bare)


@dataclass
class Proxy:
    """A listener in front of the engine, on loopback; `rule` may return an HTTP status instead of the answer."""

    rule: Callable[[str, str], int | None] = lambda method, call: None
    dies_after: int | None = None
    seen: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @contextmanager
    def running(self, context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
        server = Server(("127.0.0.1", 0), Handler)
        server.proxy = self
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.cut()
            thread.join()
            server.server_close()


class Server(ThreadingHTTPServer):
    """Keeps what is open, so that it can die in the middle."""

    daemon_threads = True
    proxy: Proxy

    def __init__(self, *args: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # broken connections are what these tests are about

    def cut(self) -> None:
        for one in tuple(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class EngineConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(ENGINE)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        proxy, call = self.server.proxy, call_of(self.path)
        proxy.seen.append(call.replace("GET", self.command, 1))
        if proxy.dies_after is not None and len(proxy.seen) > proxy.dies_after:
            self.close_connection = True
            return
        if status := proxy.rule(self.command, call):
            body = b'{"message":"refused by the proxy"}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.forward()

    def forward(self) -> None:
        engine = EngineConnection("engine", timeout=60)
        try:
            engine.request(self.command, self.path)
            answer = engine.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type") or "")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := answer.read1(65536):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        finally:
            engine.close()
