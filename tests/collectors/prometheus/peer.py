"""A real Prometheus server on loopback that scrapes what it is told to."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.collectors.node_exporter.peer import free_port
from tests.peers import missing


def asked(url: str, path: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{url}{path}", timeout=5) as answer:
        found: dict[str, object] = json.load(answer)
        return found


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[str]:
    """Run a server with one job `node` over `targets`, and yield its address once it has scraped each."""
    program = shutil.which("prometheus")
    if program is None:
        missing("prometheus", "prometheus is not installed")
    jobs = [{"job_name": "node", "scrape_interval": "1s", "static_configs": [{"targets": list(targets)}]}]
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *told, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                data = asked(url, "/api/v1/targets?state=active")["data"]
                health = [t["health"] for t in data["activeTargets"]]  # type: ignore[index]
            except OSError:
                health = ["unknown"]
            if health and "unknown" not in health:
                break
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(15)
