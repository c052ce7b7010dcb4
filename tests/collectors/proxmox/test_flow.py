"""What readings of a cluster become in the database: moves, ends, numbers used again, nodes that come and go."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infradb.operations.absorb import RunReport
from tests.collectors.proxmox.peer import EVERY_RIGHT, UUID, Peer
from tests.lab import Estate, names


def read(estate: Estate, peer: Peer, **settings: Any) -> RunReport:
    run = peer.collector(**settings).collect()
    return estate.run("lab", *run.scopes, actors=run.actors)


def test_a_second_reading_finds_nothing_new(estate: Estate, peer: Peer) -> None:
    assert read(estate, peer).counts["created"] > 20
    report = read(estate, peer)
    assert (report.changed, report.counts["missing"], report.status) == (0, 0, "complete")
    assert estate.findings() == []


def test_a_guest_that_moves_is_one_update_and_keeps_all_that_is_its(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    before = {
        t: estate.ids(t) for t in ("hosts", "proxmox_containers", "guest_disks", "network_interfaces", "ip_addresses")
    }
    peer.do(peer.pve.migrate(101, "pve2", secs=0, user="ann@pam"))
    now = int(time.time())
    peer.pve.recorded["/cluster/tasks"] = [
        {
            "type": "qmigrate",
            "id": "101",
            "node": "pve1",
            "user": "ann@pam",
            "starttime": now,
            "endtime": now,
            "status": "OK",
        }
    ]
    report = read(estate, peer)
    nodes = {r["hostname"]: r["id"] for r in estate.rows("hosts", host_type="physical")}
    moved = [(t, k, o, n) for t, k, o, n in estate.changes_of(report) if k != "guest_disks"]
    assert moved == [
        ("update", "hosts", {"parent_host_id": nodes["pve1"]}, {"parent_host_id": nodes["pve2"]}),
        ("migrate", "proxmox_containers", {"proxmox_host_id": nodes["pve1"]}, {"proxmox_host_id": nodes["pve2"]}),
    ]
    by = estate.ask(
        "SELECT DISTINCT changed_by FROM infrastructure_changes WHERE run_id = ? AND entity_type = 'hosts'",
        report.run_id,
    )
    assert by == [("ann@pam",)]
    assert {t: estate.ids(t) for t in before} == before
    assert (report.counts["retired"], report.counts["missing"], estate.findings()) == (0, 0, [])
    assert read(estate, peer).changed == 0


def test_there_and_back_again_is_the_same_guest(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    before = estate.rows("proxmox_containers", vmid=101)
    for node in ("pve2", "pve1"):
        peer.do(peer.pve.migrate(101, node, secs=0))
        assert read(estate, peer).counts["retired"] == 0
    after = estate.rows("proxmox_containers", vmid=101)
    assert {**after[0], "updated_at": ""} == {**before[0], "updated_at": ""}


def test_a_guest_that_ha_recovers_from_a_dead_node_is_one_update(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    (guest,) = estate.ids("proxmox_containers", vmid=201)
    peer.pve.set_node_offline("pve2")
    next(v for v in peer.pve.vms if v.vmid == 102).node = "pve2"
    peer.pve.guest(201).node = "pve1"
    report = read(estate, peer)
    assert [k for t, k, _, _ in estate.changes_of(report) if t == "migrate"] == ["proxmox_containers"]
    assert estate.ids("proxmox_containers", vmid=201) == [guest]
    peer.pve.set_node_offline("pve2", False)
    report = read(estate, peer)
    assert (report.counts["retired"], [t for t, _, _, _ in estate.changes_of(report) if t == "migrate"]) == (0, [])
    assert estate.row("proxmox_containers", vmid=201)["proxmox_host_id"] == estate.ids("hosts", hostname="pve1")[0]


def test_an_offline_node_retires_nothing_however_long(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    before = {
        t: len(estate.rows(t)) for t in ("hosts", "guest_disks", "network_interfaces", "ip_addresses", "networks")
    }
    peer.pve.set_node_offline("pve2")
    for _ in range(3):
        estate.clock.passes(days=2)
        report = read(estate, peer)
        assert (report.counts["retired"], report.counts["missing"], report.status) == (0, 0, "partial")
    assert {t: len(estate.rows(t)) for t in before} == before
    assert estate.row("hosts", hostname="pve2")["status"] == "unknown"


def test_a_guest_that_is_destroyed_is_retired_with_all_that_is_its_even_while_another_node_is_down(
    estate: Estate, peer: Peer
) -> None:
    read(estate, peer)
    peer.pve.set_node_offline("pve2")
    peer.pve.vms = [v for v in peer.pve.vms if v.vmid != 101]
    assert read(estate, peer).counts["retired"] == 0
    estate.clock.passes(hours=2)
    assert read(estate, peer).counts["retired"] > 3
    assert "web" not in names(estate.rows("hosts"))
    assert not estate.rows("guest_disks", volume="local-lvm:vm-101-disk-0")
    assert estate.rows("ip_addresses", ip_address="10.0.20.21") == []


def test_a_number_that_is_used_again_with_another_uuid_is_another_guest(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    (first,) = estate.ids("hosts", hostname="web")
    web = next(v for v in peer.pve.vms if v.vmid == 101)
    web.name, web.config["name"], web.config["smbios1"] = "shop", "shop", f"uuid={UUID.format(9)}"
    read(estate, peer)
    (second,) = estate.ids("hosts", hostname="shop")
    assert second != first
    assert estate.row("hosts", retired=True, hostname="web")["id"] == first
    assert estate.row("proxmox_containers", vmid=101)["host_id"] == second
    assert read(estate, peer).changed == 0


def test_rights_that_are_taken_away_retire_nothing(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    before = len(estate.rows("hosts"))
    for right in EVERY_RIGHT:
        peer.pve.acl = None
        peer.grant(*[r for r in EVERY_RIGHT if r != right])
        estate.clock.passes(days=1)
        report = read(estate, peer)
        assert (report.status, report.counts["retired"]) == ("partial", 0), right
    assert len(estate.rows("hosts")) == before


def test_a_node_that_leaves_the_cluster_is_retired(estate: Estate, peer: Peer) -> None:
    peer.pve.add_node("pve3")
    read(estate, peer)
    del peer.pve.nodes["pve3"]
    read(estate, peer)
    estate.clock.passes(days=2)
    read(estate, peer)
    assert names(estate.rows("hosts", host_type="physical")) == ["pve1", "pve2"]
    assert {r["node"] for r in estate.rows("proxmox_storages")} == {"pve1", "pve2"}


def test_a_guest_that_stops_keeps_its_fixed_address_and_loses_what_it_was_given(estate: Estate, peer: Peer) -> None:
    read(estate, peer)
    peer.pve.guest(201).status = "stopped"
    web = next(v for v in peer.pve.vms if v.vmid == 101)
    web.status = web.qmpstatus = "stopped"
    report = read(estate, peer)
    assert sorted(t for t, _, _, _ in estate.changes_of(report)) == ["stop", "stop"]
    estate.clock.passes(hours=2)
    read(estate, peer)
    assert names(estate.rows("ip_addresses"), "ip_address") == ["10.0.20.31"]


@pytest.mark.parametrize("order", [("lab", "inside"), ("inside", "lab")])
def test_a_guest_and_its_own_system_are_one_host(estate: Estate, peer: Peer, order: tuple[str, str]) -> None:
    from infradb.model.physical import Host
    from infradb.observation import observe
    from tests.lab import scope

    own = observe(
        "host", Host(hostname="web.lan", smbios_uuid=UUID.format(1).upper(), machine_id_hash="m1", kernel="6.12")
    )
    for source in order:
        _ = read(estate, peer) if source == "lab" else estate.run("inside", scope("host", own))
    (row,) = [r for r in estate.rows("hosts") if r["vmid"] == 101 or r["machine_id_hash"] == "m1"]
    assert (row["vmid"], row["machine_id_hash"]) == (101, "m1")
