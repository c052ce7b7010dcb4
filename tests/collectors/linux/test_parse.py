"""What is understood of recorded machines, and what must not be."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import TIMED_OUT, Facts, Section
from infradb.model.catalog import BY_TABLE
from infradb.observation import ScopeResult
from tests.collectors.linux.recorded import NAMES, load, observations, understood


def scopes(facts: Facts) -> dict[str, ScopeResult]:
    return {scope.name: scope for scope in parse_facts(facts)}


def digests(facts: Facts) -> dict[str, int]:
    return {answer.key: answer.digest for scope in parse_facts(facts) for answer in scope.answers}


def things(facts: Facts, scope: str) -> dict[str, dict[str, Any]]:
    return {key: dict(said.values) for key, said in observations(scopes(facts)[scope]).items()}


@pytest.mark.parametrize("name", NAMES)
class TestEveryRecordedMachine:
    def test_is_understood_as_expected(self, name: str) -> None:
        case = load(name)
        assert understood(case.facts()) == case.expected

    def test_says_only_what_the_model_takes_and_already_in_its_form(self, name: str) -> None:
        for scope in parse_facts(load(name).facts()):
            for said in observations(scope).values():
                assert BY_TABLE[said.table].adapter.validate_python(dict(said.values)) == dict(said.values)
            for answer in scope.answers:
                for key, measured in answer.measured.items():
                    table = observations(scope)[key].table
                    assert set(measured) <= {field.name for field in BY_TABLE[table].measured}

    def test_says_measured_fields_apart(self, name: str) -> None:
        for scope in parse_facts(load(name).facts()):
            for said in observations(scope).values():
                assert not set(said.values) & {field.name for field in BY_TABLE[said.table].measured}

    def test_names_parents_before_children(self, name: str) -> None:
        seen: set[str] = set()
        for scope in parse_facts(load(name).facts()):
            for key, said in observations(scope).items():
                for field in BY_TABLE[said.table].references:
                    if said.values.get(field.name) is not None:
                        assert said.values[field.name] in seen, f"{key} points at {said.values[field.name]}"
                seen.add(key)

    def test_has_the_same_digests_when_it_is_read_again(self, name: str) -> None:
        assert digests(load(name).facts()) == digests(load(name).facts())


class TestDigests:
    def test_stay_when_only_measured_values_change(self) -> None:
        case = load("nas")
        later = case.facts(
            memory=Section("MemTotal:       16215552 kB\nMemAvailable:   1 kB\n"),
            space=Section("/dev/md0 3906250000 1 3906249999 1% /srv/photos\n"),
            boot=Section(
                "btime\t1767312001\nboot_id\t22222222-2222-4333-8444-555555555555\ninit\t1\nuptime\t99\nnow\t9\n"
            ),
        )
        assert digests(later) == digests(case.facts())
        measured = {k: v for s in parse_facts(later) for a in s.answers for k, v in a.measured.items()}
        assert measured["host"] == {"used_ram_mb": 15835}
        assert measured["device//dev/md0"]["used_gb"] == 0.0

    def test_stay_while_a_rebuild_goes_on(self) -> None:
        case = load("nas")
        mdstat = case.facts().text("mdstat").replace("recovery = 12.6%", "recovery = 99.1%")
        assert digests(case.facts(mdstat=Section(mdstat))) == digests(case.facts())

    def test_change_when_the_machine_was_started_again(self) -> None:
        case = load("nas")
        again = case.facts().text("boot").replace("22222222-", "99999999-").replace("1767312000", "1767400000")
        changed = digests(case.facts(boot=Section(again)))
        assert {key for key, digest in digests(case.facts()).items() if changed[key] != digest} == {"host"}

    def test_stay_when_containers_come_and_go(self) -> None:
        case = load("nas")
        address, table = json.loads(case.facts().text("ip-address")), case.facts().text("interfaces")
        fewer = [entry for entry in address if not entry["ifname"].startswith("veth")]
        for entry in fewer:
            if entry["ifname"].startswith("br-"):
                entry |= {"operstate": "DOWN", "flags": ["NO-CARRIER"], "addr_info": entry["addr_info"][:1]}
        facts = case.facts(ip_address=Section(json.dumps(fewer)), interfaces=Section(table))
        services = re.sub(
            r"^.*(docker-proxy|fe80::9800|docker-4f4f).*\n", "", case.facts().text("ss"), flags=re.MULTILINE
        )
        facts.sections = {**facts.sections, "ss": Section(services), "docker-proxies": Section("")}
        assert digests(facts) == digests(case.facts())


class TestAScopeThatFails:
    @pytest.mark.parametrize(
        ("section", "scope"),
        [
            ("ip-address", "interfaces"),
            ("ip-route6", "interfaces"),
            ("lsblk", "storage"),
            ("zpool-status", "storage"),
            ("lvs", "storage"),
            ("ss", "services"),
        ],
    )
    def test_leaves_the_others_whole(self, section: str, scope: str) -> None:
        slow = {section.replace("-", "_"): Section("", TIMED_OUT)}
        found = scopes(load("proxmox_node").facts(**slow))
        assert found[scope].status in ("partial", "failed")
        assert any(f"reading {section} took too long" in error for error in found[scope].errors)
        others = {name for name, other in found.items() if other.status != "complete"} - {scope}
        # Which address the machine is administered by is known from its routes.
        assert others <= ({"host"} if section == "ip-address" else set())

    def test_fails_where_nothing_is_left_of_it(self) -> None:
        found = scopes(load("proxmox_node").facts(ss=Section("", 1, "Cannot open netlink socket")))
        assert found["services"].status == "failed"
        assert found["services"].answers == ()
        assert found["services"].errors == ("reading ss ended with status 1: Cannot open netlink socket",)

    def test_is_not_made_partial_by_a_program_that_is_not_installed(self) -> None:
        found = scopes(load("openwrt_router").facts())
        assert {scope.status for scope in found.values()} == {"complete"}

    def test_says_what_to_install_where_no_program_tells_addresses(self) -> None:
        without = dict.fromkeys(("ip_address", "ip_route4", "ip_route6", "bridge_vlan"))
        found = scopes(load("lxc_guest").facts(**without))
        assert found["interfaces"].status == "partial"
        assert "install iproute2" in found["interfaces"].errors[0]


class TestIdentity:
    @pytest.mark.parametrize(
        "uuid",
        [
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "03000200-0400-0500-0006-000700080009",
            "Not Settable",
            "0",
        ],
    )
    def test_a_uuid_that_many_machines_share_is_not_said(self, uuid: str) -> None:
        facts = load("proxmox_node").facts(firmware=Section(f"sys_vendor\tACME\nproduct_uuid\t{uuid}\n"))
        assert "smbios_uuid" not in things(facts, "host")["host"]

    @pytest.mark.parametrize(
        "serial",
        ["To Be Filled By O.E.M.", "to be filled by o.e.m", "None", "0", "Default string", "System Serial Number",
         "Not Specified", "0123456789", "N/A", "xxxxxxx", "..........", "  "],
    )  # fmt: skip
    def test_a_serial_number_that_is_none_is_not_said(self, serial: str) -> None:
        facts = load("proxmox_node").facts(firmware=Section(f"sys_vendor\tACME\nproduct_serial\t{serial}\n"))
        host = things(facts, "host")["host"]
        assert host["vendor"] == "ACME"
        assert "serial_number" not in host

    @pytest.mark.parametrize("kind", ["lxc", "docker", "podman", "systemd-nspawn"])
    def test_a_container_does_not_take_its_hosts_identity(self, kind: str) -> None:
        inside = {"mounts": Section("30 1 0:50 / / rw - overlay overlay rw\n")}
        facts = load("proxmox_node").facts(virtualization=Section(f"detect\t{kind}\n"), **inside)
        host = things(facts, "host")["host"]
        assert not {"smbios_uuid", "serial_number", "vendor", "model"} & set(host)
        assert host.get("host_type") == ("lxc" if kind == "lxc" else None)
        assert ("machine_id_hash" in host) == (kind == "lxc")

    @pytest.mark.parametrize(
        ("root", "host_type"),
        [
            ("30 1 254:0 / / rw - ext4 /dev/vda rw", "vm"),
            ("30 1 0:50 / / rw - overlay overlay rw,lowerdir=x", None),
            ("30 1 254:0 /var/lib/docker/vfs/dir/abc / rw - ext4 /dev/vda rw", None),
        ],
    )
    def test_dockers_mark_counts_only_where_the_root_is_not_a_disk(self, root: str, host_type: str | None) -> None:
        marks = Section("detect\tdocker\nfile\tdocker\nhypervisor\tyes\n")
        facts = load("without_root").facts(virtualization=marks, mounts=Section(root + "\n"))
        host = things(facts, "host")["host"]
        assert host.get("host_type") == host_type
        assert ("machine_id_hash" in host) == (host_type == "vm")

    def test_an_image_that_was_never_booted_has_no_identity(self) -> None:
        facts = load("proxmox_node").facts(machine_id=Section("uninitialized\n"))
        assert "machine_id_hash" not in things(facts, "host")["host"]
        assert "address/host:pve1/127.0.0.1" in things(facts, "interfaces")

    def test_a_container_shows_none_of_its_hosts_disks(self) -> None:
        devices = things(load("lxc_guest").facts(), "storage")
        assert set(devices) == {"device//dev/mapper/pve-vm--101--disk--0", "device/tank/subvol-101-disk-1"}


class TestSecrets:
    def test_credentials_in_a_mount_are_replaced(self) -> None:
        assert "s3cret" in load("nas").facts().text("mounts")
        assert "s3cret" not in repr(understood(load("nas").facts()))

    def test_credentials_in_an_alias_are_replaced(self) -> None:
        said = load("proxmox_node").facts().text("ip-address").replace("trunk to sw1", "sw1 password=hunter2")
        facts = load("proxmox_node").facts(ip_address=Section(said))
        assert things(facts, "interfaces")["interface/vmbr0"]["description"] == "sw1 password=***"


class TestServices:
    @staticmethod
    def of(line: str, **sections: Section) -> dict[str, dict[str, Any]]:
        return things(load("without_root").facts(ss=Section(line + "\n"), **sections), "services")

    def test_an_ephemeral_port_is_one_only_with_a_unit(self) -> None:
        plain = "tcp LISTEN 0 1 0.0.0.0:45000 0.0.0.0:* ino:5 sk:1 cgroup:/ <->"
        assert self.of(plain) == {}
        owned = self.of(plain.replace("cgroup:/", "cgroup:/system.slice/rpc-statd.service"))
        assert owned["service/tcp/45000"]["service_name"] == "rpc-statd"

    def test_a_resolvers_own_questions_are_none(self) -> None:
        line = "udp UNCONN 0 0 0.0.0.0:45000 0.0.0.0:* ino:5 sk:1 cgroup:/system.slice/unbound.service <->"
        assert self.of(line) == {}

    def test_the_range_is_the_machines_own(self) -> None:
        line = "tcp LISTEN 0 1 0.0.0.0:45000 0.0.0.0:* ino:5 sk:1 cgroup:/ <->"
        assert set(self.of(line, port_range=Section("50000\t60999\n"))) == {"service/tcp/45000"}

    def test_a_published_port_is_none_even_where_nothing_else_shows_the_engine(self) -> None:
        line = "tcp LISTEN 0 1 0.0.0.0:9000 0.0.0.0:* ino:5 sk:1 cgroup:unreachable:9 <->"
        assert self.of(line) == {}
        assert set(self.of(line, docker_proxies=Section(""))) == {"service/tcp/9000"}

    @pytest.mark.parametrize(
        "group",
        [
            f"/docker/{'ab' * 32}",
            f"/system.slice/docker-{'ab' * 32}.scope",
            f"/machine.slice/libpod-{'ab' * 32}.scope/container",
        ],
    )
    def test_what_runs_in_a_container_is_none_of_the_hosts(self, group: str) -> None:
        line = 'tcp LISTEN 0 1 *:8123 *:* users:(("python3",pid=77,fd=9)) ino:5 sk:1 <->'
        assert self.of(line, processes=Section(f"77\tcomm\tpython3\n77\tcgroup\t{group}\n")) == {}

    def test_infradbs_own_container_is_its_host(self) -> None:
        line = 'tcp LISTEN 0 1 *:8420 *:* users:(("infradb",pid=77,fd=9)) ino:5 sk:1 <->'
        group = f"/docker/{'ab' * 32}"
        inside = {
            "processes": Section(f"77\tcomm\tinfradb\n77\tcgroup\t{group}\n"),
            "own_cgroup": Section(f"0::{group}\n"),
        }
        assert set(self.of(line, **inside)) == {"service/tcp/8420"}

    def test_a_name_cut_by_the_kernel_is_completed(self) -> None:
        line = 'tcp LISTEN 0 1 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=7,fd=9)) ino:5 sk:1 <->'
        said = self.of(line, processes=Section("7\tcomm\tsystemd-resolve\n7\texe\tsystemd-resolved\n"))
        assert said["service/tcp/53"]["process"] == "systemd-resolved"

    def test_an_odd_process_name_does_not_break_the_line(self) -> None:
        line = r'tcp LISTEN 0 1 0.0.0.0:99 0.0.0.0:* users:(("a \"b\",pid=3",pid=7,fd=9)) ino:5 sk:1 <->'
        assert set(self.of(line)) == {"service/tcp/99"}


class TestStorage:
    def test_a_missing_disk_makes_btrfs_degraded(self) -> None:
        btrfs = load("nas").facts().text("btrfs").replace("device\tsdf", "missing\t2")
        devices = things(load("nas").facts(btrfs=Section(btrfs)), "storage")
        assert devices["device/archive"]["health_status"] == "degraded"

    def test_a_pool_over_several_mirrors_with_a_log_is_a_mirror(self) -> None:
        status = (
            "  pool: tank\n state: DEGRADED\nconfig:\n\n\tNAME STATE\n\ttank  DEGRADED 0 0 0\n"
            "\t  mirror-0  DEGRADED 0 0 0\n\t    /dev/sda1  ONLINE 0 0 0\n\t    123456  UNAVAIL 0 0 0  was /dev/sdb1\n"
            "\t  mirror-1  ONLINE 0 0 0\n\t    /dev/sdc1  ONLINE 0 0 0\n\t    /dev/sdd1  ONLINE 0 0 0\n"
            "\tlogs\n\t  /dev/nvme0n1p4  ONLINE 0 0 0\nerrors: No known data errors\n"
        )
        replaced = {"zpool_status": Section(status), "zpool_list": Section("tank\t1000\tDEGRADED\n")}
        tank = things(load("proxmox_node").facts(**replaced), "storage")["device/tank"]
        assert tank["raid_level"] == "mirror"
        assert tank["raid_members"] == ["/dev/sda1", "/dev/sdc1", "/dev/sdd1"]
        assert tank["health_status"] == "degraded"

    def test_an_array_that_did_not_start_is_inactive(self) -> None:
        mdstat = "md127 : inactive sdb1[1](S)\n      976630464 blocks super 1.2\n"
        devices = things(load("nas").facts(mdstat=Section(mdstat)), "storage")
        assert devices["device//dev/md127"]["health_status"] == "inactive"

    def test_the_same_source_mounted_twice_is_one_device(self) -> None:
        mounts = (
            load("nas").facts().text("mounts")
            + "\n50 28 0:90 / /a rw - nfs4 n:/x rw\n51 28 0:90 / /b rw - nfs4 n:/x rw"
        )
        devices = things(load("nas").facts(mounts=Section(mounts)), "storage")
        assert devices["device/n:/x"]["mount_point"] == "/a"


class TestNetwork:
    def test_temporary_addresses_are_left_out(self) -> None:
        assert "1234:5678:9abc:def0" in load("nas").facts().text("ip-address")
        assert "1234:5678:9abc:def0" not in repr(things(load("nas").facts(), "interfaces"))

    def test_nothing_of_dockers_bridges_but_their_names_is_said(self) -> None:
        said = things(load("nas").facts(), "interfaces")
        assert said["interface/docker0"] == {
            "host_id": "host", "interface_name": "docker0", "interface_type": "bridge",
        }  # fmt: skip
        assert not [key for key in said if "172.1" in key or "veth" in key]

    def test_the_calico_address_identifies_nothing(self) -> None:
        said = load("lxc_guest").facts().text("ip-address").replace("bc:24:11:00:00:01", "ee:ee:ee:ee:ee:ee")
        facts = load("lxc_guest").facts(ip_address=Section(said))
        assert "mac_address" not in things(facts, "interfaces")["interface/eth0"]


class TestDiagnosis:
    def test_root_misses_nothing_on_a_complete_machine(self) -> None:
        found = diagnose_facts(load("proxmox_node").facts())
        assert [each.needs for each in found if not each.ok] == []

    def test_each_thing_that_is_missing_comes_with_what_to_do(self) -> None:
        for name in NAMES:
            for each in diagnose_facts(load(name).facts()):
                assert each.ok or each.hint, f"{name}: {each.needs}"

    def test_without_root_the_processes_are_missed(self) -> None:
        root = next(d for d in diagnose_facts(load("without_root").facts()) if d.needs.startswith("root"))
        assert not root.ok
        assert "processes" in root.hint
