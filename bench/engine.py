"""How long does it take to read a real engine with many containers?"""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
from docker.errors import DockerException, NotFound

from bench.clocks import ROOT
from bench.figures import Figure, at_most, skipped
from bench.startup import INFRADB
from infradb.store.schema import open_database

IMAGE = "infradb-test/busybox:1"
LABEL = "infradb.test"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what discovering the engine of this machine takes, with containers made for it and removed afterwards."""
    count = 40 if quick else 200
    question = f"`infradb discover docker`, {count} containers of a real engine"
    try:
        client = docker.from_env(timeout=120)
        client.images.get(IMAGE)
    except DockerException as error:
        return [skipped(question, f"{type(error).__name__}; `scripts/test-peers.sh image` makes {IMAGE}")]
    path = folder / "engine.db"
    with _containers(client, count) as names:
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            command = [INFRADB, "--database", str(path), "discover", "docker"]
            done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
            seconds.append(time.perf_counter() - start)
            if done.returncode not in (0, 6):  # 6: a container of somebody else's vanished meanwhile
                return [skipped(question, done.stderr.strip().splitlines()[-1])]
        found = _found(path, names)
    if found != count:
        return [skipped(question, f"only {found} of {count} were found")]
    limit = 10
    return [at_most(question, seconds[0], limit, "s"), at_most(f"{question}, again", seconds[1], limit, "s")]


@contextmanager
def _containers(client: docker.DockerClient, count: int) -> Iterator[set[str]]:
    """Make containers, created but not started: two hundred running ones would be another measurement."""
    mine = uuid.uuid4().hex[:12]
    names = {f"infradb-bench-{mine}-{n}" for n in range(count)}

    def make(name: str) -> None:
        labels = {LABEL: mine, "com.docker.compose.project": f"bench-{mine}", "com.docker.compose.service": name}
        options = {"environment": {"TZ": "UTC"}, "ports": {"80/tcp": None}, "labels": labels}
        client.containers.create(IMAGE, ["sleep", "60"], name=name, **options)

    def remove(name: str) -> None:
        with suppress(NotFound):
            client.api.remove_container(name, force=True)

    with ThreadPoolExecutor(4) as pool:
        try:
            list(pool.map(make, sorted(names)))
            yield names
        finally:
            list(pool.map(remove, sorted(names)))


def _found(path: Path, names: set[str]) -> int:
    with open_database(f"sqlite:///{path}").read() as connection:
        rows = connection.query("SELECT container_name FROM docker_containers WHERE retired_at IS NULL")
    return len(names & {name for (name,) in rows})
