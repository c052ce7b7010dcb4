"""What follows from several sources together, and is let go when it follows no longer."""

from __future__ import annotations

import pytest

from infradb.model.docker import DockerContainer
from infradb.model.network import IpAddress, MacSighting
from infradb.model.physical import Host
from infradb.model.services import ProxyRoute, Service
from infradb.observation import ScopeResult, observe
from infradb.operations.concluding import conclude
from infradb.queries.provenance import claims
from tests.flow.test_invariants import check
from tests.lab import Estate, answer, nic, scope

MAC = "bc:24:11:00:00:01"


def guests(*names: str, mac: str = MAC) -> ScopeResult:
    found = [answer(observe(n, Host(hostname=n, smbios_uuid=None)), nic(n, "net0", mac_address=mac)) for n in names]
    return scope("guests", *found)


def seen(*ips: str, mac: str = MAC) -> ScopeResult:
    return scope("arp", *[observe(ip, IpAddress(ip_address=ip, mac_address=mac)) for ip in ips])


def concluded(estate: Estate) -> int | None:
    estate.clock.passes(minutes=1)
    report = conclude(estate.database)
    check(estate)
    return report.changed if report else None


def test_an_address_seen_on_the_network_belongs_to_the_one_host_with_that_card(estate: Estate) -> None:
    estate.run("proxmox", guests("web"))
    estate.run("scan", seen("10.0.0.5"))
    assert concluded(estate) == 1
    row, host = estate.row("ip_addresses"), estate.row("hosts")
    assert (row["host_id"], row["interface_id"]) == (host["id"], estate.row("network_interfaces")["id"])
    with estate.database.read() as connection:
        assert [c.source for c in claims(connection, row["id"])] == ["inferred", "scan"]


def test_a_second_look_that_concludes_the_same_writes_nothing(estate: Estate) -> None:
    estate.run("proxmox", guests("web"))
    estate.run("scan", seen("10.0.0.5"))
    concluded(estate)
    before = estate.ask("SELECT count(*) FROM discovery_runs")
    assert concluded(estate) is None
    assert estate.ask("SELECT count(*) FROM discovery_runs") == before


def test_nothing_follows_where_two_hosts_have_the_card(estate: Estate) -> None:
    estate.run("proxmox", guests("web", "clone"))
    estate.run("scan", seen("10.0.0.5"))
    assert concluded(estate) is None
    assert estate.row("ip_addresses")["host_id"] is None


def test_nor_of_addresses_whose_host_is_known_anyway(estate: Estate) -> None:
    estate.run("proxmox", guests("web"))
    host = observe("host", Host(hostname="db", machine_id_hash="m"))
    estate.run("ssh", scope("host", answer(host, observe("a", IpAddress(ip_address="10.0.0.5", host_id="host")))))
    estate.run("scan", seen("10.0.0.5"))
    assert concluded(estate) is None


def test_what_follows_no_longer_is_let_go_at_once(estate: Estate) -> None:
    estate.run("proxmox", guests("web"))
    estate.run("scan", seen("10.0.0.5"))
    concluded(estate)
    estate.run("scan", seen("10.0.0.5", mac="bc:24:11:00:00:99"))
    assert concluded(estate) == 1
    assert estate.row("ip_addresses")["host_id"] is None


def test_a_conclusion_keeps_nothing_alive_by_itself(estate: Estate) -> None:
    estate.run("proxmox", guests("web"))
    estate.run("scan", seen("10.0.0.5", "10.0.0.6"))
    concluded(estate)
    estate.clock.passes(days=1)
    estate.run("scan", seen("10.0.0.6"), allow_retire=True)
    concluded(estate)
    assert [r["ip_address"] for r in estate.rows("ip_addresses")] == ["10.0.0.6"]


class TestLinks:
    def seen_behind(self, *macs: str) -> ScopeResult:
        switch = observe("sw", Host(hostname="sw", host_type="network_device", vendor="v", serial_number="s"))
        sightings = [observe(f"m/{m}", MacSighting(interface_id="sw/port1", mac_address=m)) for m in macs]
        return scope("fdb", answer(switch, nic("sw", "port1", mac_address="00:11:22:00:00:01"), *sightings))

    def test_a_port_with_one_card_behind_it_meets_that_card(self, estate: Estate) -> None:
        estate.run("ssh", guests("web"))
        estate.run("snmp", self.seen_behind(MAC))
        assert concluded(estate) == 1
        link = estate.row("links")
        ends = {link["interface_a_id"], link["interface_b_id"]}
        assert ends == {r["id"] for r in estate.rows("network_interfaces")}
        assert link["kind"] == "fdb"
        assert concluded(estate) is None

    def test_a_port_with_several_behind_it_leads_elsewhere(self, estate: Estate) -> None:
        estate.run("ssh", guests("web"))
        estate.run("snmp", self.seen_behind(MAC, "bc:24:11:00:00:77"))
        assert concluded(estate) is None

    def test_it_ends_when_the_card_moves(self, estate: Estate) -> None:
        estate.run("ssh", guests("web"))
        estate.run("snmp", self.seen_behind(MAC))
        concluded(estate)
        estate.run("snmp", self.seen_behind("bc:24:11:00:00:77"))
        estate.clock.passes(days=3)
        estate.run("snmp", self.seen_behind("bc:24:11:00:00:77"))
        concluded(estate)
        assert estate.rows("links") == []


class TestBackends:
    @pytest.fixture
    def served(self, estate: Estate) -> Estate:
        host = observe("h", Host(hostname="docker1", docker_engine_id="E", is_docker_host=True))
        app = DockerContainer(
            docker_host_id="h", container_id="1" * 64, container_name="shop-app-1", image="shop", compose_service="app"
        )
        web = Service(service_name="app", docker_container_id="c", protocol="tcp", port=80, published_port=8080)
        estate.run(
            "docker",
            scope("engine", answer(host, observe("a", IpAddress(ip_address="10.0.0.5", host_id="h")))),
            scope("containers", answer(observe("c", app), observe("s", web))),
        )
        return estate

    @pytest.mark.parametrize(
        "url", ["http://10.0.0.5:8080", "http://docker1.lan:8080/x", "http://app", "http://shop-app-1:80"]
    )
    def test_a_route_leads_to_the_only_service_there(self, served: Estate, url: str) -> None:
        served.run("caddy", scope("routes", observe("r", ProxyRoute(proxy="p", hostname="x.lan", backend_url=url))))
        found = concluded(served)
        expected = None if "docker1.lan" in url else 1
        assert found == expected
        if expected:
            assert served.row("proxy_routes")["backend_service_id"] == served.row("services")["id"]

    @pytest.mark.parametrize(
        "url", ["http://10.0.0.5:80", "http://10.0.0.6:8080", "http://unix:/run/x.sock", "udp://10.0.0.5:8080"]
    )
    def test_nothing_follows_where_nobody_answers(self, served: Estate, url: str) -> None:
        served.run("caddy", scope("routes", observe("r", ProxyRoute(proxy="p", hostname="x.lan", backend_url=url))))
        assert concluded(served) is None
