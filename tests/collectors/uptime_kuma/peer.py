"""Uptime Kuma's database as its own migrations make it (up to 2.0), with a lab's monitors."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import orjson

_SCHEMA = """
CREATE TABLE monitor (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(150), active BOOLEAN DEFAULT 1 NOT NULL, user_id INTEGER,
  interval INTEGER DEFAULT 20 NOT NULL, url TEXT, type VARCHAR(20), weight INTEGER DEFAULT 2000,
  hostname VARCHAR(255),
  port INTEGER, created_date DATETIME DEFAULT (DATETIME('now')) NOT NULL, keyword VARCHAR(255),
  maxretries INTEGER NOT NULL DEFAULT 0, ignore_tls BOOLEAN DEFAULT 0 NOT NULL, upside_down BOOLEAN DEFAULT 0 NOT NULL,
  push_token VARCHAR(20), basic_auth_user TEXT, basic_auth_pass TEXT, docker_host INTEGER,
  docker_container VARCHAR(255),
  mqtt_password VARCHAR(255), database_connection_string VARCHAR(2000), description TEXT, timeout DOUBLE,
  parent INTEGER
);
CREATE TABLE tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255) NOT NULL, color VARCHAR(255) NOT NULL,
  created_date DATETIME DEFAULT (DATETIME('now')) NOT NULL
);
CREATE TABLE monitor_tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
  tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE, value TEXT
);
CREATE TABLE setting (id INTEGER PRIMARY KEY AUTOINCREMENT, "key" VARCHAR(200) NOT NULL UNIQUE, value TEXT);
INSERT INTO setting ("key", value) VALUES ('jwtSecret', 'hunter2');
"""
_COLUMNS = (
    "id", "name", "type", "url", "hostname", "port", "interval", "maxretries", "timeout", "active", "description",
    "basic_auth_pass", "push_token", "docker_container",
)  # fmt: skip


def make_database(path: Path, *, log: bool = False) -> sqlite3.Connection:
    """Make `kuma.db` with the monitors of the backup, and return the connection that Uptime Kuma would hold."""
    backup = orjson.loads((Path(__file__).parent / "cases/backup.json").read_bytes())
    opened = sqlite3.connect(path)
    if log:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("PRAGMA wal_autocheckpoint = 0")
    opened.executescript(_SCHEMA)
    for monitor in backup["monitorList"]:
        add_monitor(opened, monitor)
    opened.commit()
    return opened


def add_monitor(opened: sqlite3.Connection, monitor: dict[str, Any]) -> None:
    """Add a monitor and its tags, as the application does."""
    row = {n: monitor[n] for n in _COLUMNS if monitor.get(n) is not None}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    number = opened.execute(f"INSERT INTO monitor ({names}) VALUES ({marks})", tuple(row.values())).lastrowid
    for tag in monitor.get("tags", ()):
        of = opened.execute("INSERT INTO tag (name, color) VALUES (?, '#fff')", (tag["name"],)).lastrowid
        opened.execute(
            "INSERT INTO monitor_tag (monitor_id, tag_id, value) VALUES (?, ?, ?)", (number, of, tag["value"])
        )
