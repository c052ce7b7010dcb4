"""What people typed has no hard keys: an observation adopts it where its name is unique and nothing contradicts."""

from __future__ import annotations

import pytest

from infradb.model.physical import Host
from infradb.model.services import Service
from infradb.observation import Observation, observe
from tests.lab import NODE_1, UUIDS, Estate, answer, guest, names, nic, partial, scope

TYPED = observe("hosts/2", Host(hostname="pve2", purpose="virtual machines", cpu_cores=4))
SEEN = observe("host", Host(hostname="pve2", machine_id_hash="m", host_type="physical", cpu_cores=8))


@pytest.fixture
def typed(estate: Estate) -> Estate:
    estate.source("list", declared=True, rank=90)
    return estate


def test_an_observation_adopts_what_was_typed(typed: Estate) -> None:
    typed.run("list", partial("hosts", TYPED))
    typed.run("local", scope("host", SEEN))
    row = typed.row("hosts")
    assert (row["purpose"], row["cpu_cores"], typed.rule("host")) == ("virtual machines", 8, "adopted")


def test_what_is_typed_later_joins_what_was_observed(typed: Estate) -> None:
    typed.run("local", scope("host", SEEN))
    typed.run("list", partial("hosts", TYPED))
    row = typed.row("hosts")
    assert (row["purpose"], row["cpu_cores"], typed.rule("hosts/2")) == ("virtual machines", 8, "adopted")


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"host_type": "vm"}, {"host_type": "physical"}),
        ({"host_type": "vm", "vmid": 100}, {"host_type": "vm", "vmid": 101}),
    ],
)
@pytest.mark.parametrize("typed_first", [True, False])
def test_two_that_cannot_be_one_stay_two(
    typed: Estate, said: dict[str, object], seen: dict[str, object], typed_first: bool
) -> None:
    reports = [
        ("list", partial("hosts", observe("hosts/1", Host(hostname="web", **said)))),
        ("local", scope("host", observe("host", Host(hostname="web", machine_id_hash="m", **seen)))),
    ]
    for source, shown in reports if typed_first else reports[::-1]:
        typed.run(source, shown)
    assert len(typed.rows("hosts")) == 2


def test_a_docker_host_may_be_anything(typed: Estate) -> None:
    typed.run("list", partial("hosts", observe("hosts/1", Host(hostname="web", host_type="docker_host"))))
    typed.run("local", scope("host", observe("host", Host(hostname="web", host_type="lxc", machine_id_hash="m"))))
    assert typed.row("hosts")["host_type"] == "lxc"


def test_two_candidates_are_a_finding(typed: Estate) -> None:
    both = [observe(f"hosts/{n}", Host(hostname="web")) for n in (1, 2)]
    typed.run("list", partial("hosts", *both))
    typed.run("local", scope("host", observe("host", Host(hostname="web", machine_id_hash="m"))))
    assert len(typed.rows("hosts")) == 3
    assert typed.findings() == ["identity-conflict"]


def test_two_observed_ones_adopt_neither(typed: Estate) -> None:
    typed.run("list", partial("hosts", observe("hosts/1", Host(hostname="web"))))
    both = [observe(f"host/{n}", Host(hostname="web", smbios_uuid=UUIDS[n])) for n in (5, 6)]
    typed.run("snmp", scope("hosts", *both))
    assert len(typed.rows("hosts")) == 3
    assert "identity-conflict" in typed.findings()


def test_what_an_observer_knows_is_not_adopted_by_another(typed: Estate) -> None:
    typed.run("a", scope("host", observe("x", Host(hostname="web", machine_id_hash="m"))))
    typed.run("b", scope("host", observe("y", Host(hostname="web", docker_engine_id="e"))))
    assert len(typed.rows("hosts")) == 2


@pytest.mark.parametrize("typed_first", [True, False])
def test_children_follow_by_their_names(typed: Estate, typed_first: bool) -> None:
    said = [TYPED, nic(TYPED.key, "eth0", key="interfaces/7", description="uplink"), nic(TYPED.key, "eth1", key="i/8")]
    seen = [SEEN, nic("host", "eth0", mac_address="00:11:22:33:44:55")]
    reports = [("list", partial("rows", *said)), ("local", scope("host", answer(*seen)))]
    for source, shown in reports if typed_first else reports[::-1]:
        typed.run(source, shown)
    assert names(typed.rows("network_interfaces"), "interface_name") == ["eth0", "eth1"]
    row = typed.row("network_interfaces", interface_name="eth0")
    assert (row["description"], row["mac_address"]) == ("uplink", "00:11:22:33:44:55")


@pytest.mark.parametrize("typed_first", [True, False])
def test_so_do_services_by_their_port(typed: Estate, typed_first: bool) -> None:
    def service(key: str, host: str, name: str, **said: object) -> Observation:
        return observe(key, Service(service_name=name, host_id=host, protocol="tcp", port=8006, **said))

    lists = ("list", [partial("rows", TYPED, service("services/1", TYPED.key, "Proxmox", criticality="high"))])
    sees = ("local", [scope("host", SEEN), scope("services", service("s", "host", "pveproxy", process="pveproxy"))])
    for source, shown in (lists, sees) if typed_first else (sees, lists):
        typed.run(source, *shown)
    row = typed.row("services")
    assert (row["criticality"], row["process"]) == ("high", "pveproxy")


@pytest.mark.parametrize("typed_first", [True, False])
def test_a_typed_guest_becomes_the_one_that_the_hypervisor_shows(typed: Estate, typed_first: bool) -> None:
    node = observe("hosts/1", Host(hostname="pve1"))
    host, place = guest(100, "web", node, purpose="the shop")
    seen = answer(*guest(100, "web", NODE_1, smbios_uuid=UUIDS[5]))
    lists = ("list", [partial("rows", node, answer(host, place))])
    sees = ("proxmox", [scope("nodes", NODE_1), scope("pve1", seen)])
    for source, shown in (lists, sees) if typed_first else (sees, lists):
        typed.run(source, *shown)
    assert names(typed.rows("hosts")) == ["pve1", "web"]
    assert typed.row("hosts", hostname="web")["purpose"] == "the shop"
    assert len(typed.rows("proxmox_containers")) == 1
