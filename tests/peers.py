"""The real systems that tests run against: a Docker engine, PostgreSQL, network namespaces.

`scripts/test-peers.sh` makes them ready. A test asks for one by a fixture's name; where the peer is missing it is
skipped and the peer is named in the summary, and with `CI=true` it fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

import docker
import docker.errors
import psycopg
import pytest
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.volumes import Volume
from psycopg import sql

REPOSITORY = Path(__file__).resolve().parent.parent
BUSYBOX_IMAGE = "infradb-test/busybox:1"
LAB_LABEL = "infradb.test"
MARKER_OF_FIXTURE = {
    "docker_client": "docker",
    "postgresql_url": "postgresql",
    "netns": "netns",
}

# The folder that all workers of one test session share; the session that made it also takes it away.
SHARED_FOLDER_VARIABLE = "INFRADB_TEST_SHARED_FOLDER"
SHARED_FOLDER_PREFIX = "infradb-test-"
MISSING = "missing peer "


def missing(peer: str, why: str) -> NoReturn:
    """Leaves the test that needs `peer`: skipped on a person's machine, failed in CI."""
    message = f"{MISSING}{peer}: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _system_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def find_pg_ctl() -> Path | None:
    """PostgreSQL's control program: on PATH, or the newest where Debian puts it."""
    if on_path := shutil.which("pg_ctl", path=_system_path()):
        return Path(on_path).resolve()
    installed = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    newest_first = sorted(installed, key=lambda path: int(path.parts[4]), reverse=True)
    return next(iter(newest_first), None)


@dataclass(frozen=True)
class Cluster:
    """A private PostgreSQL cluster that forgets everything when it stops."""

    folder: Path
    pg_ctl: Path
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        """Where `database` is, for a client."""
        return f"postgresql://infradb:{self.password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Ends the cluster at once."""
        _run_as_server_user([str(self.pg_ctl), "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop"])


def _server_user() -> str | None:
    """Root may not run PostgreSQL, so root's cluster runs as the user whom the package made."""
    return "postgres" if os.geteuid() == 0 else None


