"""What every test may use."""

from __future__ import annotations

import pytest

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


def pytest_configure(config: pytest.Config) -> None:
    peers.configure(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    peers.unconfigure(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    peers.mark_by_fixture(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    peers.list_missing(terminalreporter)
