"""Names and references: what is renamed, swapped, said before its time, or said of nothing known."""

from __future__ import annotations

from infradb.model.docker import DockerNetwork
from infradb.model.network import Network
from infradb.model.physical import Host
from infradb.model.proxmox import ProxmoxContainer
from infradb.model.services import Service, ServiceDependency
from infradb.observation import Answer, observe
from tests.lab import NODE_1, ROUTER, Estate, answer, names, nic, partial, scope

HOST = observe("host", Host(hostname="router", vendor="Deciso", serial_number="D1"))


def test_an_interface_that_is_renamed_stays_itself(estate: Estate) -> None:
    estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key="nic/2")))
    (first,) = estate.ids("network_interfaces")
    report = estate.run("local", scope("host", HOST), scope("nics", nic("host", "lan0", key="nic/2")))
    assert estate.row("network_interfaces")["id"] == first
    assert [c[2:] for c in estate.changes_of(report)] == [({"interface_name": "eth0"}, {"interface_name": "lan0"})]


def test_two_interfaces_that_swap_their_names_stay_themselves(estate: Estate) -> None:
    for order in (1, -1):
        for a, b in (("eth0", "eth1"), ("eth1", "eth0")):
            nics = [nic("host", a, key="nic/2"), nic("host", b, key="nic/3")][::order]
            estate.run("local", scope("host", HOST), scope("nics", *nics))
    assert {n["interface_name"]: k for n, k in zip(estate.rows("network_interfaces"), "ab", strict=True)} == {
        "eth1": "a",
        "eth0": "b",
    }
    assert estate.findings() == []


def test_an_old_name_on_a_new_interface_is_a_new_one(estate: Estate) -> None:
    for order in (1, -1):
        estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key="nic/2")))
        (first,) = estate.ids("network_interfaces")
        both = [nic("host", "eth1", key="nic/2"), nic("host", "eth0", key="nic/3")]
        estate.run("local", scope("host", HOST), scope("nics", *both[::order]))
        assert estate.row("network_interfaces", interface_name="eth1")["id"] == first
        assert estate.row("network_interfaces", interface_name="eth0")["id"] != first
        estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key="nic/2")), allow_retire=True)
        estate.clock.passes(hours=1)
        estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key="nic/2")), allow_retire=True)


def test_an_interface_under_a_new_key_is_found_by_its_name_and_believed_at_once(estate: Estate) -> None:
    for old, new in (("nic/2", "nic/5"), ("nic/5", "nic/2")):
        estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key=old, mtu=1500)))
        estate.run("local", scope("host", HOST), scope("nics", nic("host", "eth0", key=new, mtu=9000)))
        row = estate.row("network_interfaces")
        assert row["mtu"] == 9000
        assert estate.claims(row["id"]) == [("local", new, None)]


def test_two_guests_that_swap_their_numbers_are_no_error(estate: Estate) -> None:
    def named(name: str, vmid: int) -> Answer:
        host = observe(f"guest/{name}", Host(hostname=name))
        at = ProxmoxContainer(host_id=host.key, proxmox_host_id=NODE_1.key, vmid=vmid, container_type="vm")
        return answer(host, observe(f"{host.key}/place", at))

    for a, b in ((100, 101), (101, 100)):
        estate.run("proxmox", scope("nodes", NODE_1), scope("guests", named("a", a), named("b", b)))
    rows = {r["host_id"]: (r["vmid"], r["cluster"]) for r in estate.rows("proxmox_containers")}
    ids = {n: estate.row("hosts", hostname=n)["id"] for n in "ab"}
    assert rows == {ids["a"]: (101, "default"), ids["b"]: (100, "default")}


def test_two_dependencies_that_swap_their_ends_are_no_error(estate: Estate) -> None:
    services = [observe(n, Service(service_name=n, endpoint_url=n)) for n in "abc"]
    for first, second in (("b", "c"), ("c", "b")):
        needs = [
            observe(f"needs/{n}", ServiceDependency(dependent_service_id="a", dependency_service_id=other))
            for n, other in enumerate((first, second))
        ]
        estate.run("list", scope("services", *services), scope("dependencies", *needs))
    ids = {r["service_name"]: r["id"] for r in estate.rows("services")}
    assert [r["dependency_service_id"] for r in estate.rows("service_dependencies")] == [ids["c"], ids["b"]]


def test_two_that_claim_one_name_are_a_finding_and_no_error(estate: Estate) -> None:
    estate.run("local", scope("host", HOST), scope("nics", nic("host", "a", key="1"), nic("host", "b", key="2")))
    estate.run("local", scope("host", HOST), scope("nics", nic("host", "x", key="1"), nic("host", "x", key="2")))
    assert len(estate.rows("network_interfaces")) == 2
    assert estate.findings() == ["name-taken"]