def _run_as_server_user(command: list[str]) -> subprocess.CompletedProcess[str]:
    user = _server_user()
    as_user: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    return subprocess.run(
        command,
        cwd="/",
        env={"PATH": _system_path(), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=90,
        **as_user,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_cluster(folder: Path) -> Cluster:
    """Makes and starts a cluster in `folder`.

    Raises:
        RuntimeError: PostgreSQL is not here, or does not start; the text says why.
    """
    pg_ctl = find_pg_ctl()
    if pg_ctl is None:
        raise RuntimeError("pg_ctl is neither on PATH nor in /usr/lib/postgresql/*/bin")
    user = _server_user()
    folder.mkdir(mode=0o700)
    password = secrets.token_urlsafe(16)
    password_file = folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if user:
        try:
            account = pwd.getpwnam(user)
        except KeyError:
            raise RuntimeError("root may not run PostgreSQL, and there is no user postgres") from None
        for path in (folder, password_file):
            os.chown(path, account.pw_uid, account.pw_gid)

    initdb = [str(pg_ctl.parent / "initdb"), "-D", str(folder / "data"), "--no-sync"]
    access = ["--username=infradb", f"--pwfile={password_file}", "--auth=scram-sha-256"]
    made = _run_as_server_user([*initdb, *access, "--encoding=UTF8", "--locale=C.UTF-8"])
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stdout.strip()[-400:]}")

    quick = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    said = ""
    for _ in range(3):  # somebody else may take the port between asking for it and using it
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' {quick}"
        started = _run_as_server_user(
            [str(pg_ctl), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w", "-o", options, "start"]
        )
        if started.returncode == 0:
            return Cluster(folder, pg_ctl, port, password)
        said = (folder / "log").read_text().strip()[-400:] or started.stdout.strip()[-400:]
    raise RuntimeError(f"the cluster does not start: {said}")


# --- what all workers of a session share -----------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def shared_cluster(folder: Path) -> Cluster:
    """The session's one cluster: the first worker that asks starts it, the others find it.

    Raises:
        RuntimeError: It cannot be started; every further asker is told the same.
    """
    state = folder / "cluster.json"
    with _locked(folder):
        if not state.exists():
            try:
                cluster = start_cluster(folder / "postgresql")
                facts = {"pg_ctl": str(cluster.pg_ctl), "port": cluster.port, "password": cluster.password}
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                facts = {"error": str(error)}
            state.write_text(json.dumps(facts))
        return _read_cluster(folder)


def _read_cluster(folder: Path) -> Cluster:
    facts = json.loads((folder / "cluster.json").read_text())
    if "error" in facts:
        raise RuntimeError(facts["error"])
    return Cluster(folder / "postgresql", Path(facts["pg_ctl"]), facts["port"], facts["password"])


def make_shared_folder() -> Path:
    """Makes the folder for this session's workers, and clears away what a killed session left."""
    for left in Path(tempfile.gettempdir()).glob(f"{SHARED_FOLDER_PREFIX}*-*"):
        owner = left.name.removeprefix(SHARED_FOLDER_PREFIX).partition("-")[0]
        with contextlib.suppress(FileNotFoundError):  # another session may clear it away at the same time
            if owner.isdigit() and left.stat().st_uid == os.geteuid() and not Path("/proc", owner).exists():
                remove_shared_folder(left)
    folder = Path(tempfile.mkdtemp(prefix=f"{SHARED_FOLDER_PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # the server's user has to get through
    return folder


def remove_shared_folder(folder: Path) -> None:
    """Stops what runs in the folder, then takes it away."""
    if (folder / "cluster.json").exists():
        with contextlib.suppress(RuntimeError):
            _read_cluster(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


# --- Docker ----------------------------------------------------------------------------------------------------------


@dataclass
class Lab:
    """Containers, networks and volumes of one test, all labelled; `close` removes exactly these."""

    client: docker.DockerClient
    image: str
    label: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def labels(self) -> dict[str, str]:
        """The label that everything in this lab carries."""
        return {LAB_LABEL: self.label}

    def name(self, stem: str = "lab") -> str:
        """A name that no other test uses."""
        return f"infradb-{stem}-{self.label[:8]}-{secrets.token_hex(3)}"

    def run(self, command: str | list[str] = "sleep 3600", *, name: str | None = None, **options: Any) -> Container:
        """Starts a container; `options` are those of the Docker SDK's `containers.run`."""
        options["labels"] = {**options.get("labels", {}), **self.labels}
        options.setdefault("init", True)  # so that it ends at once when told to
        options.setdefault("image", self.image)
        image = options.pop("image")
        return self.client.containers.run(image, command, name=name or self.name(), detach=True, **options)

    def network(self, name: str | None = None, **options: Any) -> Network:
        """Makes a network; `options` are those of the Docker SDK's `networks.create`."""
        options["labels"] = {**options.get("labels", {}), **self.labels}
        return self.client.networks.create(name or self.name("net"), **options)

    def volume(self, name: str | None = None, **options: Any) -> Volume:
        """Makes a named volume; `options` are those of the Docker SDK's `volumes.create`."""
        options["labels"] = {**options.get("labels", {}), **self.labels}
        return self.client.volumes.create(name or self.name("volume"), **options)

    def close(self) -> None:
        """Removes everything that carries this lab's label, and nothing else."""
        mine: dict[str, Any] = {"label": f"{LAB_LABEL}={self.label}"}
        for container in self.client.containers.list(all=True, filters=mine, ignore_removed=True):
            with contextlib.suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)
        for network in self.client.networks.list(filters=mine):
            with contextlib.suppress(docker.errors.NotFound):
                network.remove()
        for volume in self.client.volumes.list(filters=mine):
            with contextlib.suppress(docker.errors.NotFound):
                volume.remove(force=True)


def make_busybox_image() -> None:
    """Makes the image that labs run from.

    Raises:
        RuntimeError: It cannot be made; the text says why.
    """
    script = str(REPOSITORY / "scripts" / "test-peers.sh")
    made = subprocess.run([script, "image"], capture_output=True, text=True, check=False, timeout=120)
    if made.returncode:
        raise RuntimeError((made.stdout + made.stderr).strip()[-400:])


# --- network namespaces ----------------------------------------------------------------------------------------------


def run_ip(*arguments: str) -> str:
    """Runs `ip` and returns what it prints.

    Raises:
        RuntimeError: It failed, or is not here.
    """
    program = shutil.which("ip", path=_system_path())
    if program is None:
        raise RuntimeError("ip (iproute2) is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"ip {' '.join(arguments)} failed")
    return done.stdout


# --- fixtures, taken in by conftest.py -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_cluster() -> Cluster:
    """The session's private PostgreSQL cluster, shared by all workers."""
    try:
        return shared_cluster(Path(os.environ[SHARED_FOLDER_VARIABLE]))
    except RuntimeError as error:
        missing("postgresql", str(error))


@pytest.fixture(scope="session")
def postgresql_url(postgresql_cluster: Cluster) -> str:
    """The cluster's maintenance database: for what `fresh_postgresql` does not do. Leave it as it is."""
    return postgresql_cluster.url()


@pytest.fixture
def make_postgresql(postgresql_cluster: Cluster, postgresql_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases, as many as the test asks for, and returns each one's address."""
    names: list[str] = []

    def make() -> str:
        name = f"test_{secrets.token_hex(6)}"
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        names.append(name)
        return postgresql_cluster.url(name)

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        yield make
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def fresh_postgresql(make_postgresql: Callable[[], str]) -> str:
    """The address of an empty database of one's own, gone after the test."""
    return make_postgresql()


def _connect_to_engine() -> docker.DockerClient | str:
    """A client of the engine, or why there is none."""
    with warnings.catch_warnings():
        # A refused connection leaves its socket to the garbage collector: the SDK's doing, not the tests'.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = docker.from_env(timeout=60)
            client.ping()
        except (docker.errors.DockerException, OSError) as error:
            why = str(error)
        else:
            return client
        gc.collect()
        return why


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    """The Docker SDK's client of this machine's real engine."""
    client = _connect_to_engine()
    if isinstance(client, str):
        missing("docker", client)
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def busybox_image(docker_client: docker.DockerClient) -> str:
    """The name of a small image with every busybox applet in /bin."""
    try:
        docker_client.images.get(BUSYBOX_IMAGE)
    except docker.errors.ImageNotFound:
        try:
            make_busybox_image()
        except RuntimeError as error:
            missing("busybox-image", str(error))
    return BUSYBOX_IMAGE


@pytest.fixture
def lab_containers(docker_client: docker.DockerClient, busybox_image: str) -> Iterator[Lab]:
    """Runs labelled containers, networks and volumes on the real engine, and removes exactly those."""
    lab = Lab(docker_client, busybox_image)
    with contextlib.closing(lab):
        yield lab


@pytest.fixture(scope="module")
def module_lab(docker_client: docker.DockerClient, busybox_image: str) -> Iterator[Lab]:
    """The same for a module whose tests share their containers."""
    lab = Lab(docker_client, busybox_image)
    with contextlib.closing(lab):
        yield lab


@pytest.fixture
def netns() -> Iterator[str]:
    """The name of an empty network namespace of one's own, its loopback up."""
    name = f"infradb-{secrets.token_hex(4)}"
    try:
        run_ip("netns", "add", name)
        run_ip("-n", name, "link", "set", "lo", "up")
    except RuntimeError as error:
        with contextlib.suppress(RuntimeError):
            run_ip("netns", "del", name)
        missing("netns", str(error))
    yield name
    run_ip("netns", "del", name)


# --- hooks, taken in by conftest.py ----------------------------------------------------------------------------------


def configure(config: pytest.Config) -> None:
    """Makes the folder that the workers share, once: workers are told of it through the environment."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED_FOLDER_VARIABLE] = str(make_shared_folder())


def unconfigure(config: pytest.Config) -> None:
    """Stops what the workers started."""
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(SHARED_FOLDER_VARIABLE, "")):
        remove_shared_folder(Path(folder))


def mark_by_fixture(items: list[pytest.Item]) -> None:
    """Marks every test by the peers that it asks for, so that `-m "not docker"` means what it says."""
    for item in items:
        for name, marker in MARKER_OF_FIXTURE.items():
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


def list_missing(reporter: pytest.TerminalReporter) -> None:
    """Names the missing peers at the end, with the number of tests that each of them cost."""
    cost: dict[str, int] = {}
    for report in reporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if found := re.search(f"{MISSING}(.*)", text):
            cost[found[1]] = cost.get(found[1], 0) + 1
    if cost:
        reporter.section("missing peers", sep="-", yellow=True)
        for peer, tests in sorted(cost.items()):
            reporter.line(f"{peer} ({tests} test{'s' if tests != 1 else ''} skipped)")
        reporter.line("scripts/test-peers.sh makes them ready")
