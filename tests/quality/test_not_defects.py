"""What looks like a defect and is none."""

from __future__ import annotations

from typing import Any

import pytest

from infradb.model.docker import DockerContainerVolume
from infradb.model.network import FirewallRule, IpAddress, Network, NetworkRoute
from infradb.model.physical import Host, NetworkInterface, StorageDevice
from infradb.model.services import Certificate, ProxyRoute, Service, ServiceDependency
from tests.quality.lab import ENGINE, Lab, container
from tests.quality.plants import in_days


def test_bonds_bridges_and_docker_interfaces_may_share_their_addresses(lab: Lab) -> None:
    for host in ("router", "pve1"):
        for kind, mac in (
            ("bond", "00:11:22:33:44:99"),
            ("vlan", "00:11:22:33:44:99"),
            ("virtual", "02:42:ac:11:00:02"),
        ):
            lab.things[f"nic/{host}/{kind}"] = NetworkInterface(
                host_id=f"host/{host}", interface_name=kind, interface_type=kind, mac_address=mac
            )
    lab.take_in()
    assert lab.rules() == set()


def test_a_nested_network_that_names_its_parent_is_a_hierarchy(lab: Lab) -> None:
    lab.things["network/branch"] = Network(network_name="branch", cidr="10.5.0.0/16")
    lab.things["network/floor"] = Network(network_name="floor", cidr="10.5.4.0/22", parent_network_id="network/branch")
    lab.things["network/till"] = Network(network_name="till", cidr="10.5.5.0/24", parent_network_id="network/floor")
    for name, address in (("branch", "10.5.1.1"), ("till", "10.5.5.1")):
        lab.things[f"address/{name}"] = IpAddress(
            ip_address=address, host_id="host/router", network_id=f"network/{name}"
        )
    lab.take_in()
    assert lab.rules() == set()


def test_equal_networks_of_two_engines_do_not_overlap(lab: Lab) -> None:
    lab.things["network/other"] = Network(network_name="other", cidr="172.18.0.0/16", vrf="docker:engine2")
    lab.things["address/other"] = IpAddress(
        ip_address="172.18.0.2", vrf="docker:engine2", host_id="host/pve1", network_id="network/other"
    )
    lab.take_in()
    assert lab.rules() == set()


@pytest.mark.parametrize(
    ("address", "route"),
    [
        (None, {"gateway_ip": "fe80::1"}),
        (None, {"gateway_ip": "192.168.9.1", "routing_table": "vpn"}),
        (("203.0.113.9", "203.0.113.9/32"), {"gateway_ip": "10.0.0.1", "metric": 5, "interface_name": "eth1"}),
    ],
)
def test_other_ways_out_are_no_wrong_gateways(lab: Lab, address: tuple[str, str] | None, route: dict[str, Any]) -> None:
    if address:
        lab.things["network/alone"] = Network(network_name="alone", cidr=address[1], gateway="172.31.1.1")
        lab.things["address/alone"] = IpAddress(
            ip_address=address[0], host_id="host/docker1", network_id="network/alone"
        )
        lab.things["address/hop"] = IpAddress(ip_address="172.31.1.1")
    lab.things["route/more"] = NetworkRoute(host_id="host/docker1", destination_network="default", **route)
    lab.take_in()
    assert lab.rules() == set()


def test_a_router_may_leave_by_another_network_than_its_own(lab: Lab) -> None:
    lab.things["route/router"] = NetworkRoute(
        host_id="host/router", destination_network="default", gateway_ip="198.51.100.1", interface_name="wan"
    )
    lab.things["network/wan"] = Network(network_name="wan", cidr="198.51.100.0/30", gateway="198.51.100.1")
    lab.things["address/wan"] = IpAddress(ip_address="198.51.100.2", host_id="host/router", network_id="network/wan")
    lab.things["address/provider"] = IpAddress(ip_address="198.51.100.1", network_id="network/wan")
    lab.take_in()
    assert lab.rules() == set()


def test_a_service_stands_while_enough_of_a_redundancy_group_do(lab: Lab) -> None:
    names = ("dns1", "dns2", "dns3")
    for n, name in enumerate(names):
        lab.things |= container(name, f"172.18.0.{20 + n}")
        lab.things[f"service/{name}"] = Service(
            service_name=name, docker_container_id=f"container/{name}", protocol="udp", port=53
        )
        lab.things[f"needs/{name}"] = ServiceDependency(
            dependent_service_id="service/web",
            dependency_service_id=f"service/{name}",
            redundancy_group="dns",
            redundancy_rule="2",
        )
    lab.change("container/dns1", status="exited", restart_policy="no")
    lab.take_in()
    assert lab.rules() == set()
    lab.change("container/dns2", status="exited", restart_policy="no")
    lab.take_in()
    assert lab.rules() == {"dependency-not-running"}
    for name in names:
        lab.change(f"needs/{name}", redundancy_rule="any")
    lab.take_in()
    assert lab.rules() == set()
    for name in names:
        lab.change(f"needs/{name}", redundancy_rule="all")
    lab.take_in()
    assert lab.rules() == {"dependency-not-running"}


