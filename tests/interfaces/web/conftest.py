"""A small database, and browsers in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from infradb import clock
from infradb.interfaces.web.app import application
from infradb.interfaces.web.site import Place, Site
from infradb.model.docker import DockerContainer
from infradb.model.entity import Entity
from infradb.model.physical import Host
from infradb.model.services import Service
from infradb.observation import Answer, CollectionRun, ScopeResult, digest_of, observe
from infradb.operations import people
from infradb.operations.absorb import Manner
from infradb.operations.databases import Database, open_database
from infradb.operations.sources import take_in
from infradb.store import runs

PASSWORD = "correct horse battery"
Browse = Callable[..., TestClient]


def answer(key: str, thing: Entity) -> Answer:
    """What a source says about one thing."""
    observed = observe(key, thing)
    return Answer(key, digest_of(dict(observed.values), 1), lambda: [observed])


def tell(database: Database, *answers: Answer, source: str = "lab") -> None:
    """Takes in a complete run of a source that is made where it is missing."""
    with database.write() as connection:
        runs.add_source(connection, source, source, clock.now(), declared=False, rank=40)
    take_in(database, CollectionRun(source, clock.now(), (ScopeResult("all", "complete", answers),)), Manner())


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database."""
    return open_database(str(tmp_path / "infradb.db"), create=True)


@pytest.fixture
def lab(database: Database) -> Database:
    """Two hosts, two containers, two services."""
    return fill(database)


def fill(database: Database) -> Database:
    """Tells of two hosts, two containers, two services."""
    tell(
        database,
        answer("pve1", Host(hostname="pve1", host_type="physical", status="active", machine_id_hash="a" * 64)),
        answer(
            "nas",
            Host(hostname="nas", host_type="vm", status="active", parent_host_id="pve1", machine_id_hash="b" * 64),
        ),
        answer(
            "immich", DockerContainer(docker_host_id="nas", container_name="immich", image="immich", status="running")
        ),
        answer(
            "evil",
            DockerContainer(
                docker_host_id="nas", container_name="<script>alert(1)</script>", image='"><img src=x>', status="exited"
            ),
        ),
        answer("web", Service(service_name="immich", docker_container_id="immich", protocol="tcp", port=2283)),
        answer("ssh", Service(service_name="ssh", host_id="nas", protocol="tcp", port=22)),
    )
    return database


@pytest.fixture
def browse() -> Iterator[Browse]:
    """Opens browsers in front of a database; by default on this machine."""
    with ExitStack() as stack:

        def opened(
            database: Database, place: Place | None = None, url: str = "", client: str = "127.0.0.1"
        ) -> TestClient:
            where = place or Place("127.0.0.1", 8420)
            address = url or f"http://127.0.0.1:{where.port}"
            app = application(Site(database, where))
            return stack.enter_context(
                TestClient(app, base_url=address, client=(client, 50000), follow_redirects=False)
            )

        yield opened


@pytest.fixture
def with_user(lab: Database) -> Database:
    """The lab with the user anna."""
    people.make_first_user(lab, people.first_user_token(lab), "anna", PASSWORD)
    return lab


def csrf_of(page: str) -> str:
    """What the forms of a page carry."""
    return page.split('name="csrf" value="')[1].split('"')[0]


def sign_in(browser: TestClient, name: str = "anna", password: str = PASSWORD, **more: str):
    """Fills in the form to sign in."""
    csrf = csrf_of(browser.get("/login").text)
    return browser.post("/login", data={"csrf": csrf, "name": name, "password": password, **more})
