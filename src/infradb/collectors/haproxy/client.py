"""Reads HAProxy's files and its stats socket; understands nothing. Only `show` is ever sent."""

import contextlib
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from infradb.collectors.haproxy.settings import HaproxySettings
from infradb.errors import SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog

INFO, STAT = "show info", "show stat"
FILES = "read {path} and the maps and lists that it names"
MOST_BYTES = 16 * 2**20


class HaproxyClient:
    """One HAProxy; every method raises `CollectionError`."""

    def __init__(self, settings: HaproxySettings, log: CallLog) -> None:
        self.settings, self.log = settings, log

    def configuration(self) -> str:
        """Return the configuration file."""
        with self.log.recording(FILES):
            return _text(self.settings.path)

    def beside(self, name: str) -> str | None:
        """Return a map or list that the configuration names; None where it cannot be read."""
        with contextlib.suppress(SourceUnreachable, SourceMalformed), self.log.recording(FILES):
            return _text(self.settings.path.parent / name)
        return None

    def ask(self, command: str) -> str:
        """Return what the socket answers to a command; the connection ends with it (management guide, 9.3)."""
        where = f"`{command}` at {self.settings.url}"
        deadline = time.monotonic() + self.settings.timeout_seconds
        with self.log.recording(command):
            try:
                with self._connected() as connection:
                    connection.sendall(f"{command}\n".encode())
                    content = _whole(connection, deadline, where)
            except PermissionError as error:
                hint = "`stats socket … group infradb mode 660 level user` in haproxy.cfg lets infradb ask"
                raise SourceRefused(f"{where}: no right to the socket", hint=hint) from error
            except OSError as error:
                hint = "is there a `stats socket` in the section `global`, and is it this one?"
                said = error.strerror or str(error)
                raise SourceUnreachable(f"{where}: {said.lower()}", hint=hint) from error
        text = content.decode("utf-8", "replace")
        if text.startswith("Permission denied"):
            raise SourceRefused(f"{where}: permission denied", hint="`level user` of the stats socket suffices")
        return text

    def _connected(self) -> socket.socket:
        parts, seconds = urlsplit(self.settings.url), self.settings.timeout_seconds
        if parts.scheme == "tcp":
            return socket.create_connection((parts.hostname or "", parts.port or 0), seconds)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
        return connection


def _whole(connection: socket.socket, deadline: float, where: str) -> bytes:
    content = bytearray()
    while chunk := connection.recv(65536):
        content += chunk
        if len(content) > MOST_BYTES:
            hint = "does HAProxy listen there?"
            raise SourceMalformed(f"{where}: the answer is larger than {MOST_BYTES // 2**20} MiB", hint=hint)
        if time.monotonic() > deadline:
            raise SourceUnreachable(f"{where}: the answer did not end in time", hint="does HAProxy listen there?")
    return bytes(content)


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            hint = "check `path`, and give infradb the right to read it"
            raise SourceUnreachable(f"{path} is no file, or too large a one", hint=hint)
        return path.read_text("utf-8", "replace")
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "no path"
        hint = "check `path`, and give infradb the right to read it"
        raise SourceUnreachable(f"{path} cannot be read: {said}", hint=hint) from error
