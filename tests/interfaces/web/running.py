"""`infradb up` and `infradb serve` as processes of their own, as people run them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

START = "from infradb.interfaces.cli.main import main; main()"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """One process of infradb with a database of its own, ended by `end`."""

    def __init__(self, database: Path, *arguments: str, port: int | None = None, **environment: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("INFRADB_")}
        known = {**clean, "INFRADB_DATABASE": str(database), "INFRADB_CONFIG": "/nonexistent/infradb.toml"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments, "--port", str(self.port)],
            env={**known, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "".join(self.said)

    def wait_for(self, pattern: str, seconds: float = 30.0) -> str:
        """What a pattern's first group (or all of it) matched in the output."""
        wait_until(lambda: re.search(pattern, self.output) is not None or self.process.poll() is not None, seconds)
        match = re.search(pattern, self.output)
        assert match, f"{pattern!r} is not in what was printed:\n{self.output}"
        return match[match.re.groups and 1]

    def wait_until_it_answers(self, seconds: float = 30.0) -> None:
        """Returns as soon as it serves."""

        def answers() -> bool:
            assert self.process.poll() is None, self.output
            try:
                return httpx2.get(f"{self.url}/healthz").status_code == 200
            except httpx2.TransportError:
                return False

        wait_until(answers, seconds)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Tells it to end, and returns its exit code and the seconds that it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        took = time.monotonic() - began
        self._reader.join(timeout=5)
        assert self.process.stdout
        self.process.stdout.close()
        return code, took


def wait_until(holds: Callable[[], bool], seconds: float) -> float:
    """Waits until something holds, and returns how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"does not hold after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began
