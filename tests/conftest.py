"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from infradb import clock
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests import peers
from tests.lab import Clock, Estate
from tests.peers import (  # noqa: F401  (fixtures are used by their names)
    busybox_image,
    docker_client,
    fresh_postgresql,
    lab_containers,
    make_postgresql,
    module_lab,
    netns,
    postgresql_cluster,
    postgresql_url,
)

# A machine that runs every test at once keeps no deadlines; CI tries the same examples each time.
settings.register_profile("infradb", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("infradb")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of one's own, on each engine in turn."""
    url = str(tmp_path / "lab.db") if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql")
    opened = open_database(url, create=True)
    yield opened
    opened.close()


@pytest.fixture
def estate(database: Database, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """An empty estate whose time stands still between its runs."""
    time = Clock()
    monkeypatch.setattr(clock, "now", time.now)
    return Estate(database, time)


def pytest_configure(config: pytest.Config) -> None:
    peers.configure(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    peers.unconfigure(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    peers.mark_by_fixture(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    peers.list_missing(terminalreporter)
