"""Real exporters on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.peers import missing

PROGRAM = "prometheus-node-exporter"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def exporter(*options: str) -> Iterator[str]:
    """Run a node_exporter and yield its address; it is stopped by its id."""
    program = shutil.which(PROGRAM)
    if program is None:
        missing("node-exporter", f"{PROGRAM} is not installed")
    port = free_port()
    told = [f"--web.listen-address=127.0.0.1:{port}", *options]
    process = subprocess.Popen([program, *told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
