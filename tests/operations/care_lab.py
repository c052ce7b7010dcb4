"""Small runs by which tests of care fill a database of either engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infradb import clock
from infradb.change import MANUAL
from infradb.model.docker import DockerContainer, DockerContainerVolume
from infradb.model.entity import Entity
from infradb.model.physical import Host
from infradb.model.services import Service
from infradb.observation import Answer, CollectionRun, ScopeResult, ScopeStatus, digest_of, observe
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.store import runs
from infradb.store.database import Database

NOW = "2026-06-15T12:00:00.000Z"


def answer(*parts: tuple[str, Entity]) -> Answer:
    """What a source says about a thing and its parts."""
    observations = [observe(key, thing) for key, thing in parts]
    return Answer(parts[0][0], digest_of([(o.key, dict(o.values)) for o in observations], 1), lambda: observations)


def container(name: str, **values: Any) -> Answer:
    """A container on the host `nas` with a mount and a service."""
    key = f"container/{name}"
    said = {"docker_host_id": "host/nas", "container_name": name, "image": "busybox", **values}
    return answer(
        (key, DockerContainer(**said)),
        (f"{key}/mount", DockerContainerVolume(docker_container_id=key, mount_path="/data")),
        (f"{key}/service", Service(service_name=name, docker_container_id=key, protocol="tcp", port=80)),
    )


def host(name: str = "nas", **values: Any) -> Answer:
    """A host."""
    return answer((f"host/{name}", Host(hostname=name, **values)))


def take_in(
    database: Database,
    answers: Sequence[Answer],
    source: str = "lab",
    *,
    status: ScopeStatus = "complete",
    manner: Manner = Manner(allow_retire=True),  # noqa: B008
) -> RunReport:
    """Take in one run of a source, which is added where it is new."""
    with database.write() as connection:
        declared = source == MANUAL
        runs.add_source(connection, source, source, clock.now(), declared=declared, rank=0 if declared else 50)
        run = CollectionRun(source, clock.now(), (ScopeResult("all", status, tuple(answers)),))
        return absorb(connection, run, manner)


def count(database: Database, table: str, where: str = "1 = 1", values: Sequence[Any] = ()) -> int:
    """How many rows a table has."""
    with database.read() as connection:
        return int(connection.query(f"SELECT count(*) FROM {table} WHERE {where}", values)[0][0])


def id_of(database: Database, table: str, name: str) -> int:
    """The id of a thing by its name."""
    column = {"hosts": "hostname", "services": "service_name", "docker_containers": "container_name"}[table]
    with database.read() as connection:
        return int(connection.query(f"SELECT id FROM {table} WHERE {column} = ?", (name,))[0][0])


__all__ = ["NOW", "answer", "container", "count", "host", "id_of", "take_in"]
