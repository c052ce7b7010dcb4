"""A real PowerDNS authoritative server on loopback, its zones in SQLite, filled through its own API."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.collectors.dhcp_lab import program
from tests.collectors.dns.peer import free_port
from tests.peers import missing

KEY = "a-key-of-the-test"
SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
ZONE = {
    "name": "lab.example.",
    "kind": "Native",
    "nameservers": ["ns1.lab.example."],
    "rrsets": [
        {"name": "ns1.lab.example.", "type": "A", "ttl": 300, "records": [{"content": "10.0.0.2"}]},
        {"name": "web.lab.example.", "type": "A", "ttl": 60, "records": [{"content": "10.0.0.4"}]},
        {"name": "web.lab.example.", "type": "AAAA", "ttl": 60, "records": [{"content": "2001:db8::4"}]},
        {"name": "www.lab.example.", "type": "CNAME", "ttl": 60, "records": [{"content": "web.lab.example."}]},
        {"name": "lab.example.", "type": "MX", "ttl": 60, "records": [{"content": "10 ns1.lab.example."}]},
        {
            "name": "old.lab.example.",
            "type": "A",
            "ttl": 60,
            "records": [{"content": "10.0.0.9", "disabled": True}, {"content": "10.0.0.8", "disabled": False}],
        },
        {"name": "note.lab.example.", "type": "TXT", "ttl": 60, "records": [{"content": '"token=hunter2hunter2"'}]},
    ],
}
REVERSE = {
    "name": "0.0.10.in-addr.arpa.",
    "kind": "Native",
    "nameservers": ["ns1.lab.example."],
    "rrsets": [
        {"name": "4.0.0.10.in-addr.arpa.", "type": "PTR", "ttl": 60, "records": [{"content": "web.lab.example."}]}
    ],
}


class PowerDns:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dns, self.web = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    def start(self) -> None:
        server = program("pdns_server")
        if not SCHEMA.exists():
            missing("pdns-backend-sqlite3", f"{SCHEMA} is not there")
        database = self.folder / "pdns.db"
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        command = [
            server, f"--config-dir={self.folder}", f"--socket-dir={self.folder}", "--daemon=no", "--guardian=no",
            "--launch=gsqlite3", f"--gsqlite3-database={database}", "--local-address=127.0.0.1",
            f"--local-port={self.dns}", "--webserver=yes", "--webserver-address=127.0.0.1",
            f"--webserver-port={self.web}", "--api=yes", f"--api-key={KEY}", "--security-poll-suffix=",
        ]  # fmt: skip
        log = self.folder / "pdns.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + 15
        while True:
            try:
                self.call("GET", "/api/v1/servers/localhost")
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"pdns_server does not run: {log.read_text()[-800:]}") from error
                time.sleep(0.05)
            else:
                return

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"X-API-Key": KEY, "Content-Type": "application/json"},
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def add(self, zone: Mapping[str, Any]) -> None:
        self.call("POST", "/api/v1/servers/localhost/zones", zone)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=15)


@contextlib.contextmanager
def powerdns(folder: Path) -> Iterator[PowerDns]:
    peer = PowerDns(folder)
    try:
        peer.start()
        peer.add(ZONE)
        peer.add(REVERSE)
        yield peer
    finally:
        peer.stop()
