"""For each rule how to plant its defect in the clean lab; each function is named after its rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infradb import clock
from infradb.model.docker import DockerContainerNetwork, DockerContainerVolume, DockerVolume
from infradb.model.entity import Entity
from infradb.model.network import DnsRecord, FirewallRule, IpAddress, Network, NetworkRoute
from infradb.model.physical import Host
from infradb.model.proxmox import ProxmoxContainer
from infradb.model.services import ProxyRoute, Service, ServiceDependency
from infradb.store import runs
from tests.quality.lab import Lab, container, machine

ALSO: dict[str, set[str]] = {
    "identity-conflict": {"duplicate-hostname"},
}
"""Further rules that a plant cannot but offend."""


def in_days(days: float) -> str:
    """The instant that many days from now."""
    return clock.to_instant(datetime.now(UTC) + timedelta(days=days))


# --- references


def dangling_reference(lab: Lab) -> None:
    lab.take_in(
        "list", {"typed/1": Host(hostname="old-pbx"), "typed/2": IpAddress(ip_address="10.9.9.9", host_id="typed/1")}
    )
    lab.say("UPDATE hosts SET retired_at = updated_at WHERE hostname = 'old-pbx'")
    lab.say(
        "UPDATE entities SET retired_at = created_at WHERE id IN (SELECT id FROM hosts WHERE retired_at IS NOT NULL)"
    )


def orphan(lab: Lab) -> None:
    lab.damage(f"DELETE FROM docker_volumes WHERE id = {lab.id_of('volume/data')}")


def lifecycle_mismatch(lab: Lab) -> None:
    lab.say("UPDATE sites SET retired_at = updated_at WHERE name = 'cabin'")


# --- duplicates


def duplicate_hostname(lab: Lab) -> None:
    lab.things["host/other"] = Host(hostname="PVE1")
    lab.take_in()


def duplicate_mac(lab: Lab) -> None:
    lab.change("nic/docker1", mac_address="00:11:22:33:44:01")
    lab.take_in()


def duplicate_service(lab: Lab) -> None:
    lab.things["service/again"] = Service(
        service_name="again", docker_container_id="container/web", protocol="tcp", port=80
    )
    lab.take_in()


def duplicate_route(lab: Lab) -> None:
    lab.change("route/pve1", metric=100)
    lab.things["route/again"] = NetworkRoute(
        host_id="host/pve1", destination_network="default", gateway_ip="10.0.0.1", metric=600
    )
    lab.take_in()


# --- identity


def identity_conflict(lab: Lab) -> None:
    lab.take_in("list", {"typed/1": Host(hostname="nas"), "typed/2": Host(hostname="nas")})
    lab.things["host/nas"] = Host(hostname="nas", status="active")
    lab.take_in()


def identifier_collision(lab: Lab) -> None:
    lab.things["host/clone1"] = Host(hostname="clone1", ssh_host_key="SHA256:same")
    lab.things["host/clone2"] = Host(hostname="clone2", ssh_host_key="SHA256:same")
    lab.take_in()


def mass_change_brake(lab: Lab) -> None:
    spare = {f"volume/{n}": DockerVolume(docker_host_id="host/docker1", volume_name=f"spare{n}") for n in range(8)}
    kept = dict(lab.things)
    lab.things |= spare
    lab.take_in()
    lab.things = kept
    lab.take_in()


def name_taken(lab: Lab) -> None:
    lab.change("site/cabin", name="home")
    lab.take_in()


def unplaced_observation(lab: Lab) -> None:
    lab.things["container/web/ghost"] = DockerContainerNetwork(
        docker_container_id="container/web", docker_network_id="dnet/unknown"
    )
    lab.take_in()


# --- addresses and networks


def address_outside_network(lab: Lab) -> None:
    lab.change("address/docker1", ip_address="10.0.7.20")
    lab.take_in()


def address_not_assignable(lab: Lab) -> None:
    lab.change("address/docker1", ip_address="10.0.0.255")
    lab.take_in()


def address_holder_mismatch(lab: Lab) -> None:
    lab.things["address/spare"] = IpAddress(
        ip_address="10.0.0.30", host_id="host/pve1", interface_id="nic/docker1", network_id="network/lan"
    )
    lab.take_in()


def address_in_larger_network(lab: Lab) -> None:
    lab.things["network/lower"] = Network(network_name="lower", cidr="10.0.0.0/27")
    lab.take_in()


def overlapping_networks(lab: Lab) -> None:
    lab.things["network/branch"] = Network(network_name="branch", cidr="10.5.0.0/16")
    lab.things["network/till"] = Network(network_name="till", cidr="10.5.5.0/24")
    for name, address, network in (("a", "10.5.1.1", "branch"), ("b", "10.5.5.1", "till")):
        lab.things[f"address/{name}"] = IpAddress(
            ip_address=address, host_id="host/router", network_id=f"network/{network}"
        )
    lab.take_in()


def dhcp_range_wrong(lab: Lab) -> None:
    lab.change("network/lan", dhcp_range_end="10.0.1.199")
    lab.take_in()


def dhcp_over_static(lab: Lab) -> None:
    lab.change("address/docker1", ip_address="10.0.0.150")
    lab.take_in()


# --- gateways


def gateway_outside_network(lab: Lab) -> None:
    lab.change("network/plan", gateway="192.168.0.1")
    lab.take_in()


def gateway_unknown(lab: Lab) -> None:
    lab.things["network/dmz"] = Network(network_name="dmz", cidr="10.7.0.0/24", gateway="10.7.0.1")
    lab.things["address/dmz"] = IpAddress(ip_address="10.7.0.9", host_id="host/router", network_id="network/dmz")
    lab.take_in()


def gateway_address_taken(lab: Lab) -> None:
    lab.things |= machine("edge", "10.0.0.2", "00:11:22:33:44:02", host_type="network_device")
    del lab.things["route/edge"]
    lab.things["route/router"] = NetworkRoute(
        host_id="host/router", destination_network="default", gateway_ip="10.0.0.2", interface_name="eth0"
    )
    lab.take_in()


def route_gateway_unreachable(lab: Lab) -> None:
    lab.change("route/docker1", gateway_ip="10.0.1.1")
    lab.take_in()


def route_gateway_differs(lab: Lab) -> None:
    lab.change("route/docker1", gateway_ip="10.0.0.10")
    lab.take_in()


# --- names and leases


REVERSE, FORWARD = "0.0.10.in-addr.arpa", "lab.example"


def name(lab: Lab, zone: str, owner: str, kind: str, content: str) -> None:
    """A record of a zone, `@` its own name."""
    full = zone if owner == "@" else f"{owner}.{zone}" if zone else owner
    row = DnsRecord(record_name=full, record_type=kind, content=content, zone=zone, server="ns1")
    lab.things[f"record/{zone}/{full}/{kind}/{content}"] = row


def both_zones(lab: Lab) -> None:
    """A forward and a reverse zone in which nothing is wrong."""
    for owner, number in (("router", 1), ("docker1", 20)):
        name(lab, FORWARD, owner, "A", f"10.0.0.{number}")
        name(lab, REVERSE, str(number), "PTR", f"{owner}.{FORWARD}")
    for zone in (FORWARD, REVERSE):
        name(lab, zone, "@", "NS", f"router.{FORWARD}")


def second_source(lab: Lab, things: dict[str, Entity]) -> None:
    """Another DHCP server, as another source says it."""
    with lab.database.write() as connection:
        runs.add_source(connection, "other", "adguard", clock.now(), declared=False, rank=50)
    lab.take_in("other", things)


def forward_without_reverse(lab: Lab) -> None:
    both_zones(lab)
    name(lab, FORWARD, "pve1", "A", "10.0.0.10")
    name(lab, FORWARD, "proxmox", "A", "10.0.0.10")
    lab.take_in()


def reverse_disagrees(lab: Lab) -> None:
    both_zones(lab)
    name(lab, REVERSE, "10", "PTR", f"docker1.{FORWARD}")
    lab.take_in()


def record_leads_nowhere(lab: Lab) -> None:
    both_zones(lab)
    name(lab, FORWARD, "www", "CNAME", f"web.{FORWARD}")
    lab.take_in()


def name_of_retired_address(lab: Lab) -> None:
    lab.things["address/gone"] = IpAddress(ip_address="10.0.0.77", network_id="network/lan")
    lab.take_in()
    del lab.things["address/gone"]
    name(lab, FORWARD, "old", "A", "10.0.0.77")
    lab.take_in(gone=("address/gone",))


def name_of_unknown_address(lab: Lab) -> None:
    name(lab, FORWARD, "printer", "A", "10.0.0.88")
    name(lab, FORWARD, "scanner", "A", "10.0.0.88")
    lab.take_in()


def name_of_another_host(lab: Lab) -> None:
    name(lab, FORWARD, "pve1", "A", "10.0.0.20")
    lab.take_in()


def address_leased_to_another(lab: Lab) -> None:
    lab.change("address/docker1", allocation_type="dhcp", mac_address="bc:24:11:00:00:99")
    lab.take_in()


def two_dhcp_servers(lab: Lab) -> None:
    network = Network(
        network_name="lan",
        cidr="10.0.0.0/24",
        dhcp_enabled=True,
        dhcp_range_start="10.0.0.50",
        dhcp_range_end="10.0.0.60",
        gateway="10.0.0.2",
    )
    second_source(lab, {"network/10.0.0.0/24": network})


# --- stale things


def missing_too_long(lab: Lab) -> None:
    lab.things |= machine("tablet", "10.0.0.40", "00:11:22:33:44:40")
    lab.take_in()
    lab.say("UPDATE claims SET missing_since = ? WHERE native_key = 'host/tablet'", ("2026-01-01T00:00:00.000Z",))


def source_stale(lab: Lab) -> None:
    lab.say("UPDATE discovery_runs SET finished_at = ?", ("2026-01-01T00:00:00.000Z",))
    lab.say("UPDATE sources SET created_at = ?", ("2026-01-01T00:00:00.000Z",))


def source_failing(lab: Lab) -> None:
    lab.take_in(status="partial", errors=("the token may not list volumes",))


def declared_never_seen(lab: Lab) -> None:
    lab.take_in(
        "list",
        {
            "hosts/1": Host(hostname="pve1"),
            "hosts/2": Host(hostname="forgotten", host_type="vm", vmid=199),
            "guests/1": ProxmoxContainer(host_id="hosts/2", proxmox_host_id="hosts/1", vmid=199, container_type="vm"),
        },
    )


def address_unseen(lab: Lab) -> None:
    lab.change("address/docker1", last_seen_at="2024-03-02T18:20:00Z")
    lab.take_in()


def retention_outgrown(lab: Lab) -> None:
    lab.say(
        "INSERT INTO health_checks (check_timestamp, service_id, check_id, sequence, status)"
        " VALUES (?, ?, 0, 0, 'healthy')",
        ("2026-01-01T00:00:00.000Z", lab.id_of("service/web")),
    )


# --- what runs


def container_lost_part(lab: Lab) -> None:
    del lab.things["container/web/mount"]
    del lab.things["container/web/net"]
    lab.take_in()


def image_tag_moved(lab: Lab) -> None:
    for name, digest in (("web", "1"), ("db", "2")):
        lab.change(f"container/{name}", image="example/app", image_digest=f"sha256:{digest * 64}")
    lab.take_in()


def stopped_host_running_guests(lab: Lab) -> None:
    lab.change("host/pve1", status="stopped")
    lab.take_in()


def stopped_host_running_containers(lab: Lab) -> None:
    lab.change("host/docker1", status="stopped")
    lab.take_in()


def service_on_stopped(lab: Lab) -> None:
    lab.change("container/web", status="exited", restart_policy="no", exit_code=0)
    lab.take_in()
    lab.say("UPDATE services SET status = 'healthy' WHERE service_name = 'web'")


def container_exited(lab: Lab) -> None:
    lab.change("container/web", status="exited", exit_code=137)
    lab.take_in()


def container_unhealthy(lab: Lab) -> None:
    lab.change("container/web", health_status="unhealthy")
    lab.take_in()


def container_restarting(lab: Lab) -> None:
    lab.change("container/web", status="restarting")
    lab.take_in()


# --- services


def dependency_cycle(lab: Lab) -> None:
    lab.things["service/cache"] = Service(
        service_name="cache", docker_container_id="container/db", protocol="tcp", port=6379
    )
    for a, b in (("db", "cache"), ("cache", "web")):
        lab.things[f"needs/{a}-{b}"] = ServiceDependency(
            dependent_service_id=f"service/{a}", dependency_service_id=f"service/{b}"
        )
    lab.take_in()


def dependency_not_running(lab: Lab) -> None:
    lab.change("container/db", status="exited", restart_policy="no", exit_code=0)
    lab.take_in()


def dependency_retired(lab: Lab) -> None:
    lab.things |= container("queue", "172.18.0.9")
    lab.things["service/queue"] = Service(
        service_name="queue", docker_container_id="container/queue", protocol="tcp", port=5672
    )
    lab.take_in()
    web, queue = (
        lab.ask("SELECT e.uid FROM entities e WHERE e.id = ?", (lab.id_of(k),))[0][0]
        for k in ("service/web", "service/queue")
    )
    lab.take_in(
        "list",
        {"n/1": ServiceDependency(dependent_service_id=f"uid:{web}", dependency_service_id=f"uid:{queue}")},
    )
    lab.things = {k: v for k, v in lab.things.items() if "queue" not in k}
    lab.take_in()
    lab.say("UPDATE claims SET missing_since = ? WHERE missing_since IS NOT NULL", ("2026-01-01T00:00:00.000Z",))
    lab.take_in()


def critical_without_check(lab: Lab) -> None:
    del lab.things["check/web"]
    lab.take_in()


def host_without_owner(lab: Lab) -> None:
    lab.change("host/docker1", criticality="high")
    lab.take_in()


# --- proxies and certificates


def certificate_expired(lab: Lab) -> None:
    lab.change("certificate/web", not_after_at="2026-02-01T00:00:00.000Z")
    lab.take_in()


def certificate_expires_soon(lab: Lab) -> None:
    lab.change("certificate/web", not_after_at=in_days(25))
    lab.take_in()


def certificate_does_not_name_the_route(lab: Lab) -> None:
    lab.change("route/web", hostname="shop.example.org")
    lab.take_in()


def backend_down(lab: Lab) -> None:
    lab.change("route/web", backend_status="down")
    lab.take_in()


def route_taken_twice(lab: Lab) -> None:
    lab.things["route/web/again"] = ProxyRoute(
        proxy="lab",
        entry="web",
        hostname="web.example.org",
        backend_url="http://10.0.0.20:9000",
        native_name="old@docker",
    )
    lab.take_in()


# --- exposure


def image_latest(lab: Lab) -> None:
    lab.change("container/web", image_tag="latest")
    lab.take_in()


def container_plain_secrets(lab: Lab) -> None:
    lab.change("container/web", environment_vars={"DB_PASSWORD": "***", "KEY_FILE": "***", "TZ": "UTC"})
    lab.take_in()


def container_privileged(lab: Lab) -> None:
    lab.change("container/web", privileged=True)
    lab.take_in()


def docker_socket_mounted(lab: Lab) -> None:
    lab.things["container/web/socket"] = DockerContainerVolume(
        docker_container_id="container/web",
        mount_path="/var/run/docker.sock",
        host_path="/var/run/docker.sock",
        read_only=True,
    )
    lab.take_in()


def port_published_everywhere(lab: Lab) -> None:
    ports = [{"container_port": 80, "protocol": "tcp", "host_ip": ip, "host_port": 80} for ip in ("0.0.0.0", "::")]
    lab.change("container/web", ports=[*ports, {"container_port": 81, "protocol": "tcp"}])
    lab.take_in()


def firewall_allows_everything(lab: Lab) -> None:
    lab.things["rule/2"] = FirewallRule(
        firewall_host_id="host/router",
        native_id="r2",
        action="allow",
        direction="in",
        protocol="any",
        source_network="any",
        destination_network="any",
        interface="lan",
        description="TEMPORARY",
    )
    lab.take_in()


# --- hardware and backups


def disk_failing(lab: Lab) -> None:
    lab.change("disk/sda", smart_status="failed")
    lab.take_in()


def array_degraded(lab: Lab) -> None:
    lab.change("disk/tank", health_status="DEGRADED")
    lab.take_in()


def storage_nearly_full(lab: Lab) -> None:
    lab.change("disk/sda", used_gb=95.0, available_gb=5.0)
    lab.take_in()


def backup_failed(lab: Lab) -> None:
    lab.change("guest/101", last_backup_status="job errors")
    lab.take_in()


def support_ended(lab: Lab) -> None:
    lab.change("host/pve1", end_of_support_at="2025-06-01")
    lab.take_in()


def warranty_over(lab: Lab) -> None:
    lab.change("host/pve1", warranty_until=clock.parse_time("2d")[:10])
    lab.take_in()
