"""What does a rescan cost that finds nothing new: raw answers through the docker collector, and into the database?"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from bench.clocks import cpu_of
from bench.figures import Figure, against
from infradb import clock
from infradb.collectors.docker.engine import Engine, engine_answer, images_by_id, network_answer, network_facts
from infradb.collectors.docker.parse import container_answer
from infradb.model.catalog import BY_TABLE
from infradb.observation import CollectionRun, ScopeResult
from infradb.operations.absorb import absorb, without_garbage_collector
from infradb.store import runs
from infradb.store.database import Database
from infradb.store.schema import open_database

CASES = Path(__file__).parent.parent / "tests" / "collectors" / "docker" / "cases"
MEASURED = {"samples"}
"""Tables that may grow in a rescan, besides the run's own row."""
Raw = dict[str, Any]
_BASE = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ=Europe/Brussels", "LANG=C.UTF-8")
_COMPOSE = {
    "config-hash": "6f1c3a5f0d8f4f7f8a3f5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708",
    "container-number": "1",
    "depends_on": "",
    "oneoff": "False",
    "project.config_files": "/srv/compose.yaml",
    "project.working_dir": "/srv",
    "version": "2.29.7",
}
APPLICATIONS = (
    ("postgres", ("POSTGRES_USER=app", "POSTGRES_PASSWORD=correct-horse", "PGDATA=/data", "PG_MAJOR=16"), "5432/tcp"),
    ("redis", ("REDIS_VERSION=7.4.0",), "6379/tcp"),
    ("ghcr.io/immich-app/immich-server", ("NODE_ENV=production", "NODE_VERSION=22.1.0", "DB_HOST=db"), "2283/tcp"),
    ("traefik", ("LOG_LEVEL=info",), "443/tcp"),
)
"""Image, environment and port of what a stack is made of; one in four has a password."""


class Recorded:
    """An engine as it was recorded, with any number of containers of the kinds that people run."""

    def __init__(self, count: int) -> None:
        self.raw = orjson.loads((CASES / "engine.raw.json").read_bytes())
        # Room for each container's own address.
        bridge = next(n for n in self.raw["networks"] if n["Name"] == "bridge")
        bridge["IPAM"] = {"Config": [{"Subnet": "10.0.0.0/8", "Gateway": "10.0.0.1"}]}
        info = self.raw["info"]
        engine = Engine(info["ID"], info["Name"], info["Name"])
        self.engine = Engine(
            engine.id,
            engine.name,
            engine.address,
            networks={n["Id"]: network_facts(n, engine) for n in self.raw["networks"]},
            network_ids={n["Name"]: n["Id"] for n in self.raw["networks"]},
            images=images_by_id(self.raw["images"]),
        )
        self.count, self._bridge = count, bridge
        self._tag = "1"
        self._pattern = orjson.loads((CASES / "running.raw.json").read_bytes())
        self.collecting = 0.0
        """CPU seconds that the collector took for the last run."""

    def run(self, *, restarted: int = 0, memory: float = 1, tag: str = "1") -> CollectionRun:
        """Return what the collector makes of the raw answers: `restarted` of a hundred once more, memory times that."""
        self._tag = tag
        start = time.process_time()
        engine = ScopeResult("engine", "complete", [engine_answer(self.raw["info"], self.raw["version"])])
        networks = ScopeResult("networks", "complete", [network_answer(n, self.engine) for n in self.raw["networks"]])
        self.collecting = time.process_time() - start
        answers = []
        for first in range(0, self.count, 1000):
            raws = [self._raw(n, restarted) for n in range(first, min(first + 1000, self.count))]
            start = time.process_time()
            with without_garbage_collector():  # as `discover` does
                answers += [container_answer(r, self.engine, int((100 + r["Pid"] % 900) * memory)) for r in raws]
            self.collecting += time.process_time() - start
        return CollectionRun("docker", clock.now(), (engine, networks, ScopeResult("containers", "complete", answers)))

    def _raw(self, n: int, restarted: int) -> Raw:
        raw = container(self._pattern, self._bridge, n)
        config = raw["Config"]
        if self._tag != "1":
            config = {**config, "Image": f"{config['Image'].rpartition(':')[0]}:{self._tag}"}
        return {**raw, "Pid": n, "RestartCount": raw["RestartCount"] + (n % 100 < restarted), "Config": config}


