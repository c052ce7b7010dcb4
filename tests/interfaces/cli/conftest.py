"""Calls of the command line: in this process where that shows all there is to see, and as programs of their own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from infradb import clock
from infradb.importers.demo import collect
from infradb.interfaces.cli.main import main
from infradb.operations import demo
from infradb.operations.absorb import Manner, absorb
from infradb.store import runs
from infradb.store.schema import open_database
from tests.peers import Cluster

PROGRAM = (sys.executable, "-c", "from infradb.interfaces.cli.main import main; main()")


@dataclass(frozen=True)
class Said:
    """What a call wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what was written as JSON."""
        return json.loads(self.out)

    @property
    def items(self) -> list[dict[str, Any]]:
        """Return the items of a list in JSON."""
        found: list[dict[str, Any]] = self.json["items"]
        return found

    @property
    def lines(self) -> list[str]:
        """Return what was written, line by line."""
        return self.out.splitlines()


Call = Callable[..., Said]


def own_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which infradb finds nothing of this machine's user."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("INFRADB_", "XDG_", "DOCKER_"))}
    return {
        **kept,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }


@contextmanager
def _called(arguments: list[str]) -> Iterator[None]:
    before = sys.argv
    sys.argv = ["infradb", *arguments]
    try:
        yield
    finally:
        sys.argv = before


def call_main(*arguments: str, given: str = "") -> Said:
    """Call the command in this process."""
    code = 0
    with CliRunner().isolation(input=given) as (out, err, _), _called(list(arguments)):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        sys.stdout.flush()
        sys.stderr.flush()
        return Said(code, out.getvalue().decode(), err.getvalue().decode())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, in which nothing was ever done."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name, value in own_environment(folder).items():
        monkeypatch.setenv(name, value)
    for name in [n for n in os.environ if n.startswith(("INFRADB_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def cli(home: Path) -> Call:
    """Calls the command in this process, with a home of its own."""
    return call_main


@pytest.fixture
def spawn(home: Path) -> Call:
    """Calls the command as a program of its own."""

    def call(*arguments: str, given: str = "") -> Said:
        done = subprocess.run(
            [*PROGRAM, *arguments], input=given, capture_output=True, text=True, check=False, env=own_environment(home)
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return call


def load_demo(url: str) -> str:
    """Write the demo lab into an empty database and return where it is."""
    database = open_database(url, create=True)
    with database.write() as connection:
        runs.add_source(connection, "demo", "demo", clock.now(), declared=False, rank=10)
        absorb(connection, collect(), Manner())
    return url


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo lab in a file that is only read."""
    path = tmp_path_factory.mktemp("demo") / "lab.db"
    demo.load(path)
    return path


@pytest.fixture(scope="session")
def demo_postgresql(postgresql_cluster: Cluster, postgresql_url: str) -> Iterator[str]:
    """The demo lab in a PostgreSQL database that is only read."""
    name = f"test_demo_{secrets.token_hex(6)}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield load_demo(postgresql_cluster.url(name))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def lab(demo_file: Path, cli: Call) -> Call:
    """Calls the command on the demo lab, only to read."""
    return lambda *arguments, **options: cli("--database", str(demo_file), *arguments, **options)


@pytest.fixture(params=["sqlite", "postgresql"])
def demo_place(request: pytest.FixtureRequest) -> str:
    """Where the demo lab is, on each engine in turn; only to read."""
    return str(request.getfixturevalue("demo_file" if request.param == "sqlite" else "demo_postgresql"))


@pytest.fixture
def labs(demo_place: str, cli: Call) -> Call:
    """Calls the command on the demo lab on each engine in turn, only to read."""
    return lambda *arguments, **options: cli("--database", demo_place, *arguments, **options)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database of one's own is, on each engine in turn."""
    return str(tmp_path / "own.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql"))


@pytest.fixture
def own(place: str, cli: Call) -> Call:
    """Calls the command on an empty database of one's own, on each engine in turn."""
    open_database(place, create=True).close()
    return lambda *arguments, **options: cli("--database", place, *arguments, **options)


@pytest.fixture
def own_lab(place: str, cli: Call) -> Call:
    """Calls the command on a demo lab of one's own, on each engine in turn."""
    load_demo(place)
    return lambda *arguments, **options: cli("--database", place, *arguments, **options)
