"""The invented lab has the promised size, and nothing in it contradicts anything else."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infradb.importers.demo import collect
from infradb.model.catalog import BY_TABLE
from infradb.observation import CollectionRun, Observation


def observations(run: CollectionRun) -> Iterator[Observation]:
    for scope in run.scopes:
        for answer in scope.answers:
            for entry in answer.parse():
                assert isinstance(entry, Observation)
                yield entry


@pytest.fixture(scope="module")
def lab() -> dict[str, Observation]:
    found = list(observations(collect()))
    assert len({o.key for o in found}) == len(found)
    return {o.key: o for o in found}


def rows(lab: Mapping[str, Observation], table: str) -> dict[str, Mapping[str, Any]]:
    return {o.key: o.values for o in lab.values() if o.table == table}


class TestSize:
    @pytest.mark.parametrize(
        ("table", "count"),
        [
            ("hosts", 23),
            ("docker_containers", 80),
            ("services", 77),
            ("networks", 2),
            ("ip_addresses", 17),
            ("service_dependencies", 26),
        ],
    )
    def test_it_is_the_seeds(self, lab: dict[str, Observation], table: str, count: int) -> None:
        assert len(rows(lab, table)) == count

    def test_no_type_is_left_out(self, lab: dict[str, Observation]) -> None:
        assert {o.table for o in lab.values()} == set(BY_TABLE)


class TestForm:
    def test_one_complete_scope_of_one_source(self) -> None:
        run = collect()
        assert run.source == "demo"
        assert [(scope.name, scope.status) for scope in run.scopes] == [("lab", "complete")]

    def test_every_value_passes_its_type(self, lab: dict[str, Observation]) -> None:
        for observation in lab.values():
            values = dict(observation.values)
            assert BY_TABLE[observation.table].adapter.validate_python(values) == values

    def test_nothing_is_said_that_no_source_may_say(self, lab: dict[str, Observation]) -> None:
        for observation in lab.values():
            unclaimable = {f.name for f in BY_TABLE[observation.table].fields.values() if not f.claimable}
            assert not unclaimable & set(observation.values), observation.key

    def test_every_reference_leads_to_its_table(self, lab: dict[str, Observation]) -> None:
        for observation in lab.values():
            for field in BY_TABLE[observation.table].references:
                target = observation.values.get(field.name)
                if target is not None:
                    assert lab[target].table == field.references, f"{observation.key}.{field.name}"

    def test_owners_are_told_before_what_they_own(self) -> None:
        told: set[str] = set()
        for observation in observations(collect()):
            for field in BY_TABLE[observation.table].owners:
                target = observation.values.get(field.name)
                assert target is None or target in told, observation.key
            told.add(observation.key)

    def test_answers_start_with_their_own_thing(self) -> None:
        for answer in collect().scopes[0].answers:
            first = answer.parse()[0]
            assert first.key == answer.key

    @pytest.mark.parametrize("table", sorted(BY_TABLE))
    def test_natural_keys_single_out(self, lab: dict[str, Observation], table: str) -> None:
        kind = BY_TABLE[table]
        for key in (k for k in (*kind.natural_keys, *kind.hard_keys) if not (k.corroborates or k.each)):
            said = [tuple({**kind.defaults, **v}.get(f) for f in key.fields) for v in rows(lab, table).values()]
            complete = [values for values in said if None not in values]
            assert len(complete) == len(set(complete)), key.fields

    def test_rows_keep_the_constraints_of_guests(self, lab: dict[str, Observation]) -> None:
        for values in rows(lab, "proxmox_containers").values():
            unfit = ("rootfs_storage", "os_template") if values["container_type"] == "vm" else ("vm_type", "boot_disk")
            assert all(values.get(name) is None for name in unfit)


class TestSeed:
    def test_equal_seeds_say_the_same(self) -> None:
        first, second = ({a.key: a.digest for a in collect(7).scopes[0].answers} for _ in range(2))
        assert first == second

    def test_another_seed_changes_measured_values_only(self) -> None:
        one, other = collect(1).scopes[0].answers, collect(2).scopes[0].answers
        assert {a.key: a.digest for a in one} == {a.key: a.digest for a in other}
        assert {a.key: a.measured for a in one} != {a.key: a.measured for a in other}


class TestSense:
    def test_guests_fit_into_the_memory_of_their_node(self, lab: dict[str, Observation]) -> None:
        hosts = rows(lab, "hosts")
        taken: Counter[str] = Counter()
        for values in hosts.values():
            if parent := values.get("parent_host_id"):
                taken[parent] += values["total_ram_mb"]
        assert set(taken) == {"hosts/pve1", "hosts/pve2", "hosts/lab1"}
        assert all(hosts[parent]["total_ram_mb"] > total for parent, total in taken.items())

    def test_used_is_less_than_there_is(self, lab: dict[str, Observation]) -> None:
        for values in rows(lab, "hosts").values():
            assert values.get("used_ram_mb", 0) <= values.get("total_ram_mb", 0)
        for values in rows(lab, "storage_devices").values():
            assert values.get("used_gb", 0) <= values["capacity_gb"]

    def test_one_address_lies_outside_its_network(self, lab: dict[str, Observation]) -> None:
        outside = [
            values["ip_address"]
            for values in rows(lab, "ip_addresses").values()
            if (network := values.get("network_id"))
            and ipaddress.ip_address(values["ip_address"]) not in ipaddress.ip_network(lab[network].values["cidr"])
        ]
        assert outside == ["192.168.1.20"]

    def test_management_addresses_are_known(self, lab: dict[str, Observation]) -> None:
        known = {(v["host_id"], v["ip_address"]) for v in rows(lab, "ip_addresses").values()}
        for key, values in rows(lab, "hosts").items():
            assert "management_ip" not in values or (key, values["management_ip"]) in known

    def test_containers_addresses_lie_in_their_subnets(self, lab: dict[str, Observation]) -> None:
        taken: set[tuple[str, str]] = set()
        for values in rows(lab, "docker_container_networks").values():
            if "ip_address" in values:
                subnet = lab[values["docker_network_id"]].values["subnet"]
                assert ipaddress.ip_address(values["ip_address"]) in ipaddress.ip_network(subnet)
                taken.add((values["docker_network_id"], values["ip_address"]))
        assert len(taken) == sum("ip_address" in v for v in rows(lab, "docker_container_networks").values())

    def test_subnets_of_an_engine_are_disjoint(self, lab: dict[str, Observation]) -> None:
        subnets = defaultdict(list)
        for values in rows(lab, "docker_networks").values():
            if "subnet" in values:
                subnets[values["docker_host_id"]].append(ipaddress.ip_network(values["subnet"]))
        for nets in subnets.values():
            assert not any(a.overlaps(b) for n, a in enumerate(nets) for b in nets[n + 1 :])

    def test_no_port_of_a_host_is_published_twice(self, lab: dict[str, Observation]) -> None:
        published = Counter(
            (values["docker_host_id"], port["protocol"], port["host_port"])
            for values in rows(lab, "docker_containers").values()
            for port in values["ports"]
            if "host_port" in port
        )
        assert published
        assert max(published.values()) == 1

    def test_services_listen_where_their_containers_do(self, lab: dict[str, Observation]) -> None:
        for key, values in rows(lab, "services").items():
            assert ("host_id" in values) != ("docker_container_id" in values)
            container = lab[values["docker_container_id"]].values if "docker_container_id" in values else None
            if container and container["network_mode"] != "host":
                match = [p for p in container["ports"] if p["container_port"] == values["port"]]
                assert match, key
                assert match[-1].get("host_port") == values.get("published_port"), key

    def test_containers_run_on_docker_hosts(self, lab: dict[str, Observation]) -> None:
        hosts = {v["docker_host_id"] for v in rows(lab, "docker_containers").values()}
        assert hosts == {k for k, v in rows(lab, "hosts").items() if v.get("is_docker_host")}

    def test_nextcloud_needs_what_it_needs(self, lab: dict[str, Observation]) -> None:
        needs = {
            values["dependency_service_id"]
            for values in rows(lab, "service_dependencies").values()
            if values["dependent_service_id"] == "services/nextcloud"
        }
        assert needs >= {"services/postgresql", "services/nextcloud-redis", "services/traefik"}

    def test_dependencies_run_in_no_circle(self, lab: dict[str, Observation]) -> None:
        needs = defaultdict(set)
        for values in rows(lab, "service_dependencies").values():
            needs[values["dependent_service_id"]].add(values["dependency_service_id"])

        def reachable(service: str) -> set[str]:
            found: set[str] = set()
            open_ends = [service]
            while open_ends:
                new = needs[open_ends.pop()] - found
                found |= new
                open_ends += new
            return found

        assert not [service for service in list(needs) if service in reachable(service)]


class TestWarts:
    def test_a_guest_runs_on_a_stopped_host(self, lab: dict[str, Observation]) -> None:
        hosts = rows(lab, "hosts")
        wrong = [
            key
            for key, values in hosts.items()
            if values["status"] == "active"
            and (parent := values.get("parent_host_id"))
            and hosts[parent]["status"] == "stopped"
        ]
        assert wrong == ["hosts/lab1-ct"]

    def test_two_images_have_no_version(self, lab: dict[str, Observation]) -> None:
        loose = {k.split("/")[-1] for k, v in rows(lab, "docker_containers").items() if v["image_tag"] == "latest"}
        assert loose == {"stirling-pdf", "metube"}

    def test_two_containers_are_unwell(self, lab: dict[str, Observation]) -> None:
        containers = rows(lab, "docker_containers").values()
        assert [v["container_name"] for v in containers if v["status"] != "running"] == ["calibre-web"]
        assert [v["container_name"] for v in containers if v["health_status"] == "unhealthy"] == ["syncthing"]
