"""Reads Uptime Kuma's database, backup or metrics; understands nothing. The database is opened so that nothing of it is
written or locked, and columns that hold passwords are not asked for.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from infradb.collectors.uptime_kuma.settings import UptimeKumaSettings
from infradb.errors import SourceMalformed
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.files import unreadable, whole_text
from infradb.transport.http import HttpReader

METRICS, DATABASE, BACKUP = "GET /metrics", "read kuma.db", "read BACKUP.json"
_MAGIC = b"SQLite format 3\0"
COLUMNS = (
    "id", "name", "type", "active", "url", "hostname", "port", "interval", "maxretries", "timeout", "description",
    "docker_container",
)  # fmt: skip
"""Columns of the table monitor that are read, where a version has them."""


class UptimeKumaClient:
    """One Uptime Kuma; every method raises `CollectionError`."""

    def __init__(self, settings: UptimeKumaSettings, log: CallLog) -> None:
        self._settings, self._log = settings, log

    def metrics(self) -> str:
        """Return `GET /metrics`; the API key is the password of basic authentication, without a name."""
        given = self._settings
        key = reveal(given.api_key) if given.api_key else None
        reader = HttpReader(
            given.url or "",
            basic=("", key) if key else None,
            timeout_seconds=given.timeout_seconds,
            fingerprint=given.fingerprint,
            ca=given.ca,
            parallel=1,
            log=self._log,
        )
        try:
            return reader.text("/metrics")
        finally:
            reader.close()

    def monitors(self, path: Path) -> tuple[list[dict[str, Any]], bool]:
        """Return the monitors of a database or of a backup, and whether these are certainly all."""
        if _is_database(path):
            with self._log.recording(DATABASE):
                return _monitors_of_database(path, self._settings.timeout_seconds)
        with self._log.recording(BACKUP):
            return _monitors_of_backup(path), True


def _is_database(path: Path) -> bool:
    try:
        if not path.is_file():
            path.stat()
            raise SourceMalformed(f"{path} is no file", hint="give the path of kuma.db, or of a backup")
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise unreadable(error, path) from error


def _monitors_of_backup(path: Path) -> list[dict[str, Any]]:
    try:
        content = orjson.loads(whole_text(path))
    except orjson.JSONDecodeError as error:
        hint = "version 1 exports it under Settings, Backup; of version 2 give the database"
        raise SourceMalformed(f"{path} is neither a backup (JSON) nor a database of Uptime Kuma", hint=hint) from error
    found = content.get("monitorList") if isinstance(content, dict) else None
    if isinstance(found, dict):  # what the application itself holds, by id
        found = list(found.values())
    if not isinstance(found, list):
        raise SourceMalformed(f"{path} lists no monitors", hint="is it a backup of Uptime Kuma?")
    return [m for m in found if isinstance(m, dict)]


def _monitors_of_database(path: Path, timeout_seconds: float) -> tuple[list[dict[str, Any]], bool]:
    log, shared = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    in_use = log.exists() and log.stat().st_size > 0
    # Beside a running Uptime Kuma, its log is read through the memory that both share. Without that, the file alone is
    # read as if nobody could change it: no log, no lock, no new file beside it.
    together = in_use and shared.exists()
    how = "mode=ro&readonly_shm=1" if together else "immutable=1"
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, timeout=min(timeout_seconds, 30))
        ) as opened:
            opened.row_factory = sqlite3.Row
            return list(_rows(opened)), together or not in_use
    except sqlite3.Error as error:
        hint = "is it Uptime Kuma's database, and a whole copy? Copy kuma.db together with kuma.db-wal and kuma.db-shm"
        raise SourceMalformed(f"{path} cannot be read: {error}", hint=hint) from error


def _rows(opened: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    there = {row["name"] for row in opened.execute("PRAGMA table_info(monitor)")}
    if not {"id", "name", "type"} <= there:
        raise SourceMalformed("the database has no monitors", hint="is it Uptime Kuma's kuma.db?")
    tags: dict[int, list[dict[str, Any]]] = {}
    asked = "SELECT m.monitor_id, t.name, m.value FROM monitor_tag m JOIN tag t ON t.id = m.tag_id ORDER BY m.id"
    for monitor, name, value in opened.execute(asked):
        tags.setdefault(monitor, []).append({"name": name, "value": value})
    names = ", ".join(f'"{c}"' for c in COLUMNS if c in there)
    for row in opened.execute(f"SELECT {names} FROM monitor ORDER BY id"):  # noqa: S608  (names are those above)
        yield {**dict(row), "tags": tags.get(row["id"], [])}
