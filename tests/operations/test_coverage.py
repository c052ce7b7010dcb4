"""Blind spots: each with the command that closes it, and gone once somebody looks."""

from __future__ import annotations

from infradb.model.network import IpAddress, Network
from infradb.model.physical import Host, StorageDevice
from infradb.model.proxmox import ProxmoxContainer
from infradb.model.services import ProxyRoute, Service
from infradb.observation import ScopeResult, observe
from infradb.operations.coverage import coverage
from infradb.store import runs
from tests.lab import NODE_1, Estate, answer, guest, scope


def told(estate: Estate, kind: str, *scopes: ScopeResult, name: str = "") -> None:
    """A run of a source of a kind."""
    with estate.database.write() as connection:
        runs.add_source(connection, name or kind, kind, estate.clock.now(), declared=False, rank=50)
    estate.run(name or kind, *scopes)


def spots(estate: Estate) -> dict[str, tuple[int, str]]:
    return {s.what: (s.depends, s.command) for s in coverage(estate.database)}


def test_a_guest_that_nobody_has_seen_from_inside(estate: Estate) -> None:
    web = answer(*guest(100, "web", NODE_1, smbios_uuid="4c4c4544-0042-3310-8054-b4c04f4d3142", status="active"))
    told(estate, "proxmox", scope("nodes", NODE_1), scope("guests", web))
    found = spots(estate)
    assert found["hosts/web"] == (0, "infradb sources add ssh web hosts=infradb@web")
    inside = Host(hostname="web", smbios_uuid="4c4c4544-0042-3310-8054-b4c04f4d3142", kernel="6.1")
    told(estate, "ssh", scope("host", observe("host", inside)))
    assert "hosts/web" not in spots(estate)


def test_one_that_is_off_or_runs_windows_is_none(estate: Estate) -> None:
    off = guest(100, "off", NODE_1, status="stopped")
    host, place = guest(101, "win", NODE_1, status="active")
    windows = ProxmoxContainer(**{**place.values, "os_type": "win11"})
    told(estate, "proxmox", scope("nodes", NODE_1), scope("g", answer(*off), answer(host, observe(place.key, windows))))
    assert set(spots(estate)) == {"hosts/pve1"}


def test_what_most_depends_on_comes_first(estate: Estate) -> None:
    told(estate, "proxmox", scope("nodes", NODE_1), scope("g", answer(*guest(100, "a", NODE_1, status="active"))))
    told(
        estate,
        "scan",
        scope("x", observe("b", Host(hostname="b", status="active", vendor="v", serial_number="s1"))),
        scope("s", *[observe(f"s{n}", Service(service_name=f"s{n}", host_id="b", port=n)) for n in (1, 2)]),
    )
    assert [s.what for s in coverage(estate.database)] == ["hosts/b", "hosts/pve1", "hosts/a"]


def test_a_docker_host_whose_engine_no_source_reads(estate: Estate) -> None:
    said = Host(hostname="docker1", kernel="6.1", is_docker_host=True, docker_engine_id="E1", management_ip="10.0.0.5")
    told(estate, "ssh", scope("host", observe("h", said)))
    command = "infradb sources add docker docker1-docker url=ssh://infradb@10.0.0.5"
    assert spots(estate) == {"hosts/docker1": (0, command)}
    told(estate, "docker", scope("engine", observe("e", Host(hostname="docker1", docker_engine_id="E1"))))
    assert spots(estate) == {}


def test_an_address_without_a_machine_counts_by_what_needs_it(estate: Estate) -> None:
    mount = StorageDevice(host_id="h", device_name="10.0.0.9:/export/media", device_type="nfs")
    route = ProxyRoute(proxy="p", hostname="x.example", backend_url="http://10.0.0.9:8080")
    told(estate, "ssh", scope("host", answer(observe("h", Host(hostname="web", kernel="6.1")), observe("m", mount))))
    told(estate, "caddy", scope("routes", observe("r", route)))
    told(estate, "scan", scope("net", observe("a", IpAddress(ip_address="10.0.0.9", mac_vendor="Synology"))))
    (spot,) = coverage(estate.database)
    assert (spot.what, spot.depends) == ("ip_addresses/10.0.0.9", 2)
    assert "Synology" in spot.lacks
    assert spot.command == "infradb sources add ssh host-10.0.0.9 hosts=infradb@10.0.0.9"


def test_a_gateway_whose_rules_nobody_reads(estate: Estate) -> None:
    gateway = answer(
        observe("gw", Host(hostname="gw", kernel="14.2")), observe("a", IpAddress(ip_address="10.0.0.1", host_id="gw"))
    )
    lan = Network(network_name="lan", cidr="10.0.0.0/24", gateway="10.0.0.1")
    told(estate, "ssh", scope("host", gateway), scope("nets", observe("n", lan)))
    assert spots(estate)["hosts/gw"] == (1, "infradb sources add opnsense gw url=https://10.0.0.1")


def test_a_source_that_fails_counts_by_what_it_told(estate: Estate) -> None:
    told(estate, "ssh", scope("host", observe("h", Host(hostname="web", kernel="6.1"))))
    told(estate, "ssh", scope("host", status="failed"))
    assert spots(estate) == {"sources/ssh": (1, "infradb sources doctor ssh")}