def test_a_name_that_a_person_gave_twice_is_a_finding_and_no_error(estate: Estate) -> None:
    estate.run("local", scope("host", HOST), scope("nics", nic("host", "a", key="1"), nic("host", "b", key="2")))
    first, second = estate.ids("network_interfaces")
    estate.people_say(first, "interface_name=b")
    assert estate.row("network_interfaces", interface_name="b")["id"] == first
    assert len(estate.ids("network_interfaces")) == 2
    assert estate.findings() == ["name-taken"]
    estate.people_unsay(first, "interface_name")
    estate.run("local", scope("host", HOST), scope("nics", nic("host", "a", key="1"), nic("host", "b", key="2", mtu=1)))
    assert estate.row("network_interfaces", interface_name="b")["id"] == second


def test_a_reference_to_something_later_in_the_run_is_resolved(estate: Estate) -> None:
    vlan = nic("host", "eth0.20", vlan_id=20, parent_interface_id="host/eth0")
    estate.run("local", scope("host", HOST), scope("vlans", vlan), scope("nics", nic("host", "eth0")))
    below = estate.row("network_interfaces", interface_name="eth0")["id"]
    assert estate.row("network_interfaces", interface_name="eth0.20")["parent_interface_id"] == below


def test_so_is_one_within_an_answer_in_either_order(estate: Estate) -> None:
    vlan = nic("host", "eth0.20", vlan_id=20, parent_interface_id="host/eth0")
    for order in (1, -1):
        source = f"local{order}"
        estate.run(source, scope("host", answer(HOST, *[vlan, nic("host", "eth0")][::order])))
    below = estate.row("network_interfaces", interface_name="eth0")["id"]
    assert estate.row("network_interfaces", interface_name="eth0.20")["parent_interface_id"] == below


def test_an_optional_reference_to_something_unknown_is_null_until_it_is_known(estate: Estate) -> None:
    vlan = nic("host", "eth0.20", vlan_id=20, parent_interface_id="host/eth0")
    estate.run("local", scope("host", HOST), partial("nics", vlan))
    assert estate.row("network_interfaces")["parent_interface_id"] is None
    estate.run("local", scope("host", HOST), partial("nics", vlan))
    estate.run("local", scope("host", HOST), scope("nics", vlan, nic("host", "eth0")))
    below = estate.row("network_interfaces", interface_name="eth0")["id"]
    assert estate.row("network_interfaces", interface_name="eth0.20")["parent_interface_id"] == below


def test_what_needs_something_unknown_is_left_out_with_a_finding_until_it_is_known(estate: Estate) -> None:
    lone = nic("host/nowhere", "eth0")
    report = estate.run("snmp", scope("nics", answer(ROUTER, nic(ROUTER.key, "igb0"), lone)))
    assert report.counts["created"] == 2
    assert estate.findings() == ["unplaced-observation"]
    late = observe("host/nowhere", Host(hostname="nowhere"))
    estate.run("snmp", scope("late", late), scope("nics", answer(ROUTER, nic(ROUTER.key, "igb0"), lone)))
    assert names(estate.rows("network_interfaces"), "interface_name") == ["eth0", "igb0"]


def test_a_part_that_moves_to_another_answer_stays_itself(estate: Estate) -> None:
    part = nic(ROUTER.key, "igb0")
    other = observe("host/nas", Host(hostname="nas"))
    estate.run("snmp", scope("devices", answer(ROUTER, part), answer(other)))
    (first,) = estate.ids("network_interfaces")
    report = estate.run("snmp", scope("devices", answer(ROUTER), answer(other, part)))
    assert report.changed == 0
    estate.run("snmp", scope("devices", answer(ROUTER, part), answer(other)))
    assert estate.ids("network_interfaces") == [first]


def test_an_answer_whose_own_thing_has_no_place_leaves_nothing_behind(estate: Estate) -> None:
    bridge = DockerNetwork(docker_host_id="host/e", network_name="bridge")
    network = observe("bridge/net", Network(network_name="bridge", cidr="172.17.0.0/16", vrf="docker:e"))
    shown = scope("networks", answer(observe("bridge", bridge), network))
    report = estate.run("docker", shown)
    assert (report.changed, estate.findings()) == (0, ["unplaced-observation"])
    estate.run("docker", scope("engine", observe("host/e", Host(hostname="e", docker_engine_id="e"))), shown)
    assert (len(estate.rows("docker_networks")), len(estate.rows("networks"))) == (1, 1)


def test_a_status_that_checks_decide_is_not_taken_from_a_source(estate: Estate) -> None:
    for said in ("down", "degraded"):
        service = observe("s", Service(service_name="web", endpoint_url=said, status=said))
        estate.run("list", scope("services", service))
        assert estate.row("services")["status"] == "unknown"
