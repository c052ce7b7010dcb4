"""Runs the script of facts on this machine; understands nothing."""

import contextlib
import os
import secrets
import shlex
import signal
import subprocess
from pathlib import Path

from infradb.collectors.linux.script import facts_script
from infradb.collectors.linux.sections import Facts, split_sections
from infradb.collectors.local.settings import LocalSettings
from infradb.errors import SettingsError

_MOST = 64 * 2**20
"""Characters that are looked at; where more was printed, the scopes that come after are partial or failed."""


class LocalClient:
    """Reads the facts of this machine through a shell."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings

    def read(self) -> Facts:
        """Return the facts; those that were read by then where the time ran out.

        Raises `SettingsError` where the shell cannot be started.
        """
        token = secrets.token_hex(8)
        printed = _run([*shlex.split(self._settings.shell), "-s", token], self._settings.timeout_seconds)
        return split_sections(printed[:_MOST], token)


def _run(command: list[str], timeout_seconds: float) -> str:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Whoever started infradb may have secrets in its environment; no program called here needs them.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise SettingsError(
            f"the shell {command[0]!r} cannot be started: {error.strerror}",
            hint="set `shell` to a POSIX shell, or leave it out",
        ) from error
    with process:
        try:
            printed, _ = process.communicate(facts_script().encode(), timeout=timeout_seconds)
        except subprocess.TimeoutExpired as late:
            _end(process)
            printed = late.output or b""
        except BaseException:
            _end(process)
            raise
    return printed.decode("utf-8", "replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the shell and all that it started; a program that waits for a dead disk ends when the kernel lets it."""
    process.kill()
    # timeout(1) makes a process group of its own, so that only the session tells what belongs to the shell.
    for pid in _session(process.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()


def _session(leader: int) -> list[int]:
    """Return the processes of a session (proc(5), stat: the fourth field after the name)."""
    members = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = file.read_text("utf-8", "replace").rpartition(") ")[2].split(" ")[3]
        except (OSError, IndexError):
            continue
        if session == str(leader):
            members.append(int(file.parent.name))
    return members
