"""One thing, several witnesses: where no single identifier says that two descriptions are of one machine."""

from __future__ import annotations

from typing import Any

import pytest

from infradb.model.network import IpAddress
from infradb.model.physical import Host
from infradb.model.proxmox import ProxmoxContainer
from infradb.observation import Observation, ScopeResult, observe
from infradb.operations.concluding import conclude
from infradb.queries.provenance import claims, sightings
from tests.lab import UUIDS, Estate, answer, names, nic, scope

MAC = "bc:24:11:00:00:01"
QEMU = "52:54:00:00:00:01"


def cluster(
    name: str, vmid: int = 100, hostname: str = "web", *, kind: str = "vm", mac: str = MAC, **said: Any
) -> tuple[ScopeResult, ScopeResult]:
    """A cluster of one node with one guest, as its hypervisor shows it."""
    node = observe("node/pve1", Host(hostname=f"{name}-pve1", host_type="physical"))
    values = {"hostname": hostname, "host_type": kind, "vmid": vmid, "mac_addresses": [mac], **said}
    host = observe(f"guest/{vmid}/host", Host(**values, parent_host_id=node.key))
    place = ProxmoxContainer(host_id=host.key, proxmox_host_id=node.key, cluster=name, vmid=vmid, container_type=kind)
    guest = answer(host, observe(f"guest/{vmid}", place), nic(host.key, "net0", mac_address=mac))
    return scope("nodes", node), scope("guests", guest)


def inside(hostname: str = "web", mac: str = MAC, **said: Any) -> ScopeResult:
    host = observe("host", Host(hostname=hostname, mac_addresses=[mac], **{"machine_id_hash": "m1", **said}))
    return scope("host", answer(host, nic("host", "eth0", mac_address=mac)))


def test_two_clusters_with_the_same_vmid_and_name_have_two_guests(estate: Estate) -> None:
    for name, mac in (("a", MAC), ("b", "bc:24:11:00:00:02")):
        estate.run(f"proxmox-{name}", *cluster(name, mac=mac, smbios_uuid=UUIDS[5] if name == "a" else UUIDS[6]))
    assert len(estate.rows("hosts", hostname="web")) == 2
    assert names(estate.rows("proxmox_containers"), "cluster") == ["a", "b"]


def test_a_guest_renamed_in_the_hypervisor_and_not_yet_inside_is_one_host(estate: Estate) -> None:
    uuid: dict[str, Any] = {"smbios_uuid": UUIDS[5]}
    estate.run("proxmox", *cluster("lab", **uuid))
    estate.run("ssh", inside(host_type="vm", **uuid))
    estate.run("proxmox", *cluster("lab", hostname="shop", **uuid))
    estate.run("ssh", inside(host_type="vm", kernel="6.1", **uuid))
    assert len(estate.rows("hosts", vmid=100)) == 1
    assert len(estate.rows("hosts")) == 2


@pytest.mark.parametrize("mac", [MAC, QEMU])
def test_an_lxc_is_recognized_by_its_configured_address_and_its_name(estate: Estate, mac: str) -> None:
    estate.run("proxmox", *cluster("lab", kind="lxc", mac=mac))
    estate.run("ssh", inside(mac=mac, host_type="lxc", smbios_uuid=UUIDS[1]))
    assert estate.row("hosts", hostname="web")["machine_id_hash"] == "m1"
    assert estate.rule("host") == "hard-key:mac_addresses+hostname"


def test_one_card_that_hypervisor_and_guest_call_by_two_names_is_one_interface(estate: Estate) -> None:
    estate.run("proxmox", *cluster("lab", smbios_uuid=UUIDS[5]))
    estate.run("ssh", inside(host_type="vm", smbios_uuid=UUIDS[5]))
    assert names(estate.rows("network_interfaces"), "interface_name") == ["net0"]
    assert estate.rule("host/eth0") == "corroborated"


def test_a_bridge_that_shares_the_address_of_its_port_stays_beside_it(estate: Estate) -> None:
    def seen(*those: str) -> ScopeResult:
        host = observe("host", Host(hostname="pve1", machine_id_hash="m1"))
        return scope("host", answer(host, *[nic("host", n, mac_address=MAC) for n in those]))

    estate.run("ssh", seen("eno1", "vmbr0"))
    estate.run("snmp", seen("Ethernet 1", "Bridge 0"))
    assert len(estate.rows("hosts")) == 1
    assert names(estate.rows("network_interfaces"), "interface_name") == ["Bridge 0", "Ethernet 1", "eno1", "vmbr0"]
    assert estate.findings() == []


def test_a_configured_address_alone_is_not_enough(estate: Estate) -> None:
    estate.run("proxmox", *cluster("lab", kind="lxc"))
    estate.run("ssh", inside(hostname="other", host_type="lxc"))
    assert names(estate.rows("hosts")) == ["lab-pve1", "other", "web"]


@pytest.mark.parametrize(
    "mac",
    [
        "ee:ee:ee:ee:ee:ee",
        "00:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "00:00:5e:00:01:0a",
        "00:00:0c:07:ac:01",
        "02:42:ac:11:00:02",
        QEMU,
    ],
)
def test_addresses_that_stand_for_no_machine_identify_none(estate: Estate, mac: str) -> None:
    """CNI interfaces that all carry ee:ee:ee:ee:ee:ee, VRRP, HSRP, multicast, Docker's, and what software made up."""
    for who in ("a", "b"):
        said = Host(hostname="node", mac_addresses=[mac], management_ip="10.0.0.9")
        estate.run(who, scope("host", observe("host", said)))
    assert len(estate.rows("hosts")) == 2


