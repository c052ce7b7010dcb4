"""The collector against databases as Uptime Kuma makes them, also one in use, and a server that shows its metrics."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.uptime_kuma.collector import UptimeKumaCollector
from infradb.collectors.uptime_kuma.settings import UptimeKumaSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused
from infradb.observation import CollectionRun, Observation
from infradb.operations import sources
from infradb.store.schema import open_database
from tests.collectors.uptime_kuma.peer import add_monitor, make_database
from tests.collectors.uptime_kuma.test_parse import CASES, METRICS


def collector(**settings: Any) -> UptimeKumaCollector:
    return UptimeKumaCollector("kuma", UptimeKumaSettings(**settings))


def services(run: CollectionRun) -> set[str]:
    said = [o for s in run.scopes for a in s.answers for o in a.parse() if isinstance(o, Observation)]
    return {o.values["service_name"] for o in said if o.table == "services"}


@contextmanager
def metrics(key: str) -> Iterator[str]:
    """Uptime Kuma's `/metrics`: the key is the password, whatever the name (server/auth.js)."""
    wanted = "Basic " + base64.b64encode(f":{key}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers.get("Authorization") == wanted and self.path == "/metrics"
            body = METRICS.encode() if right else b"Unauthorized"
            self.send_response(200 if right else 401)
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


def test_a_database_and_a_backup_say_the_same(tmp_path: Path) -> None:
    make_database(tmp_path / "kuma.db").close()
    one, two = collector(path=tmp_path / "kuma.db").collect(), collector(path=CASES / "backup.json").collect()
    assert services(one) == services(two) != set()
    assert one.calls[0].name in collector(path=tmp_path).calls()


def test_a_database_that_is_read_is_not_touched(tmp_path: Path) -> None:
    make_database(tmp_path / "kuma.db").close()
    before = sha256((tmp_path / "kuma.db").read_bytes()).hexdigest(), (tmp_path / "kuma.db").stat().st_mtime_ns
    (tmp_path / "kuma.db").chmod(0o444)
    tmp_path.chmod(0o555)
    collector(path=tmp_path / "kuma.db").collect()
    tmp_path.chmod(0o755)
    assert before == (
        sha256((tmp_path / "kuma.db").read_bytes()).hexdigest(),
        (tmp_path / "kuma.db").stat().st_mtime_ns,
    )
    assert [p.name for p in tmp_path.iterdir()] == ["kuma.db"]


def test_a_database_in_use_is_read_with_what_its_log_holds(tmp_path: Path) -> None:
    with closing(make_database(tmp_path / "kuma.db", log=True)) as used:
        add_monitor(used, {"id": 99, "name": "just added", "type": "ping", "hostname": "10.0.0.1", "active": 1})
        used.commit()
        run = collector(path=tmp_path / "kuma.db").collect()
        assert "just added" in services(run)
        assert not any("log" in e for e in run.errors)
        add_monitor(used, {"id": 100, "name": "and another", "type": "ping", "active": 1})  # nobody is locked out
        used.commit()


def test_a_copy_without_its_log_only_adds(tmp_path: Path) -> None:
    with closing(make_database(tmp_path / "kuma.db")) as used:
        used.execute("PRAGMA journal_mode = WAL")
        add_monitor(used, {"id": 99, "name": "just added", "type": "ping", "active": 1})
        used.commit()
        for name in ("kuma.db", "kuma.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    run = collector(path=tmp_path / "copy-kuma.db").collect()
    assert run.status == "partial"
    assert "lacks its log" in run.errors[0]


def test_metrics_only_add_because_they_show_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUMA", "uk1_hunter2")
    with metrics("uk1_hunter2") as url:
        run = collector(url=url, api_key="env:KUMA").collect()
        assert services(run) == {"Nextcloud", "Postgres on db1", 'old "quoted"'}
        assert run.status == "partial"
        monkeypatch.setenv("KUMA", "uk1_expired-hunter2")
        with pytest.raises(SourceRefused) as raised:
            collector(url=url, api_key="env:KUMA").collect()
        assert "hunter2" not in str(raised.value) + raised.value.hint
        assert [d.ok for d in collector(url=url, api_key="env:KUMA").diagnose()] == [False]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"monitorList": 3}', b"SQLite format 3\0" + b"\xff" * 4096, b"\xff\xfe", b"null"]
)
def test_what_is_no_database_and_no_backup_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kuma.db").write_bytes(content)
    with pytest.raises(CollectionError) as raised:
        collector(path=tmp_path / "kuma.db").collect()
    assert raised.value.hint


def test_a_database_of_somebody_else_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE hosts (id INTEGER)")
    with pytest.raises(SourceMalformed, match="no monitors"):
        collector(path=tmp_path / "other.db").collect()
    with pytest.raises(SourceMalformed, match="no file"):
        collector(path=tmp_path).collect()


def test_an_empty_database_retires_nothing(tmp_path: Path) -> None:
    with closing(make_database(tmp_path / "kuma.db")) as used:
        used.execute("DELETE FROM monitor")
        used.commit()
    run = collector(path=tmp_path / "kuma.db").collect()
    assert run.status == "partial"


def test_what_a_tag_says_counts_on_the_service_that_runs_there(tmp_path: Path) -> None:
    path = tmp_path / "kuma.db"
    with closing(make_database(path)) as used:
        used.execute("DELETE FROM monitor WHERE name = ''")
        used.commit()
    database = open_database(str(tmp_path / "lab.db"), create=True)
    sources.add(database, "uptime_kuma", "kuma", {"path": str(path)})
    (first,) = sources.discover(database, ["kuma"])
    (second,) = sources.discover(database, ["kuma"])
    with database.read() as connection:
        rows = connection.query("SELECT h.hostname, s.port FROM services s JOIN hosts h ON h.id = s.host_id")
        critical = connection.query("SELECT service_name FROM services WHERE criticality = 'high'")
    database.close()
    assert (first.status, second.changed) == ("complete", 0)
    assert rows == [("db1", 5432)]
    assert critical == [("Nextcloud",)]
