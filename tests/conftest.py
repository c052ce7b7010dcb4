"""What every test may use."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import peers
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


def pytest_configure(config: pytest.Config) -> None:
    peers.configure(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    peers.unconfigure(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    peers.mark_by_fixture(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    peers.list_missing(terminalreporter)
