"""Asks Kea servers through sockets or a control agent, and reads lease files; understands nothing of the answers."""

import contextlib
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from infradb.collectors.kea.settings import KeaSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.redaction import redact_text
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.files import MOST_BYTES, read_text
from infradb.transport.http import HttpReader

OK, UNSUPPORTED, EMPTY = 0, 2, 3
"""Results of commands (Kea ARM, Management API)."""


def posted(command: str) -> str:
    """Return what a command is called that goes over HTTP."""
    return f"POST / (asks {command})"


class Unsupported(SourceRefused):
    """The server does not know a command: a hook is not loaded."""


class KeaClient:
    """The servers of one source, each under the name of its socket or service."""

    def __init__(self, settings: KeaSettings, log: CallLog) -> None:
        self._settings = settings
        self._log = log
        self.channels = settings.socket or (tuple(settings.services) if settings.url else ())
        self._http = self._reader() if settings.url else None

    def ask(self, channel: str, command: str) -> Mapping[str, Any]:
        """Return the arguments of the answer to a command without arguments; empty where there is nothing.

        Raises `Unsupported` where the server does not know the command, and other `CollectionError`.
        """
        where = f"{command} at {channel if self._http is None else self._settings.url}"
        if self._http is not None:
            with self._log.recording(posted(command)):
                found = self._http.post("/", list, {"command": command, "service": [channel]})
            answer = found[0] if found else None
        else:
            with self._log.recording(command):
                answer = self._over_socket(channel, command, where)
        return _arguments(answer, command, where)

    def leases_file(self, path: str) -> str:
        """Return a lease file with what a clean-up of it (LFC) has put aside: the oldest entries first."""
        # Kea ARM, Lease File Cleanup: NAME.completed holds all earlier ones; else NAME.2, then NAME.1.
        aside = [s for s in (".completed",) if Path(path + s).exists()] or [".2", ".1"]
        parts = [read_text(path + s, self._log) for s in aside if Path(path + s).exists()]
        return "\n".join([*parts, read_text(path, self._log)])

    def close(self) -> None:
        """End all connections."""
        if self._http:
            self._http.close()

    def _reader(self) -> HttpReader:
        given = self._settings
        return HttpReader(
            str(given.url),
            basic=(given.user, reveal(given.password)) if given.user and given.password else None,
            timeout_seconds=given.timeout_seconds,
            fingerprint=given.fingerprint,
            ca=given.ca,
            parallel=1,
            log=CallLog(),  # the command says more than the one path that all of them share
        )

    def _over_socket(self, path: str, command: str, where: str) -> Any:
        deadline = time.monotonic() + self._settings.timeout_seconds
        parts: list[bytes] = []
        size = 0
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as channel:
                channel.settimeout(self._settings.timeout_seconds)
                channel.connect(path)
                channel.sendall(orjson.dumps({"command": command}))
                while (left := deadline - time.monotonic()) > 0:
                    channel.settimeout(left)
                    part = channel.recv(65536)
                    if not part:
                        return orjson.loads(b"".join(parts))
                    parts.append(part)
                    size += len(part)
                    if size > MOST_BYTES:
                        hint = "infradb stops there; is it Kea's socket?"
                        raise SourceMalformed(
                            f"{where}: the answer is larger than {MOST_BYTES // 2**20} MiB", hint=hint
                        )
                raise TimeoutError
        except OSError as error:
            raise _failure(error, where) from error
        except orjson.JSONDecodeError as error:
            hint = "did the server stop meanwhile? Its own log tells"
            raise SourceMalformed(f"{where}: the answer is no JSON, or only half of it", hint=hint) from error


def _arguments(answer: Any, command: str, where: str) -> Mapping[str, Any]:
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), int):
        raise SourceMalformed(f"{where}: the answer is none of Kea's", hint="does Kea listen there?")
    result, said = answer["result"], redact_text(str(answer.get("text", ""))[:300])[:150]
    if result == EMPTY:
        return {}
    if result == UNSUPPORTED or (result != OK and "not supported" in said):
        hint = "load the hook libdhcp_lease_cmds.so in the server's `hooks-libraries`, or set `path` to the lease file"
        raise Unsupported(f"{where}: the server does not know {command}", hint=hint)
    if result != OK:
        hint = "the server's own log says more"
        if "not configured" in said or "forward" in said:
            hint = "does the agent know the server's control socket, and does the server run? `services` names it"
        raise SourceUnreachable(f"{where} failed: {said}", hint=hint)
    arguments = answer.get("arguments")
    if not isinstance(arguments, dict):
        raise SourceMalformed(f"{where}: the answer has no arguments", hint="is it a version that infradb reads?")
    return arguments


def _failure(error: OSError, where: str) -> CollectionError:
    if isinstance(error, PermissionError):
        return SourceRefused(f"{where}: the socket may not be used", hint="sudo usermod --append --groups _kea infradb")
    if isinstance(error, FileNotFoundError):
        return SourceUnreachable(
            f"{where}: the socket is not there", hint="`control-socket` of the server says where it is"
        )
    if isinstance(error, TimeoutError):
        hint = "`timeout_seconds` of the source says how long one answer may take"
        return SourceUnreachable(f"{where}: no answer in time", hint=hint)
    if isinstance(error, ConnectionRefusedError):
        return SourceUnreachable(
            f"{where}: nothing listens there", hint="does the server run? `systemctl status kea-dhcp4-server`"
        )
    return SourceUnreachable(f"{where}: {error.strerror or error}", hint="does the server run, and is the path right?")
