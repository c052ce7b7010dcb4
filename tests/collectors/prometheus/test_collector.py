"""The collector against a real Prometheus server (2.42) that scrapes a real exporter and one that is not there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.prometheus.collector import PrometheusCollector
from infradb.collectors.prometheus.settings import PrometheusSettings
from infradb.errors import CollectionError
from infradb.observation import Observation
from infradb.operations import sources
from infradb.store.schema import open_database
from tests.collectors.node_exporter.peer import exporter, free_port
from tests.collectors.prometheus.peer import prometheus


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    with exporter() as up:
        there, gone = up.removeprefix("http://"), f"127.0.0.1:{free_port()}"
        with prometheus(tmp_path_factory.mktemp("prometheus"), [there, gone]) as url:
            yield url, there, gone


def collector(url: str, **settings: Any) -> PrometheusCollector:
    return PrometheusCollector("metrics", PrometheusSettings(url=url, **settings))


@contextmanager
def answering(targets: Any, build: Any = None) -> Iterator[str]:
    """A server that answers in Prometheus's shape."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = targets if "targets" in self.path else build
            body = json.dumps({"status": "success" if data is not None else "error", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_targets_are_services_with_what_the_server_says_of_them(lab: tuple[str, str, str]) -> None:
    url, there, gone = lab
    run = collector(url).collect()
    assert run.status == "complete", run.errors
    said = {
        o.key: dict(o.values) for s in run.scopes for a in s.answers for o in a.parse() if isinstance(o, Observation)
    }
    assert said["server"]["version"].startswith("2.")
    assert said[f"target/{there}"]["reported_status"] == "up"
    assert said[f"target/{gone}"]["reported_status"] == "down"
    assert said[f"target/{there}"]["service_name"] == f"node {there}"


def test_the_calls_that_were_made_are_those_announced(lab: tuple[str, str, str]) -> None:
    reader = collector(lab[0])
    assert {c.name for c in reader.collect().calls} == set(reader.calls())
    assert all(d.ok for d in reader.diagnose())


def test_a_second_run_finds_nothing_new(lab: tuple[str, str, str], tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "lab.db"), create=True)
    sources.add(database, "prometheus", "metrics", {"url": lab[0]})
    (first,) = sources.discover(database, ["metrics"])
    (second,) = sources.discover(database, ["metrics"])
    database.close()
    assert (first.counts["created"], second.changed) == (3, 0)


def test_a_server_that_shows_no_targets_retires_nothing() -> None:
    with answering({"activeTargets": [], "droppedTargets": []}, {"version": "2.42"}) as url:
        run = collector(url).collect()
    assert {s.name: s.status for s in run.scopes} == {"server": "complete", "targets": "partial"}
    assert "no targets" in run.errors[0]


def test_a_server_that_does_not_tell_its_version_still_tells_its_targets() -> None:
    with answering({"activeTargets": [{"labels": {}, "scrapeUrl": "http://10.0.0.1:1/m", "health": "up"}]}) as url:
        run = collector(url).collect()
    assert {s.name: s.status for s in run.scopes} == {"server": "failed", "targets": "complete"}


@pytest.mark.parametrize("targets", [None, [], "x", {"activeTargets": None}, {"activeTargets": {"a": 1}}])
def test_what_is_no_list_of_targets_is_told(targets: Any) -> None:
    with answering(targets, {"version": "2"}) as url, pytest.raises(CollectionError) as raised:
        collector(url).collect()
    assert raised.value.hint
