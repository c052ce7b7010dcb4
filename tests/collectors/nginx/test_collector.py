"""nginx itself: 1.22 from Debian, on loopback, with self-made certificates."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.nginx.collector import NginxCollector
from infradb.collectors.nginx.settings import NginxSettings
from infradb.errors import SourceMalformed, SourceUnreachable
from tests.collectors.reverse_proxy.peer import (
    certificates,
    digests,
    free_ports,
    listens,
    make_pair,
    observed,
    program,
    running,
    shown_by_name,
    statuses,
)
from tests.peers import missing

MAIN = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  include upstreams.conf;
  include conf.d/*.conf;
}}
"""
SITE = """\
server {{
  listen 127.0.0.1:{https} ssl;
  server_name a.example.org;
  ssl_certificate {folder}/a.example.org.crt;
  ssl_certificate_key {folder}/a.example.org.key;
  location / {{ proxy_pass http://app; }}
}}
server {{
  listen 127.0.0.1:{https} ssl;
  server_name b.example.org;
  ssl_certificate {folder}/b.example.org.pem;
  ssl_certificate_key {folder}/b.example.org.pem;
  location / {{ proxy_pass http://127.0.0.1:9009; }}
}}
"""


class Peer:
    """A configuration of nginx, and the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https = free_ports(2)
        self.a, self.b = make_pair(folder, "a.example.org"), make_pair(folder, "b.example.org")
        (folder / "conf.d").mkdir()
        self.main = folder / "nginx.conf"
        self.main.write_text(MAIN.format(folder=folder))
        (folder / "upstreams.conf").write_text("upstream app { server 127.0.0.1:9001; server 127.0.0.1:9002; }\n")
        (folder / "conf.d" / "sites.conf").write_text(SITE.format(folder=folder, https=self.https))

    def collector(self, **more: Any) -> NginxCollector:
        return NginxCollector("edge", NginxSettings(path=self.main, timeout_seconds=5, **more))


@pytest.fixture
def peer(tmp_path: Path) -> Peer:
    return Peer(tmp_path)


@pytest.fixture
def nginx(peer: Peer) -> Iterator[Peer]:
    command = [program("nginx"), "-c", str(peer.main), "-p", str(peer.folder)]
    with running(command, peer.folder, lambda: listens(peer.https)):
        yield peer


def test_names_lead_to_backends_with_the_certificates_that_are_shown(nginx: Peer) -> None:
    made = nginx.collector()
    run = made.collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert shown_by_name(run) == {"a.example.org": nginx.a.fingerprint, "b.example.org": nginx.b.fingerprint}
    rows = observed(run)
    entry = f"127.0.0.1:{nginx.https}"
    assert {k for k in rows if k.startswith("route/")} == {
        f"route/{entry}/a.example.org>http://127.0.0.1:9001",
        f"route/{entry}/a.example.org>http://127.0.0.1:9002",
        f"route/{entry}/b.example.org>http://127.0.0.1:9009",
    }
    known = certificates(run)
    assert known[nginx.a.fingerprint]["path"] == str(nginx.a.certificate)
    assert "path" not in known[nginx.b.fingerprint], "the file holds the key as well"
    assert digests(made.collect()) == digests(run)
    assert {c.name for c in run.calls} == set(made.calls())
    assert all(d.ok for d in made.diagnose())


def test_a_renewed_file_counts_once_nginx_has_read_it(nginx: Peer) -> None:
    old, new = nginx.a.fingerprint, make_pair(nginx.folder, "a.example.org").fingerprint
    run = nginx.collector().collect()
    assert shown_by_name(run)["a.example.org"] == old
    assert {old, new} <= set(certificates(run))
    subprocess.run([program("nginx"), "-c", str(nginx.main), "-p", str(nginx.folder), "-s", "reload"], check=True)
    assert any(shown_by_name(nginx.collector().collect())["a.example.org"] == new for _ in range(50))


def test_what_its_own_test_accepts_is_what_is_read(nginx: Peer) -> None:
    done = subprocess.run(
        [program("nginx"), "-t", "-c", str(nginx.main), "-p", str(nginx.folder)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_where_nothing_runs_the_files_still_tell_and_the_certificates_are_partial(peer: Peer) -> None:
    run = peer.collector().collect()
    assert statuses(run) == {"certificates": "partial", "routes": "complete"}
    assert shown_by_name(run) == {"a.example.org": peer.a.fingerprint}
    assert "connection refused" in run.errors[0]
    assert statuses(peer.collector(probe_certificates=False).collect())["certificates"] == "complete"


def test_a_file_that_is_broken_or_not_there_leaves_the_rest(peer: Peer) -> None:
    (peer.folder / "conf.d" / "broken.conf").write_text("server { listen 80; location / { proxy_pass http://x; \n")
    run = peer.collector(probe_certificates=False).collect()
    assert statuses(run)["routes"] == "partial"
    assert len([k for k in observed(run) if k.startswith("route/")]) == 3
    assert any("broken.conf" in e and "nginx -t" in e for e in run.errors)
    (peer.folder / "conf.d" / "broken.conf").unlink()
    (peer.folder / "upstreams.conf").unlink()
    run = peer.collector(probe_certificates=False).collect()
    assert statuses(run)["routes"] == "partial"
    assert any("upstreams.conf cannot be read" in e for e in run.errors)


def test_files_that_include_each_other_end(peer: Peer) -> None:
    (peer.folder / "conf.d" / "loop.conf").write_text("include conf.d/loop.conf;\n")
    run = peer.collector(probe_certificates=False).collect()
    assert "does one include itself?" in run.errors[-1]


def test_no_key_is_ever_opened(peer: Peer) -> None:
    # Whoever opens a pipe that nobody writes to waits for ever.
    for name in ("a.example.org.key", "b.example.org.pem"):
        (peer.folder / name).unlink()
        os.mkfifo(peer.folder / name)
    run = peer.collector(probe_certificates=False).collect()
    assert set(certificates(run)) == {peer.a.fingerprint}


def test_a_main_file_that_is_none_is_named(peer: Peer, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="cannot be read"):
        NginxCollector("x", NginxSettings(path=tmp_path / "nothing")).collect()
    with pytest.raises(SourceMalformed, match="no file of less than"):
        NginxCollector("x", NginxSettings(path=tmp_path)).collect()
    with pytest.raises(SourceMalformed, match="no file of less than"):
        NginxCollector("x", NginxSettings(path=Path("/dev/zero"))).collect()
    peer.main.write_text("http { server {")
    with pytest.raises(SourceMalformed, match="line 1"):
        peer.collector().collect()


def test_as_nobody_a_certificate_that_only_root_may_read_is_partial_and_says_what_to_do() -> None:
    if os.geteuid() != 0:
        missing("nobody", "only root may become nobody")
    # Not in tmp_path, which every session of pytest closes to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        peer = Peer(Path(folder))
        peer.a.certificate.chmod(0o600)
        os.seteuid(65534)
        try:
            made = peer.collector(probe_certificates=False)
            run, found = made.collect(), made.diagnose()
        finally:
            os.seteuid(0)
    assert statuses(run) == {"certificates": "failed", "routes": "complete"}
    assert "Permission denied" in run.errors[0]
    assert [d.ok for d in found] == [True, False]
    assert found[1].hint
