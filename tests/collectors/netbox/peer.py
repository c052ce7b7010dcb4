"""A server that replays a NetBox: objects in pages as Django REST framework shows them, with faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infradb.collectors.netbox.client import LISTS

Fault = Callable[[str, int], int | None]
"""Scope and offset -> the status to answer with, if any."""


@dataclass
class Netbox:
    """What the server holds, and what it was asked."""

    rows: dict[str, list[Any]]
    token: str = "Token 0123456789abcdef0123456789abcdef01234567"
    most: int = 1000
    fault: Fault = lambda _scope, _offset: None
    asked: list[tuple[str, str]] = field(default_factory=list)
    ignores_offset: bool = False
    url: str = ""


@contextmanager
def replaying(netbox: Netbox) -> Iterator[Netbox]:
    """Serve it on loopback."""
    scopes = {path: scope for scope, path in LISTS.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {n: v[0] for n, v in parse_qs(parts.query).items()}
            netbox.asked.append((self.command, parts.path))
            scope = scopes.get(parts.path)
            if self.headers.get("Authorization") != netbox.token:
                return self._send(403, {"detail": "Invalid token"})
            if scope is None:
                return self._send(404, {"detail": "Not found."})
            offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 50)), netbox.most)
            if status := netbox.fault(scope, offset):
                return self._send(status, {"detail": "You do not have permission to perform this action."})
            rows = netbox.rows.get(scope, [])
            page = rows[:limit] if netbox.ignores_offset else rows[offset : offset + limit]
            more = (
                None
                if offset + limit >= len(rows)
                else f"http://netbox{parts.path}?limit={limit}&offset={offset + limit}"
            )
            return self._send(200, {"count": len(rows), "next": more, "previous": None, "results": page})

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _send(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    netbox.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield netbox
    finally:
        server.shutdown()
        server.server_close()
