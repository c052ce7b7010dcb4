"""Recordings of real switches, played by snmpsim."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.snmp.client import SnmpClient
from infradb.collectors.snmp.collector import scopes_of
from infradb.collectors.snmp.settings import SnmpSettings
from infradb.collectors.snmp.tables import DeviceFacts, facts_of
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation, ScopeResult
from infradb.transport.calls import CallLog
from tests.collectors.snmp import peer
from tests.peers import SHARED_FOLDER_VARIABLE

DEVICES = {
    "nexus": "network/switch/cisco-n5000.snmprec.bz2",
    "procurve": "network/switch/hpe-procurve-516733-b21.snmprec.bz2",
    "arista": "cloud/arista-dcs-7150s-52-cl.snmprec.bz2",
    "brocade": "network/switch/brocade-icx6430-24.snmprec.bz2",
}
Read = tuple[Mapping[str, DeviceFacts], Mapping[str, ScopeResult], Mapping[str, Mapping[str, Any]]]


def read_recorded(folder: Path) -> dict[str, Any]:
    """Return device -> its facts as a document."""
    with pytest.MonkeyPatch.context() as patch, peer.recorded(folder, DEVICES) as places:
        patch.setenv("INFRADB_TEST_PUBLIC", peer.RECORDED_COMMUNITY)
        settings = SnmpSettings(
            hosts=tuple(places.values()), community="env:INFRADB_TEST_PUBLIC", timeout_seconds=20, parallel=4
        )
        found = {f.name: f for f in SnmpClient(settings, CallLog()).read_all()}
    assert {n: f.error for n, f in found.items() if f.error} == {}
    return {name: {**found[place].to_json(), "name": name} for name, place in places.items()}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Facts by device, scopes by device and part, and everything that is told by its native key; read by one worker."""
    shared = Path(os.environ[SHARED_FOLDER_VARIABLE])
    with (shared / "snmpsim.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = shared / "snmpsim.json"
        if not kept.exists():
            kept.write_text(json.dumps(read_recorded(tmp_path_factory.mktemp("snmpsim"))))
        documents = json.loads(kept.read_text())
    facts = [facts_of(d) for d in documents.values()]
    scopes = {s.name: s for s in scopes_of(facts)}
    said: dict[str, dict[str, Any]] = {}
    for scope in scopes.values():
        for answer in scope.answers:
            for one in answer.parse():
                assert isinstance(one, Observation)
                BY_TABLE[one.table].adapter.validate_python(dict(one.values))
                said.setdefault(one.key, {}).update(one.values)
    return {f.name: f for f in facts}, scopes, said


pytestmark = pytest.mark.long


def test_every_recorded_switch_is_read_whole(read: Read) -> None:
    assert {n: s.errors for n, s in read[1].items() if s.status != "complete"} == {}


def test_the_nexus_hears_nine_neighbours_in_81_values(read: Read) -> None:
    told = [c for n, c in read[0]["nexus"].parts["lldp"].columns.items() if n.startswith("lldpRem") and "Man" not in n]
    # The recording has nine values of each; descriptions of the system and its capabilities are not asked for.
    assert [len(column) for column in told] == [9] * 6
    names = {v["hostname"] for k, v in read[2].items() if k.startswith("neighbour/") and "hostname" in v}
    assert {"H3C-1", "H3C-2", "NWPU-CA-5548-02"} <= names


def test_three_chassis_of_one_neighbour_are_one_host(read: Read) -> None:
    hosts = [v for v in read[2].values() if v.get("hostname") == "NWPU-CA-5548-02"]
    assert [len(h["mac_addresses"]) for h in hosts] == [3]


def test_two_recorded_switches_that_were_plugged_together_are_linked(read: Read) -> None:
    assert "link/device/nexus/interface/Ethernet1/19/device/procurve/interface/17" in read[2]


def test_makers_models_and_serial_numbers_are_those_of_the_chassis(read: Read) -> None:
    found = {n: read[2][f"device/{n}"] for n in ("nexus", "procurve", "arista")}
    assert {n: (h["model"], h["serial_number"]) for n, h in found.items()} == {
        "nexus": ("N5K-C5548UP", "SSI183706KP"),
        "procurve": ("516733-B21", "3C421900TX"),
        "arista": ("DCS-7150S-52-CL", "JPE15151458"),
    }
    assert {h["host_type"] for h in found.values()} == {"network_device"}
    assert read[2]["device/nexus"]["os_version"] == "6.0(2)N2(3)"


def test_each_switch_has_the_interfaces_that_it_counts(read: Read) -> None:
    counted = {
        n: sum(k.startswith(f"device/{n}/interface/") and "interface_type" in v for k, v in read[2].items())
        for n in DEVICES
    }
    assert counted == {"nexus": 61, "procurve": 42, "arista": 59, "brocade": 29}


def test_forwarding_tables_are_sightings_with_their_vlan(read: Read) -> None:
    seen = [v for k, v in read[2].items() if k.startswith("device/procurve/interface/") and v.get("seen_by") == "fdb"]
    assert len(seen) == 277  # of 285 entries, 8 are the switch's own
    assert {v["vlan_id"] for v in seen} == {50, 52, 53, 70, 71, 77, 78}


def test_vlans_have_their_names_and_a_garbled_list_of_ports_is_left_out(read: Read) -> None:
    assert read[2]["device/arista/vlan/41"]["vlan_name"] == "baopan_sfit"
    assert read[2]["device/nexus/vlan/52"]["vlan_name"] == "Inside"
    brocade = read[2]["device/brocade/vlan/1"]
    assert brocade["vlan_name"] == "DEFAULT-VLAN"
    assert "untagged_ports" not in brocade


def test_networks_of_vlan_interfaces_carry_their_tag(read: Read) -> None:
    assert read[2]["network/10.40.1.0/24"]["vlan_id"] == 70
    assert read[2]["network/172.16.98.64/27"]["vlan_id"] == 41
