"""An HTTP server on loopback that replays recorded answers, for sources that do not run on a test machine."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answers = Mapping[str, tuple[int, Any]]
"""`GET /path` -> status and what is answered as JSON."""


@contextlib.contextmanager
def replaying(
    answers: Answers, allowed: Callable[[BaseHTTPRequestHandler], bool] = lambda _request: True
) -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of such a server, and the calls that it got; what is not `allowed` is answered with 401."""
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            call = f"{self.command} {self.path}"
            calls.append(call)
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = answers.get(call.partition("?")[0], (404, {"error": "not found"}))
            if not allowed(self):
                status, content = 401, {"error": "unauthorized"}
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", calls
    finally:
        server.shutdown()
        server.server_close()
