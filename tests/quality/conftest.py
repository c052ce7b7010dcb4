"""The clean lab, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infradb.operations.databases import Database, open_database
from tests.quality.lab import Lab


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty infradb database, on each engine in turn."""
    url = str(tmp_path / "lab.db") if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql")
    opened = open_database(url, create=True)
    yield opened
    opened.close()


@pytest.fixture
def lab(database: Database) -> Lab:
    """A lab in which nothing is wrong, taken in."""
    return Lab(database)
