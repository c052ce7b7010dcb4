"""The lab's answers, each worked out by hand; on both engines, by what is hit, and by all there is."""

from __future__ import annotations

import pytest

from infradb.errors import NotFound
from infradb.graph import impact as pure
from infradb.operations import graph, waves
from infradb.operations.known_needs import lab as opened
from infradb.queries.naming import find
from infradb.queries.picture import picture
from tests.graph.lab import whole_lab
from tests.lab import Estate

MEDIA = "storage_devices/app1/10.0.0.5:/mnt/tank/media"
ON_APP1 = "app1 web db bk side shop shopdb api2 pve1/102"
ALL_GUESTS = "pve1/101 db1 pg pve2/201 app2 api pve2/202 big batch"
# what dies -> down, degraded, at risk; names without their kinds
IMPACT = {
    "sw1": (f"sw1/p1 sw1/p2 sw1/p9 pve1/eth0 nas/eth0 router/lan nas files web side shop {MEDIA}", "api",
            "pve1 router pve1/102 app1 db bk shopdb api2 local-zfs"),
    "sw2": ("sw2/p1 sw2/p2 sw2/p9 pve1/eth1 pve2/eth0 router/lan2 pve2 local2 pve2/201 app2 api pve2/202 big batch", "",
            f"router pve1 local-zfs {ON_APP1} pve1/101 db1 pg"),
    "pve2": ("pve2/202 big batch local2 pve2/201 app2 api", "", "pve1/101 db1 pg shop"),
    "pve1": (f"{ON_APP1} local-zfs", "api", "pve1/101 db1 pg pve2/201 app2"),
    "pve1/dev/nvme0n1": ("", "", f"rpool pve1 local-zfs {ON_APP1}"),
    "pve1/dev/nvme0n1 pve1/dev/nvme1n1": (f"rpool pve1 local-zfs {ON_APP1}", "api", "pve1/101 db1 pg pve2/201 app2"),
    "pve1 pve2": (f"{ON_APP1} local-zfs local2 pve1/101 db1 pg pve2/201 app2 api pve2/202 big batch", "", ""),
    "nas": (f"files web side shop {MEDIA}", "api", ""),
    "nas/dev/sda": ("", "", f"tank web side shop {MEDIA}"),
    "nas/dev/sda nas/dev/sdb": (f"tank web side shop {MEDIA}", "nas files api", ""),
    "10.0.0.99": ("bk storage_devices/app1/10.0.0.99:/b", "", ""),
    "10.0.0.5": (f"files web side shop {MEDIA}", "api", ""),
    "containers/app1/db": ("shopdb", "web side shop", ""),
    "containers/app1/web": ("side shop", "api", ""),
    "router": ("", f"pve1 pve2 nas files local-zfs local2 {ALL_GUESTS} {ON_APP1} {MEDIA}", ""),
    "10.0.0.254": ("", ON_APP1.replace("pve1/102", ""), ""),
    "services/pg": ("shop", "batch api", ""),
    "services/api": ("", "", "shop"),
    "services/api services/api2": ("shop", "", ""),
    "ceph": ("pve1/101 db1 pg shop pve2/202 big batch", "api", ""),
}  # fmt: skip


@pytest.fixture
def lab(estate: Estate) -> Estate:
    estate.run("lab", whole_lab())
    return estate


def short(label: str) -> str:
    """Return what the tables above call a thing: names of which the part before the slash is no news without it."""
    kind, _, name = label.partition("/")
    if not name:
        return label
    if kind in ("services", "hosts"):
        return name
    if kind in ("docker_containers", "proxmox_storages") or name.rpartition("/")[2] in ("rpool", "tank"):
        return name.rpartition("/")[2]
    return label if kind == "storage_devices" else name


def told(found: graph.Impact) -> dict[str, set[str]]:
    return {
        state: {short(s.thing.label) for s in found.struck if s.state == state and s.distance} for state in pure.STATES
    }


def by_hand(case: str) -> dict[str, set[str]]:
    return {state: set(words.split()) for state, words in zip(pure.STATES, IMPACT[case], strict=True)}


@pytest.mark.parametrize("case", IMPACT)
def test_what_breaks_is_what_was_worked_out_by_hand(lab: Estate, case: str) -> None:
    assert told(graph.impact(lab.database, case.split())) == by_hand(case)


def test_what_is_read_step_by_step_gives_the_same_as_the_whole_graph(lab: Estate) -> None:
    with opened(lab.database) as asked:
        whole = asked.reader.whole().graph
        for id_ in {*whole.needs, *whole.needed}:
            needs, load = asked.reader.growing()
            assert pure.impact(needs.graph, [id_], load) == pure.impact(whole, [id_])


def test_reasons_are_the_shortest_way_and_say_how_many_are_left(lab: Estate) -> None:
    found = graph.impact(lab.database, ["pve2"])
    why = {short(s.thing.label): s.why for s in found.struck}
    assert why["api"] == (
        "runs on hosts/app2, which is guest proxmox_containers/pve2/201, which has its disk on"
        " proxmox_storages/lab/local2, which is in hosts/pve2"
    )
    assert why["pve1/101"] == "can move to hosts/pve2 (1 of 2 left, 1 needed)"
    (shop,) = [s for s in graph.impact(lab.database, ["services/api"]).struck if s.distance]
    assert shop.why == "needs services/api (1 of 2 left, 1 needed)"


def test_users_services_come_first_by_criticality_and_owner(lab: Estate) -> None:
    found = graph.impact(lab.database, ["pve1", "pve2"])
    services = [s.thing.name for s in found.struck if s.thing.table == "services"]
    assert services == ["shop", "pg", "api", "shopdb", "api2", "batch"]
    assert [s.thing.table for s in found.struck[: len(services)]] == ["services"] * 6
    assert (found.services["down"], found.services["at risk"]) == (6, 0)


