"""An HTTP server on loopback that answers as badly as servers do; every collector over HTTP is tried on it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOUR = b"x" * 65536


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    way: str = ""
    stop: threading.Event

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):
            getattr(self, f"_{self.way}")()
        self.close_connection = True

    do_POST = do_GET

    def _send(self, status: int, body: bytes, kind: str = "application/json", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _wrong_credentials(self) -> None:
        self._send(401, b'{"message": "authentication failure"}')

    def _no_right(self) -> None:
        self._send(403, b'{"message": "permission denied"}')

    def _server_error(self) -> None:
        self._send(500, b"internal error")

    def _web_page(self) -> None:
        self._send(200, b"<!DOCTYPE html><title>Log in</title>", "text/html")

    def _cut_in_half(self) -> None:
        self._send(200, b'{"data": [{"a": 1}, {"b"', length=5000)

    def _half_json(self) -> None:
        self._send(200, b'{"data": [{"a": 1}, {"b"')

    def _empty(self) -> None:
        self._send(200, b"")

    def _wrong_types(self) -> None:
        body = json.dumps({"data": {"nodes": "none", "list": 3}, "rows": "x", "results": 5, "version": []}).encode()
        self._send(200, body)

    def _wrong_list(self) -> None:
        self._send(200, b'[1, null, "x", [], {"name": {}}]')

    def _redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _silent(self) -> None:
        self.stop.wait(60)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.stop.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        sent = 0
        while not self.stop.is_set() and sent < 500 * 2**20:
            self.wfile.write(HOUR)
            sent += len(HOUR)

    def _garbage(self) -> None:
        self.wfile.write(b"\x00\x01\x02 220 not HTTP at all\r\n\r\n")

    def _closes(self) -> None:
        time.sleep(0)


WAYS = sorted(n[1:] for n in vars(_Handler) if n.startswith("_") and not n.startswith("__") and n != "_send")


@contextlib.contextmanager
def bad_server(way: str) -> Iterator[str]:
    """Yield the URL of a server that answers everything in this way."""
    stop = threading.Event()
    handler: Any = type("Handler", (_Handler,), {"way": way, "stop": stop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
