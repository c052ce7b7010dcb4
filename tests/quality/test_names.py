"""Names and leases: what looks like a defect and is none, and defects that end."""

from __future__ import annotations

from infradb.model.network import IpAddress, Network
from infradb.model.physical import Host
from infradb.model.services import ProxyRoute
from tests.quality import plants
from tests.quality.lab import Lab
from tests.quality.plants import FORWARD, REVERSE, both_zones, name, second_source


def test_two_zones_that_agree_have_no_findings(lab: Lab) -> None:
    both_zones(lab)
    name(lab, FORWARD, "www", "CNAME", f"docker1.{FORWARD}")
    name(lab, FORWARD, "*.apps", "A", "10.0.0.20")
    name(lab, FORWARD, "note", "TXT", '"text"')
    name(lab, FORWARD, "@", "MX", "0 .")
    lab.take_in()
    assert lab.rules() == set()


def test_nothing_is_said_of_zones_that_are_not_known(lab: Lab) -> None:
    name(lab, FORWARD, "docker1", "A", "10.0.0.20")
    name(lab, FORWARD, "shop", "CNAME", "shop.hoster.example")
    name(lab, FORWARD, "sub", "NS", "ns.hoster.example")
    name(lab, FORWARD, "blog", "CNAME", f"blog.sub.{FORWARD}")
    name(lab, "9.0.10.in-addr.arpa", "5", "PTR", "five.elsewhere.example")
    lab.take_in()
    assert lab.rules() == set()


def test_reverse_names_may_be_delegated_by_alias_and_names_may_be_wildcards(lab: Lab) -> None:
    both_zones(lab)
    name(lab, FORWARD, "pve1", "A", "10.0.0.10")
    name(lab, REVERSE, "10", "CNAME", f"10.0-31.{REVERSE}")
    name(lab, f"0-31.{REVERSE}", "10", "PTR", f"pve1.{FORWARD}")
    name(lab, FORWARD, "*.dhcp", "A", "10.0.0.1")
    name(lab, FORWARD, "alias", "CNAME", f"any.dhcp.{FORWARD}")
    lab.take_in()
    assert lab.rules() == set()


def test_the_reverse_of_version_6_is_compared_as_well(lab: Lab) -> None:
    both_zones(lab)
    zone = "0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    name(lab, FORWARD, "docker1", "AAAA", "2001:db8::14")
    name(lab, zone, "5.1.0.0.0.0.0.0.0.0.0.0", "PTR", f"docker1.{FORWARD}")
    lab.take_in()
    assert lab.rules() == {"forward-without-reverse", "reverse-disagrees"}
    assert lab.one("reverse-disagrees").summary == (
        "2001:db8::15 leads to docker1.lab.example, which leads to 10.0.0.20, 2001:db8::14"
    )


def test_local_overrides_answer_and_need_no_reverse(lab: Lab) -> None:
    both_zones(lab)
    name(lab, "", f"override.{FORWARD}", "A", "10.0.0.10")
    name(lab, FORWARD, "www", "CNAME", f"override.{FORWARD}")
    lab.take_in()
    assert lab.rules() == set()


def test_a_name_that_a_proxy_serves_may_lead_to_the_proxy(lab: Lab) -> None:
    plants.name_of_another_host(lab)
    assert lab.rules() == {"name-of-another-host"}
    lab.things["route/proxy"] = ProxyRoute(proxy="traefik", hostname=f"pve1.{FORWARD}", backend_url="http://10.0.0.10")
    lab.take_in()
    assert lab.rules() == set()


def test_a_name_with_several_addresses_needs_one_of_its_host(lab: Lab) -> None:
    plants.name_of_another_host(lab)
    name(lab, FORWARD, "pve1", "A", "10.0.0.10")
    lab.take_in()
    assert lab.rules() == set()


def test_a_host_without_known_addresses_may_be_anywhere(lab: Lab) -> None:
    lab.things["host/nas"] = Host(hostname="nas")
    name(lab, FORWARD, "nas", "A", "10.0.0.20")
    lab.take_in()
    assert lab.rules() == set()


def test_addresses_that_are_handed_out_come_and_go(lab: Lab) -> None:
    lab.things["address/laptop"] = IpAddress(
        ip_address="10.0.0.150", network_id="network/lan", allocation_type="dhcp", mac_address="02:00:00:00:00:01"
    )
    name(lab, FORWARD, "laptop", "A", "10.0.0.150")
    lab.take_in()
    assert lab.rules() == set()
    del lab.things["address/laptop"]
    lab.take_in(gone=("address/laptop",))
    assert lab.rules() == set()


def test_names_outside_of_networks_that_are_looked_at_are_left_in_peace(lab: Lab) -> None:
    lab.things["network/planned"] = Network(network_name="planned", cidr="10.50.0.0/24")
    name(lab, FORWARD, "planned", "A", "10.50.0.5")
    name(lab, FORWARD, "public", "A", "198.51.100.7")
    lab.take_in()
    assert lab.rules() == set()


def test_a_lease_to_any_interface_of_its_host_is_right(lab: Lab) -> None:
    lab.change("address/pve1", allocation_type="reserved", mac_address="00:11:22:33:44:10")
    lab.take_in()
    assert lab.rules() == set()


def test_two_servers_that_lease_one_address_to_two_machines_are_found(lab: Lab) -> None:
    def leased(mac: str) -> dict[str, IpAddress]:
        row = IpAddress(ip_address="10.0.0.150", allocation_type="dhcp", mac_address=mac)
        return {"address/10.0.0.150": row}

    lab.things |= leased("02:00:00:00:00:01")
    lab.take_in()
    second_source(lab, dict(leased("02:00:00:00:00:01")))
    assert lab.rules() == set()
    lab.take_in("other", dict(leased("02:00:00:00:00:02")))
    assert lab.rules() == {"address-leased-to-another"}
    assert "02:00:00:00:00:02, by other" in lab.one("address-leased-to-another").summary


def test_two_sources_of_one_server_are_one_and_a_second_server_may_be_stopped(lab: Lab) -> None:
    plants.two_dhcp_servers(lab)
    assert lab.rules() == {"two-dhcp-servers"}
    assert lab.one("two-dhcp-servers").summary.endswith("with another range and gateway")
    same = Network(
        network_name="x",
        cidr="10.0.0.0/24",
        dhcp_enabled=True,
        dhcp_range_start="10.0.0.100",
        dhcp_range_end="10.0.0.199",
    )
    lab.take_in("other", {"network/10.0.0.0/24": same})
    assert lab.rules() == set()
    differs = Network(network_name="x", cidr="10.0.0.0/24", dhcp_enabled=True, dhcp_range_start="10.0.0.9")
    lab.take_in("other", {"network/10.0.0.0/24": differs})
    assert lab.rules() == {"two-dhcp-servers"}
    lab.take_in("other", {}, gone=("network/10.0.0.0/24",))
    assert lab.rules() == set()
