"""The local collector against this machine, and against network namespaces, sockets and disks made for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infradb import clock
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import Section
from infradb.collectors.local.client import LocalClient
from infradb.collectors.local.collector import LocalCollector
from infradb.collectors.local.settings import LocalSettings
from infradb.collectors.registry import collector_class
from infradb.errors import SettingsError
from infradb.model.catalog import BY_TABLE
from infradb.observation import CollectionRun, Observation
from tests.peers import Lab, missing, run_ip

BUSYBOX = "busybox ash"
AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups sh"
READ_ONLY = "unshare --mount sh -c 'mount -o remount,bind,ro / && exec sh \"$@\"' sh"


def collect(shell: str = "sh", timeout_seconds: float = 60) -> CollectionRun:
    return LocalCollector("here", LocalSettings(shell=shell, timeout_seconds=timeout_seconds)).collect()


def things(run: CollectionRun, *scopes: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for scope in run.scopes:
        for answer in scope.answers if not scopes or scope.name in scopes else ():
            for said in answer.parse():
                assert isinstance(said, Observation)
                BY_TABLE[said.table].adapter.validate_python(dict(said.values))
                found[said.key] = dict(said.values)
    return found


def digests(run: CollectionRun) -> dict[str, int]:
    return {answer.key: answer.digest for scope in run.scopes for answer in scope.answers}


def inside(netns: str, shell: str = "sh") -> str:
    return f"ip netns exec {netns} {shell}"


class TestThisMachine:
    def test_is_read_completely(self) -> None:
        run = collect()
        assert [(scope.name, scope.status) for scope in run.scopes] == [
            ("host", "complete"), ("interfaces", "complete"), ("storage", "complete"), ("services", "complete"),
            ("firewall", "complete"),
        ], run.errors  # fmt: skip
        assert run.source == "here"
        assert run.status == "complete"

    def test_is_what_python_knows_it_to_be(self) -> None:
        host = things(collect(), "host")["host"]
        assert host["hostname"] == socket.gethostname().split(".")[0]
        assert host["kernel"] == os.uname().release
        assert host["architecture"] == os.uname().machine
        assert host["cpu_cores"] == os.cpu_count()
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert abs(host["total_ram_mb"] - pages / 2**20) <= 1
        started = next(int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if "btime" in line)
        assert abs(clock.to_moment(host["boot_time_at"]).timestamp() - started) <= 1

    def test_names_every_link_that_the_kernel_lists(self) -> None:
        said = things(collect(), "interfaces")
        links = {link["ifname"] for link in json.loads(run_ip("-j", "link", "show"))}
        lasting = {name for name in links if not name.startswith(("veth", "br-"))}
        assert {f"interface/{name}" for name in lasting} <= set(said)

    def test_is_listed_under_its_kind(self) -> None:
        assert collector_class("local") is LocalCollector
        assert LocalCollector.kind == "local"
        assert LocalCollector("here", LocalCollector.Settings()).name == "here"

    def test_every_program_that_fails_to_start_is_an_error_in_words(self) -> None:
        with pytest.raises(SettingsError, match="no-such-shell"):
            collect("no-such-shell")

    def test_says_what_it_calls_and_what_it_lacks(self) -> None:
        collector = LocalCollector("here")
        assert "ss -tulpne" in collector.calls()
        assert all(each.ok or each.hint for each in collector.diagnose())


class TestShells:
    @pytest.mark.parametrize("shell", ["dash", BUSYBOX, "bash --posix"])
    def test_each_gives_complete_scopes(self, shell: str) -> None:
        if shutil.which(shell.split()[0]) is None:
            missing(shell.split()[0], "not installed")
        assert {scope.status for scope in collect(shell).scopes} == {"complete"}

    def test_no_file_is_written(self) -> None:
        if os.geteuid() != 0:
            missing("mount namespaces", "only root may make one")
        run = collect(READ_ONLY)
        assert {scope.status for scope in run.scopes} == {"complete"}, run.errors

    def test_nobody_learns_everything_but_processes(self) -> None:
        if os.geteuid() != 0:
            missing("nobody", "only root may become nobody")
        run = collect(AS_NOBODY)
        # The packet filter shows its rules to root only, and is then no scope.
        assert {s.name: s.status for s in run.scopes} == dict.fromkeys(
            ("host", "interfaces", "storage", "services"), "complete"
        ), run.errors
        as_root = things(collect(), "host", "interfaces")
        lasting = {key for key in as_root if not key.startswith("interface/br-")} - {"host"}
        assert lasting <= set(things(run))
        found = LocalCollector("here", LocalSettings(shell=AS_NOBODY)).diagnose()
        assert [each.ok for each in found if each.needs.startswith("root")] == [False]

    def test_the_environment_stays_here(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("INFRADB_TOKEN", "hunter2")
        spy = tmp_path / "lsblk"
        spy.write_text(f"#!/bin/sh\nenv >{tmp_path}/seen\n")
        spy.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        collect()
        assert "PATH=" in (tmp_path / "seen").read_text()
        assert "hunter2" not in (tmp_path / "seen").read_text()


class TestAProgramThatHangs:
    def test_costs_its_own_scope_and_what_comes_after(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        length = f"4{os.getpid():07d}"
        (tmp_path / "lsblk").write_text(f"#!/bin/sh\nexec sleep {length}\n")
        (tmp_path / "lsblk").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        run = collect(timeout_seconds=3)
        statuses = {scope.name: scope.status for scope in run.scopes}
        assert statuses == {
            "host": "complete", "interfaces": "complete", "storage": "failed", "services": "failed",
            "firewall": "failed",
        }  # fmt: skip
        assert any("timeout_seconds" in error for error in run.errors)
        left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _arguments(p)[-1:] == [length]]
        assert left == []


def _arguments(file: Path) -> list[str]:
    try:
        return file.read_text().split("\0")[:-1]
    except OSError:
        return []


@pytest.fixture
def odd_links(netns: str) -> str:
    """A namespace with what this kernel can make: other kinds of links come from recorded cases."""
    run_ip("-n", netns, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    run_ip("-n", netns, "link", "add", "br.lan", "type", "bridge")
    run_ip("-n", netns, "link", "set", "veth0", "master", "br.lan", "mtu", "1280")
    run_ip("-n", netns, "link", "add", "mac-vlan.5", "link", "veth1", "type", "macvlan", "mode", "bridge")
    run_ip("-n", netns, "link", "add", "vx100", "type", "vxlan", "id", "100", "dev", "veth1", "dstport", "4789")
    run_ip("-n", netns, "tuntap", "add", "tun9", "mode", "tun")
    run_ip("-n", netns, "tuntap", "add", "tap9", "mode", "tap")
    run_ip("-n", netns, "link", "set", "veth1", "mtu", "9000", "alias", "uplink to rack 2")
    for number in range(1, 61):
        run_ip("-n", netns, "address", "add", f"10.{number}.0.1/24", "dev", "br.lan")
    run_ip("-n", netns, "address", "add", "2001:DB8:0:0::5/64", "dev", "veth1", "nodad")
    run_ip("-n", netns, "address", "add", "192.0.2.9/32", "dev", "lo")
    for name in ("veth0", "veth1", "br.lan"):
        run_ip("-n", netns, "link", "set", name, "up")
    run_ip("-n", netns, "route", "add", "default", "via", "10.1.0.254", "metric", "50")
    run_ip("-n", netns, "route", "add", "198.51.100.0/24", "via", "10.2.0.254", "table", "77", "proto", "static")
    run_ip("-n", netns, "-6", "route", "add", "default", "via", "2001:db8::1", "dev", "veth1")
    run_ip("-n", netns, "route", "add", "blackhole", "203.0.113.0/24")
    # The kernel tells a bridge's state with up to a second's delay.
    deadline = time.monotonic() + 10
    while json.loads(run_ip("-n", netns, "-j", "link", "show", "br.lan"))[0]["operstate"] != "UP":
        assert time.monotonic() < deadline, "the bridge does not come up"
        time.sleep(0.05)
    return netns


class TestOddLinks:
    def test_each_is_of_its_kind(self, odd_links: str) -> None:
        said = things(collect(inside(odd_links)), "interfaces")
        kinds = {key.removeprefix("interface/"): v["interface_type"] for key, v in said.items() if "interface/" in key}
        assert kinds == {
            "lo": "loopback", "veth0": "virtual", "veth1": "virtual", "br.lan": "bridge", "mac-vlan.5": "virtual",
            "vx100": "tunnel", "tun9": "tunnel", "tap9": "virtual",
        }  # fmt: skip

    def test_each_lies_where_it_was_put(self, odd_links: str) -> None:
        said = things(collect(inside(odd_links)), "interfaces")
        assert said["interface/br.lan"]["bridge_ports"] == ["veth0"]
        assert said["interface/veth0"]["bridge_name"] == "br.lan"
        assert said["interface/veth0"]["mtu"] == 1280
        assert said["interface/veth1"]["mtu"] == 9000
        assert said["interface/veth1"]["description"] == "uplink to rack 2"
        assert said["interface/mac-vlan.5"]["parent_interface_id"] == "interface/veth1"
        assert said["interface/vx100"]["parent_interface_id"] == "interface/veth1"
        assert "parent_interface_id" not in said["interface/veth1"]
        assert said["interface/tun9"]["link_status"] == "down"

    def test_dozens_of_addresses_each_know_their_network(self, odd_links: str) -> None:
        said = things(collect(inside(odd_links)), "interfaces")
        for number in range(1, 61):
            address = said[f"address/default/10.{number}.0.1"]
            assert address["interface_id"] == "interface/br.lan"
            assert address["network_id"] == f"network/default/10.{number}.0.0/24"
        assert said["network/default/10.1.0.0/24"]["gateway"] == "10.1.0.254"
        assert "gateway" not in said["network/default/10.2.0.0/24"]
        assert "network_id" not in said["address/default/192.0.2.9"]
        assert said["address/default/2001:db8::5"]["network_id"] == "network/default/2001:db8::/64"

    def test_ways_out_are_told_apart(self, odd_links: str) -> None:
        said = things(collect(inside(odd_links)), "interfaces", "host")
        assert said["route/main/default/10.1.0.254/50/br.lan"]["route_type"] == "default"
        assert said["route/main/default/2001:db8::1/1024/veth1"]["route_type"] == "default"
        assert said["route/77/198.51.100.0/24/10.2.0.254/0/br.lan"]["route_type"] == "static"
        assert said["route/main/203.0.113.0/24//0/"]["route_type"] == "static"
        assert said["route/main/10.9.0.0/24//0/br.lan"]["route_type"] == "connected"
        assert said["host"]["management_ip"] == "10.1.0.1"

    def test_loopback_and_link_local_lie_in_the_machines_own_space(self, odd_links: str) -> None:
        said = things(collect(inside(odd_links)), "interfaces")
        own = {key.split("/")[1] for key in said if (key.startswith("address/") and "/fe80:" in key) or "127." in key}
        assert len(own) == 1
        assert own.pop().startswith("host:")

    def test_busybox_tells_the_same(self, odd_links: str) -> None:
        with_json = things(collect(inside(odd_links)), "interfaces")
        without = things(collect(inside(odd_links, BUSYBOX)), "interfaces")
        # sysfs does not know what a VXLAN lies on.
        assert with_json["interface/vx100"].pop("parent_interface_id") == "interface/veth1"
        assert without == with_json

    def test_a_namespace_with_ipv6_alone_has_its_address_there(self, netns: str) -> None:
        run_ip("-n", netns, "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
        run_ip("-n", netns, "address", "add", "2001:db8:7::2/64", "dev", "eth0", "nodad")
        run_ip("-n", netns, "link", "set", "far0", "up")
        run_ip("-n", netns, "link", "set", "eth0", "up")
        run_ip("-n", netns, "-6", "route", "add", "default", "via", "2001:db8:7::1", "dev", "eth0")
        assert things(collect(inside(netns)), "host")["host"]["management_ip"] == "2001:db8:7::2"

    def test_an_empty_namespace_is_complete(self, netns: str) -> None:
        run = collect(inside(netns))
        assert {scope.status for scope in run.scopes} == {"complete"}, run.errors
        assert things(run, "services") == {}
        assert set(things(run, "interfaces")) >= {"interface/lo"}


LISTENER = """
import socket, sys, time
def tcp(family, address, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((address, port)); s.listen(); return s
held = [tcp(socket.AF_INET, "0.0.0.0", 8080), tcp(socket.AF_INET6, "::", 8080), tcp(socket.AF_INET, "127.0.0.1", 5432),
        tcp(socket.AF_INET, "0.0.0.0", 45678)]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 5300)); held.append(u)
both = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); both.bind(("::", 9090)); both.listen()
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def listening(netns: str) -> Iterator[str]:
    """A process that listens in the namespace; its name."""
    command = ["ip", "netns", "exec", netns, sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Path(f"/proc/{process.pid}/comm").read_text().strip()
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.fixture
def without_ss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH on which only busybox' programs are, so that ss is missing."""
    busybox = shutil.which("busybox")
    if busybox is None:
        missing("busybox", "not installed")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "ip":
            (tmp_path / applet).symlink_to(busybox)
    (tmp_path / "ip").symlink_to(str(shutil.which("ip")))
    monkeypatch.setenv("PATH", str(tmp_path))


class TestListeningSockets:
    def test_each_is_one_service_with_its_process(self, netns: str) -> None:
        with listening(netns) as name:
            said = things(collect(inside(netns)), "services")
        assert said == {
            "service/tcp/5432": _service("tcp", 5432, ["127.0.0.1"], name, "database"),
            "service/tcp/8080": _service("tcp", 8080, ["0.0.0.0", "::"], name, "web"),
            "service/tcp/9090": _service("tcp", 9090, ["0.0.0.0", "::"], name, "monitoring"),
            "service/udp/5300": _service("udp", 5300, ["127.0.0.1"], name, "other"),
        }

    @pytest.mark.usefixtures("without_ss")
    def test_the_same_is_found_without_ss(self, netns: str) -> None:
        with listening(netns) as name:
            said = things(collect(inside(netns)), "services")
        assert set(said) == {"service/tcp/5432", "service/tcp/8080", "service/tcp/9090", "service/udp/5300"}
        assert said["service/tcp/8080"] == _service("tcp", 8080, ["0.0.0.0", "::"], name, "web")

    def test_another_user_sees_the_sockets_and_not_the_process(self, netns: str) -> None:
        with listening(netns):
            run = collect(inside(netns, AS_NOBODY))
        said = things(run, "services")
        assert set(said) == {"service/tcp/5432", "service/tcp/8080", "service/tcp/9090", "service/udp/5300"}
        assert "process" not in said["service/tcp/8080"]
        assert said["service/tcp/8080"]["service_name"] == "tcp/8080"
        assert run.scopes[3].status == "complete"


def _service(protocol: str, port: int, addresses: list[str], process: str, kind: str) -> dict[str, Any]:
    return {
        "host_id": "host",
        "service_name": process,
        "service_type": kind,
        "protocol": protocol,
        "port": port,
        "bind_addresses": addresses,
        "process": process,
    }


@pytest.fixture
def loop_disk(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A loop device with ext4, mounted; its path and its mount point."""
    image, place = tmp_path / "disk.img", tmp_path / "mounted here"
    place.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 64 * 2**20)
    device = ""
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
        found = subprocess.run(["losetup", "-f", "--show", str(image)], check=True, capture_output=True, text=True)
        device = found.stdout.strip()
        subprocess.run(["mount", device, str(place)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        if device:
            subprocess.run(["losetup", "-d", device], check=False)
        missing("loop", f"no file system on a loop device can be made: {error}")
    try:
        yield device, place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        subprocess.run(["losetup", "-d", device], check=True)


class TestLoopDevice:
    @pytest.mark.parametrize("shell", ["sh", BUSYBOX])
    def test_a_file_system_on_one_is_found_with_its_space(self, loop_disk: tuple[str, Path], shell: str) -> None:
        device, place = loop_disk
        run = collect(shell)
        assert things(run, "storage")[f"device/{device}"] == _loop(device, place)
        measured = {k: v for scope in run.scopes for a in scope.answers for k, v in a.measured.items()}
        space = os.statvfs(place)
        expected = space.f_bavail * space.f_frsize / 1e9
        assert measured[f"device/{device}"]["available_gb"] == pytest.approx(expected, abs=0.002)

    def test_a_machine_that_is_no_container_shows_its_disks_too(self, loop_disk: tuple[str, Path]) -> None:
        device, place = loop_disk
        facts = LocalClient(LocalSettings()).read()
        facts.sections = {**facts.sections, "virtualization": Section("detect\tkvm\n")}
        run = CollectionRun("here", clock.now(), parse_facts(facts))
        said = things(run, "storage")
        assert said[f"device/{device}"] == _loop(device, place)
        blocks = json.loads(facts.text("lsblk"))["blockdevices"]
        disks = {block["name"] for block in blocks if block["type"] == "disk" and block["size"]}
        assert {f"device/{name}" for name in disks if "zram" not in name} <= set(said)


def _loop(device: str, place: Path) -> dict[str, Any]:
    return {
        "host_id": "host",
        "device_name": device,
        "device_type": "loop",
        "capacity_gb": 0.067,
        "filesystem_type": "ext4",
        "mount_point": str(place),
    }


@pytest.mark.long
class TestReadingAgain:
    def test_nothing_changes_while_containers_start_and_stop(self, lab_containers: Lab) -> None:
        network = lab_containers.network()
        name = f"interface/br-{str(network.id)[:12]}"
        before = digests(collect())
        assert name in before
        ended = threading.Event()
        failed: list[BaseException] = []

        def churn() -> None:
            try:
                while not ended.is_set():
                    container = lab_containers.run(network=network.name, ports={"80/tcp": 18099})
                    container.remove(force=True)
            except BaseException as error:
                failed.append(error)
                raise

        worker = threading.Thread(target=churn)
        worker.start()
        try:
            runs = [collect() for _ in range(5)]
        finally:
            ended.set()
            worker.join()
        assert failed == []
        for run in runs:
            assert {scope.status for scope in run.scopes} == {"complete"}, run.errors
            now = digests(run)
            changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
            # Docker's rules follow its containers; other tests make networks, disks and listeners meanwhile.
            others = ("interface/br-", "device//dev/loop", "service/", "rule/ip nat/", "rule/ip filter/")
            foreign = {key for key in changed if key.startswith(others)}
            assert changed - foreign == set()
            assert name not in changed
            assert "service/tcp/18099" not in now
