"""Spoiled answers of an engine: whatever comes, a parser raises nothing but what its collector names."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.docker.collector import DockerCollector
from infradb.collectors.docker.events import Batch
from infradb.collectors.docker.settings import DockerSettings
from infradb.errors import CollectionError
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, CollectionRun, Observation
from tests.collectors.docker.test_parse import load, make_engine
from tests.collectors.fuzzing import spoiled

RAW = ("created", "exited", "host-network", "running")
ENGINE: dict[str, Any] = load("engine.raw.json")
VOLUMES = [
    {"Name": "data", "Driver": "local", "Mountpoint": "/var/lib/docker/volumes/data/_data", "Labels": {"a": "b"},
     "Options": {"type": "nfs", "o": "addr=10.0.0.1"}, "Scope": "local"},
]  # fmt: skip
ACTOR = {"ID": "a" * 64, "Attributes": {"image": "nginx", "container": "b" * 64}}
EVENTS = [
    {"Type": kind, "Action": action, "Actor": ACTOR, "time": 1}
    for kind, action in (("container", "start"), ("container", "destroy"), ("network", "connect"), ("volume", "create"))
]


class Spoilt:
    """An engine's client that answers as told."""

    parallel = 2

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def __getattr__(self, name: str) -> Any:
        return lambda *_: copy.deepcopy(self.answers[name])


@lru_cache(maxsize=1)
def healthy() -> dict[str, Any]:
    return {
        "info": ENGINE["info"],
        "version": ENGINE.get("version") or {"Version": "20.10.24", "ApiVersion": "1.41"},
        "networks": ENGINE["networks"],
        "images": ENGINE["images"],
        "volumes": VOLUMES,
        "volume_sizes": {"data": 5},
        "containers": [{"Id": load("running.raw.json")["Id"]}],
        "container": load("running.raw.json"),
        "stats": {"memory_stats": {"usage": 5 * 2**20, "stats": {"inactive_file": 2**20}}},
    }


def checked(answers: Any) -> None:
    for answer in answers:
        assert isinstance(answer, Answer)
        for said in answer.parse():
            if isinstance(said, Observation):
                BY_TABLE[said.table].adapter.validate_python(dict(said.values))


def run_over(answers: dict[str, Any]) -> CollectionRun:
    """What the collector makes of a client that answers so; the connection itself has its own tests."""
    reader, client = DockerCollector("docker", DockerSettings(stats=True)), Spoilt(answers)
    engine, first = reader._engine(client)  # type: ignore[arg-type]
    engine, networks = reader._networks(client, engine)  # type: ignore[arg-type]
    volumes = reader._volumes(client, engine, sizes=True)  # type: ignore[arg-type]
    engine, problems = reader._images(client, engine)  # type: ignore[arg-type]
    containers = reader._containers(client, engine, problems)  # type: ignore[arg-type]
    return CollectionRun("docker", "2026-01-01T00:00:00.000Z", (first, networks, volumes, containers))


def taken(answers: dict[str, Any]) -> CollectionRun | None:
    try:
        run = run_over(answers)
    except CollectionError:
        return None
    for scope in run.scopes:
        checked(scope.answers)
        assert scope.status == "complete" or scope.errors
    return run


def test_a_healthy_engine_is_read_whole() -> None:
    run = taken(healthy())
    assert run is not None
    assert run.status == "complete", run.errors


@given(st.sampled_from(RAW).flatmap(lambda name: spoiled(load(f"{name}.raw.json"))))
def test_a_spoiled_container_is_left_out_or_said_as_far_as_it_goes(raw: Any) -> None:
    taken({**healthy(), "container": raw})


@given(
    st.sampled_from(["networks", "images", "volumes"]).flatmap(lambda n: spoiled(healthy()[n]).map(lambda v: {n: v}))
)
def test_a_spoiled_list_makes_its_own_scope_partial_or_failed(spoilt: dict[str, Any]) -> None:
    run = taken({**healthy(), **spoilt})
    assert run is not None
    assert run.scopes[0].status == "complete"


@given(spoiled(ENGINE["info"]))
def test_a_spoiled_description_of_the_engine_is_told(info: Any) -> None:
    taken({**healthy(), "info": info if isinstance(info, dict) else {}})


@given(
    st.sampled_from(["stats", "volume_sizes", "containers"]).flatmap(
        lambda n: spoiled(healthy()[n]).map(lambda v: {n: v})
    )
)
def test_figures_that_make_no_sense_are_just_missing(spoilt: dict[str, Any]) -> None:
    taken({**healthy(), **{n: v if isinstance(v, type(healthy()[n])) else healthy()[n] for n, v in spoilt.items()}})


@given(spoiled(EVENTS))
def test_spoiled_events_are_passed_over(events: Any) -> None:
    batch = Batch()
    for event in events if isinstance(events, list) else ():
        batch.take(event)
    assert all(isinstance(key, str) for kind in ("container", "network", "volume") for key in batch.gone(kind))


def test_the_engine_of_the_cases_is_the_one_of_the_other_tests() -> None:
    assert make_engine().id == ENGINE["info"]["ID"]
