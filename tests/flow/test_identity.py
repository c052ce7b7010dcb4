"""Which thing is it? The cases that other systems got wrong, each by its name, on both engines."""

from __future__ import annotations

from infradb.model.network import IpAddress, Network
from infradb.model.physical import Host
from infradb.observation import observe
from tests.lab import (
    DOCKER_HOST,
    ENGINE,
    NAS,
    NODE_1,
    NODE_2,
    UUIDS,
    Estate,
    answer,
    guest,
    names,
    nic,
    partial,
    scope,
)


def test_the_native_key_finds_the_thing_whatever_it_is_called_now(estate: Estate) -> None:
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*guest(100, "web", NODE_1))))
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*guest(100, "shop", NODE_1))))
    assert names(estate.rows("hosts")) == ["pve1", "shop"]
    assert [c[0] for c in estate.changes() if c[0] != "create"] == ["update"]


class TestVmidReusedAfterDeletion:
    def test_another_smbios_uuid_in_an_old_number_is_a_new_guest(self, estate: Estate) -> None:
        nodes = scope("nodes", NODE_1)
        old = guest(100, "web", NODE_1, smbios_uuid=UUIDS[5])
        new = guest(100, "db", NODE_1, smbios_uuid=UUIDS[6])
        estate.run("proxmox", nodes, scope("pve1", answer(*old, nic("guest/100", "net0"))))
        (first,) = estate.ids("hosts", hostname="web")
        (first_nic,) = estate.ids("network_interfaces")
        estate.run("proxmox", nodes, scope("pve1", answer(*new, nic("guest/100", "net0"))))
        second = estate.row("hosts", hostname="db")
        assert second["id"] != first
        assert estate.row("hosts", retired=True)["id"] == first
        assert estate.row("proxmox_containers")["host_id"] == second["id"]
        assert estate.row("network_interfaces")["host_id"] == second["id"]
        assert estate.ids("network_interfaces") != [first_nic]

    def test_and_the_next_run_leaves_it_at_that(self, estate: Estate) -> None:
        nodes = scope("nodes", NODE_1)
        estate.run("proxmox", nodes, scope("pve1", answer(*guest(100, "web", NODE_1, smbios_uuid=UUIDS[5]))))
        again = guest(100, "db", NODE_1, smbios_uuid=UUIDS[6])
        estate.run("proxmox", nodes, scope("pve1", answer(*again)))
        assert estate.run("proxmox", nodes, scope("pve1", answer(*again, digest=7))).changed == 0

    def test_an_imported_guest_of_that_number_stays_what_it_was(self, estate: Estate) -> None:
        estate.source("list", declared=True)
        estate.run("list", partial("hosts", NODE_1, answer(*guest(100, "web", NODE_1))))
        nodes = scope("nodes", NODE_1)
        estate.run("proxmox", nodes, scope("pve1", answer(*guest(100, "web", NODE_1, smbios_uuid=UUIDS[5]))))
        assert names(estate.rows("hosts")) == ["pve1", "web"]
        estate.run("proxmox", nodes, scope("pve1", answer(*guest(100, "db", NODE_1, smbios_uuid=UUIDS[6]))))
        assert names(estate.rows("hosts")) == ["db", "pve1", "web"]
        assert len(estate.rows("proxmox_containers")) == 1


def test_a_powered_off_clone_beside_its_live_twin_is_another_guest(estate: Estate) -> None:
    live = guest(100, "web", NODE_1, smbios_uuid=UUIDS[5], status="active")
    clone = guest(101, "web", NODE_1, smbios_uuid=UUIDS[5], status="stopped")
    for order in ([live, clone], [clone, live]):
        estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", *[answer(*g, digest=1) for g in order]))
    assert names(estate.rows("hosts")) == ["pve1", "web", "web"]
    assert [r["vmid"] for r in estate.rows("proxmox_containers")] == [100, 101]
    assert "identifier-collision" in estate.findings()


def test_a_clone_that_comes_later_is_another_guest(estate: Estate) -> None:
    live = guest(100, "web", NODE_1, smbios_uuid=UUIDS[5])
    clone = guest(101, "web-copy", NODE_1, smbios_uuid=UUIDS[5])
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*live)))
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*live), answer(*clone)))
    assert names(estate.rows("hosts")) == ["pve1", "web", "web-copy"]
    assert estate.findings() == ["identifier-collision"]


