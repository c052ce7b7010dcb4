"""`infradb sources` and `discover`: what is read, whether it can be, and what came of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Call
from tests.peers import Lab


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "own.db"


@pytest.fixture
def call(cli: Call, file: Path) -> Call:
    """Calls the command on a database that is not there yet."""
    return lambda *arguments: cli("--database", str(file), *arguments)


@pytest.fixture
def dead_engine(tmp_path: Path) -> Iterator[str]:
    """The address of an engine that hangs up on everybody."""
    path = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(0.1)
        ended = threading.Event()

        def hang_up() -> None:
            while not ended.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"unix://{path}"
        ended.set()
        thread.join()


class TestSources:
    def test_this_machine_and_its_docker_are_there_from_the_start(self, call: Call) -> None:
        found = call("sources", "list", "-o", "json").json
        assert [(s["name"], s["kind"], s["enabled"]) for s in found] == [
            ("manual", "manual", True), ("local", "local", True), ("docker", "docker", True),
        ]  # fmt: skip

    def test_can_be_added_removed_and_added_again(self, call: Call) -> None:
        done = call("sources", "add", "docker", "nas", "url=tcp://127.0.0.1:9", "timeout_seconds=5", "--untested")
        assert (done.code, done.out) == (0, "added nas, untested; `infradb sources doctor nas` proves its rights\n")
        assert call("sources", "add", "docker", "nas").code == 4
        assert call("sources", "remove", "nas").out == "removed nas; what it said stays\n"
        assert call("sources", "remove", "nas").code == 4
        assert call("discover", "nas").code == 4
        assert call("sources", "add", "docker", "nas", "url=tcp://127.0.0.1:9", "--untested").code == 0
        assert call("sources", "remove", "manual").code == 4
        assert call("sources", "remove", "nas", "--keep", "--retire").code == 2

    def test_one_that_cannot_be_reached_is_not_added_unless_somebody_insists(self, call: Call) -> None:
        done = call("sources", "add", "docker", "nas", "url=tcp://127.0.0.1:9", "timeout_seconds=5")
        assert done.code == 1
        assert "was not added" in done.err
        assert "→" in done.err
        assert "nas" not in [s["name"] for s in call("sources", "list", "-o", "json").json]

    def test_one_that_was_tried_is_added_with_what_it_still_lacks(self, call: Call) -> None:
        done = call("sources", "add", "local", "here", "timeout_seconds=30")
        assert done.out == "added here; `infradb discover here` reads it\n"
        assert call("sources", "kinds", "-o", "json").json[0]["kind"] == "local"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("proxmox9", "x"), "one of: local, ssh"),
            (("docker", "x", "urll=y"), "there is no setting 'urll'"),
            (("docker", "x", "urll=y"), "settings of docker: url, timeout_seconds"),
            (("docker", "x", "url=ftp://y"), "url is none of unix://"),
            (("docker", "x", "url=ssh://admin:hunter2@y"), "must not hold a password"),
            (("docker", "x", "timeout_seconds=soon"), "timeout_seconds should be a valid number"),
            (("docker", "x", "stats=maybe"), "stats should be a valid boolean"),
            (("docker", "x", "tls_cert=/x"), "tls_cert and tls_key go together"),
            (("docker", "x", "url"), "is no setting"),
            (("docker", "a b"), "is no name for a source"),
            (("docker", ""), "is no name for a source"),
        ],
    )
    def test_wrong_settings_are_named_with_those_that_there_are(
        self, call: Call, arguments: tuple[str, ...], said: str
    ) -> None:
        done = call("sources", "add", *arguments)
        assert done.code == 2
        assert said in done.err
        assert "hunter2" not in done.err
        assert arguments[1] not in [s["name"] for s in call("sources", "list", "-o", "json").json]

    def test_tell_every_call_that_they_make(self, call: Call) -> None:
        assert any("/containers/json" in line for line in call("sources", "calls", "docker").lines)
        assert call("sources", "calls", "local").out
        assert call("sources", "calls", "nobody").code == 3
        assert call("sources", "calls", "manual").code == 4
        assert call("sources", "doctor", "manual").code == 4

    def test_doctor_says_what_a_dead_engine_lacks(self, call: Call, dead_engine: str) -> None:
        call("sources", "add", "docker", "dead", f"url={dead_engine}", "--untested")
        done = call("sources", "doctor", "dead")
        assert done.code == 6
        assert "missing" in done.out
        assert "Traceback" not in done.err

    def test_of_an_import_are_no_collectors(self, lab: Call) -> None:
        assert lab("discover", "demo").code == 4


class TestDiscover:
    @pytest.mark.parametrize("url", ["unix:///no/such/docker.sock", "tcp://127.0.0.1:1", "dead"])
    def test_an_engine_that_does_not_answer_is_told_and_the_rest_is_read(
        self, call: Call, dead_engine: str, url: str
    ) -> None:
        call(
            "sources",
            "add",
            "docker",
            "other",
            f"url={dead_engine if url == 'dead' else url}",
            "timeout_seconds=2",
            "--untested",
        )
        done = call("discover", "local", "other")
        assert done.code == 6
        assert "Traceback" not in done.err
        (line,) = [r for r in done.err.splitlines() if r.startswith("other: ")]
        assert len(line) > len("other: ")
        assert call("list", "hosts", "-o", "json").items
        status = {s["name"]: s["status"] for s in call("sources", "list", "-o", "json").json}
        assert status["other"] == "failed"

    def test_a_dry_run_makes_no_file_and_writes_nothing(self, call: Call, file: Path) -> None:
        done = call("discover", "local", "--dry-run")
        assert "dry run: nothing was written" in done.out
        assert list(file.parent.glob("own.db*")) == []
        call("discover", "local")
        before = call("sql", "SELECT count(*) FROM discovery_runs").out
        assert call("discover", "local", "--dry-run", "-o", "json").json[0]["created"] == 0
        assert call("sources", "test", "local").out.count("dry run")
        assert call("sql", "SELECT count(*) FROM discovery_runs").out == before

    def test_a_second_time_finds_nothing_new(self, call: Call) -> None:
        assert call("discover", "local").code in (0, 6)
        done = call("discover", "local")
        assert "nothing new" in done.out
        assert call("discover", "nobody").code == 3

    def test_what_a_removed_source_said_is_retired_when_asked_for(self, call: Call) -> None:
        call("discover", "local")
        hosts = len(call("list", "hosts", "-o", "json").items)
        assert hosts >= 1
        assert "things retired" in call("sources", "remove", "local", "--retire").out
        assert call("list", "hosts", "-o", "json").items == []
        assert call("verify").code == 0

    def test_the_real_engine_is_read_with_its_containers(self, call: Call, lab_containers: Lab) -> None:
        container = lab_containers.run(ports={"80/tcp": None}, labels={"infradb.owner": "ann"})
        done = call("discover", "docker", "-o", "json")
        assert done.code == 0, done.err
        assert done.json[0]["created"] > 1
        (row,) = call("list", "containers", f"container_name={container.name}", "-o", "json").items
        assert (row["status"], row["container_id"]) == ("running", container.id)
        assert "hosts/" in call("show", f"containers/{container.name}").out
        container.remove(force=True)
        assert call("discover", "docker", "-o", "json").json[0]["retired"] >= 1
        assert "(retired " in call("show", f"containers/{container.name}").lines[0]
