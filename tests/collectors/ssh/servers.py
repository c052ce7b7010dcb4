"""SSH servers on loopback that answer as badly as machines do, and TCP servers that speak no SSH at all."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import asyncssh

from tests.collectors.ssh.peer import Keys


def facts_of(command: str, script: str) -> str:
    """What the script prints where it is run as it was asked for."""
    done = subprocess.run(["sh", "-s", command.split()[-1]], input=script, capture_output=True, text=True, check=True)
    return done.stdout


class Server(asyncssh.SSHServer):
    """Lets the client's key in."""

    keys: Keys

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key == asyncssh.read_public_key(f"{self.keys.client}.pub")


Way = Callable[[Any, str], Any]


async def noise(process: Any, printed: str) -> None:
    process.stdout.write(bytes(range(256)) * 20)
    process.exit(0)


async def no_shell(process: Any, printed: str) -> None:
    process.stderr.write(b"This account is currently not available.\n")
    process.exit(1)


async def a_menu(process: Any, printed: str) -> None:
    process.stdout.write(b"\r\nSwitch Management\r\n1) Status\r\n2) Reboot\r\npassword=hunter2 >")
    process.exit(0)


async def banner(process: Any, printed: str) -> None:
    process.stdout.write(b"*** Authorized use only ***\n\x1b[1mWelcome\x1b[0m\n")
    process.stderr.write(b"mesg: ttyname failed\n")
    process.stdout.write(printed.encode() + b"bye\n")
    process.exit(0)


async def endless(process: Any, printed: str) -> None:
    while True:
        process.stdout.write(b"y\n" * 16384)
        await process.stdout.drain()


async def endless_errors(process: Any, printed: str) -> None:
    while True:
        process.stderr.write(b"no\n" * 16384)
        await process.stderr.drain()


async def endless_middle(process: Any, printed: str) -> None:
    process.stdout.write(printed[: printed.index("begin mounts")].encode())
    await endless(process, printed)


async def silent(process: Any, printed: str) -> None:
    await asyncio.sleep(60)


async def slow_end(process: Any, printed: str) -> None:
    process.stdout.write(printed[: printed.index("begin mounts")].encode())
    await asyncio.sleep(60)


async def cut_off(process: Any, printed: str) -> None:
    process.stdout.write(printed[: printed.index("begin mounts")].encode())
    await process.stdout.drain()
    await asyncio.sleep(0.2)
    process.channel.get_connection().abort()


async def dies_first(process: Any, printed: str) -> None:
    process.channel.get_connection().abort()


async def half_a_line(process: Any, printed: str) -> None:
    process.stdout.write(printed[: printed.index("begin mounts") + 40].encode())
    process.exit(0)


async def clock_is_off(process: Any, printed: str) -> None:
    for label in ("btime", "now"):
        printed = re.sub(
            rf"^{label}\t(\d+)", lambda m: f"{m[0][: -len(m[1])]}{int(m[1]) + 259200}", printed, flags=re.M
        )
    process.stdout.write(printed.encode())
    process.exit(0)


async def no_session(process: Any, printed: str) -> None:
    """Never called: the server opens no session."""


@contextlib.contextmanager
def ssh_server(keys: Keys, way: Way, host_key: str = "host") -> Iterator[int]:
    """A server that answers in this way; its port."""
    loop = asyncio.new_event_loop()
    ready: list[Any] = []
    started = threading.Event()

    async def handle(process: Any) -> None:
        script = (await process.stdin.read()).decode()
        printed = await asyncio.to_thread(facts_of, process.command, script)
        with contextlib.suppress(OSError, asyncssh.Error):
            await way(process, printed)

    async def listen() -> None:
        factory = type("Own", (Server,), {"keys": keys})
        options: dict[str, Any] = {"server_host_keys": [str(keys.make(host_key))], "encoding": None}
        if way is not no_session:
            options["process_factory"] = handle
        server = await asyncssh.listen("127.0.0.1", 0, server_factory=factory, **options)
        ready.append(server)
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.run_forever()
        ready[0].close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(15)
    try:
        yield ready[0].get_port()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextlib.contextmanager
def tcp_server(greeting: bytes, *, repeat: bool = False, close: bool = False) -> Iterator[int]:
    """A server that greets everybody with this, over and over where asked to; its port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            open_ones = []
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    one, _ = listening.accept()
                    open_ones.append(one)
                    one.settimeout(2)
                    one.sendall(greeting)
                    while repeat and not stop.is_set():
                        one.sendall(greeting)
                    if close:
                        one.close()
            for one in open_ones:
                one.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()
            thread.join(10)