def test_a_clone_seen_while_its_twin_could_not_be_is_another_guest(estate: Estate) -> None:
    live = guest(100, "web", NODE_1, smbios_uuid=UUIDS[5])
    clone = guest(101, "web-copy", NODE_1, smbios_uuid=UUIDS[5])
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*live)))
    estate.run("proxmox", scope("nodes", NODE_1), partial("pve1", answer(*clone)))
    estate.run("proxmox", scope("nodes", NODE_1), scope("pve1", answer(*live), answer(*clone)))
    assert names(estate.rows("hosts")) == ["pve1", "web", "web-copy"]


def test_two_guests_cloned_with_one_machine_id_are_two_hosts_and_a_finding(estate: Estate) -> None:
    for n, name in ((5, "a"), (6, "b")):
        said = Host(hostname=name, host_type="vm", smbios_uuid=UUIDS[n], machine_id_hash="same")
        estate.run(f"local-{name}", scope("host", observe("host", said)))
    assert names(estate.rows("hosts")) == ["a", "b"]
    assert estate.findings() == ["identifier-collision"]


def test_a_machine_id_that_two_hosts_share_identifies_neither(estate: Estate) -> None:
    for n, name in ((5, "a"), (6, "b")):
        said = Host(hostname=name, host_type="vm", smbios_uuid=UUIDS[n], machine_id_hash="same")
        estate.run(f"local-{name}", scope("host", observe("host", said)))
    estate.run("agent", scope("host", observe("x", Host(hostname="c", machine_id_hash="same"))))
    assert names(estate.rows("hosts")) == ["a", "b", "c"]


def test_a_container_that_shows_its_hosts_firmware_is_not_its_host(estate: Estate) -> None:
    firmware = {"smbios_uuid": UUIDS[1], "vendor": "Dell", "serial_number": "S1"}
    estate.run("proxmox", scope("nodes", observe("node/pve1", Host(hostname="pve1", host_type="physical", **firmware))))
    inside = Host(hostname="pihole", host_type="lxc", machine_id_hash="m1", **firmware)
    estate.run("local", scope("host", observe("host", inside)))
    assert names(estate.rows("hosts")) == ["pihole", "pve1"]
    assert estate.findings() == []


def test_a_smbios_uuid_with_swapped_bytes_is_the_same_one(estate: Estate) -> None:
    estate.run(
        "proxmox", scope("n", observe("a", Host(hostname="web", smbios_uuid="00112233-4455-6677-8899-AABBCCDDEEFF")))
    )
    estate.run(
        "local", scope("n", observe("b", Host(hostname="web.lan", smbios_uuid="33221100-5544-7766-8899-aabbccddeeff")))
    )
    assert len(estate.rows("hosts")) == 1
    assert estate.rule("b") == "hard-key:smbios_uuid"


def test_junk_serial_numbers_identify_nothing(estate: Estate) -> None:
    junk = ["To Be Filled By O.E.M.", "None", "0", "Default string", "System Serial Number", ""]
    for n, serial in enumerate(junk):
        for who in ("a", "b"):
            name = f"{who}{n}"
            said = Host(hostname=name, vendor="ASUS", serial_number=serial)
            estate.run(f"local-{name}", scope("host", observe("host", said)))
    assert len(estate.rows("hosts")) == 2 * len(junk)


def test_junk_smbios_uuids_identify_nothing(estate: Estate) -> None:
    junk = [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009",
        "Not Settable",
    ]
    for n, uuid in enumerate(junk):
        for who in ("a", "b"):
            name = f"{who}{n}"
            estate.run(f"local-{name}", scope("host", observe("host", Host(hostname=name, smbios_uuid=uuid))))
    assert len(estate.rows("hosts")) == 2 * len(junk)


def test_two_hosts_of_one_hostname_stay_two(estate: Estate) -> None:
    for n in (5, 6):
        estate.run(f"local-{n}", scope("host", observe("host", Host(hostname="debian", smbios_uuid=UUIDS[n]))))
    assert names(estate.rows("hosts")) == ["debian", "debian"]


