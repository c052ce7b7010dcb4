"""Containers come and go under new ids and stay what they are; engines answer in part."""

from __future__ import annotations

from typing import Any

from infradb.model.docker import DockerContainerNetwork, DockerNetwork, DockerVolume
from infradb.model.physical import Host
from infradb.observation import Observation, ScopeResult, observe
from tests.lab import DOCKER_HOST, ENGINE, Estate, answer, composed, container, names, partial, scope

A, B, C, D = (letter * 64 for letter in "abcd")
FIRST_AND_LAST = [(A, B), (B, A)]
"""Old and new id, in either order of the alphabet."""


def engine(*containers: Observation, **how: Any) -> list[ScopeResult]:
    return [scope("engine", DOCKER_HOST), scope("containers", *containers, **how)]


def test_a_container_that_compose_created_anew_stays_the_same(estate: Estate) -> None:
    for old, new in FIRST_AND_LAST:
        estate.run("docker", *engine(composed(old, "web", image_tag="1")))
        (first,) = estate.ids("docker_containers")
        report = estate.run("docker", *engine(composed(new, "web", image_tag="2")))
        row = estate.row("docker_containers")
        assert (row["id"], row["container_id"], row["image_tag"]) == (first, new, "2")
        assert [c[0] for c in estate.changes_of(report)] == ["update"]
        assert estate.claims(first) == [("docker", f"container/{new}", None)]


def test_so_do_its_places_in_networks(estate: Estate) -> None:
    network = observe("network/front", DockerNetwork(docker_host_id=ENGINE, network_name="front"))

    def place(native_id: str, address: str) -> Observation:
        key = f"container/{native_id}"
        at = DockerContainerNetwork(docker_container_id=key, docker_network_id=network.key, ip_address=address)
        return observe(f"{key}/network/front", at)

    for old, new in FIRST_AND_LAST:
        for native_id, address in ((old, "172.18.0.2"), (new, "172.18.0.9")):
            web = answer(composed(native_id, "web"), place(native_id, address))
            estate.run("docker", scope("engine", DOCKER_HOST), scope("networks", network), scope("containers", web))
        assert estate.row("docker_container_networks")["ip_address"] == "172.18.0.9"
    assert "retire" not in [c[0] for c in estate.changes()]


def test_a_whole_project_created_anew_does_not_pull_the_brake(estate: Estate) -> None:
    services = [f"s{n}" for n in range(60)]
    estate.run("docker", *engine(*[composed(f"{n:03}{A[3:]}", s) for n, s in enumerate(services)]))
    report = estate.run("docker", *engine(*[composed(f"{n + 100}{A[3:]}", s) for n, s in enumerate(services)]))
    assert (report.counts["updated"], report.counts["retired"], report.braked) == (60, 0, {})
    assert estate.findings() == []


def test_a_container_created_anew_by_its_plain_name_stays_the_same(estate: Estate) -> None:
    estate.run("docker", *engine(container(A, "web")))
    (first,) = estate.ids("docker_containers")
    estate.run("docker", *engine(container(B, "web")))
    assert estate.row("docker_containers")["id"] == first
    assert estate.row("docker_containers")["container_id"] == B


def test_one_that_was_renamed_beside_its_successor_is_another(estate: Estate) -> None:
    for order in (1, -1):
        estate.run("docker", *engine(container(A, "web")))
        (first,) = estate.ids("docker_containers", container_id=A)
        estate.run("docker", *engine(*[container(A, "web_old"), container(B, "web")][::order]))
        assert estate.row("docker_containers", container_name="web_old")["id"] == first
        assert estate.row("docker_containers", container_name="web")["container_id"] == B
        assert estate.findings() == []
        estate.run("docker", *engine(), allow_retire=True)


def test_an_answer_that_is_not_complete_takes_no_container_for_another(estate: Estate) -> None:
    for named, again in ((container(A, "web"), container(B, "web")), (composed(C, "db"), composed(D, "db"))):
        estate.run("docker", *engine(named))
        before = estate.rows("docker_containers")
        report = estate.run("docker", scope("engine", DOCKER_HOST), partial("containers", again))
        assert report.changed == 0
        assert estate.rows("docker_containers") == before
        assert "identity-conflict" in estate.findings()
        estate.run("docker", *engine(again))
        assert estate.row("docker_containers")["container_id"] == again.values["container_id"]
        estate.run("docker", *engine())


def test_an_event_that_names_the_old_ones_end_needs_no_complete_answer(estate: Estate) -> None:
    estate.run("docker", *engine(container(A, "web")))
    (first,) = estate.ids("docker_containers")
    estate.run("docker", partial("containers", container(B, "web"), gone=[f"container/{A}"]))
    assert estate.row("docker_containers")["id"] == first
    assert estate.row("docker_containers")["container_id"] == B


