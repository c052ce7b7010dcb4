"""Each peer is the real thing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import docker
import psycopg
import pytest
from psycopg import sql

from tests import peers
from tests.peers import Lab


class TestDocker:
    def test_a_container_runs_the_images_programs(self, lab_containers: Lab) -> None:
        # Its log, not what an exec prints: the engine may end a busy exec's stream before it was read.
        container = lab_containers.run(["sh", "-c", "wget --help 2>&1; sleep 3600"], labels={"tier": "front"})

        deadline = time.monotonic() + 20
        while b"BusyBox" not in container.logs() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert b"BusyBox" in container.logs()
        container.reload()
        assert container.status == "running"
        assert container.labels["tier"] == "front"

    def test_closing_a_lab_removes_its_things_and_no_others(
        self, lab_containers: Lab, docker_client: docker.DockerClient, busybox_image: str
    ) -> None:
        other = lab_containers.run()
        lab = Lab(docker_client, busybox_image)
        network = lab.network()
        volume = lab.volume()
        mine = lab.run(network=network.name, volumes={volume.name: {"bind": "/data", "mode": "rw"}})

        lab.close()

        assert docker_client.containers.list(all=True, filters={"name": mine.name or ""}) == []
        assert docker_client.networks.list(names=[network.name or ""]) == []
        assert docker_client.volumes.list(filters={"name": volume.name}) == []
        other.reload()
        assert other.status == "running"


class TestPostgresql:
    def test_a_table_keeps_what_is_written(self, fresh_postgresql: str) -> None:
        with psycopg.connect(fresh_postgresql) as connection:
            connection.execute("CREATE TABLE hosts (hostname text PRIMARY KEY)")
            connection.execute("INSERT INTO hosts VALUES ('pve1')")
        with psycopg.connect(fresh_postgresql) as connection:
            assert connection.execute("SELECT hostname FROM hosts").fetchall() == [("pve1",)]
            assert connection.info.server_version >= 150000

    def test_every_database_is_empty_and_its_own(self, make_postgresql: Callable[[], str]) -> None:
        first, second = make_postgresql(), make_postgresql()
        with psycopg.connect(first) as connection:
            connection.execute("CREATE TABLE only_in_the_first (id int)")
        with psycopg.connect(second) as connection:
            row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert row == (0,)

    def test_strangers_need_the_password(self, fresh_postgresql: str) -> None:
        parts = psycopg.conninfo.conninfo_to_dict(fresh_postgresql)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**{**parts, "password": "wrong"})  # type: ignore[arg-type]

    def test_statements_take_names_as_names(self, postgresql_url: str) -> None:
        with psycopg.connect(postgresql_url) as connection:
            row = connection.execute(sql.SQL("SELECT 1 AS {}").format(sql.Identifier('a"b'))).fetchone()
        assert row == (1,)


class TestNetworkNamespace:
    def test_it_has_a_loopback_and_nothing_else(self, netns: str) -> None:
        links = json.loads(peers.run_ip("-n", netns, "-json", "link", "show"))
        names = {link["ifname"] for link in links}
        assert "lo" in names
        assert "UP" in next(link for link in links if link["ifname"] == "lo")["flags"]
        assert not any(name.startswith(("eth", "en")) for name in names)

    def test_pairs_of_interfaces_can_be_made_in_it(self, netns: str) -> None:
        peers.run_ip("-n", netns, "link", "add", "front", "type", "veth", "peer", "name", "back")
        names = {link["ifname"] for link in json.loads(peers.run_ip("-n", netns, "-json", "link", "show"))}
        assert {"front", "back"} <= names


class TestMissingPeer:
    def test_it_skips_on_a_persons_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match="missing peer docker: no engine answers"):
            peers.missing("docker", "no engine answers")

    def test_it_fails_in_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI", "true")
        with pytest.raises(pytest.fail.Exception, match="missing peer docker: no engine answers"):
            peers.missing("docker", "no engine answers")

    def test_a_cluster_that_cannot_start_is_told_to_everyone_alike(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers, "find_pg_ctl", lambda: None)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="pg_ctl is neither"):
                peers.shared_cluster(tmp_path)
