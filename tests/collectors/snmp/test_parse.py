"""What devices say, from recorded answers of the lab and from one managed switch made by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.snmp.collector import scopes_of
from infradb.collectors.snmp.tables import facts_of
from infradb.collectors.snmp.values import mac, text
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation, ScopeResult
from tests.collectors.fuzzing import spoiled

CASES = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in Path(__file__).with_name("cases").glob("*.json")}
CORE = "device/core.lan"


def scopes(*documents: Any) -> dict[str, ScopeResult]:
    return {s.name: s for s in scopes_of([facts_of(d) for d in documents])}


def things(found: Iterable[ScopeResult]) -> dict[str, dict[str, Any]]:
    """Native key -> values, each valid as its type defines it."""
    seen: dict[str, dict[str, Any]] = {}
    for scope in found:
        for answer in scope.answers:
            for said in answer.parse():
                assert isinstance(said, Observation)
                BY_TABLE[said.table].adapter.validate_python(dict(said.values))
                seen.setdefault(said.key, {}).update(said.values)
    return seen


def core(**changes: Mapping[str, Any]) -> dict[str, Any]:
    """The managed switch with some columns changed: `lldp={"lldpRemSysName": {…}}`."""
    document: dict[str, Any] = copy.deepcopy(CASES["core"])
    for part, columns in changes.items():
        document["parts"][part]["columns"].update(columns)
    return document


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, Any]]:
    return things(scopes(CASES["core"]).values())


class TestSystem:
    def test_a_switch_is_a_network_device_with_maker_model_and_serial_number(self, said) -> None:
        host = said[CORE]
        assert (host["hostname"], host["host_type"], host["management_ip"]) == ("core", "network_device", "10.0.0.2")
        assert (host["vendor"], host["model"]) == ("Cisco Systems, Inc.", "WS-C2960X-24TS-L")
        assert (host["serial_number"], host["os_name"], host["os_version"]) == ("FOC1936X0AB", "IOS", "15.2(7)E3")
        assert "00:1a:2b:00:00:80" in host["mac_addresses"]

    def test_a_linux_host_with_an_agent_is_no_network_device_even_where_it_forwards(self) -> None:
        document = copy.deepcopy(CASES["switch"])
        document["scalars"]["sysServices"] = 78
        host = things(scopes(document).values())["device/10.77.0.1"]
        assert "host_type" not in host
        assert "vendor" not in host
        assert (host["kernel"], host["architecture"]) == ("6.1.0-28-amd64", "x86_64")

    @pytest.mark.parametrize(("serials", "expected"), [({"1": "A", "2": "B"}, None), ({"1": "A", "2": "A"}, "A")])
    def test_a_stack_of_several_chassis_has_no_serial_number_of_its_own(self, serials, expected) -> None:
        columns = {
            "entPhysicalClass": {"9": 11, "1": 3, "2": 3}, "entPhysicalContainedIn": {"9": 0, "1": 9, "2": 9},
            "entPhysicalSerialNum": serials, "entPhysicalModelName": {"1": "X", "2": "X"},
        }  # fmt: skip
        host = things(scopes(core(system=columns)).values())[CORE]
        assert host.get("serial_number") == expected
        assert host["model"] == "X"

    def test_two_addresses_of_one_switch_in_hosts_are_told_and_read_once(self) -> None:
        again = {**CASES["core"], "name": "10.0.0.3"}
        found = scopes(CASES["core"], again)
        assert found["10.0.0.3/system"].status == "failed"
        assert "same device as core.lan" in found["10.0.0.3/system"].errors[0]
        assert [n for n in found if n.startswith("10.0.0.3")] == ["10.0.0.3/system"]


class TestInterfaces:
    def test_ports_are_named_as_the_device_names_them(self, said) -> None:
        port = said[f"{CORE}/interface/Gi1/0/1"]
        assert port["interface_type"] == "physical"
        assert (port["mac_address"], port["mtu"], port["speed_mbps"]) == ("00:1a:2b:00:00:81", 1500, 1000)
        assert port["link_status"] == "up"

    def test_a_secret_in_a_description_is_taken_out(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/1"]["description"] == "web1, password=***"

    def test_members_lie_below_their_bond_and_vlans_say_their_tag(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/2"]["parent_interface_id"] == f"{CORE}/interface/Po1"
        assert said[f"{CORE}/interface/Po1"]["interface_type"] == "bond"
        vlan = said[f"{CORE}/interface/Vl20"]
        assert (vlan["interface_type"], vlan["vlan_id"]) == ("vlan", 20)

    def test_a_port_without_a_link_has_no_speed(self, said) -> None:
        port = said[f"{CORE}/interface/Gi1/0/4"]
        assert port["link_status"] == "down"
        assert "speed_mbps" not in port

    def test_a_name_that_two_interfaces_have_is_not_taken(self) -> None:
        names = {"10101": "eth", "10102": "eth", "10103": ""}
        found = things(scopes(core(interfaces={"ifName": names})).values())
        assert f"{CORE}/interface/GigabitEthernet1/0/1" in found
        assert f"{CORE}/interface/GigabitEthernet1/0/3" in found
        assert f"{CORE}/interface/eth" not in found

    def test_what_belongs_to_docker_on_a_linux_host_is_left_to_the_docker_collector(self) -> None:
        document = copy.deepcopy(CASES["quiet"])
        columns = document["parts"]["interfaces"]["columns"]
        for n, name in (("70", "docker0"), ("71", "br-0123456789ab"), ("72", "veth1a2b3c4")):
            columns["ifName"][n], columns["ifDescr"][n], columns["ifType"][n] = name, name, 6
        document["parts"]["addresses"]["columns"]["ipAdEntIfIndex"]["172.17.0.1"] = 70
        document["parts"]["addresses"]["columns"]["ipAdEntNetMask"]["172.17.0.1"] = "255.255.0.0"
        document["parts"]["arp"]["columns"]["ipNetToMediaPhysAddress"]["70.172.17.0.2"] = "\x02B\xac\x11\x00\x02"
        assert not [k for k in things(scopes(document).values()) if "172.17" in k or "docker" in k or "veth" in k]


class TestAddresses:
    def test_addresses_of_both_tables_are_one_with_network_and_origin(self, said) -> None:
        address = said["address/10.0.20.2"]
        assert address["interface_id"] == f"{CORE}/interface/Vl20"
        assert (address["network_id"], address["allocation_type"]) == ("network/10.0.20.0/24", "dhcp")
        assert said["network/10.0.20.0/24"]["vlan_id"] == 20
        assert said["address/fd00:0:0:20::2"]["network_id"] == "network/fd00:0:0:20::/64"

    def test_loopback_link_local_and_broadcast_addresses_are_not_told(self, said) -> None:
        assert not [k for k in said if k.startswith(("address/127", "address/fe80", "address/10.0.20.255"))]

    def test_neighbours_carry_their_hardware_address_and_no_host(self, said) -> None:
        assert said["address/10.0.20.5"] == {"ip_address": "10.0.20.5", "mac_address": "bc:24:11:00:00:05"}
        assert said["address/fd00:0:0:20::5"]["mac_address"] == "bc:24:11:00:00:05"
        assert not [k for k in said if k in ("address/10.0.20.6", "address/224.0.0.251", "address/fd00:0:0:20::9")]


class TestBridge:
    def test_vlans_have_names_and_ports(self, said) -> None:
        servers = said[f"{CORE}/vlan/20"]
        assert (servers["vlan_name"], servers["untagged_ports"]) == ("servers", ["Gi1/0/1"])
        assert servers["tagged_ports"] == ["Po1"]
        assert said[f"{CORE}/vlan/40"]["vlan_name"] == "voice"
        assert f"{CORE}/vlan/1002" not in said

    def test_an_access_port_says_its_vlan_and_a_trunk_none(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/1"]["vlan_id"] == 20
        assert "vlan_id" not in said[f"{CORE}/interface/Po1"]

    def test_a_list_of_ports_that_names_one_the_bridge_lacks_is_not_believed(self) -> None:
        odd = {"dot1qVlanStaticEgressPorts": {"20": "\x00\x00\x00\x01\x00\x18"}}
        servers = things(scopes(core(vlans=odd)).values())[f"{CORE}/vlan/20"]
        assert "tagged_ports" not in servers

    def test_learned_addresses_are_sightings_and_the_bridges_own_are_not(self, said) -> None:
        seen = said[f"{CORE}/interface/Gi1/0/1/fdb/1/bc:24:11:00:00:05"]
        assert (seen["vlan_id"], seen["seen_by"]) == (1, "fdb")
        assert not [k for k in said if k.endswith("00:1a:2b:00:00:c0")]

    def test_a_forwarding_table_that_vlans_share_tells_no_vlan(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/1/fdb/0/bc:24:11:00:00:06"]["vlan_id"] == 0

    def test_an_address_behind_a_port_that_is_no_known_interface_makes_the_scope_partial(self) -> None:
        scope = scopes(CASES["core"])["core.lan/fdb"]
        assert scope.status == "partial"
        assert "1 addresses are behind ports" in scope.errors[0]


class TestNeighbours:
    def test_a_neighbour_that_announces_the_name_of_its_port_is_linked(self, said) -> None:
        links = {k: v for k, v in said.items() if k.startswith("link/")}
        there = "neighbour/4/00:1a:2b:00:09:00/interface/GigabitEthernet0/1"
        assert [{v["interface_a_id"], v["interface_b_id"]} for v in links.values()] == [
            {f"{CORE}/interface/Gi1/0/2", there}
        ]

    def test_one_neighbour_with_another_chassis_on_each_port_is_one_host(self, said) -> None:
        hosts = [v for k, v in said.items() if k.startswith("neighbour/") and "hostname" in v]
        attic = next(h for h in hosts if h["hostname"] == "attic")
        assert attic["mac_addresses"] == ["00:1a:2b:00:09:00", "00:1a:2b:00:09:03"]
        assert attic["management_ip"] == "10.0.0.9"
        assert [h["hostname"] for h in hosts].count("attic") == 1

    def test_a_port_announced_by_its_hardware_address_is_a_sighting_for_others_to_join(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/1/lldp/0/bc:24:11:00:00:05"]["seen_by"] == "lldp"
        assert said["neighbour/4/bc:24:11:00:00:05"]["hostname"] == "web1"

    def test_a_name_without_an_address_that_its_maker_burnt_in_is_no_host(self, said) -> None:
        assert not [v for v in said.values() if v.get("hostname") == "toy"]

    def test_a_phone_without_a_name_is_a_sighting_only(self, said) -> None:
        assert said[f"{CORE}/interface/Gi1/0/4/lldp/0/64:16:7f:00:00:07"]["seen_by"] == "lldp"

    def test_a_name_that_was_cut_on_the_way_names_no_interface(self, said) -> None:
        assert not [k for k in said if k.endswith("/Ten-GigabitEther")]

    def test_two_devices_of_the_source_meet_in_one_link_whoever_says_it(self) -> None:
        found = scopes(CASES["switch"], CASES["router"])
        links = [
            a.key for name in ("10.77.0.1/lldp", "10.77.0.11/lldp") for a in found[name].answers if "link" in a.key
        ]
        assert len(links) == 2
        assert len(set(links)) == 1
        assert links[0] == "link/device/10.77.0.1/interface/v1/device/10.77.0.11/interface/eth0"

    def test_an_interface_alone_behind_a_port_is_linked_by_the_forwarding_table(self) -> None:
        said = things(scopes(CASES["switch"], CASES["router"], CASES["quiet"]).values())
        link = said["link/device/10.77.0.1/interface/v3/device/10.77.0.13/interface/eth0"]
        assert link["kind"] == "fdb"

    def test_an_interface_alone_behind_ports_of_two_bridges_is_linked_to_neither(self) -> None:
        other = copy.deepcopy(CASES["switch"])
        other["name"], other["scalars"]["sysName"] = "10.77.0.2", "other"
        other["scalars"]["lldpLocChassisId"] = other["scalars"]["dot1dBaseBridgeAddress"] = "\x00\x16>w\x09\x01"
        columns = other["parts"]["interfaces"]["columns"]["ifPhysAddress"]
        other["parts"]["interfaces"]["columns"]["ifPhysAddress"] = dict.fromkeys(columns, "\x00\x16>w\x09\x02")
        said = things(scopes(CASES["switch"], other, CASES["quiet"]).values())
        assert not [v for v in said.values() if v.get("kind") == "fdb"]

    def test_a_device_of_the_source_that_is_down_is_not_taken_for_a_stranger(self) -> None:
        from dataclasses import replace

        down = replace(facts_of(CASES["router"]), error="no answer")
        found = things(scopes_of([facts_of(CASES["switch"]), down]))
        assert not [v for v in found.values() if v.get("hostname") == "router"]


class TestPartialFailure:
    @pytest.mark.parametrize("part", ["interfaces", "addresses", "vlans", "lldp"])
    def test_half_of_what_comes_from_several_tables_fails_and_changes_nothing(self, part: str) -> None:
        document = core()
        document["parts"][part]["error"] = "no answer within 3 s"
        scope = scopes(document)[f"core.lan/{part}"]
        assert (scope.status, list(scope.answers)) == ("failed", [])
        assert "no answer within 3 s" in scope.errors[0]

    @pytest.mark.parametrize("part", ["arp", "fdb"])
    def test_half_of_a_table_whose_rows_stand_by_themselves_only_adds(self, part: str) -> None:
        document = core()
        document["parts"][part]["error"] = "no answer within 3 s"
        scope = scopes(document)[f"core.lan/{part}"]
        assert scope.status == "partial"
        assert list(scope.answers)

    def test_without_its_interfaces_nothing_else_of_a_device_is_told(self) -> None:
        document = core()
        document["parts"]["interfaces"]["error"] = "no answer within 3 s"
        assert {s.status for n, s in scopes(document).items() if n != "core.lan/system"} == {"failed"}

    def test_an_empty_table_is_complete_only_where_the_device_shows_that_it_has_the_part(self) -> None:
        document = core()
        document["parts"]["lldp"]["columns"] = {}
        assert scopes(document)["core.lan/lldp"].status == "complete"
        del document["scalars"]["lldpLocChassisIdSubtype"]
        assert "core.lan/lldp" not in scopes(document)

    @pytest.mark.parametrize("part", ["interfaces", "addresses"])
    def test_what_every_device_has_is_never_complete_where_it_is_empty(self, part: str) -> None:
        document = core()
        document["parts"][part]["columns"] = {}
        scope = scopes(document)[f"core.lan/{part}"]
        assert scope.status == "failed"
        assert "view" in scope.errors[0]


class TestDigest:
    def test_the_order_of_rows_makes_no_difference(self) -> None:
        turned = copy.deepcopy(CASES["core"])
        for part in turned["parts"].values():
            for name, column in part["columns"].items():
                part["columns"][name] = dict(reversed(column.items()))
        first, second = (
            {a.key: a.digest for s in scopes(d).values() for a in s.answers} for d in (CASES["core"], turned)
        )
        assert first == second
        assert list(first) == list(second)

    def test_the_time_mark_of_a_neighbour_makes_no_difference(self) -> None:
        columns = CASES["core"]["parts"]["lldp"]["columns"]
        later = {n: {k.replace("77.3.3", "99.3.3"): v for k, v in c.items()} for n, c in columns.items()}
        first, second = (
            {a.key: a.digest for s in scopes(d).values() for a in s.answers} for d in (core(), core(lldp=later))
        )
        assert first == second


@given(st.sampled_from(sorted(CASES)).flatmap(lambda name: spoiled(CASES[name])))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_spoiled_answers_never_raise_and_all_that_is_told_is_valid(document: Any) -> None:
    things(scopes(document, CASES["quiet"]).values())


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("\x00\x1a+\x00\x00\x80", "00:1a:2b:00:00:80"),
        ("8c:60:4f:19:16:7c", "8c:60:4f:19:16:7c"),
        ("0:c:29:1:2:3", "00:0c:29:01:02:03"),
        ("001a.2b00.0080", "00:1a:2b:00:00:80"),
        ("\x00" * 6, None),
        ("\x01\x00^\x00\x00\xfb", None),
        ("", None),
        (7, None),
    ],
)
def test_hardware_addresses_come_as_octets_or_written_out(given_: Any, expected: str | None) -> None:
    assert mac(given_) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("mgmt0\x00\x00\x00", "mgmt0"),
        ("a\r\n b", "a b"),
        ("BÃ¼ro", "Büro"),
        ("B\xfcro", "Büro"),
        (3, ""),
        ("\x1b[31mred", "[31mred"),
    ],
)
def test_texts_come_out_readable_whatever_pads_or_encodes_them(given_: Any, expected: str) -> None:
    assert text(given_) == expected
