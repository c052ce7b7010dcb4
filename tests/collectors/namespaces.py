"""Networks of a test's own: hosts in network namespaces, and how to run something inside one of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.peers import missing, run_ip

T = TypeVar("T")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET (clone(2))


class Wiring:
    """A switch, which is a bridge in a namespace, and hosts that hang on its ports; `close` takes all away."""

    def __init__(self) -> None:
        self.mark = secrets.token_hex(3)
        self.names: list[str] = []
        self.started: list[subprocess.Popen[bytes]] = []

    def namespace(self, name: str) -> str:
        """Make a namespace with its loopback up, and return its full name."""
        full = f"infradb-{self.mark}-{name}"
        run_ip("netns", "add", full)
        self.names.append(full)
        run_ip("-n", full, "link", "set", "lo", "up")
        return full

    def switch(self, name: str, address: str, mac: str = "") -> str:
        """Make a namespace with a bridge br0."""
        full = self.namespace(name)
        run_ip("-n", full, "link", "add", "br0", *(["address", mac] if mac else []), "type", "bridge")
        run_ip("-n", full, "addr", "add", address, "dev", "br0")
        run_ip("-n", full, "link", "set", "br0", "up")
        return full

    def host(self, name: str, switch: str, port: str, address: str, mac: str, port_mac: str = "") -> str:
        """Make a namespace with eth0, plugged into a port of a switch."""
        full = self.namespace(name)
        end = ["address", port_mac] if port_mac else []
        pair = ["link", "add", port, *end, "netns", switch, "type", "veth", "peer", "name", "eth0"]
        run_ip(*pair, "address", mac, "netns", full)
        run_ip("-n", switch, "link", "set", port, "master", "br0", "up")
        run_ip("-n", full, "link", "set", "eth0", "up")
        run_ip("-n", full, "addr", "add", address, "dev", "eth0", "nodad" if ":" in address else "noprefixroute")
        if ":" not in address:
            network = address.rsplit(".", 1)[0] + ".0/" + address.split("/")[1]
            run_ip("-n", full, "route", "add", network, "dev", "eth0", "src", address.split("/")[0])
        return full

    def start(self, name: str, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; `close` ends it."""
        with log.open("ab") as out:
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what was started, by its id, and remove the namespaces."""
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        for name in self.names:
            with contextlib.suppress(RuntimeError):
                run_ip("netns", "del", name)


@contextlib.contextmanager
def wiring() -> Iterator[Wiring]:
    """Yield a network of one's own; a test that may not make one is left."""
    made = Wiring()
    try:
        made.namespace("probe")
    except RuntimeError as error:
        made.close()
        missing("netns", str(error))
    try:
        yield made
    finally:
        made.close()


def inside(name: str, call: Callable[[], T]) -> T:
    """Return what `call` returns in a namespace: a thread enters it, and every socket it makes belongs there."""
    found: list[Any] = []

    def run() -> None:
        handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, _NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "setns")
            found.append((True, call()))
        except BaseException as error:  # noqa: BLE001  (raised again in the caller)
            found.append((False, error))
        finally:
            os.close(handle)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    done, value = found[0]
    if not done:
        raise value
    return value  # type: ignore[no-any-return]