def test_as_of_a_time_is_what_was_then(lab: Estate) -> None:
    before = lab.clock.now()
    then = graph.impact(lab.database, ["pve1"])
    (need,) = lab.ids("service_dependencies", dependent_service_id=lab.row("services", service_name="api")["id"])
    lab.people_say(need, "dependency_type=hard")
    assert "api" in told(graph.impact(lab.database, ["pve1"]))["down"]
    assert graph.impact(lab.database, ["pve1"], before) == then


def test_what_depends_ends_at_disks_switches_and_unknown_machines(lab: Estate) -> None:
    found = graph.depends(lab.database, "services/shop")
    depth = {short(b.thing.label): b.depth for b in found}
    wanted = {"shop": 0, "web": 1, "pg": 1, "app1": 2, "pve1/102": 3, "pve1": 4, "local-zfs": 4, "rpool": 5}
    wanted |= {"storage_devices/pve1/dev/nvme0n1": 6, "pve1/eth0": 5, "sw1/p1": 6, "sw1": 6, "ceph": 4, "tank": 3}
    assert {n: depth.get(n) for n in wanted} == wanted
    assert "unknown machine at 10.0.0.99" in {b.thing.label for b in found}


def test_single_points_are_those_that_were_worked_out_by_hand(lab: Estate) -> None:
    found = graph.single_points(lab.database)
    points = {short(t.label): p for p in found.points for t in (p.thing, *p.same)}
    assert found.only_important
    assert found.watched == 5
    by_hand = {
        "pve1": ("shop shopdb", "api"), "pve2": ("api", ""), "nas": ("shop files", "api"), "sw1": ("shop files", "api"),
        "sw2": ("api", ""), "router": ("", "shop shopdb pg api files"), "ceph": ("shop pg", "api"),
        "tank": ("shop", "api files"), "unknown machine at 10.0.0.254": ("", "shop shopdb"),
    }  # fmt: skip
    said = {n: tuple({t.name for t in things} for things in (points[n].takes, points[n].degrades)) for n in by_hand}
    assert said == {n: (set(takes.split()), set(hurts.split())) for n, (takes, hurts) in by_hand.items()}
    assert not {"storage_devices/pve1/dev/nvme0n1", "storage_devices/nas/dev/sda"} & points.keys()
    assert points["router"].mend.startswith("one gateway")
    assert points["ceph"].mend.startswith("one storage")


def test_where_nobody_says_how_critical_services_are_all_of_them_count(lab: Estate) -> None:
    for row in lab.rows("services"):
        if row["criticality"] in graph.IMPORTANT:
            lab.people_say(row["id"], "criticality=low")
    found = graph.single_points(lab.database)
    assert (found.only_important, found.watched) == (False, 7)


def test_the_nas_is_stopped_after_what_needs_it(lab: Estate) -> None:
    plan = waves.shutdown_plan(lab.database, ["nas"])
    assert [(s.wave, s.on, s.command) for s in plan.steps] == [
        (1, "app1", "docker stop side"),
        (2, "app1", "docker stop web"),
        (3, "nas", "systemctl poweroff"),
    ]
    assert not plan.circles


def test_guests_start_in_the_order_of_their_node(lab: Estate) -> None:
    plan = waves.boot_plan(lab.database, ["pve2"])
    commands = [(s.wave, s.on, s.command) for s in plan.steps]
    assert commands == [(1, "", "switch on pve2"), (2, "pve2", "qm start 202"), (3, "pve2", "qm start 201")]


def test_a_circle_is_named_and_broken_where_it_is_loosest(lab: Estate) -> None:
    plan = waves.boot_plan(lab.database, ["services/shop", "services/api"])
    assert plan.circles == (
        "services/shop → services/api → services/shop; broken at: services/api needs services/shop",
    )
    assert [s.command for s in plan.steps] == ["systemctl start api.service"]


def test_what_did_not_run_is_left_out_and_told(lab: Estate) -> None:
    (bk,) = lab.ids("docker_containers", container_name="bk")
    with lab.database.write() as connection:
        connection.execute("UPDATE docker_containers SET status = 'exited' WHERE id = ?", (bk,))
    plan = waves.shutdown_plan(lab.database, ["10.0.0.99"])
    assert plan.steps == ()
    assert [t.label for t in plan.left_out] == ["docker_containers/app1/bk"]


def test_what_a_container_runs_on_is_shown_down_to_disk_and_switch_port(lab: Estate) -> None:
    with lab.database.read() as connection:
        found = find(connection, "containers/app1/web")
        chain = picture(connection, found.table, found.id).chain
    assert [f"{s.table}/{s.name}" for s in chain] == [
        "docker_containers/app1/web", "compose project/shop", "hosts/app1", "proxmox_containers/pve1/102", "hosts/pve1",
        "proxmox_storages/lab/local-zfs", "storage_devices/pve1/rpool", "storage_devices/pve1/dev/nvme0n1",
        "network_interfaces/sw1/p1",
    ]  # fmt: skip


def test_an_address_that_nothing_needs_and_nobody_has_is_not_found(lab: Estate) -> None:
    with pytest.raises(NotFound):
        graph.impact(lab.database, ["10.9.9.9"])


def test_the_graph_that_is_kept_is_read_anew_after_a_change(lab: Estate) -> None:
    assert graph.single_points(lab.database).watched == 5
    (need,) = lab.ids("service_dependencies", dependent_service_id=lab.row("services", service_name="api")["id"])
    assert "api" in told(graph.impact(lab.database, ["pve1"]))["degraded"]
    lab.people_say(need, "dependency_type=hard")
    assert "api" in told(graph.impact(lab.database, ["pve1"]))["down"]
