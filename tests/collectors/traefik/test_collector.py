"""Traefik itself: 3.7 from PyPI, its file and Docker providers, and what goes wrong on the way to its API."""

from __future__ import annotations

import base64
import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from infradb.collectors.traefik.collector import TraefikCollector
from infradb.collectors.traefik.settings import TraefikSettings
from infradb.errors import SourceMalformed, SourceRefused
from infradb.transport.http import certificate_fingerprint
from tests.collectors.reverse_proxy.peer import (
    Pair,
    certificates,
    digests,
    free_ports,
    make_pair,
    observed,
    program,
    replaying,
    running,
    shown_by_name,
    statuses,
)
from tests.peers import LAB_LABEL, Lab

DYNAMIC = """\
http:
  routers:
    shop: {{rule: "Host(`shop.example.org`) || Host(`www.shop.example.org`)", service: shop, entryPoints: [secure],
      tls: {{}}}}
    plain: {{rule: "HostRegexp(`^.+\\\\.re\\\\.example\\\\.org$`)", service: other, entryPoints: [web]}}
    late: {{rule: "Host(`late.example.org`)", service: nobody, entryPoints: [web]}}
    api: {{rule: "Host(`traefik.example.org`) || Host(`127.0.0.1`)", service: api@internal, entryPoints: [secure],
      middlewares: [login], tls: {{}}}}
  middlewares:
    login: {{basicAuth: {{users: ["infradb:{hash}"]}}}}
  services:
    shop:
      loadBalancer:
        servers: [{{url: "http://127.0.0.1:{dead}"}}, {{url: "http://user:hunter2@127.0.0.1:{dead}/x"}}]
        healthCheck: {{path: /, interval: 1s, timeout: 500ms}}
    other: {{loadBalancer: {{servers: [{{url: "https://127.0.10.9:8443"}}]}}}}
tcp:
  routers:
    through: {{rule: "HostSNI(`db.example.org`)", service: db, entryPoints: [secure], tls: {{passthrough: true}}}}
  services: {{db: {{loadBalancer: {{servers: [{{address: "127.0.0.1:{dead}"}}]}}}}}}
tls:
  certificates: [{{certFile: "{shop.certificate}", keyFile: "{shop.key}"}}]
"""


