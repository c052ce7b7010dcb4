"""Machines that answer badly: each is named within its time, leaves the others alone and retires nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from infradb import clock
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.observation import CollectionRun
from tests.collectors.ssh import servers
from tests.collectors.ssh.peer import Keys, collector, digests, fresh_keys, scope, statuses, things
from tests.collectors.ssh.servers import ssh_server, tcp_server


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Keys of one's own."""
    with fresh_keys() as made:
        yield made


def read(keys: Keys, way: servers.Way, **settings: Any) -> CollectionRun:
    """What is read of a machine that answers in this way, called `bad` whatever its port."""
    with ssh_server(keys, way) as port:
        keys.know("127.0.0.1", port, "host")
        return collector(keys, f"127.0.0.1:{port}", **settings).collect()


def by_name(run: CollectionRun) -> dict[str, str]:
    return {s.name.partition("/")[2]: s.status for s in run.scopes}


@pytest.mark.parametrize(
    ("way", "kind", "said"),
    [
        (servers.noise, SourceMalformed, "its shell printed no facts"),
        (servers.no_shell, SourceMalformed, "status 1.*This account is currently not available"),
        (servers.a_menu, SourceMalformed, r"no facts: it says 'Switch Management 1\) Status.*password=\*\*\*"),
        (servers.endless, SourceMalformed, "printed without end"),
        (servers.endless_errors, SourceMalformed, "printed without end"),
        (servers.silent, SourceUnreachable, "no facts in time"),
        (servers.dies_first, SourceUnreachable, "broke off"),
    ],
)
def test_what_tells_no_facts_is_named(keys: Keys, way: servers.Way, kind: type[CollectionError], said: str) -> None:
    began = time.monotonic()
    with pytest.raises(kind, match=said) as raised:
        read(keys, way, timeout_seconds=2)
    assert raised.value.hint
    assert "hunter2" not in str(raised.value)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (servers.slow_end, "raise timeout_seconds"),
        (servers.cut_off, "the connection or the shell ended"),
        (servers.half_a_line, "the connection or the shell ended"),
        (servers.endless_middle, "more than 8 MiB"),
    ],
)
def test_what_ends_before_its_end_keeps_what_it_told(keys: Keys, way: servers.Way, said: str) -> None:
    run = read(keys, way, timeout_seconds=3)
    assert by_name(run)["host"] == "complete"
    assert by_name(run)["services"] == "failed"
    assert by_name(run)["storage"] in ("partial", "failed")
    assert any(said in error for error in run.errors), run.errors
    assert [s.name for s in run.scopes if s.gone] == []


def test_a_banner_around_the_facts_does_not_matter(keys: Keys) -> None:
    run = read(keys, servers.banner)
    assert run.status == "complete", run.errors
    assert "Welcome" not in repr(things(run))


def test_a_clock_that_is_off_changes_nothing(keys: Keys) -> None:
    with ssh_server(keys, servers.banner) as port:
        keys.know("127.0.0.1", port, "host")
        right = collector(keys, f"127.0.0.1:{port}").collect()
    with ssh_server(keys, servers.clock_is_off) as other:
        keys.know("127.0.0.1", other, "host")
        wrong = collector(keys, f"127.0.0.1:{other}").collect()
    first, second = f"127.0.0.1:{port}/host", f"127.0.0.1:{other}/host"
    assert digests(right)[first] == digests(wrong)[second]
    started = [clock.to_moment(things(r)[n]["boot_time_at"]) for r, n in ((right, first), (wrong, second))]
    assert abs((started[0] - started[1]).total_seconds()) < 60
    assert wrong.errors == ()


@pytest.mark.parametrize(
    ("greeting", "how", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", {}, "speak SSH|broke off|no answer in time"),
        (b"", {}, "no answer in time"),
        (b"", {"close": True}, "broke off"),
        (b"SSH-2.0-x\r\n" + b"\x00" * 4000, {}, "speak SSH|broke off|encrypt"),
        (b"SSH-1.5-old\r\n", {}, "speak SSH"),
        (b"x" * 65536, {"repeat": True}, "speak SSH|broke off|no answer in time"),
        (b"x\r\n" * 4000, {"repeat": True}, "speak SSH|broke off|no answer in time"),
    ],
)
def test_what_speaks_no_ssh_is_named_within_its_time(
    keys: Keys, greeting: bytes, how: dict[str, bool], said: str
) -> None:
    began = time.monotonic()
    with tcp_server(greeting, **how) as port, pytest.raises(CollectionError, match=said) as raised:
        collector(keys, f"127.0.0.1:{port}", connect_timeout_seconds=1).collect()
    assert raised.value.hint
    assert time.monotonic() - began < 8


def test_one_bad_machine_leaves_the_others_alone(keys: Keys) -> None:
    with ssh_server(keys, servers.banner, "one") as good, ssh_server(keys, servers.endless, "two") as bad:
        keys.know("127.0.0.1", good, "one")
        keys.know("127.0.0.1", bad, "two")
        run = collector(keys, [f"127.0.0.1:{bad}", f"127.0.0.1:{good}"], timeout_seconds=20).collect()
    assert statuses(run, f"127.0.0.1:{good}") == {"complete"}
    assert statuses(run, f"127.0.0.1:{bad}") == {"failed"}
    assert scope(run, f"127.0.0.1:{bad}/host").errors == run.errors
    assert re.match(r"127\.0\.0\.1:\d+: it printed without end", run.errors[0])
    assert next(c for c in run.calls if c.name == "sh -s TOKEN")[1:3] == (2, 1)


def test_a_session_that_is_not_opened_is_named(keys: Keys) -> None:
    with pytest.raises(SourceRefused, match="runs nothing for us"):
        read(keys, servers.no_session)