def test_a_clone_that_kept_its_address_and_name_is_told_apart_by_its_firmware(estate: Estate) -> None:
    for n in (5, 6):
        estate.run(f"ssh-{n}", inside(host_type="vm", smbios_uuid=UUIDS[n], machine_id_hash=f"m{n}"))
    assert len(estate.rows("hosts")) == 2
    assert "identifier-collision" in estate.findings()


def test_a_router_with_many_addresses_is_one_host(estate: Estate) -> None:
    router = Host(hostname="gw", host_type="network_device", vendor="ACME", serial_number="R1")
    addresses = [
        observe(f"a{n}", IpAddress(ip_address=f"10.0.{n}.1", host_id="r", interface_id=f"r/v{n}")) for n in range(5)
    ]
    nics = [nic("r", f"v{n}", mac_address="00:11:22:33:44:55") for n in range(5)]
    estate.run("snmp", scope("devices", answer(observe("r", router), *nics, *addresses)))
    estate.run("opnsense", scope("host", observe("x", Host(hostname="gw.lan", vendor="acme", serial_number="r1"))))
    estate.run("scan", scope("net", *[observe(f"s{n}", IpAddress(ip_address=f"10.0.{n}.1")) for n in range(5)]))
    assert len(estate.rows("hosts")) == 1
    assert len(estate.rows("ip_addresses")) == 5


def test_an_address_that_dhcp_gave_to_another_machine_moves_and_nothing_else_does(estate: Estate) -> None:
    def holds(name: str, *ips: str) -> ScopeResult:
        host = observe("host", Host(hostname=name, machine_id_hash=name))
        return scope("host", answer(host, *[observe(i, IpAddress(ip_address=i, host_id="host")) for i in ips]))

    estate.run("ssh-a", holds("a", "10.0.0.50"))
    estate.run("ssh-b", holds("b", "10.0.0.51"))
    estate.run("ssh-a", holds("a", "10.0.0.52"))
    estate.run("ssh-b", holds("b", "10.0.0.50"))
    assert names(estate.rows("hosts")) == ["a", "b"]
    owner = {r["ip_address"]: r["host_id"] for r in estate.rows("ip_addresses")}
    by_name = {r["hostname"]: r["id"] for r in estate.rows("hosts")}
    assert (owner["10.0.0.50"], owner["10.0.0.52"]) == (by_name["b"], by_name["a"])


def test_a_name_and_a_system_suffice_where_the_name_is_unique_on_both_sides(estate: Estate) -> None:
    estate.run("agents", scope("hosts", observe("x", Host(hostname="nas", os_name="Debian GNU/Linux"))))
    seen = Host(hostname="nas", os_name="Debian GNU/Linux", docker_engine_id="E1")
    estate.run("docker", scope("engine", observe("e", seen)))
    assert len(estate.rows("hosts")) == 1
    assert estate.rule("e") == "corroborated"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"os_name": "Debian GNU/Linux"}, {"os_name": "Alpine Linux"}),
        ({"os_name": "Debian GNU/Linux"}, {}),
        (
            {"os_name": "Debian GNU/Linux", "machine_id_hash": "a"},
            {"os_name": "Debian GNU/Linux", "machine_id_hash": "b"},
        ),
        (
            {"os_name": "Debian GNU/Linux", "host_type": "vm"},
            {"os_name": "Debian GNU/Linux", "host_type": "physical"},
        ),
    ],
)
def test_a_name_without_the_same_system_or_against_an_identifier_does_not(
    estate: Estate, first: dict[str, str], second: dict[str, str]
) -> None:
    estate.run("agents", scope("hosts", observe("x", Host(hostname="nas", **first))))
    estate.run("docker", scope("engine", observe("e", Host(hostname="nas", **second))))
    assert len(estate.rows("hosts")) == 2


def test_of_two_hosts_of_one_name_and_system_neither_is_taken(estate: Estate) -> None:
    both = [observe(f"x{n}", Host(hostname="nas", os_name="Debian GNU/Linux", site_id=None)) for n in range(2)]
    estate.run("agents", scope("hosts", *both))
    estate.run("docker", scope("engine", observe("e", Host(hostname="nas", os_name="Debian GNU/Linux"))))
    assert len(estate.rows("hosts")) == 3


def test_the_same_vm_through_proxmox_ssh_snmp_and_docker_is_one_host_and_why_shows_every_witness(
    estate: Estate,
) -> None:
    uuid: dict[str, Any] = {"smbios_uuid": UUIDS[5]}
    snmp = observe("10.0.0.5/host", Host(hostname="web", mac_addresses=[MAC], management_ip="10.0.0.5"))
    arp = observe("arp/10.0.0.5", IpAddress(ip_address="10.0.0.5", mac_address=MAC))
    docker: Observation = observe("engine/E1", Host(hostname="web", docker_engine_id="E1"))
    estate.run("proxmox", *cluster("lab", **uuid))
    estate.run("ssh", inside(host_type="vm", docker_engine_id="E1", **uuid))
    estate.run("snmp", scope("devices", snmp, arp))
    estate.run("docker", scope("engine", docker))
    conclude(estate.database)
    web = estate.row("hosts", hostname="web")
    assert len(estate.rows("hosts")) == 2
    with estate.database.read() as connection:
        found = {c.source: c.rule for c in claims(connection, web["id"])}
        seen = sightings(connection, web["id"])
    assert found == {
        "proxmox": "new",
        "ssh": "hard-key:smbios_uuid",
        "snmp": "hard-key:mac_addresses+hostname",
        "docker": "hard-key:docker_engine_id",
    }
    assert [(s.source, s.address, s.mac_address) for s in seen] == [
        ("snmp", "10.0.0.5", MAC),
    ]