class Peer:
    """A running Traefik."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        self.api, self.web, self.secure, self.dead = free_ports(4)
        self.shop: Pair = make_pair(folder, "shop.example.org")
        password = "{SHA}" + base64.b64encode(hashlib.sha1(b"hunter3").digest()).decode()
        (folder / "dynamic.yaml").write_text(DYNAMIC.format(hash=password, dead=self.dead, shop=self.shop))
        points = {"traefik": self.api, "web": self.web, "secure": self.secure}
        self.command = [
            program("traefik"),
            "--api.insecure=true",
            "--api.dashboard=false",
            *(f"--entrypoints.{name}.address=127.0.0.1:{port}" for name, port in points.items()),
            "--providers.file.filename=dynamic.yaml",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            *extra,
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    def loaded(self, names: str = "shop@file") -> bool:
        with urllib.request.urlopen(f"{self.url}/api/http/routers?per_page=1000", timeout=2) as answer:
            return names in {r["name"] for r in orjson.loads(answer.read())}


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    peer = Peer(tmp_path_factory.mktemp("traefik"))
    with running(peer.command, peer.folder, peer.loaded):
        yield peer


def collector(url: str, **more: Any) -> TraefikCollector:
    return TraefikCollector("edge", TraefikSettings(url=url, timeout_seconds=5, **more))


class TestRealOne:
    def test_names_lead_to_servers_with_the_certificates_that_are_shown(self, traefik: Peer) -> None:
        run = collector(traefik.url).collect()
        assert statuses(run) == {"certificates": "complete", "routes": "complete"}
        rows = {k: v for k, v in observed(run).items() if k.startswith("route/")}
        first = rows[f"route/secure/shop.example.org>http://127.0.0.1:{traefik.dead}"]
        assert first["proxy"] == "edge"
        assert first["tls"] is True
        assert first["native_name"] == "shop@file"
        assert "proxy_service_id" not in first
        shown = shown_by_name(run)
        assert shown["shop.example.org"] == traefik.shop.fingerprint
        assert "db.example.org" not in shown, "the backend would have been connected to"
        known = certificates(run)
        assert known[traefik.shop.fingerprint]["names"] == ["shop.example.org"]
        assert known[shown["www.shop.example.org"]]["subject"] == "TRAEFIK DEFAULT CERT"
        assert not rows["route/web/late.example.org>nobody@file"]["enabled"]
        assert rows["route/web/*.re.example.org>https://127.0.10.9:8443"]["tls"] is False

    def test_a_server_that_its_check_finds_dead_is_down(self, traefik: Peer) -> None:
        key = f"route/secure/shop.example.org>http://127.0.0.1:{traefik.dead}"

        def down() -> bool:
            return observed(collector(traefik.url).collect())[key].get("backend_status") == "down"

        assert any(down() for _ in range(30))

    def test_no_password_leaves_it(self, traefik: Peer) -> None:
        run = collector(traefik.url).collect()
        assert "hunter2" not in str(observed(run)) + str(digests(run))
        assert "{SHA}" not in str(observed(run))

    def test_two_readings_are_equal(self, traefik: Peer) -> None:
        assert digests(collector(traefik.url).collect()) == digests(collector(traefik.url).collect())

    def test_doctor_proves_every_call(self, traefik: Peer) -> None:
        made = collector(traefik.url)
        found = made.diagnose()
        assert all(d.ok for d in found), found
        assert {c.name for c in made.collect().calls} == set(made.calls())

    def test_the_api_behind_a_login_and_an_unknown_certificate(
        self, traefik: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TRAEFIK_PASSWORD", "hunter3")
        url = f"https://127.0.0.1:{traefik.secure}"
        login = {"user": "infradb", "password": "env:TRAEFIK_PASSWORD"}
        with pytest.raises(SourceRefused, match="not trusted"):
            collector(url, **login).collect()
        pin = certificate_fingerprint(url)
        run = collector(url, **login, fingerprint=pin).collect()
        assert statuses(run)["routes"] == "complete"
        with pytest.raises(SourceRefused, match="401"):
            collector(url, fingerprint=pin).collect()
        monkeypatch.setenv("TRAEFIK_PASSWORD", "wrong")
        with pytest.raises(SourceRefused, match="401"):
            collector(url, **login, fingerprint=pin).collect()

    def test_without_asking_its_ports_the_api_tells_its_certificates(self, traefik: Peer) -> None:
        run = collector(traefik.url, probe_certificates=False).collect()
        assert set(certificates(run)) == {traefik.shop.fingerprint}
        assert not any("handshake" in c.name for c in run.calls)


def test_labels_of_containers_are_routes_to_their_addresses(lab_containers: Lab, tmp_path: Path) -> None:
    labels = {
        "traefik.enable": "true",
        "traefik.http.routers.blog.rule": "Host(`blog.example.org`) && PathPrefix(`/news`)",
        "traefik.http.routers.blog.entrypoints": "secure",
        "traefik.http.routers.blog.tls": "true",
        "traefik.http.services.blog.loadbalancer.server.port": "8096",
    }
    container = lab_containers.run(labels=labels)
    lab_containers.run(
        labels={**labels, "traefik.enable": "false", "traefik.http.routers.hidden.rule": "Host(`x.lan`)"}
    )
    container.reload()
    address = next(iter(container.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"]
    peer = Peer(
        tmp_path,
        "--providers.docker.endpoint=unix:///var/run/docker.sock",
        "--providers.docker.exposedbydefault=false",
        f"--providers.docker.constraints=Label(`{LAB_LABEL}`,`{lab_containers.label}`)",
    )
    with running(peer.command, tmp_path, lambda: peer.loaded("blog@docker")):
        rows = observed(collector(peer.url).collect())
    row = rows[f"route/secure/blog.example.org/news>http://{address}:8096"]
    assert row["native_name"] == "blog@docker"
    assert "rule" not in row
    assert not any(r.get("hostname") == "x.lan" for r in rows.values())


# --- a Traefik that answers badly

VERSION = {"Version": "3.7.15"}


def answers(count: int = 1) -> dict[str, Any]:
    def paged(prefix: str, total: int, make: Callable[[int], dict[str, Any]]) -> Callable[..., Any]:
        def answer(request: Any, _: bytes) -> Any:
            query = dict(p.split("=") for p in request.path.partition("?")[2].split("&"))
            page, size = int(query["page"]), int(query["per_page"])
            return [make(n) for n in range((page - 1) * size, min(page * size, total))]

        return answer

    def router(n: int) -> dict[str, Any]:
        rule = f"Host(`h{n}.lan`)"
        return {"name": f"r{n}@file", "service": "s", "rule": rule, "using": ["web"], "provider": "file"}

    servers = {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}}
    totals = {"routers": {"total": count}, "services": {"total": 1}}
    empty = {"routers": {"total": 0}, "services": {"total": 0}}
    return {
        "/api/version": VERSION,
        "/api/overview": {"http": totals, "tcp": empty, "udp": empty},
        "/api/entrypoints": [{"name": "web", "address": ":80"}],
        "/api/http/routers": paged("r", count, router),
        "/api/http/services": [{"name": "s@file", **servers}],
        **{f"/api/{p}/{kind}": [] for p in ("tcp", "udp") for kind in ("routers", "services")},
    }


def test_every_page_is_read_and_an_older_one_without_certificates_is_complete() -> None:
    with replaying(answers(1200)) as server:
        run = collector(server.url).collect()
    assert statuses(run) == {"certificates": "complete", "routes": "complete"}
    assert len(observed(run)) == 1200


def test_a_page_that_fails_leaves_the_routes_incomplete() -> None:
    with replaying({**answers(1200), "/api/http/routers?per_page=500&page=3": (500, b"oops")}) as server:
        run = collector(server.url).collect()
    assert statuses(run)["routes"] == "failed"
    assert "HTTP 500" in run.errors[-1]


def test_a_list_that_is_shorter_than_it_should_be_is_not_complete() -> None:
    with replaying({**answers(3), "/api/http/routers": []}) as server:
        run = collector(server.url).collect()
    assert "complete" not in statuses(run).values()
    assert "0 of 3" in str(run.errors)


@pytest.mark.parametrize("path", [p for p in answers() if p != "/api/version"])
def test_a_call_that_is_refused_makes_its_scope_incomplete_and_says_so(path: str) -> None:
    with replaying({**answers(), path: (403, b"{}")}) as server:
        run = collector(server.url).collect()
    assert statuses(run)["routes"] != "complete"
    assert any(path in e and "HTTP 403" in e for e in run.errors)


def test_certificates_that_are_refused_leave_the_routes_complete() -> None:
    with replaying({**answers(), "/api/certificates": (403, b"{}")}) as server:
        run = collector(server.url).collect()
    assert statuses(run) == {"certificates": "failed", "routes": "complete"}


def test_another_program_is_no_traefik() -> None:
    with replaying({"/api/version": {"version": "1.0"}}) as server, pytest.raises(SourceMalformed, match="no version"):
        collector(server.url).collect()