def test_two_containers_that_swap_their_names_stay_themselves(estate: Estate) -> None:
    estate.run("docker", *engine(container(A, "blue"), container(B, "green")))
    blue, green = estate.ids("docker_containers")
    report = estate.run("docker", *engine(container(A, "green"), container(B, "blue")))
    assert estate.row("docker_containers", container_name="green")["id"] == blue
    assert estate.row("docker_containers", container_name="blue")["id"] == green
    assert [(old, new) for _, _, old, new in estate.changes_of(report)] == [
        ({"container_name": "blue"}, {"container_name": "green"}),
        ({"container_name": "green"}, {"container_name": "blue"}),
    ]


def test_three_containers_that_pass_their_names_on_stay_themselves(estate: Estate) -> None:
    ids = (A, B, C)
    estate.run("docker", *engine(*[container(i, n) for i, n in zip(ids, "xyz", strict=True)]))
    estate.run("docker", *engine(*[container(i, n) for i, n in zip(ids, "yzx", strict=True)]))
    rows = {r["container_id"]: r["container_name"] for r in estate.rows("docker_containers")}
    assert rows == {A: "y", B: "z", C: "x"}


def test_an_imported_12_digit_id_is_the_64_digit_one(estate: Estate) -> None:
    estate.source("list", declared=True, rank=90)
    imported = container(A[:12], "nextcloud", engine="hosts/1")
    estate.run("list", partial("rows", observe("hosts/1", Host(hostname="docker1")), imported))
    estate.run("docker", *engine(container(A, "cloud")))
    row = estate.row("docker_containers")
    assert (row["container_id"], row["container_name"]) == (A, "cloud")
    assert len(estate.rows("hosts")) == 1


def test_one_engine_of_three_that_is_down_loses_nothing(estate: Estate) -> None:
    def whole(name: str) -> list[ScopeResult]:
        host = observe(f"host/{name}", Host(hostname=name, docker_engine_id=name))
        web = container(f"{name}-1", "web", engine=host.key)
        return [scope(f"{name}/engine", host), scope(f"{name}/containers", web)]

    estate.run("swarm", *whole("e1"), *whole("e2"), *whole("e3"))
    down = scope("e2/engine", status="failed")
    report = estate.run("swarm", *whole("e1"), down, *whole("e3"))
    assert (report.status, report.counts["retired"]) == ("partial", 0)
    assert names(estate.rows("hosts")) == ["e1", "e2", "e3"]


def test_what_one_engine_really_lost_goes_while_another_is_down(estate: Estate) -> None:
    hosts = [observe(f"host/{n}", Host(hostname=n, docker_engine_id=n)) for n in ("e1", "e2")]
    one, two = (container(f"{h.key}-1", "web", engine=h.key) for h in hosts)
    estate.run("swarm", scope("engines", *hosts), scope("e1", one), scope("e2", two))
    estate.run("swarm", scope("engines", *hosts), scope("e1"), scope("e2", status="failed"))
    assert names(estate.rows("docker_containers"), "container_id") == ["host/e2-1"]


def test_an_id_whose_container_has_another_one_by_now_is_another_container(estate: Estate) -> None:
    estate.run("docker", *engine(container(A, "web")))
    estate.run("docker", *engine(container(B, "web")))
    estate.run("docker", *engine(container(A, "old"), container(B, "web")))
    assert names(estate.rows("docker_containers"), "container_name") == ["old", "web"]


def test_compose_down_a_scan_and_up_again_bring_the_same_container_back(estate: Estate) -> None:
    estate.run("docker", scope("engine", answer(DOCKER_HOST), answer(composed("a" * 64, "web"))))
    (before,) = estate.ids("docker_containers")
    estate.run("docker", scope("engine", answer(DOCKER_HOST)))
    assert estate.rows("docker_containers") == []
    estate.run("docker", scope("engine", answer(DOCKER_HOST), answer(composed("b" * 64, "web"))))
    assert [(r["id"], r["container_id"]) for r in estate.rows("docker_containers")] == [(before, "b" * 64)]


def test_a_part_that_moves_to_another_answer_stays(estate: Estate) -> None:
    web, shop = container("a" * 64, "web"), container("b" * 64, "shop")
    shared = observe("volume/data", DockerVolume(docker_host_id=DOCKER_HOST.key, volume_name="data"))
    estate.run("docker", scope("engine", answer(DOCKER_HOST), answer(web, shared), answer(shop)))
    estate.run("docker", scope("engine", answer(DOCKER_HOST), answer(web), answer(shop, shared)))
    assert [v["retired_at"] for v in estate.rows("docker_volumes")] == [None]
