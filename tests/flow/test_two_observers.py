"""Two sources that look at the same thing see one thing."""

from __future__ import annotations

from infradb.model.services import Service
from infradb.observation import observe
from infradb.operations import manual, sources
from infradb.operations.manual import Edit
from infradb.store.database import Database
from tests.lab import DOCKER_HOST, Estate, answer, container, scope

WEB = container("a" * 64, "web")
LISTENS = observe(
    "container/web/service/tcp/80",
    Service(service_name="web", docker_container_id=WEB.key, protocol="tcp", port=80, published_port=8080),
)
SHOWN = scope("engine", answer(DOCKER_HOST), answer(WEB, LISTENS))


def test_a_service_that_two_sources_see_in_one_container_is_one(estate: Estate) -> None:
    estate.run("docker", SHOWN)
    estate.run("engine", SHOWN)
    assert len(estate.rows("services")) == 1


def test_a_service_outlives_the_recreation_of_its_container(estate: Estate) -> None:
    estate.run("docker", SHOWN)
    again = container("b" * 64, "web")
    moved = observe("container/again/service/tcp/80", Service(**{**LISTENS.values, "docker_container_id": again.key}))
    estate.run("docker", scope("engine", answer(DOCKER_HOST), answer(again, moved)))
    assert [s["retired_at"] for s in estate.rows("services")] == [None]
    assert len(estate.ids("services")) == 1


def test_a_removed_source_retires_at_once_what_only_it_saw(estate: Estate, database: Database) -> None:
    estate.run("docker", SHOWN)
    report = sources.remove(database, "docker", retire=True)
    assert report is not None
    assert estate.rows("services") == estate.rows("docker_containers") == estate.rows("hosts") == []


def test_removing_one_of_two_sources_retires_nothing(estate: Estate, database: Database) -> None:
    estate.run("docker", SHOWN)
    estate.run("engine", SHOWN)
    sources.remove(database, "engine", retire=True)
    assert len(estate.rows("services")) == len(estate.rows("docker_containers")) == 1


def test_what_a_person_said_for_a_time_gives_way_when_it_is_over(estate: Estate, database: Database) -> None:
    estate.run("docker", SHOWN)
    until = estate.clock.now()
    manual.set_fields(database, "docker1", ["owner=ann"], Edit("ann", expires_at=estate.clock.passes(hours=1)))
    assert until < estate.clock.now()
    assert manual.expire(database) == 1
    assert estate.row("hosts")["owner"] is None
    assert manual.expire(database) == 0


def test_the_services_of_a_container_go_with_it(estate: Estate) -> None:
    estate.run("docker", SHOWN)
    estate.run("docker", scope("engine", answer(DOCKER_HOST)))
    assert estate.rows("docker_containers") == estate.rows("services") == []
