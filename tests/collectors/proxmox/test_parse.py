"""What Proxmox VE's answers mean: made by hand from its documentation and sources. A new case is a new file."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.proxmox.drives import boot_drive, drives
from infradb.collectors.proxmox.nics import Nic, fixed_addresses
from infradb.collectors.proxmox.parse_networks import network_answers
from infradb.collectors.proxmox.parse_nodes import read_ports
from infradb.collectors.proxmox.parse_tasks import read_actors
from infradb.collectors.proxmox.values import gigabytes, mac, properties
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation, Rejected
from tests.collectors.fuzzing import spoiled
from tests.collectors.proxmox.recorded import GUESTS, NAMES, answers, backups, cluster, insides, load


def said(found: list[Answer]) -> dict[str, Observation]:
    """Everything that is said, by native key; each value as its field takes it."""
    result: dict[str, Observation] = {}
    for answer in found:
        parsed = [one for one in answer.parse() if isinstance(one, Observation)]
        assert parsed[0].key == answer.key
        for one in parsed:
            assert one.key not in result
            BY_TABLE[one.table].adapter.validate_python(dict(one.values))
            result[one.key] = one
    return result


def check(expected: dict[str, Any], found: dict[str, Observation]) -> None:
    for key, fields in expected.items():
        assert key in found, sorted(found)
        values = {n: found[key].values.get(n, "unsaid") for n in fields if n != "table"}
        assert values == {n: v for n, v in fields.items() if n != "table"}
        assert found[key].table == fields.get("table", found[key].table)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_says_what_it_is_expected_to(name: str) -> None:
    case = load(name)
    made = answers(case["kind"], case["raw"])
    found = said(made)
    check(case.get("expected", {}) if case["kind"] != "log" else {}, found)
    check(case.get("nodes", {}) | case.get("storages", {}), found)
    for path in case.get("absent", []):
        key, _, field = path.partition("#")
        assert key not in found if not field else field not in found[key].values
    if "count" in case:
        assert len(found) == case["count"], sorted(found)
    measured = {key: dict(values) for a in made for key, values in a.measured.items()}
    for key, values in case.get("measured", {}).items():
        assert measured[key] == values


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_of_a_case_gets_into_an_answer(name: str) -> None:
    case = load(name)
    for answer in answers(case["kind"], case["raw"]):
        assert "hunter2" not in repr(answer.parse())
        assert "hunter2" not in repr(getattr(answer.parse, "args", ()))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_what_is_listed_does_not_count(name: str) -> None:
    case = load(name)

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {n: turned(v) for n, v in reversed(value.items())}
        return [turned(v) for v in reversed(value)] if isinstance(value, list) else value

    one = {a.key: a.digest for a in answers(case["kind"], case["raw"])}
    assert {a.key: a.digest for a in answers(case["kind"], turned(case["raw"]))} == one


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoiled_answer_never_raises_and_says_nothing_that_its_fields_refuse(name: str, data: st.DataObject) -> None:
    case = load(name)
    raw = data.draw(spoiled(case["raw"]))
    for answer in answers(case["kind"], raw):
        for one in answer.parse():
            assert isinstance(one, Observation | Rejected)
            if isinstance(one, Observation):
                BY_TABLE[one.table].adapter.validate_python(dict(one.values))
                orjson.dumps(dict(one.values))
    backups(raw)
    read_actors([raw, *(raw if isinstance(raw, list) else [])], cluster(*GUESTS).guests, {}, 0)


def test_what_changes_by_itself_does_not_count() -> None:
    raw = load("vm-usual")["raw"]
    other = copy.deepcopy(raw)
    other["entry"] |= {"mem": 2147483648, "uptime": 99, "cpu": 0.5, "netin": 7, "diskread": 9}
    other["config"] |= {"digest": "another", "lock": "backup", "vmgenid": "other", "meta": "creation-qemu=1"}
    (one,), (two,) = answers("guest", raw), answers("guest", other)
    assert one.digest == two.digest
    assert two.measured == {"guest/101": {"used_ram_mb": 2048}}


@pytest.mark.parametrize(
    ("key", "value"),
    [("memory", "8192"), ("net0", "virtio=BC:24:11:0A:0B:0C,bridge=vmbr0,tag=21"), ("tags", "x"), ("onboot", 0),
     ("scsi0", "local-zfs:vm-101-disk-0,size=64G"), ("smbios1", "uuid=00000000-0000-4000-8000-000000000001")],
)  # fmt: skip
def test_what_is_read_counts(key: str, value: Any) -> None:
    raw = load("vm-usual")["raw"]
    other = copy.deepcopy(raw)
    other["config"][key] = value
    assert answers("guest", raw)[0].digest != answers("guest", other)[0].digest


class TestConfiguration:
    @pytest.mark.parametrize(
        ("size", "gb"),
        [("32G", 34.36), ("500M", 0.524), ("1T", 1099.512), ("528K", 0.001), ("4194304", 0.004), (1000000000, 1.0),
         ("1.5G", 1.611), ("", None), ("big", None), (None, None), (-1, None), (True, None)],
    )  # fmt: skip
    def test_sizes_are_in_binary_units(self, size: Any, gb: float | None) -> None:
        assert gigabytes(size) == gb

    def test_a_volume_without_a_name_is_the_default_one(self) -> None:
        assert properties("local:vm-1,size=1G", "file") == {"file": "local:vm-1", "size": "1G"}
        assert properties("/dev/disk/by-id/a=b,size=1G", "file") == {"file": "/dev/disk/by-id/a=b", "size": "1G"}
        assert properties("1", "order") == {"order": "1"}
        assert properties("order=any,up=30", "order") == {"order": "any", "up": "30"}

    @pytest.mark.parametrize(
        ("boot", "first"),
        [({"boot": "order=net0;ide2;scsi1;scsi0"}, "scsi1"), ({"boot": "cdn", "bootdisk": "scsi0"}, "scsi0"),
         ({"boot": "order=net0"}, None), ({"boot": "order=unused0;scsi0"}, "scsi0"), ({}, None)],
    )  # fmt: skip
    def test_the_boot_disk_is_the_first_one_in_order(self, boot: dict[str, str], first: str | None) -> None:
        config = {"scsi0": "a:b", "scsi1": "a:c", "ide2": "none,media=cdrom", "unused0": "a:d", **boot}
        assert boot_drive(config, drives("vm", config)) == first

    def test_hardware_addresses_that_stand_for_nothing_are_left_out(self) -> None:
        assert [mac(m) for m in ("01:00:5E:00:00:01", "00:00:00:00:00:00", "ee:ee:ee:ee:ee:ee", "x", None)] == [
            None
        ] * 5
        assert mac("BC-24-11-00-00-01") == "bc:24:11:00:00:01"


class TestFixedAddresses:
    def nics(self, ip: str) -> tuple[Nic, ...]:
        return Nic.read_all("lxc", {"net0": f"name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:02:01,ip={ip},gw=10.0.0.1"})

    def guests(self, *states: str, **more: Any) -> list[Any]:
        entries = [{"type": "lxc", "vmid": 100 + n, "node": "a", "status": s, **more} for n, s in enumerate(states)]
        return list(cluster(*entries).guests.values())

    def test_those_of_a_stopped_clone_give_way_to_who_runs_with_them(self) -> None:
        guests = self.guests("stopped", "running")
        assert list(fixed_addresses((g, self.nics("10.0.0.5/24")) for g in guests)) == [101]

    def test_those_of_a_guest_that_is_stopped_stay_its_own(self) -> None:
        (found,) = fixed_addresses((g, self.nics("10.0.0.5/24")) for g in self.guests("stopped")).values()
        assert [(a.ip, a.network, a.gateway) for a in found] == [("10.0.0.5", "10.0.0.0/24", "10.0.0.1")]

    def test_a_template_has_none(self) -> None:
        assert fixed_addresses((g, self.nics("10.0.0.5/24")) for g in self.guests("stopped", template=1)) == {}

    def test_dhcp_and_nonsense_are_none(self) -> None:
        for ip in ("dhcp", "manual", "auto", "10.0.0.300/24", "127.0.0.1/8", "fe80::1/64"):
            assert self.nics(ip)[0].interfaces == ()


class TestNetworks:
    def test_a_node_knows_gateways_and_tags_of_the_networks_it_is_in(self) -> None:
        case = load("network-node")
        found = said(network_answers([], [], {}, read_ports(case["raw"]), ()))
        check(case["networks"], found)
        assert "network/10.9.9.0/24" not in found

    def test_tags_that_differ_are_nobodys(self) -> None:
        nics = [Nic.read_all("lxc", {"net0": f"name=eth0,ip=10.0.0.{n}/24,tag={n}"})[0] for n in (5, 6)]
        found = said(network_answers([], [], {}, (), [a for n in nics for a in n.fixed()]))
        assert "vlan_id" not in found["network/10.0.0.0/24"].values


def test_the_firewall_is_noted_in_the_order_in_which_it_asks() -> None:
    case = load("firewall")
    found = said(answers("firewall", case["raw"]))
    fields = (
        "chain",
        "rule_number",
        "action",
        "direction",
        "protocol",
        "source_network",
        "destination_port",
        "enabled",
    )
    rules = {
        owner: [
            [o.values.get(f) for f in fields]
            for o in found.values()
            if o.table == "firewall_rules" and o.key.startswith(owner)
        ]
        for owner in ("node/", "guest/")
    }
    assert rules["node/"] == case["node_rules"]
    assert rules["guest/"] == case["guest_rules"]
    aliases = [o.values for o in found.values() if o.table == "firewall_aliases" and o.key.startswith("node/")]
    assert [[a["zone"], a["alias_name"], a["alias_type"], a["content"]] for a in aliases] == case["aliases"]


def test_a_rule_keeps_its_name_when_it_moves_or_is_switched_off() -> None:
    raw = load("firewall")["raw"]
    names = {o.key for o in said(answers("firewall", raw)).values()}
    raw["node"]["rules"].reverse()
    for pos, rule in enumerate(raw["node"]["rules"]):
        rule |= {"pos": pos, "enable": 0, "comment": "other"}
    assert {o.key for o in said(answers("firewall", raw)).values()} == names


def test_nothing_is_in_force_while_the_datacenters_firewall_is_off() -> None:
    raw = load("firewall")["raw"]
    raw["datacenter"]["options"] = {}
    found = said(answers("firewall", raw))
    rules = [o.values for o in found.values() if o.table == "firewall_rules"]
    assert rules
    assert not any(r["enabled"] or r["chain"] == "policy" for r in rules)


class TestBackups:
    def test_a_log_tells_of_each_guest_in_its_own_time(self) -> None:
        case = load("vzdump-log")
        found = {str(v): [b["last_backup_at"], b["last_backup_status"]] for v, b in backups(case["raw"]).items()}
        assert found == case["expected"]

    def test_a_backup_that_lies_on_a_storage_counts_where_it_is_newer(self) -> None:
        raw = load("vzdump-log")["raw"]
        raw["volumes"] = [{"vmid": 201, "ctime": 1756400000, "volid": "pbs:backup/ct/201/x"}, {"vmid": 101, "ctime": 1}]
        found = backups(raw)
        assert (found[201]["last_backup_status"], found[101]["last_backup_at"]) == ("OK", "2025-08-28T01:00:43.000Z")


class TestInside:
    @pytest.mark.parametrize("name", [n for n in NAMES if load(n)["kind"] == "inside"])
    def test_the_guests_system_is_told(self, name: str) -> None:
        case = load(name)
        (inside,) = insides(case["raw"])
        assert dict(inside.system) == case["system"]


class TestActors:
    NOW = 1_760_000_000

    def task(self, kind: str, ago: int = 60, **more: Any) -> dict[str, Any]:
        began = self.NOW - ago
        return {"type": kind, "id": "101", "user": "ann@pam", "node": "pve1", "starttime": began, "endtime": began + 1,
                "status": "OK", **more}  # fmt: skip

    def actors(self, *tasks: Any, status: str = "running", node: str = "pve1") -> dict[str, str]:
        guests = cluster({"type": "qemu", "vmid": 101, "node": node, "status": status}).guests
        return read_actors(list(tasks), guests, {101: ["guest/101/interface/net0"]}, self.NOW)

    def test_who_started_it_caused_that_it_runs(self) -> None:
        assert self.actors(self.task("qmstart")) == {"guest/101": "ann@pam", "guest/101/place": "ann@pam"}

    def test_who_started_it_did_not_cause_that_it_stopped(self) -> None:
        assert self.actors(self.task("qmstart"), status="stopped") == {}

    def test_who_made_it_made_its_parts_too(self) -> None:
        assert "guest/101/interface/net0" in self.actors(self.task("qmcreate"))

    def test_the_last_task_counts(self) -> None:
        tasks = [self.task("qmstop", 300, user="bob@pve!ci"), self.task("qmstart", 30)]
        assert set(self.actors(*tasks).values()) == {"ann@pam"}
        assert set(self.actors(*reversed(tasks)).values()) == {"ann@pam"}

    def test_who_moved_it_is_known_once_it_is_elsewhere(self) -> None:
        assert self.actors(self.task("qmigrate")) == {}
        assert "guest/101/place" in self.actors(self.task("qmigrate"), node="pve2")

    @pytest.mark.parametrize("more", [{"status": "got timeout"}, {"endtime": 1}, {"type": "vncproxy"}, {"id": ""}])
    def test_what_failed_is_old_or_changes_nothing_does_not_count(self, more: dict[str, Any]) -> None:
        assert self.actors(self.task("qmstart") | more) == {}
