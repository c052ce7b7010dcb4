"""Caddy itself: 2.6 from Debian, with certificates of its own authority and from files."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.caddy.collector import GRANT, CaddyCollector
from infradb.collectors.caddy.settings import CaddySettings
from tests.collectors.reverse_proxy.peer import (
    certificates,
    digests,
    free_ports,
    listens,
    make_pair,
    observed,
    program,
    replaying,
    running,
    shown_by_name,
    statuses,
    wait_for,
)

CADDYFILE = """\
{{
  admin 127.0.0.1:{admin}
  http_port {http}
  https_port {https}
}}
a.example.org {{
  tls {folder}/a.example.org.crt {folder}/a.example.org.key
  handle /api/* {{
    reverse_proxy 127.0.0.1:{dead} {{
      fail_duration 60s
    }}
  }}
  reverse_proxy https://127.0.10.5:8443
}}
b.example.org {{
  tls internal
  root * /srv/b
  file_server
}}
"""


class Peer:
    """A running Caddy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.admin, self.http, self.https, self.dead, self.passed = free_ports(5)
        self.pair = make_pair(folder, "a.example.org")
        text = CADDYFILE.format(**vars(self))
        # What grant() tells, word for word but for ports and address.
        lines = GRANT.split("Caddyfile:\n")[1].split("\nThen:")[0]
        lines = lines.replace(":2020", f"http://127.0.0.1:{self.passed}").replace("ADDRESS_OF_INFRADB", "127.0.0.1")
        (folder / "Caddyfile").write_text(text + lines.replace(":2019", f":{self.admin}"))
        self.command = [program("caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.admin}"


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("caddy"))
    with running(peer.command, peer.folder, lambda: listens(peer.admin) and listens(peer.https)):
        wait_for(lambda: len(shown_by_name(collector(peer.url).collect())) == 2, lambda: "no certificate is shown")
        yield peer


def collector(url: str, **more: Any) -> CaddyCollector:
    return CaddyCollector("edge", CaddySettings(url=url, timeout_seconds=5, **more))


class TestRealOne:
    def test_names_lead_to_backends_with_the_certificates_that_are_shown(self, caddy: Peer) -> None:
        run = collector(caddy.url).collect()
        assert statuses(run) == {"certificates": "complete", "routes": "complete"}
        rows = observed(run)
        entry = f":{caddy.https}"
        assert rows[f"route/{entry}/a.example.org>https://127.0.10.5:8443"]["tls"] is True
        assert rows[f"route/{entry}/b.example.org>file:///srv/b"]["entry"] == entry
        shown = shown_by_name(run)
        assert shown["a.example.org"] == caddy.pair.fingerprint
        own = certificates(run)[shown["b.example.org"]]
        assert own["issuer"] == "Caddy Local Authority - ECC Intermediate"
        assert own["subject"] == "b.example.org"

    def test_a_backend_that_does_not_answer_its_users_is_down(self, caddy: Peer) -> None:
        key = f"route/:{caddy.https}/a.example.org/api/>http://127.0.0.1:{caddy.dead}"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(f"https://a.example.org:{caddy.https}/api/x")
        with _resolved(), pytest.raises(urllib.error.HTTPError, match="502"):
            urllib.request.urlopen(request, context=context, timeout=10)
        assert observed(collector(caddy.url).collect())[key]["backend_status"] == "down"

    def test_two_readings_are_equal(self, caddy: Peer) -> None:
        assert digests(collector(caddy.url).collect()) == digests(collector(caddy.url).collect())

    def test_what_grant_tells_suffices_and_lets_nothing_else_pass(self, caddy: Peer) -> None:
        url = f"http://127.0.0.1:{caddy.passed}"
        made = collector(url)
        assert all(d.ok for d in made.diagnose()), made.diagnose()
        assert statuses(made.collect()) == {"certificates": "complete", "routes": "complete"}
        for method, path in (("POST", "/load"), ("GET", "/debug/pprof/"), ("POST", "/config/"), ("DELETE", "/config/")):
            request = urllib.request.Request(url + path, data=b"{}" if method == "POST" else None, method=method)
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(request, timeout=5)

    def test_files_are_read_only_on_this_machine(self, caddy: Peer) -> None:
        far = certificates(collector(caddy.url, probe_certificates=False).collect())
        near = certificates(collector(caddy.url, probe_certificates=False, this_machine=True).collect())
        assert far == {}
        assert near[caddy.pair.fingerprint]["path"] == str(caddy.pair.certificate)


class _resolved:
    """a.example.org is 127.0.0.1 inside the block."""

    def __enter__(self) -> None:
        import socket

        self.before = socket.getaddrinfo
        socket.getaddrinfo = lambda host, *rest, **more: self.before("127.0.0.1", *rest, **more)

    def __exit__(self, *_: object) -> None:
        import socket

        socket.getaddrinfo = self.before


def test_upstreams_that_are_refused_leave_the_routes_partial() -> None:
    servers = {
        "s": {"listen": [":80"], "routes": [{"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "a:1"}]}]}]}
    }
    answers = {"/config/": {"apps": {"http": {"servers": servers}}}, "/reverse_proxy/upstreams": (403, b"{}")}
    with replaying(answers) as server:
        run = collector(server.url).collect()
    assert statuses(run)["routes"] == "partial"
    assert len(observed(run)) == 1
    assert "HTTP 403" in run.errors[-1]


def test_a_port_where_asking_would_make_a_certificate_is_not_asked() -> None:
    servers = {
        "s": {
            "listen": ["127.0.0.1:1"],
            "routes": [
                {
                    "match": [{"host": ["a.lan"]}],
                    "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "a:1"}]}],
                }
            ],
        }
    }
    config = {"apps": {"http": {"servers": servers}, "tls": {"automation": {"policies": [{"on_demand": True}]}}}}
    with replaying({"/config/": config, "/reverse_proxy/upstreams": []}) as server:
        run = collector(server.url).collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert not any("handshake" in c.name for c in run.calls)
