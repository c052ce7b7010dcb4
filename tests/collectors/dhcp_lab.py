"""A network of its own in which a DHCP server hands out real leases: namespaces on one bridge, and dhclient in them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL

from tests.peers import missing, run_ip

ROUTER = "10.77.0.1"
CIDR = "10.77.0.0/24"
PROGRAMS = "/usr/sbin:/sbin:/usr/bin:/bin"
CONFIGURE = """#!/bin/sh
case $reason in
BOUND|RENEW|REBIND|REBOOT) exec ip address replace "$new_ip_address/24" dev "$interface" ;;
esac
"""
"""What dhclient runs: the address only, and no resolv.conf."""


def program(name: str) -> str:
    """The path of a program, or the test is left because it is missing."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PROGRAMS}")
    return found or missing(name, "not installed; scripts/test-peers.sh installs it")


@dataclass
class DhcpLab:
    """The server's namespace with 10.77.0.1 on its bridge, and one namespace per client."""

    folder: Path
    name: str
    spaces: list[str] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def server(self) -> str:
        return f"{self.name}s"

    def open(self) -> None:
        run_ip("netns", "add", self.server)
        self.spaces.append(self.server)
        for arguments in (
            ("link", "set", "lo", "up"),
            ("link", "add", "br0", "type", "bridge"),
            ("addr", "add", f"{ROUTER}/24", "dev", "br0"),
            ("link", "set", "br0", "up"),
        ):
            run_ip("-n", self.server, *arguments)

    def add_client(self, number: int, mac: str) -> str:
        """Plug in a machine with this hardware address, and return its namespace."""
        space = f"{self.name}c{number}"
        run_ip("netns", "add", space)
        self.spaces.append(space)
        run_ip(
            "-n", self.server, "link", "add", f"v{number}", "type", "veth",
            "peer", "name", "eth0", "address", mac, "netns", space,
        )  # fmt: skip
        run_ip("-n", self.server, "link", "set", f"v{number}", "master", "br0", "up")
        run_ip("-n", space, "link", "set", "eth0", "up")
        return space

    def serve(self, command: Sequence[str], ready: Callable[[], bool], **environment: str) -> subprocess.Popen[bytes]:
        """Start a server in its namespace, and wait until it is ready."""
        log = self.folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.server, *command],
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
            )
        self.running.append(process)
        deadline = time.monotonic() + 15
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} does not run: {log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)
        return process

    def lease(self, *clients: tuple[int, str, str]) -> None:
        """Let machines (number, hardware address, name) ask for addresses, all at once; again, they renew them."""
        asking = []
        for number, mac, name in clients:
            if f"{self.name}c{number}" not in self.spaces:
                self.add_client(number, mac)
            mine = self._folder(number)
            (mine / "dhclient.conf").write_text(f'send host-name "{name}";\ninitial-delay 0;\ntimeout 20;\n')
            self.stop(number)
            asking.append(subprocess.Popen(self._dhclient(number, "-1"), stdout=DEVNULL, stderr=DEVNULL))
        codes = [process.wait(timeout=30) for process in asking]
        log = (self.folder / "server.log").read_text(errors="replace")
        assert codes == [0] * len(codes), f"no lease: {log[-800:]}"

    def release(self, number: int) -> None:
        """Let a machine give its address back."""
        subprocess.run(self._dhclient(number, "-r"), check=True, timeout=20, capture_output=True)

    def _dhclient(self, number: int, what: str) -> list[str]:
        mine = self._folder(number)
        return [
            "ip", "netns", "exec", f"{self.name}c{number}", program("dhclient"), "-4", what, "-q",
            "-sf", str(mine / "configure"), "-lf", str(mine / "leases"), "-pf", str(mine / "pid"),
            "-cf", str(mine / "dhclient.conf"), "eth0",
        ]  # fmt: skip

    def _folder(self, number: int) -> Path:
        mine = self.folder / f"client{number}"
        if not mine.exists():
            mine.mkdir()
            (mine / "configure").write_text(CONFIGURE)
            (mine / "configure").chmod(0o755)
        return mine

    def stop(self, number: int) -> None:
        """End a client's dhclient, which goes on in the background once it has a lease."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self._folder(number) / "pid").read_text()), signal.SIGTERM)

    def close(self) -> None:
        for space in self.spaces[1:]:
            self.stop(int(space.removeprefix(f"{self.name}c")))
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        for space in self.spaces:
            with contextlib.suppress(RuntimeError):
                run_ip("netns", "del", space)


@contextlib.contextmanager
def dhcp_lab(folder: Path, name: str) -> Iterator[DhcpLab]:
    """A lab that is taken down whatever happens."""
    lab = DhcpLab(folder, name)
    try:
        try:
            lab.open()
        except RuntimeError as error:
            missing("netns", str(error))
        yield lab
    finally:
        lab.close()
