"""The FreeBSD part of the script, against programs that print what FreeBSD's do: no FreeBSD runs here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.freebsd import links, routes, sockets
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.script import facts_script
from infradb.collectors.linux.sections import Facts, Section, split_sections
from tests.collectors.linux.recorded import load

CASE = "opnsense_firewall"
SYSCTL = {
    "kern.hostuuid": "5a1c7d1e-1111-4222-8333-0123456789ab",
    "kern.boottime": "{ sec = 1767312000, usec = 271828 } Fri Jan  2 00:00:00 2026",
    "kern.boot_id": "1c0ffee000000000000000000000aa01",
    "hw.ncpu": "4",
    "hw.model": "Intel(R) N100",
    "hw.physmem": str(8256000 * 1024),
    "hw.pagesize": "4096",
    "vm.stats.vm.v_free_count": "1000000",
    "vm.stats.vm.v_inactive_count": "400000",
    "vm.stats.vm.v_laundry_count": "48000",
    "kstat.zfs.misc.arcstats.size": str(400000 * 1024),
    "security.jail.jailed": "0",
    "kern.vm_guest": "none",
    "net.inet.ip.portrange.hifirst": "49152",
    "net.inet.ip.portrange.hilast": "65535",
    "net.inet.ip.portrange.first": "10000",
    "net.inet.ip.portrange.last": "65535",
}
KENV = {
    "system.maker": "Deciso B.V.",
    "system.product": "DEC740",
    "system.version": "Default string",
    "system.serial": "DEC0001234",
    "system.uuid": "5a1c7d1e-1111-4222-8333-0123456789ab",
    "planar.maker": "Deciso B.V.",
    "planar.product": "DEC740",
}
CHOICE = 'for name; do case $name in\n{cases}\n-*) ;;\n*) echo "unknown oid $name" >&2; exit 1 ;;\nesac; done\n'


def choosing(values: dict[str, str], prefix: str = "") -> str:
    """A program that prints the values that it is asked for, one a line."""
    return CHOICE.format(cases="\n".join(f"{prefix}{name}) echo '{value}' ;;" for name, value in values.items()))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with what FreeBSD has under these names."""
    facts = load(CASE).facts()
    scripts = {
        "uname": choosing({"-s": "FreeBSD", "-r": "14.1-RELEASE-p6", "-m": "amd64"}),
        "sysctl": choosing(SYSCTL),
        "kenv": choosing(KENV, "smbios."),
        "opnsense-version": "echo 24.7.9_1\n",
        "netstat": f"case $3 in inet) cat {tmp_path}/netstat4 ;; inet6) cat {tmp_path}/netstat6 ;; esac\n",
        **{name: f"cat {tmp_path}/{name}.out\n" for name in ("hostname", "ifconfig", "sockstat")},
        "geom": f"cat {tmp_path}/geom-disk\n",
    }
    for name in ("hostname", "ifconfig", "sockstat"):
        (tmp_path / f"{name}.out").write_text(facts.text(name) + "\n")
    for name in ("netstat4", "netstat6", "geom-disk"):
        (tmp_path / name).write_text(facts.text(name) + "\n")
    for name, text in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(programs: Path, shell: str) -> Facts:
    path = f"{programs}:{os.environ['PATH']}"
    command = [*shell.split(), "-s", "token"]
    done = subprocess.run(
        command, input=facts_script(), capture_output=True, text=True, check=True, env={"PATH": path, "HOME": "/"}
    )
    assert done.stderr == ""
    return split_sections(done.stdout, "token")


@pytest.mark.parametrize("shell", ["sh", "bash --posix"])
def test_the_script_prints_what_the_parsers_read(programs: Path, shell: str) -> None:
    facts, recorded = run(programs, shell), load(CASE).facts()
    assert facts.complete
    assert facts.fields("boot").pop("now").isdecimal()
    same = set(recorded.sections) - {"uid", "boot", "host-keys", "leases", "zpool-list", "zpool-status", "zfs-list"}
    assert {n: facts.text(n) for n in same} == {n: recorded.text(n) for n in same}
    assert [facts.sections[n].status for n in facts.sections if facts.sections[n].status] == []
    assert facts.fields("boot")["btime"] == "1767312000"
    assert {s.status for s in parse_facts(facts)} == {"complete"}


def test_a_program_that_fails_costs_its_own_scope(programs: Path) -> None:
    (programs / "sockstat").write_text("#!/bin/sh\necho 'sockstat: no permission' >&2\nexit 1\n")
    found = {s.name: s for s in parse_facts(run(programs, "sh"))}
    assert {n for n, s in found.items() if s.status != "complete"} == {"services"}
    assert found["services"].errors == ("reading sockstat ended with status 1: sockstat: no permission",)


def test_what_is_missing_there_is_not_what_linux_lacks() -> None:
    found = diagnose_facts(load(CASE).facts())
    assert all(d.ok for d in found), found
    assert not any("iproute2" in d.hint for d in diagnose_facts(load("freebsd_jail").facts()))


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("root sshd 1 4 tcp4 *:22 *:*", [("tcp", ("0.0.0.0",), 22)]),
        ("root sshd 1 4 tcp6 [::1]:22 *:*", [("tcp", ("::1",), 22)]),
        ("root sshd 1 4 tcp6 fe80::1%em0:22 *:*", [("tcp", ("fe80::1",), 22)]),
        ("root Google Chrome 1 4 tcp46 *:9222 *:*", [("tcp", ("0.0.0.0", "::"), 9222)]),
        ("root sshd 1 4 tcp4 10.0.0.1:22 10.0.0.2:50000", []),
        ("unbound unbound 1 4 udp4 *:23456 *:*", []),
        ("? ? ? ? udp4 *:51820 *:*", [("udp", ("0.0.0.0",), 51820)]),
        ("root dhclient 1 4 udp4 *:* *:*", []),
        ("root x 1 4 tcp4 nonsense:22 *:*", []),
    ],
)
def test_sockets(line: str, seen: list[tuple[str, tuple[str, ...], int]]) -> None:
    facts = load(CASE).facts(sockstat=Section(line + "\n"))
    assert [(s.protocol, s.addresses, s.port) for s in sockets(facts)] == seen


def test_routes_of_older_tables_have_their_columns_elsewhere() -> None:
    old = "Destination   Gateway      Flags     Netif Expire\ndefault       10.0.0.1     UGS         em0"
    (route,) = routes(load(CASE).facts(netstat4=Section(old), netstat6=Section("")))
    assert (route.destination, route.gateway, route.interface) == ("default", "10.0.0.1", "em0")


def test_a_vlan_without_a_parent_and_a_netmask_in_bits_are_taken_as_they_are() -> None:
    said = (
        "vlan1: flags=8002<BROADCAST,MULTICAST> metric 0 mtu 1500\n\tvlan: 0 vlanproto: 0x0000 parent interface: <none>"
        "\nem0: flags=8843<UP,BROADCAST,RUNNING> metric 0 mtu 1500\n\tinet 10.0.0.5/24 broadcast 10.0.0.255\n"
    )
    vlan, card = links(load(CASE).facts(ifconfig=Section(said)))
    assert (vlan.kind, vlan.below, vlan.vlan_id) == ("vlan", "", 0)
    assert (card.addresses[0].local, card.addresses[0].prefix_length) == ("10.0.0.5", 24)
