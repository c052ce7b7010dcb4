"""What follows from several sources together, and is let go when it follows no longer."""

from __future__ import annotations

from infradb.model.network import IpAddress
from infradb.model.physical import Host
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