def test_harmless_things_are_left_in_peace(lab: Lab) -> None:
    lab.things["disk/snap"] = StorageDevice(
        host_id="host/pve1", device_name="/dev/loop0", device_type="loop", used_gb=1.0, available_gb=0.0
    )
    lab.things |= container("proxy", "172.18.0.30", image="example/docker-socket-proxy")
    lab.things["container/proxy/socket"] = DockerContainerVolume(
        docker_container_id="container/proxy", mount_path="/docker.sock", host_path="/var/run/docker.sock"
    )
    lab.things |= container("pinned", "172.18.0.31", image_tag=None, image_digest="sha256:ab")
    lab.things |= container("job", "172.18.0.32", status="exited", restart_policy="on-failure:3", exit_code=0)
    lab.things["rule/off"] = FirewallRule(
        firewall_host_id="host/router",
        native_id="off",
        action="allow",
        direction="in",
        source_network="any",
        destination_network="any",
        enabled=False,
    )
    lab.things["service/one"] = Service(
        service_name="a", host_id="host/pve1", protocol="tcp", port=443, endpoint_name="a"
    )
    lab.things["service/two"] = Service(
        service_name="b", host_id="host/pve1", protocol="tcp", port=443, endpoint_name="b"
    )
    lab.things["host/rusting"] = Host(
        hostname="rusting", status="decommissioned", end_of_support_at="2020-01-01", warranty_until="2019-01-01"
    )
    lab.take_in()
    lab.take_in("list", {"hosts/rusting": Host(hostname="rusting", status="decommissioned")})
    assert lab.rules() == set()


def test_the_gateway_of_an_engines_network_needs_no_holder(lab: Lab) -> None:
    assert lab.ask("SELECT count(*) FROM ip_addresses WHERE vrf = ? AND ip_address = '172.18.0.1'", (ENGINE,)) == [(0,)]
    assert lab.rules() == set()


def test_a_certificate_of_a_few_hours_is_not_late_for_having_hours_left(lab: Lab) -> None:
    lab.change("certificate/web", not_before_at=in_days(-0.1), not_after_at=in_days(0.4))
    lab.take_in()
    assert lab.rules() == set()


@pytest.mark.parametrize(("days", "severity"), [(29, "low"), (13, "medium"), (6, "high")])
def test_the_less_time_a_certificate_has_left_the_worse_it_is(lab: Lab, days: int, severity: str) -> None:
    lab.change("certificate/web", not_before_at=in_days(days - 90), not_after_at=in_days(days))
    lab.take_in()
    assert lab.rules() == {"certificate-expires-soon"}
    assert lab.one("certificate-expires-soon").severity == severity


def test_a_certificate_that_was_renewed_and_that_nothing_shows_is_left_in_peace(lab: Lab) -> None:
    lab.things["certificate/old"] = Certificate(
        fingerprint="cd" * 32, subject="web.example.org", not_after_at="2026-02-01T00:00:00.000Z"
    )
    lab.take_in()
    assert lab.rules() == set()
    lab.change("certificate/old", subject="other.example.org")
    lab.take_in()
    assert lab.rules() == {"certificate-expired"}


@pytest.mark.parametrize("hostname", ["app.web.example.org", "*.web.example.org", "*"])
def test_a_wildcard_names_what_lies_directly_below_it(lab: Lab, hostname: str) -> None:
    lab.change("route/web", hostname=hostname)
    lab.take_in()
    assert lab.rules() == set()


def test_a_wildcard_does_not_name_what_lies_deeper(lab: Lab) -> None:
    lab.change("route/web", hostname="a.b.web.example.org")
    lab.take_in()
    assert lab.rules() == {"certificate-does-not-name-the-route"}


def test_backends_of_one_route_are_no_two_routes_and_one_that_is_down_is_not_yet_an_outage(lab: Lab) -> None:
    lab.things["route/web/second"] = ProxyRoute(
        proxy="lab",
        entry="web",
        hostname="web.example.org",
        backend_url="http://10.0.0.21:8080",
        native_name="web@file",
        backend_status="down",
    )
    lab.take_in()
    assert lab.rules() == {"backend-down"}
    assert lab.one("backend-down").severity == "medium"


def test_a_backend_of_many_names_and_a_name_of_many_backends_are_one_finding_each(lab: Lab) -> None:
    values = {"proxy": "lab", "entry": "web", "tls": True, "certificate_id": "certificate/web"}
    for n in range(5):
        lab.things[f"route/{n}"] = ProxyRoute(
            hostname=f"n{n}.web.example.org", backend_url="http://10.0.0.9:1", backend_status="down", **values
        )
        lab.things[f"route/pool/{n}"] = ProxyRoute(
            hostname="other.example.org", backend_url=f"http://10.0.0.{n}:2", **values
        )
    lab.take_in()
    assert lab.rules() == {"backend-down", "certificate-does-not-name-the-route"}
    assert lab.one("backend-down").summary.endswith(
        "of n0.web.example.org, n1.web.example.org, n2.web.example.org and 2 more"
    )
    assert lab.one("certificate-does-not-name-the-route").evidence["hostname"] == "other.example.org"


def test_two_routes_of_one_name_that_something_else_tells_apart_are_in_order(lab: Lab) -> None:
    values = {"proxy": "lab", "hostname": "web.example.org", "native_name": "other@file"}
    lab.things["route/header"] = ProxyRoute(
        entry="web", backend_url="http://10.0.0.20:1", rule="Headers(`X-Beta`, `1`)", **values
    )
    lab.things["route/path"] = ProxyRoute(entry="web", backend_url="http://10.0.0.20:2", path="/api", **values)
    lab.things["route/entry"] = ProxyRoute(entry="internal", backend_url="http://10.0.0.20:3", **values)
    lab.things["route/off"] = ProxyRoute(entry="web", backend_url="http://10.0.0.20:4", enabled=False, **values)
    lab.take_in()
    assert lab.rules() == set()
