"""One machine that several sources read is one host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from infradb import clock
from infradb.collectors.docker.collector import DockerCollector
from infradb.collectors.docker.settings import DockerSettings
from infradb.collectors.local.collector import LocalCollector
from infradb.collectors.ssh.collector import SshCollector
from infradb.observation import CollectionRun
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.store import runs
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.collectors.ssh.peer import USER, Keys, Lab, collector, fresh_keys, inside, lab, sshd
from tests.peers import Lab as Containers


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Keys of one's own."""
    with fresh_keys() as made:
        yield made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = open_database(str(tmp_path / "lab.db"), create=True)
    yield opened
    opened.close()


def take_in(database: Database, run: CollectionRun, rank: int) -> RunReport:
    with database.write() as connection:
        runs.add_source(connection, run.source, run.source, clock.now(), declared=False, rank=rank)
        return absorb(connection, run, Manner())


def ask(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return connection.query(sql)


HOSTS = "SELECT hostname, docker_engine_id IS NOT NULL, is_docker_host FROM hosts WHERE retired_at IS NULL"
SAYING = (
    "SELECT count(DISTINCT s.source_id) FROM claims c JOIN scopes s ON s.id = c.scope_id"
    " JOIN hosts h ON h.id = c.entity_id WHERE c.withdrawn_at IS NULL"
)


@pytest.mark.long
@pytest.mark.parametrize("order", [("ssh", "docker", "local"), ("docker", "ssh", "local"), ("local", "docker", "ssh")])
def test_a_machine_over_ssh_its_engine_over_ssh_and_the_machine_itself_are_one_host(
    order: tuple[str, ...],
    keys: Keys,
    database: Database,
    docker_client: docker.DockerClient,
    lab_containers: Containers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    container = lab_containers.run()
    home = keys.folder / ".ssh"
    home.mkdir()
    (home / "config").write_text(f"Host *\n  IdentityFile {keys.client}\n")
    monkeypatch.setenv("HOME", str(keys.folder))
    with sshd(keys) as port:
        keys.know("127.0.0.1", port, "host")
        shutil.copy(keys.known_hosts, home / "known_hosts")
        engine = DockerSettings(url=f"ssh://{USER}@127.0.0.1:{port}", volume_sizes=False)
        read = {
            "ssh": (collector(keys, f"127.0.0.1:{port}").collect(), 12),
            "docker": (DockerCollector("nas", engine).collect(), 40),
            "local": (LocalCollector("here").collect(), 10),
        }
    # sshd of the test shows another key than the machine's own: two sources may differ in that, and are one host still.
    for name in order:
        take_in(database, *read[name])
    engine_id = docker_client.info()["ID"]
    assert ask(database, f"{HOSTS} AND docker_engine_id = '{engine_id}'") == [
        (docker_client.info()["Name"].split(".")[0], True, True)
    ]
    assert len(ask(database, HOSTS)) == 1
    assert ask(database, SAYING) == [(3,)]
    ((host,),) = ask(
        database,
        "SELECT h.hostname FROM docker_containers c JOIN hosts h ON h.id = c.docker_host_id"
        f" WHERE c.container_id = '{container.id}'",
    )
    assert host == docker_client.info()["Name"].split(".")[0]
    assert ask(database, "SELECT rule FROM findings WHERE closed_at IS NULL AND rule LIKE 'ident%'") == []
    interfaces = "SELECT interface_name FROM network_interfaces WHERE retired_at IS NULL GROUP BY 1 HAVING count(*) > 1"
    assert ask(database, interfaces) == []
    assert not any(take_in(database, *read[name]).changed for name in order)


def test_machines_of_one_network_share_it_and_a_second_run_says_nothing_new(database: Database, keys: Keys) -> None:
    with lab(keys, 4) as machines:
        first, second = (inside(machines.hub, _reader(machines).collect) for _ in "12")
    take_in(database, first, 12)
    assert sorted(str(h) for h, _, _ in ask(database, HOSTS)) == ["lab1", "lab2", "lab3", "lab4"]
    assert ask(database, "SELECT count(*) FROM networks WHERE cidr = '10.77.0.0/24' AND retired_at IS NULL") == [(1,)]
    assert ask(database, "SELECT count(*) FROM ip_addresses WHERE ip_address LIKE '10.77.0.%'") == [(4,)]
    assert ask(database, "SELECT count(*) FROM ip_addresses WHERE ip_address = '127.0.0.1'") == [(4,)]
    again = take_in(database, second, 12)
    assert {n: c for n, c in again.counts.items() if c and n in ("created", "retired", "revived", "missing")} == {}
    assert not again.changed


def _reader(machines: Lab) -> SshCollector:
    return collector(machines.keys, machines.addresses)
