"""Scans of networks that exist only in network namespaces; every packet that leaves is counted there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from infradb import clock
from infradb.collectors.scan.collector import ScanCollector
from infradb.collectors.scan.pace import Pace
from infradb.collectors.scan.settings import ScanSettings
from infradb.errors import SettingsError
from infradb.model.catalog import BY_TABLE
from infradb.observation import CollectionRun, Observation
from infradb.operations.absorb import absorb
from infradb.store import runs
from infradb.store.database import Database
from tests.collectors.namespaces import Wiring, inside, wiring
from tests.collectors.scan import peer
from tests.peers import run_ip


@pytest.fixture(scope="module")
def link() -> Iterator[Wiring]:
    with peer.link() as made:
        yield made


def collector(**given: Any) -> ScanCollector:
    settings = {"networks": peer.NETWORK, "names": (), "rate_per_second": 400, "timeout_seconds": 0.5, **given}
    return ScanCollector("lab", ScanSettings.model_validate(settings))


def scan(link: Wiring, **given: Any) -> CollectionRun:
    return inside(peer.scanner(link), collector(**given).collect)


def addresses(run: CollectionRun) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for scope in run.scopes:
        for answer in scope.answers:
            for said in answer.parse():
                assert isinstance(said, Observation)
                BY_TABLE[said.table].adapter.validate_python(dict(said.values))
                if said.table == "ip_addresses":
                    found.setdefault(said.values["ip_address"], {}).update(said.values)
    return found


class TestFinding:
    def test_whoever_answers_on_the_link_is_found_with_hardware_address_and_vendor(self, link: Wiring) -> None:
        run = scan(link)
        assert {s.name: s.status for s in run.scopes} == {peer.NETWORK: "complete"}
        found = addresses(run)
        assert set(found) == {peer.SCANNER, peer.PLAIN, peer.MUTE, peer.MDNS, peer.NETBIOS}
        assert {a: v["mac_address"] for a, v in found.items()} == peer.MACS
        assert {v["mac_vendor"] for v in found.values()} == {"Xensource, Inc."}
        assert {v["network_id"] for v in found.values()} == {f"network/{peer.NETWORK}"}

    def test_when_an_address_answered_is_measured_and_no_host_is_made(self, link: Wiring) -> None:
        run = scan(link)
        measured = {k: v for s in run.scopes for a in s.answers for k, v in a.measured.items()}
        assert set(measured[f"address/{peer.MUTE}"]) == {"last_seen_at"}
        assert {o.table for s in run.scopes for a in s.answers for o in a.parse()} == {"networks", "ip_addresses"}  # type: ignore[union-attr]

    def test_behind_a_router_an_echo_or_a_port_tells_and_nothing_else_is_claimed(self, link: Wiring) -> None:
        found = addresses(scan(link, networks=peer.BEHIND, knock=22))
        assert found == {peer.FAR: {"ip_address": peer.FAR}, peer.FAR_MUTE: {"ip_address": peer.FAR_MUTE}}

    def test_without_tcp_what_filters_echo_requests_behind_a_router_is_not_seen(self, link: Wiring) -> None:
        assert set(addresses(scan(link, networks=peer.BEHIND, methods="icmp"))) == {peer.FAR}

    def test_without_echo_requests_the_link_is_asked_by_datagrams(self, link: Wiring) -> None:
        run = scan(link, methods="arp")
        assert set(addresses(run)) == {peer.SCANNER, peer.PLAIN, peer.MUTE, peer.MDNS, peer.NETBIOS}
        assert not [c for c in run.calls if "ICMP" in c.name]

    def test_open_ports_are_tried_on_request_only(self, link: Wiring) -> None:
        found = addresses(scan(link, ports="22,80"))
        assert found[peer.PLAIN]["open_ports"] == ["tcp/22"]
        assert found[peer.MDNS]["open_ports"] == []
        assert "open_ports" not in addresses(scan(link))[peer.PLAIN]

    def test_names_come_from_the_dns_from_mdns_and_from_netbios(self, link: Wiring) -> None:
        run = scan(link, names="ptr,mdns,netbios", resolver=peer.PLAIN, timeout_seconds=1)
        assert [s.status for s in run.scopes] == ["complete", "complete"]
        names = {a: v["hostname"] for a, v in addresses(run).items() if "hostname" in v}
        assert names == {peer.PLAIN: "plain.lab.example", peer.MDNS: "printer.local", peer.NETBIOS: "fileserver"}

    def test_a_dns_server_that_is_silent_makes_only_the_names_partial(self, link: Wiring) -> None:
        run = scan(link, names="ptr", resolver=peer.MUTE)
        assert {s.name: s.status for s in run.scopes} == {peer.NETWORK: "complete", f"{peer.NETWORK}/names": "partial"}
        assert "resolver" in run.errors[0]

    @pytest.mark.long
    def test_a_neighbour_that_the_kernel_remembers_and_that_is_gone_is_not_there(self, link: Wiring) -> None:
        here, gone = peer.scanner(link), next(n for n in link.names if n.endswith("-h3"))
        run_ip("-n", here, "neigh", "replace", peer.MDNS, "lladdr", peer.MACS[peer.MDNS], "dev", "br0", "nud", "stale")
        run_ip("-n", gone, "link", "set", "eth0", "down")
        try:
            assert peer.MDNS not in addresses(scan(link))
        finally:
            run_ip("-n", gone, "link", "set", "eth0", "up")


class TestRepeated:
    def test_two_scans_make_the_same_digests(self, link: Wiring) -> None:
        digests = [{a.key: a.digest for s in scan(link).scopes for a in s.answers} for _ in range(2)]
        assert digests[0] == digests[1]

    def test_a_second_discovery_finds_nothing_new_and_keeps_the_time_current(
        self, link: Wiring, database: Database
    ) -> None:
        changed, seen = [], []
        for _ in range(2):
            # A busy machine's namespaces may answer later than the default second; this is about sameness.
            run = scan(link, timeout_seconds=3)
            with database.write() as connection:
                runs.add_source(connection, "lab", "scan", clock.now(), declared=False, rank=80)
                changed.append(absorb(connection, run).changed)
                seen += connection.query("SELECT last_seen_at FROM ip_addresses WHERE ip_address = ?", (peer.PLAIN,))
        assert changed == [6, 0]
        assert seen[1][0] > seen[0][0]


class TestRestraint:
    def test_nothing_outside_the_named_networks_gets_a_packet(self, link: Wiring) -> None:
        here = peer.scanner(link)
        peer.count(here, f"{peer.NETWORK}, {peer.BEHIND}")
        scan(link, networks=f"{peer.NETWORK},{peer.BEHIND}", names="ptr,mdns,netbios", resolver=peer.PLAIN, ports="22")
        counted = peer.counted(here)
        assert counted["sent"] > 100
        assert counted["outside"] == 0

    def test_a_network_behind_the_link_is_left_alone_where_only_the_link_is_named(self, link: Wiring) -> None:
        here = peer.scanner(link)
        peer.count(here, peer.NETWORK)
        scan(link)
        assert peer.counted(here)["outside"] == 0

    @pytest.mark.parametrize("network", [peer.NETWORK, peer.BEHIND])
    def test_the_rate_is_held_in_every_second(self, link: Wiring, network: str) -> None:
        here, rate = peer.scanner(link), 40
        run_ip("-n", here, "neigh", "flush", "dev", "br0")
        peer.count(here, peer.NETWORK)
        samples = _sampled(
            here, lambda: scan(link, networks=network, rate_per_second=rate, knock=22, timeout_seconds=1)
        )
        assert samples[-1][1] > 50
        for n, (at, packets) in enumerate(samples):
            for later, more in samples[n + 1 :]:
                # The kernel's repeated requests, a second apart, may fall into one window with new ones.
                allowed = rate * (later - at) + rate
                assert more - packets <= allowed, (at, later, more - packets)
        assert samples[-1][1] / (samples[-1][0] - samples[0][0]) <= rate * 1.1

    def test_a_turn_that_was_not_taken_is_not_made_up_for(self) -> None:
        pace = Pace(100)
        time.sleep(0.1)
        assert [pace.take() > 0 for _ in range(3)] == [False, True, True]

    def test_a_container_engines_bridge_is_refused(self, link: Wiring) -> None:
        here = peer.scanner(link)
        run_ip("-n", here, "link", "add", "br-0123456789ab", "type", "bridge")
        try:
            run_ip("-n", here, "addr", "add", "172.19.0.1/16", "dev", "br-0123456789ab")
            peer.count(here, peer.NETWORK)
            with pytest.raises(SettingsError, match="br-0123456789ab") as raised:
                scan(link, networks=f"{peer.NETWORK},172.19.0.0/24")
            assert raised.value.hint
            assert peer.counted(here)["sent"] == 0
        finally:
            run_ip("-n", here, "link", "del", "br-0123456789ab")

    @pytest.mark.parametrize(
        "network",
        ["10.0.0.0/15", "fd00::/111", "8.8.8.0/24", "2001:4860::/120", "127.0.0.0/24", "169.254.0.0/24", "224.0.0.0/24",
         "0.0.0.0/32", "240.0.0.0/24", "10.0.0.1/24", "", "lan", "10.0.0.0/24,10.0.0.128/25"],
    )  # fmt: skip
    def test_networks_that_may_not_be_tried_are_refused(self, network: str) -> None:
        with pytest.raises(ValidationError):
            ScanSettings.model_validate({"networks": network})

    def test_a_public_network_needs_the_word_that_it_is_meant(self) -> None:
        assert ScanSettings.model_validate({"networks": "8.8.8.0/30", "public": True}).wanted
        with pytest.raises(ValidationError, match="public=true"):
            ScanSettings.model_validate({"networks": "8.8.8.0/30"})

    def test_without_networks_there_is_no_scan(self) -> None:
        with pytest.raises(ValidationError):
            ScanSettings.model_validate({})


class TestMissing:
    def test_without_a_way_the_scope_fails_and_says_so(self, link: Wiring) -> None:
        run = scan(link, networks="10.90.0.0/28")
        assert [(s.status, s.errors[0]) for s in run.scopes] == [
            ("failed", "there is no way to 10.90.0.0/28 from here: check the address, or this machine's routes")
        ]

    def test_where_nobody_answers_the_scope_is_not_complete_and_says_what_was_tried(self, link: Wiring) -> None:
        run_ip("-n", peer.scanner(link), "route", "replace", "10.91.0.0/28", "via", peer.MUTE)
        run = scan(link, networks="10.91.0.0/28", knock=22)
        assert run.scopes[0].status == "partial"
        assert "nobody but this machine answered in 10.91.0.0/28 (tried: arp, icmp, tcp)" in run.errors[0]

    def test_without_the_right_to_ping_tcp_is_used_and_the_right_is_named(self, link: Wiring) -> None:
        found = _without_right(link, peer.BEHIND)
        assert found["status"] == "partial"
        assert found["addresses"] == [peer.FAR, peer.FAR_MUTE]
        assert "CAP_NET_RAW" in found["errors"][0]
        assert next(d for d in found["diagnosis"] if not d["ok"])["hint"]

    def test_on_the_link_the_right_to_ping_is_not_needed(self, link: Wiring) -> None:
        found = _without_right(link, peer.NETWORK)
        assert (found["status"], len(found["addresses"])) == ("complete", 5)

    def test_where_everybody_may_ping_no_privilege_is_used(self, link: Wiring) -> None:
        _in(link, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        try:
            found = _without_right(link, peer.BEHIND)
        finally:
            _in(link, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
        assert found["status"] == "complete"
        assert {"needs": "ICMP echo requests", "ok": True, "detail": "without privileges", "hint": ""} in found[
            "diagnosis"
        ]

    def test_diagnosis_sends_nothing(self, link: Wiring) -> None:
        here = peer.scanner(link)
        peer.count(here, peer.NETWORK)
        found = inside(here, collector(networks=f"{peer.NETWORK},{peer.BEHIND},10.90.0.0/28").diagnose)
        assert peer.counted(here) == {"sent": 0, "outside": 0, "asked": 0}
        assert [d.ok for d in found] == [True, True, True, True, False]

    def test_ctrl_c_ends_a_scan_at_once_and_leaves_nothing(self, link: Wiring) -> None:
        command = _command(link, peer.NETWORK, rate_per_second=5)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(3)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
        assert said.decode().strip().endswith("KeyboardInterrupt")
        assert b"never" not in said


_PROGRAM = """
import json, sys
from dataclasses import asdict
from infradb.collectors.scan.collector import ScanCollector
from infradb.collectors.scan.settings import ScanSettings
collector = ScanCollector("lab", ScanSettings.model_validate(json.loads(sys.argv[1])))
diagnosis = [asdict(d) for d in collector.diagnose()]
run = collector.collect()
said = [o.values["ip_address"] for s in run.scopes for a in s.answers for o in a.parse() if o.table == "ip_addresses"]
print(json.dumps({"status": run.status, "errors": run.errors, "addresses": said, "diagnosis": diagnosis}))
"""


def _command(link: Wiring, network: str, *before: str, **given: Any) -> list[str]:
    settings = {"networks": network, "names": [], "knock": 22, "timeout_seconds": 0.5, **given}
    inside_it = ["ip", "netns", "exec", peer.scanner(link), *before]
    return [*inside_it, sys.executable, "-c", _PROGRAM, json.dumps(settings)]


def _without_right(link: Wiring, network: str) -> dict[str, Any]:
    drop = ("setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw")
    done = subprocess.run(_command(link, network, *drop), capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _in(link: Wiring, *command: str) -> None:
    subprocess.run(["ip", "netns", "exec", peer.scanner(link), *command], check=True, timeout=10)


def _sampled(namespace: str, call: Callable[[], object]) -> list[tuple[float, int]]:
    """Return (time, packets sent by then) while something runs."""
    samples: list[tuple[float, int]] = []
    done = threading.Event()

    def sample() -> None:
        while True:
            last = done.is_set()
            counted = peer.counted(namespace)
            samples.append((time.monotonic(), counted["sent"] + counted["asked"]))
            if last:
                return
            done.wait(0.3)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        call()
    finally:
        done.set()
        thread.join()
    return samples


def test_an_ipv6_link_is_scanned_by_neighbour_discovery() -> None:
    with wiring() as made:
        here = made.switch("scanner", "fd00:0:0:88::1/120", peer.MACS[peer.SCANNER])
        made.host("six", here, "v1", "fd00:0:0:88::11/120", peer.MACS[peer.PLAIN])
        mute = made.host("mute", here, "v2", "fd00:0:0:88::12/120", peer.MACS[peer.MUTE])
        peer.nft(
            mute, "table inet t { chain in { type filter hook input priority 0; icmpv6 type echo-request drop; }; }"
        )
        time.sleep(2)  # the bridge's own address is tried for duplicates first
        run = inside(here, collector(networks="fd00:0:0:88::/123").collect)
    assert run.scopes[0].status == "complete"
    assert {a: v.get("mac_address") for a, v in addresses(run).items()} == {
        "fd00:0:0:88::1": peer.MACS[peer.SCANNER],
        "fd00:0:0:88::11": peer.MACS[peer.PLAIN],
        "fd00:0:0:88::12": peer.MACS[peer.MUTE],
    }
