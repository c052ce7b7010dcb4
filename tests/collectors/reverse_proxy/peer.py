"""What the tests of all reverse proxies share: certificates, programs on loopback, answers that are replayed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infradb.collectors.reverse_proxy.routes import ProxyFacts
from infradb.errors import CollectionError
from infradb.model.services import Certificate
from infradb.observation import CollectionRun, Observation
from tests.peers import missing


@dataclass(frozen=True)
class Pair:
    """A self-made certificate and its key, as files."""

    certificate: Path
    key: Path
    fingerprint: str

    @property
    def both(self) -> Path:
        """One file with certificate and key."""
        return self.certificate.with_suffix(".pem")


def make_pair(folder: Path, name: str, names: Sequence[str] = (), *, days: float = 90) -> Pair:
    """Make a self-signed certificate for `name`, and further names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in (name, *names)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key", made.fingerprint(hashes.SHA256()).hex())
    pair.certificate.write_bytes(pem)
    pair.key.write_bytes(secret)
    pair.both.write_bytes(pem + secret)
    return pair


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, from below those that outgoing connections take by themselves."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", 10_000 + secrets.randbelow(22_000)))
                found.append(probe.getsockname()[1])
    return found


def program(name: str) -> str:
    """The path of a proxy's program; the test is left where it is not installed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path) or missing(name, "it is not installed")


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, ready: Callable[[], object]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a proxy until the block ends; it is stopped by its id."""
    log = folder / "log"
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        wait_for(ready, lambda: f"{command[0]} does not start: {log.read_text(errors='replace')[-1500:]}", process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def wait_for(
    ready: Callable[[], object], why: Callable[[], str], process: subprocess.Popen[bytes] | None = None
) -> None:
    """Wait until something is so, for at most 20 seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end and (process is None or process.poll() is None):
        with contextlib.suppress(OSError, CollectionError):
            if ready():
                return
        time.sleep(0.05)
    raise AssertionError(why())


def listens(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Replayed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Mapping[str, Any] = {}
    asked: list[str] = []

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.asked.append(f"{self.command} {self.path}")
        name = self.path if self.path in self.answers else self.path.partition("?")[0]
        found = self.answers.get(name, (404, b"404 page not found"))
        if callable(found):
            found = found(self, body)
        status, content = found if isinstance(found, tuple) else (200, found)
        content = content if isinstance(content, bytes) else orjson.dumps(content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET


@dataclass
class Replay:
    """A server on loopback that gives recorded answers."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def replaying(answers: Mapping[str, Any]) -> Iterator[Replay]:
    """Serve answers by path, with or without query: a document, (status, content), or a function of the request."""
    asked: list[str] = []
    handler: Any = type("Handler", (_Replayed,), {"answers": answers, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Replay(f"http://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def told(facts: ProxyFacts) -> list[str]:
    """Every route of a proxy in a line, in order, as the recorded cases write them."""
    lines = []
    for r in facts.routes:
        marks = [
            *([] if r.tls is None else ["tls" if r.tls else "plain"]),
            *([] if r.enabled else ["off"]),
            *([r.backend_status] if r.backend_status else []),
            *([] if r.asked else ["unasked"]),
            *([f"when {r.rule}"] if r.rule else []),
        ]
        lines.append(
            f"{r.entry} {r.hostname}{r.path} -> {r.backend_url} [{r.native_name or ''}] {' '.join(marks)}".strip()
        )
    return sorted(set(lines))


def observed(run: CollectionRun) -> dict[str, dict[str, Any]]:
    """Every observation of a run by its native key."""
    found: dict[str, dict[str, Any]] = {}
    for scope in run.scopes:
        for answer in scope.answers:
            for said in answer.parse():
                assert isinstance(said, Observation), said
                found[said.key] = dict(said.values)
    return found


def shown_by_name(run: CollectionRun) -> dict[str, str]:
    """Name of each route that shows a certificate -> that certificate's fingerprint."""
    rows = [r for key, r in observed(run).items() if key.startswith("route/") and "certificate_id" in r]
    return {r["hostname"]: r["certificate_id"].removeprefix("certificate/") for r in rows}


def statuses(run: CollectionRun) -> dict[str, str]:
    """Scope -> its status."""
    return {scope.name: scope.status for scope in run.scopes}


def digests(run: CollectionRun) -> dict[str, int]:
    """Key of each answer -> its digest."""
    return {answer.key: answer.digest for scope in run.scopes for answer in scope.answers}


def certificates(run: CollectionRun) -> dict[str, dict[str, Any]]:
    """Fingerprint -> what is said of that certificate."""
    return {
        r["fingerprint"]: r for key, r in observed(run).items() if key.startswith(Certificate.table.removesuffix("s"))
    }
