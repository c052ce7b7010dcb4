"""Sends the probes and notes who answered; understands nothing. Every packet waits for its turn."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from infradb.collectors.scan.links import IpAddress
from infradb.collectors.scan.pace import Pace
from infradb.transport.calls import CallLog

ECHO, KNOCK, NUDGE = "ICMP echo request", "TCP connect", "UDP to port 9 (asks for the hardware address)"
ASKED_BY_KERNEL = 3
"""Requests that the kernel sends for an address on the link that does not answer (arp(7), mcast_solicit)."""
_REPLIES = (0, 129)
_DISCARD = 9
_REFUSED = frozenset({errno.ECONNREFUSED})
_RECEIVE_SLICE = 0.2


class NoRight(Exception):
    """Echo requests may not be sent from here."""


class Pinger:
    """One socket for all echo requests of one IP version: an unprivileged one, else a raw one."""

    def __init__(self, version: int) -> None:
        from icmplib import ICMPv4Socket, ICMPv6Socket
        from icmplib.exceptions import ICMPLibError

        kind = ICMPv4Socket if version == 4 else ICMPv6Socket
        self._socket: Any = None
        self._raw = False
        for raw in (False, True):
            try:
                self._socket, self._raw = kind(privileged=raw), raw
                break
            except ICMPLibError as error:
                said = error
        if self._socket is None:
            raise NoRight(str(said))
        self._id = os.getpid() & 0xFFFF

    @property
    def is_raw(self) -> bool:
        """Tell whether it took CAP_NET_RAW."""
        return self._raw

    def send(self, address: IpAddress, sequence: int) -> bool:
        """Send one echo request; return whether there is a way to the address."""
        from icmplib import ICMPRequest
        from icmplib.exceptions import ICMPLibError

        try:
            self._socket.send(ICMPRequest(str(address), self._id, sequence))
        except ICMPLibError:
            return False
        return True

    def receive(self, heard: Callable[[str], None], done: threading.Event) -> None:
        """Note who replies until it is done."""
        from icmplib.exceptions import ICMPLibError, TimeoutExceeded

        while not done.is_set():
            try:
                reply = self._socket.receive(None, _RECEIVE_SLICE)
            except TimeoutExceeded:
                continue
            except ICMPLibError:
                return
            if reply.type in _REPLIES and (not self._raw or reply.id == self._id):
                heard(reply.source)

    def close(self) -> None:
        """End it."""
        self._socket.close()


async def echo(
    addresses: Iterable[IpAddress],
    version: int,
    pace: Pace,
    log: CallLog,
    wait: float,
    on_link: Callable[[IpAddress], bool],
) -> set[str]:
    """Send an echo request to each address and return those that replied; raise `NoRight`."""
    heard: set[str] = set()
    done = threading.Event()
    pinger = Pinger(version)
    listening = asyncio.create_task(asyncio.to_thread(pinger.receive, heard.add, done))
    try:
        for sequence, address in enumerate(addresses):
            await pace.turn(ASKED_BY_KERNEL if on_link(address) else 1)
            log.record(ECHO, 0, failed=not pinger.send(address, sequence))
        await asyncio.sleep(wait)
    finally:
        done.set()
        await asyncio.shield(listening)
        pinger.close()
    return heard


async def nudge(addresses: Iterable[IpAddress], pace: Pace, log: CallLog, wait: float) -> None:
    """Make the kernel ask for the hardware address of each address on the link, by an empty datagram to it."""
    sockets = {
        4: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        6: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    }
    try:
        for address in addresses:
            await pace.turn(ASKED_BY_KERNEL)
            failed = True
            with contextlib.suppress(OSError):
                sockets[address.version].sendto(b"", (str(address), _DISCARD))
                failed = False
            log.record(NUDGE, 0, failed=failed)
        await asyncio.sleep(wait)
    finally:
        for one in sockets.values():
            one.close()


async def connects(
    pairs: Sequence[tuple[IpAddress, int]], pace: Pace, log: CallLog, wait: float, packets: Callable[[IpAddress], int]
) -> dict[tuple[IpAddress, int], bool]:
    """Connect to each (address, port); return those that answered, and whether the port is open."""
    answered: dict[tuple[IpAddress, int], bool] = {}
    running: set[asyncio.Task[None]] = set()

    async def one(address: IpAddress, port: int) -> None:
        began = time.monotonic()
        is_open = await _connect(address, port, wait)
        log.record(KNOCK, time.monotonic() - began, failed=is_open is None)
        if is_open is not None:
            answered[address, port] = is_open

    try:
        for address, port in pairs:
            await pace.turn(packets(address))
            task = asyncio.create_task(one(address, port))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
    return answered


async def _connect(address: IpAddress, port: int, wait: float) -> bool | None:
    """Return whether a port is open; None where nothing answered."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            # Less than a second: after that the kernel would send the question again.
            async with asyncio.timeout(min(wait, 0.95)):
                await asyncio.get_running_loop().sock_connect(probe, (str(address), port))
        except TimeoutError:
            return None
        except OSError as error:
            return False if error.errno in _REFUSED else None
        # Ended by a reset, so that nothing is left waiting on the other side.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        return True


def has_way(address: IpAddress) -> bool:
    """Tell whether the kernel knows a way to an address; sends nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), _DISCARD))
        except OSError:
            return False
        return True
