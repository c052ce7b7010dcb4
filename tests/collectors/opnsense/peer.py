"""A small OPNsense: its API's paths over real TLS with a self-signed certificate, answered from recordings."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CASES = Path(__file__).parent / "cases"
KEY, SECRET = "w86XNZob", "XbD1hNmq"
DOWNLOAD = "/api/core/backup/download/this"


@dataclass
class Fake:
    """One firewall: what it answers can be changed between two calls."""

    answers: dict[str, Any]
    config: str
    url: str = ""
    fingerprint: str = ""
    denied: set[str] = field(default_factory=set)
    """Patterns of paths that the user has no privilege for: HTTP 403, as the API refuses."""
    broken: dict[str, int] = field(default_factory=dict)
    """Path -> HTTP status in the place of its answer."""
    seen: list[str] = field(default_factory=list)
    """Method and path of every call."""

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of a source that reads it."""
        return {
            "url": self.url, "fingerprint": self.fingerprint, "timeout_seconds": 5,
            "api_key": "env:OPNSENSE_KEY", "api_secret": "env:OPNSENSE_SECRET", **more,
        }  # fmt: skip


def recorded(version: str) -> Fake:
    """A firewall that is not served yet."""
    said = json.loads((CASES / f"{version}.json").read_text(encoding="utf-8"))
    return Fake(said["answers"], (CASES / f"{version}.xml").read_text(encoding="utf-8"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes, kind: str = "application/json; charset=UTF-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.fake.seen.append(f"{self.command} {path}")
        wanted = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self._answer(401, b'{"status":401,"message":"Authentication Failed"}')
        elif any(re.search(pattern, path) for pattern in self.fake.denied):
            self._answer(403, b'{"status":403,"message":"Forbidden"}')
        elif path in self.fake.broken:
            self._answer(self.fake.broken[path], b'{"errorMessage":"Unexpected error, check log for details"}')
        elif path == DOWNLOAD:
            self._answer(200, self.fake.config.encode(), "application/octet-stream")
        elif path in self.fake.answers:
            self._answer(200, json.dumps(self.fake.answers[path]).encode())
        else:
            self._answer(404, b'{"errorMessage":"Endpoint not found"}')

    do_POST = do_GET


def _certificate(folder: Path) -> tuple[Path, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OPNsense.internal")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "web.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(pem + built.public_bytes(serialization.Encoding.PEM))
    return file, sha256(built.public_bytes(serialization.Encoding.DER)).hexdigest()


@contextlib.contextmanager
def served(fake: Fake, folder: Path) -> Iterator[Fake]:
    """Serve a firewall on loopback until the end of the block."""
    file, fake.fingerprint = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    handler: Any = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    fake.url = f"https://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
