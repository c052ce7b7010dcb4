"""What is written beside what runs: docker-compose 1.29 on the real engine, and both read into one database."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from infradb.model.catalog import BY_TABLE
from infradb.operations import findings, sources
from infradb.operations.absorb import RunReport
from infradb.settings import Settings
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.collectors.node_exporter.peer import free_port
from tests.peers import missing

FILE = """
version: "2.4"
services:
  web:
    image: {image}
    entrypoint: ["sleep"]
    command: ["3600"]
    init: true
    restart: unless-stopped
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["data:/data", "/etc/hostname:/conf:ro"]
    networks: [front, default]
    mem_limit: 64m
    cpus: 0.5
    depends_on: [db]
  db:
    image: {image}
    command: sleep 3600
    init: true
    tmpfs: [/run/x]
    networks: [default]
volumes: {{data: {{}}}}
networks: {{front: {{}}}}
"""


@dataclass
class Stack:
    """A project that docker-compose runs."""

    name: str
    folder: Path
    port: int
    image: str
    database: Database

    @property
    def file(self) -> Path:
        return self.folder / "docker-compose.yml"

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            ["docker-compose", *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    def discover(self, *names: str) -> list[RunReport]:
        return sources.discover(self.database, names or ("docker", "written"))

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return connection.query(sql, values)

    def container(self, service: str) -> dict[str, Any]:
        names = ("id", "status", "image_tag", "container_id", "retired_at", "depends_on", "restart_policy", "cpu_limit")
        found = self.ask(
            f"SELECT {', '.join(names)} FROM docker_containers WHERE compose_project = ? AND compose_service = ?",
            self.name,
            service,
        )
        (row,) = found
        return dict(zip(names, row, strict=True))

    def claims(self, entity: int) -> dict[str, dict[str, Any]]:
        """Source -> what it says now of a thing."""
        rows = self.ask(
            "SELECT s.name, c.said FROM claims c JOIN scopes p ON p.id = c.scope_id"
            " JOIN sources s ON s.id = p.source_id WHERE c.entity_id = ? AND c.withdrawn_at IS NULL",
            entity,
        )
        return {name: orjson.loads(said) for name, said in rows}

    def drift(self) -> set[str]:
        """What is written otherwise than it runs, as the claims alone tell it."""
        found = set()
        roots = [i for (i,) in self.ask("SELECT id FROM docker_containers WHERE compose_project = ?", self.name)]
        for root in roots:
            parts = [("docker_containers", root)]
            for table in ("docker_container_volumes", "docker_container_networks"):
                sql = f"SELECT id FROM {table} WHERE docker_container_id = ? AND retired_at IS NULL"
                parts += [(table, i) for (i,) in self.ask(sql, root)]
            for table, entity in parts:
                claims = self.claims(entity)
                where = f"{table} {claims.get('written', claims.get('docker', {})).get('mount_path', '')}".strip()
                if "docker" not in claims:
                    found.add(f"{where} is written, not there")
                elif "written" not in claims and "written" in self.claims(root):
                    found.add(f"{where} is there, not written")
                else:
                    found |= {f"{where} {n}" for n in different(table, claims)}
        return found


def different(table: str, claims: dict[str, dict[str, Any]]) -> set[str]:
    written, seen = claims.get("written", {}), claims["docker"]
    references = {f.name for f in BY_TABLE[table].references}

    def comparable(name: str, value: Any) -> Any:
        # Of ports only those that are published: what an image exposes besides, no file says.
        return [p for p in value if "host_ip" in p] if name == "ports" and value else value

    return {n for n in written.keys() & seen.keys() - references if comparable(n, written[n]) != comparable(n, seen[n])}


@pytest.fixture
def stack(busybox_image: str, tmp_path: Path) -> Iterator[Stack]:
    if shutil.which("docker-compose") is None:
        missing("docker-compose", "docker-compose is not installed")
    name = f"infradb-{secrets.token_hex(4)}"
    folder = tmp_path / name
    folder.mkdir()
    database = open_database(str(tmp_path / "lab.db"), create=True)
    found = Stack(name, folder, free_port(), busybox_image, database)
    found.file.write_text(FILE.format(image=busybox_image, port=found.port))
    sources.add(database, "docker", "docker", {"volume_sizes": False})
    sources.add(database, "compose", "written", {"path": str(folder), "separator": "_"})
    try:
        found.run("up", "-d")
        yield found
    finally:
        found.run("down", "-v", "-t", "0")
        database.close()


@pytest.mark.docker
@pytest.mark.long
@pytest.mark.parametrize("order", [("docker", "written"), ("written", "docker")])
def test_what_runs_as_it_is_written_shows_no_drift_whatever_is_read_first(stack: Stack, order: tuple[str, str]) -> None:
    for name in order:
        stack.discover(name)
    web = stack.container("web")
    assert web["status"] == "running"
    assert set(stack.claims(web["id"])) == {"docker", "written"}
    assert stack.drift() == set()
    assert orjson.loads(web["depends_on"]) == ["db"]
    assert [r.changed for r in stack.discover("written")] == [0]
    count = "SELECT count(*) FROM docker_networks WHERE network_name LIKE ? AND retired_at IS NULL"
    assert stack.ask(count, f"{stack.name}%") == [(2,)]
    assert stack.ask("SELECT count(*) FROM docker_volumes WHERE volume_name = ?", f"{stack.name}_data") == [(1,)]
    assert stack.ask("SELECT count(*) FROM hosts WHERE retired_at IS NULL") == [(1,)]


@pytest.mark.docker
@pytest.mark.long
def test_what_is_written_otherwise_is_drift_and_changes_nothing_that_was_observed(stack: Stack) -> None:
    stack.discover()
    before, port = stack.container("web"), stack.port
    text = stack.file.read_text().replace(f"image: {stack.image}", "image: infradb-test/busybox:2", 1)
    text = text.replace('"data:/data", ', '"logs:/logs", ').replace("data: {}", "logs: {}")
    stack.file.write_text(text.replace(f"127.0.0.1:{port}:80", f"127.0.0.1:{port + 1}:80"))
    stack.discover("written")
    assert stack.container("web") == before
    assert stack.drift() == {
        "docker_containers image_tag",
        "docker_containers ports",
        "docker_container_volumes /data is there, not written",
        "docker_container_volumes /logs is written, not there",
    }
    stack.discover("docker")
    assert stack.container("web") == before


@pytest.mark.docker
@pytest.mark.long
def test_what_is_written_and_does_not_run_is_there_without_a_state(stack: Stack) -> None:
    text = stack.file.read_text()
    stack.file.write_text(text.replace("  db:\n", f"  late:\n    image: {stack.image}\n    restart: always\n  db:\n"))
    stack.discover()
    late = stack.container("late")
    assert (late["status"], late["container_id"], late["retired_at"]) == (None, None, None)
    assert set(stack.claims(late["id"])) == {"written"}
    findings.refresh(stack.database, Settings())
    told = findings.open_findings(stack.database, rule="declared-never-seen")
    assert [f.entity_id for f in told] == [late["id"]]
    stack.run("up", "-d")
    stack.discover("docker")
    assert stack.container("late")["id"] == late["id"]
    assert stack.container("late")["status"] is not None
    stack.run("down", "-t", "0")
    stack.discover("docker")
    gone = stack.container("web")
    assert (gone["status"], gone["container_id"], gone["retired_at"]) == (None, None, None)
    stack.file.write_text(text)
    stack.discover("written")
    assert stack.container("late")["retired_at"] is not None
