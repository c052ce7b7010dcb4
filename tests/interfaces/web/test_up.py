"""`infradb up` and `infradb serve` as people run them: a process, a port, a real Docker engine."""

from __future__ import annotations

import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator

import httpx2
import pytest

from infradb.operations import people
from infradb.operations.databases import open_database
from tests.interfaces.web.conftest import PASSWORD, csrf_of
from tests.interfaces.web.running import Running, free_port, wait_until

pytestmark = pytest.mark.long
Run = Callable[..., Running]


@pytest.fixture
def run(tmp_path) -> Iterator[Run]:
    """Starts processes over one database and ends them after the test."""
    started: list[Running] = []

    def start(*arguments: str, **options) -> Running:
        started.append(Running(tmp_path / "data" / "infradb.db", *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.end(signal.SIGKILL)


def names(database) -> set[str]:
    """The names of the live containers in a file, asked by SQL as anybody may."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as raw:
        found = {n for (n,) in raw.execute("SELECT container_name FROM docker_containers WHERE retired_at IS NULL")}
    raw.close()
    return found


def test_up_makes_the_database_discovers_serves_and_ends_at_once(run, tmp_path):
    up = run("up")
    url = up.wait_for(r"(http://127\.0\.0\.1:\d+)   \(Ctrl-C ends it\)")
    assert url == up.url
    assert "local: " in up.output
    assert "1 host" in up.output or " hosts" in up.output
    page = httpx2.get(url)
    assert page.status_code == 200
    assert socket.gethostname() in page.text
    assert httpx2.get(f"{url}/readyz").text == "ready\n"
    assert (tmp_path / "data" / "infradb.db").stat().st_mode & 0o077 == 0
    code, took = up.end(signal.SIGINT)
    assert code == 0
    assert took < 2
    assert up.output.endswith("stopped\n")
    assert "Traceback" not in up.output
    assert not (tmp_path / "data" / "infradb.db.up").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_two_seconds_while_it_reads(run, how):
    up = run("up", INFRADB_INTERVAL="1s")
    up.wait_until_it_answers()
    code, took = up.end(how)
    assert (code, took < 2) == (0, True)


def test_a_container_is_there_and_gone_within_two_seconds(run, tmp_path, lab_containers):
    up = run("up")
    up.wait_for(r"Ctrl-C ends it")
    database = tmp_path / "data" / "infradb.db"
    container = lab_containers.run()
    name = container.name
    assert wait_until(lambda: name in names(database), 5) < 2
    assert name in httpx2.get(up.url).text
    container.remove(force=True)
    assert wait_until(lambda: name not in names(database), 5) < 2
    assert name not in httpx2.get(f"{up.url}/list/docker_containers").text
    up.wait_for(r"\d\d:\d\d:\d\d docker: ")


def test_what_is_as_it_was_is_not_told(run):
    up = run("up", INFRADB_INTERVAL="1s")
    up.wait_for(r"Ctrl-C ends it")

    def runs() -> int:
        return httpx2.get(f"{up.url}/sources").text.count("just now")

    wait_until(lambda: runs() > 0, 5)
    after = up.output.split("Ctrl-C ends it)")[1]
    assert "cannot" not in after


def test_a_second_up_on_one_database_says_where_the_first_is(run):
    first = run("up")
    first.wait_for(r"Ctrl-C ends it")
    second = run("up")
    second.process.wait(timeout=20)
    code, _ = second.end()
    assert code == 4
    assert first.url in second.output
    assert "--port" in second.output
    assert "Traceback" not in second.output


def test_a_taken_port_is_named_with_the_way_out(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = run("up", port=port)
        up.process.wait(timeout=20)
        code, _ = up.end()
    assert code == 4
    assert f"port {port}" in up.output
    assert f"--port {port + 1}" in up.output


def test_serve_shows_what_is_known_beside_a_running_up(run):
    run("up").wait_for(r"Ctrl-C ends it")
    serve = run("serve")
    serve.wait_until_it_answers()
    assert socket.gethostname() in httpx2.get(serve.url).text
    assert serve.end()[0] == 0


def test_invented_data_is_served_with_a_banner(tmp_path):
    demo = Running(tmp_path / "untouched.db", "demo")
    try:
        demo.wait_until_it_answers()
        assert "invented data" in httpx2.get(demo.url).text
    finally:
        demo.end()
    assert not (tmp_path / "untouched.db").exists()


def test_serve_does_not_make_a_database(run, tmp_path):
    serve = run("serve")
    serve.process.wait(timeout=20)
    assert serve.end()[0] == 3
    assert not (tmp_path / "data").exists()


def test_without_discovering_first_the_address_comes_at_once_and_nothing_is_known(run):
    up = run("up", "--no-discover-first")
    up.wait_for(r"Ctrl-C ends it", 10)
    assert "nothing is known yet" in up.output


def test_first_start_abroad_prints_a_link_that_makes_the_first_user(run, tmp_path):
    up = run("up", "--listen", "0.0.0.0")
    up.wait_for(r"Ctrl-C ends it")
    link = up.wait_for(r"http://\S+(/first-user\?token=\S+)")
    assert "0.0.0.0" not in up.output
    with httpx2.Client(base_url=up.url) as browser:
        assert browser.get("/").status_code == 403
        page = browser.get(link)
        assert page.status_code == 200
        form = {"csrf": csrf_of(page.text), "token": link.split("token=")[1]}
        form |= {"name": "anna", "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/first-user", data=form).status_code == 303
        assert socket.gethostname() in browser.get("/").text
    with httpx2.Client(base_url=up.url) as other:
        assert other.get(link).status_code == 403
        assert other.get("/").headers["location"] == "/login"
    up.end()
    again = run("up", "--listen", "0.0.0.0")
    again.wait_for(r"Ctrl-C ends it")
    assert "first-user" not in again.output


def test_a_restart_makes_a_new_link_and_ends_the_old_one(run):
    first = run("up", "--listen", "0.0.0.0")
    old = first.wait_for(r"http://\S+(/first-user\?token=\S+)")
    first.end()
    second = run("up", "--listen", "0.0.0.0")
    new = second.wait_for(r"http://\S+(/first-user\?token=\S+)")
    assert httpx2.get(second.url + old).status_code == 403
    assert httpx2.get(second.url + new).status_code == 200


def test_a_start_that_fails_leaves_the_link_as_it_is(run):
    first = run("up", "--listen", "0.0.0.0")
    link = first.wait_for(r"http://\S+(/first-user\?token=\S+)")
    second = run("up", "--listen", "0.0.0.0")
    second.process.wait(timeout=20)
    assert httpx2.get(first.url + link).status_code == 200


def test_serving_abroad_without_a_user_is_refused(run, tmp_path):
    (tmp_path / "data").mkdir()
    database = open_database(str(tmp_path / "data" / "infradb.db"), create=True)
    refused = run("serve", "--listen", "0.0.0.0")
    refused.process.wait(timeout=20)
    assert refused.end()[0] == 2
    assert "no user yet" in refused.output
    people.make_first_user(database, people.first_user_token(database), "anna", PASSWORD)
    run("serve", "--listen", "0.0.0.0").wait_until_it_answers()


def test_an_address_that_is_not_this_machines_is_refused(run):
    up = run("up", "--listen", "192.0.2.77")
    up.process.wait(timeout=20)
    assert up.end()[0] == 2
    assert "192.0.2.77" in up.output
    assert "Traceback" not in up.output


def test_a_port_is_free_again_after_the_end(run):
    port = free_port()
    up = run("up", port=port)
    up.wait_until_it_answers()
    up.end()
    again = run("up", port=port)
    again.wait_until_it_answers()