def container(pattern: Raw, bridge: Raw, n: int) -> Raw:
    """Return a raw answer like the recorded one, of a container of its own; what nobody reads is shared."""
    image, environment, port = APPLICATIONS[n % len(APPLICATIONS)]
    project, address = f"stack{n // 4}", f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    labels = {f"com.docker.compose.{name}": value for name, value in _COMPOSE.items()}
    labels |= {"com.docker.compose.project": project, "com.docker.compose.service": image.split("/")[-1]}
    config = {**pattern["Config"], "Image": f"{image}:1", "Env": [*environment, *_BASE], "Labels": labels}
    config |= {"ExposedPorts": {port: {}}, "Cmd": ["serve", "--port", port.split("/")[0]]}
    binding = {port: [{"HostIp": "0.0.0.0", "HostPort": str(1024 + n % 60_000)}]} if n % 3 == 0 else {port: None}
    endpoint = {**pattern["NetworkSettings"]["Networks"]["bridge"], "NetworkID": bridge["Id"], "IPAddress": address}
    folder = {"Type": "bind", "Source": f"/srv/{project}", "Destination": "/data", "Mode": "", "RW": True}
    return {
        **pattern,
        "Id": f"{n:012x}{n:052x}",
        "Name": f"/{project}-app-{n}",
        "Path": "/entrypoint.sh",
        "Args": config["Cmd"],
        "Config": config,
        "HostConfig": {**pattern["HostConfig"], "NetworkMode": "bridge", "PortBindings": binding if n % 3 == 0 else {}},
        "State": {**pattern["State"]},
        "Mounts": [folder],
        "NetworkSettings": {**pattern["NetworkSettings"], "Ports": binding, "Networks": {"bridge": endpoint}},
        "RestartCount": n % 7,
    }


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what a rescan writes and costs."""
    count = 2_000 if quick else 100_000
    path = folder / "rescan.db"
    database = open_database(f"sqlite:///{path}", create=True)
    recorded = Recorded(count)
    with database.write() as connection:
        runs.add_source(connection, "docker", "docker", clock.now(), declared=False, rank=40)
        absorb(connection, recorded.run())
    figures = [_rows_written(database, recorded, count)]
    ours, floor = [], []
    for n in range(3):
        floor.append(cpu_of(lambda: read(path)))
        run = recorded.run(restarted=1, memory=1.0 if n % 2 else 1.04)
        ours.append(recorded.collecting + cpu_of(lambda run=run: _take_in(database, run)))
    what = f"rescan of {count:,} containers, measured values moved, floor: read the rows, json.loads"
    return [*figures, against(what, statistics.median(ours), statistics.median(floor), 3)]


def _take_in(database: Database, run: CollectionRun) -> None:
    with database.write() as connection:
        absorb(connection, run)


def read(path: Path) -> int:
    """Read the rows of the containers and decode their JSON columns: the least that comparing with them would take."""
    table = BY_TABLE["docker_containers"]
    documents = 0
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT * FROM docker_containers")
        json_columns = [
            n for n, column in enumerate(rows.description) if (f := table.fields.get(column[0])) and f.is_json
        ]
        for row in rows:
            for n in json_columns:
                if row[n] is not None:
                    json.loads(row[n])
                    documents += 1
    return documents


def _rows_written(database: Database, recorded: Recorded, count: int) -> Figure:
    before = _counts(database)
    restarted = 3
    _take_in(database, recorded.run(restarted=restarted, memory=1.04))
    more = {t: n - before[t] for t, n in _counts(database).items() if n != before[t]}
    others = {t: n for t, n in more.items() if t not in MEASURED}
    samples = more.get("samples", 0)
    return Figure(
        f"rows that a rescan of {count:,} containers writes ({restarted} % of them restarted once)",
        f"{sum(others.values())} and {samples} samples",
        relation="limit: the run's one, and a sample each",
        met=others == {"discovery_runs": 1} and samples <= count * restarted // 100 + restarted,
    )


def _counts(database: Database) -> dict[str, int]:
    with database.read() as connection:
        tables = connection.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return {name: connection.query(f"SELECT count(*) FROM {name}")[0][0] for (name,) in tables}