def test_a_nas_with_several_nics_is_one_host(estate: Estate) -> None:
    nics = [nic(NAS.key, f"eth{n}", mac_address=f"00:11:32:00:00:0{n}") for n in range(3)]
    estate.run("snmp", scope("devices", answer(NAS, *nics)))
    estate.run(
        "local",
        scope("host", observe("h", Host(hostname="diskstation", vendor="Synology", serial_number="1830PDN001"))),
    )
    assert len(estate.rows("hosts")) == 1
    assert len(estate.rows("network_interfaces")) == 3


def test_docker_inside_an_lxc_is_tied_to_it_by_its_engine_id(estate: Estate) -> None:
    inside = Host(hostname="ct105", host_type="lxc", machine_id_hash="m", docker_engine_id="ENG1:AAAA")
    estate.run("local", scope("host", observe("host", inside)))
    estate.run("docker", scope("engine", DOCKER_HOST))
    assert len(estate.rows("hosts")) == 1
    assert estate.rule(ENGINE) == "hard-key:docker_engine_id"


def test_two_identifiers_that_point_at_two_entities_are_left_to_a_person(estate: Estate) -> None:
    estate.run("a", scope("host", observe("a", Host(hostname="a", ssh_host_key="K"))))
    estate.run("b", scope("host", observe("b", Host(hostname="b", docker_engine_id="E"))))
    report = estate.run("c", scope("host", observe("c", Host(hostname="c", ssh_host_key="K", docker_engine_id="E"))))
    assert report.changed == 0
    assert names(estate.rows("hosts")) == ["a", "b"]
    assert estate.findings() == ["identity-conflict"]


def test_a_guest_that_moved_to_another_node_is_one_update(estate: Estate) -> None:
    nodes = scope("nodes", NODE_1, NODE_2)
    for digest in (1, 2):  # the guest's own answer may be the same words or not
        here, there = guest(100, "web", NODE_1), guest(100, "web", NODE_2)
        estate.run("proxmox", nodes, scope("pve1", answer(*here)), scope("pve2"))
        before = len(estate.changes())
        report = estate.run("proxmox", nodes, scope("pve1"), scope("pve2", answer(*there, digest=digest)))
        assert [c[0] for c in estate.changes(after=before)] == ["update", "migrate"]
        assert report.counts["retired"] == 0
        node = estate.row("hosts", hostname="pve2")["id"]
        assert estate.row("proxmox_containers")["proxmox_host_id"] == node
        assert estate.row("hosts", hostname="web")["parent_host_id"] == node


def test_a_guest_that_left_a_node_which_is_down_is_believed_where_it_is(estate: Estate) -> None:
    nodes = scope("nodes", NODE_1, NODE_2)
    estate.run("proxmox", nodes, scope("pve1", answer(*guest(100, "web", NODE_1))), scope("pve2"))
    estate.run("proxmox", nodes, scope("pve1", status="failed"), scope("pve2", answer(*guest(100, "web", NODE_2))))
    node = estate.row("hosts", hostname="pve2")["id"]
    assert estate.row("proxmox_containers")["proxmox_host_id"] == node


def test_the_same_bridge_network_in_two_engines_is_two_networks(estate: Estate) -> None:
    for engine in ("e1", "e2"):
        vrf = f"docker:{engine}"
        network = Network(network_name="bridge", cidr="172.17.0.0/16", vrf=vrf)
        address = IpAddress(ip_address="172.17.0.2", vrf=vrf, network_id="network/bridge")
        estate.run(engine, scope("networks", answer(observe("network/bridge", network), observe("ip", address))))
    assert [r["vrf"] for r in estate.rows("networks")] == ["docker:e1", "docker:e2"]
    assert len({r["network_id"] for r in estate.rows("ip_addresses")}) == 2


def test_one_network_seen_by_two_sources_is_one(estate: Estate) -> None:
    for source in ("a", "b"):
        estate.run(source, scope("networks", observe(source, Network(network_name=source, cidr="10.0.0.0/24"))))
    assert len(estate.rows("networks")) == 1


def test_a_network_that_many_answers_of_one_run_name_is_one(estate: Estate) -> None:
    lan = observe("network/lan", Network(network_name="lan", cidr="10.0.0.0/24"))
    hosts = [answer(observe(f"h{n}", Host(hostname=f"h{n}")), lan) for n in range(3)]
    estate.run("snmp", scope("devices", *hosts))
    estate.run("snmp", scope("devices", *hosts))
    assert len(estate.rows("networks")) == 1
    assert estate.run("snmp", scope("devices", *hosts)).changed == 0
