"""HTTP within limits: each way in which a server answers badly is named, within its time, and without its secrets."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infradb.errors import CollectionError, SettingsError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.http import HttpReader, certificate_fingerprint
from tests.collectors.bad_http import WAYS, bad_server

SAID: dict[str, tuple[type[CollectionError], str]] = {
    "wrong_credentials": (SourceRefused, "credentials are refused"),
    "no_right": (SourceRefused, "no right"),
    "server_error": (SourceUnreachable, "HTTP 500"),
    "web_page": (SourceMalformed, "a web page"),
    "cut_in_half": (SourceUnreachable, "broke off"),
    "half_json": (SourceMalformed, "half of it"),
    "empty": (SourceMalformed, "empty"),
    "redirect": (SourceMalformed, "redirects to /login"),
    "silent": (SourceUnreachable, "no answer in time"),
    "drip": (SourceUnreachable, "did not end within"),
    "endless": (SourceMalformed, "larger than"),
    "garbage": (SourceUnreachable, "GET"),
    "closes": (SourceUnreachable, "broke off"),
    "wrong_list": (SourceMalformed, "not an object"),
}


@pytest.mark.parametrize("way", [w for w in WAYS if w != "wrong_types"])
def test_a_bad_answer_is_named_within_its_time(way: str) -> None:
    kind, words = SAID[way]
    with bad_server(way) as url:
        reader = HttpReader(url, timeout_seconds=1, most_bytes=2**20)
        began = time.monotonic()
        with pytest.raises(kind, match=words) as raised:
            reader.get("/things/{id}", dict, id="a/b")
        assert time.monotonic() - began < 5
        assert raised.value.hint
        assert "GET /things/{id}" in str(raised.value)
        (call,) = reader.log.made()
        assert (call.name, call.times, call.failed) == ("GET /things/{id}", 1, 1)


def test_nothing_listens_there() -> None:
    with pytest.raises(SourceUnreachable, match="nothing listens"):
        HttpReader("http://127.0.0.1:9").get("/", dict)


class _Echo(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        said = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


Server = Callable[..., str]


@pytest.fixture
def server() -> Iterator[Server]:
    """Starts servers on loopback, with TLS where a certificate is given."""
    started: list[Any] = []

    def start(certificate: Path | None = None) -> str:
        found = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            found.socket = context.wrap_socket(found.socket, server_side=True)
        threading.Thread(target=found.serve_forever, daemon=True).start()
        started.append(found)
        return f"{'https' if certificate else 'http'}://127.0.0.1:{found.server_address[1]}"

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def certificate(path: Path) -> tuple[Path, str]:
    """A self-signed certificate for 127.0.0.1 with its key, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    digits = sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return path, ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


class TestCertificates:
    def test_a_self_signed_one_is_refused_and_its_fingerprint_is_told(self, server: Server, tmp_path: Path) -> None:
        file, fingerprint = certificate(tmp_path / "a.pem")
        url = server(file)
        with pytest.raises(SourceRefused, match="not trusted") as raised:
            HttpReader(url).get("/", dict)
        assert f"fingerprint={fingerprint}" in raised.value.hint
        assert certificate_fingerprint(url) == fingerprint

    def test_it_is_taken_by_its_fingerprint_or_its_authority(self, server: Server, tmp_path: Path) -> None:
        file, fingerprint = certificate(tmp_path / "a.pem")
        url = server(file)
        assert HttpReader(url, fingerprint=fingerprint).get("/", dict)["path"] == "/"
        assert HttpReader(url, ca=str(file)).get("/", dict)["path"] == "/"

    def test_another_one_than_the_pinned_one_is_refused(self, server: Server, tmp_path: Path) -> None:
        file, _ = certificate(tmp_path / "a.pem")
        _, other = certificate(tmp_path / "b.pem")
        with pytest.raises(SourceRefused, match="another one than the pinned one"):
            HttpReader(server(file), fingerprint=other).get("/", dict)

    def test_one_side_that_speaks_no_tls_is_said(self, server: Server) -> None:
        with pytest.raises(SourceUnreachable, match="speaks TLS"):
            HttpReader(server().replace("http:", "https:")).get("/", dict)


class TestCalls:
    def test_what_is_named_in_braces_is_quoted(self, server: Server) -> None:
        reader = HttpReader(server(), headers={"X-Key": "k"}, basic=("ann", "pw"))
        said = reader.get("/a/{x}", dict, query={"q": "b c", "full": 1}, x="../../etc")
        assert said["path"] == "/a/..%2F..%2Fetc?q=b+c&full=1"
        assert said["headers"]["X-Key"] == "k"
        assert said["headers"]["authorization"].startswith("Basic ")

    def test_they_are_counted_by_their_kind(self, server: Server) -> None:
        reader = HttpReader(server())
        for n in range(3):
            reader.get("/a/{x}", dict, x=n)
        reader.post("/login", dict, {"user": "ann"})
        assert [(c.name, c.times, c.failed) for c in reader.log.made()] == [("GET /a/{x}", 3, 0), ("POST /login", 1, 0)]


def test_no_proxy_of_the_environment_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert HttpReader(server()).get("/", dict)["path"] == "/"


def test_an_authority_that_is_no_file_is_said(server: Server, tmp_path: Path) -> None:
    file, _ = certificate(tmp_path / "a.pem")
    (tmp_path / "none.pem").write_text("nothing")
    with pytest.raises((SettingsError, CollectionError)) as raised:
        HttpReader(server(file), ca=str(tmp_path / "none.pem")).get("/", dict)
    assert raised.value.hint
