"""Runs the script of facts on machines over SSH, many at once; understands nothing.

A machine costs one connection and one command: the script goes in on standard input, and nothing is left behind.
"""

import asyncio
import contextlib
import getpass
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from infradb.collectors.linux.script import facts_script
from infradb.collectors.linux.sections import Facts, split_sections
from infradb.collectors.ssh.failures import failure, no_facts
from infradb.collectors.ssh.host_keys import KnownHosts
from infradb.collectors.ssh.settings import SshSettings
from infradb.collectors.ssh.targets import Target, parse_target
from infradb.errors import CollectionError, SettingsError
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal

MOST_BYTES = 8 * 2**20
"""What one machine may print; a host with a thousand mounts and sockets is below 1 MiB."""

_COMPLAINT = 4096
_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
# With AES in the processor the cheapest of the good ones; whatever else asyncssh knows comes behind.
_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one machine printed, or why it told nothing."""

    target: Target
    facts: Facts | None = None
    error: CollectionError | None = None


class SshClient:
    """Reads the facts of all machines of a source. Raises `SettingsError` where a key or a file cannot be used."""

    def __init__(self, settings: SshSettings, log: CallLog) -> None:
        self._settings, self._log = settings, log
        self._script = facts_script().encode()
        self.targets = settings.targets()
        self._jump = parse_target(settings.jump) if settings.jump else None
        self._known = KnownHosts(settings.known_hosts, [*self.targets, *([self._jump] if self._jump else [])])
        self._login = _login(settings)

    def user(self, target: Target) -> str:
        """Return the account that a machine is logged in to."""
        return target.user or self._settings.user or getpass.getuser()

    def read(self, taken: Callable[[Reading], None]) -> None:
        """Read every machine, and hand each on as it comes; one that fails leaves the others alone.

        Raises `CollectionError` where the jump host cannot be reached.
        """
        asyncio.run(self._read_all(taken))

    async def _read_all(self, taken: Callable[[Reading], None]) -> None:
        # Names that nobody knows keep their thread for many seconds; the usual six would hold up everybody.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(min(self._settings.parallel, 50)))
        gate = asyncio.Semaphore(self._settings.parallel)
        async with self._tunnel() as tunnel, asyncio.TaskGroup() as group:

            async def read(target: Target) -> None:
                async with gate:
                    taken(await self._reading(target, tunnel))

            for target in self.targets:
                group.create_task(read(target))

    @contextlib.asynccontextmanager
    async def _tunnel(self) -> AsyncIterator[asyncssh.SSHClientConnection | None]:
        if self._jump is None:
            yield None
            return
        try:
            connection = await self._connect(self._jump, None)
        except CollectionError as error:
            raise type(error)(f"jump host {self._jump.name}: {error}", hint=error.hint) from error
        try:
            yield connection
        finally:
            await _hang_up(connection)

    async def _reading(self, target: Target, tunnel: asyncssh.SSHClientConnection | None) -> Reading:
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_seconds
        try:
            connection = await self._connect(target, tunnel)
            try:
                return Reading(target, await self._facts(connection, deadline))
            finally:
                await _hang_up(connection)
        except CollectionError as error:
            return Reading(target, error=error)

    async def _connect(
        self, target: Target, tunnel: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        """Log in; raises `CollectionError`, also where the machine shows a key that is not known."""
        witness = _Witness()
        user = self.user(target)
        limit = min(self._settings.connect_timeout_seconds, self._settings.timeout_seconds)
        try:
            with self._log.recording("SSH login"):
                async with asyncio.timeout(limit):
                    return await asyncssh.connect(
                        target.host,
                        target.port,
                        username=user,
                        known_hosts=self._known.of,
                        server_host_key_algs=self._known.kinds(target),
                        client_factory=lambda: witness,
                        tunnel=tunnel,
                        login_timeout=limit,
                        **self._login,
                    )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._known.refusal(target, witness.shown, error.reason) from error
        except Exception as error:
            # What a broken peer provokes inside asyncssh comes out as it is, and has no common base.
            raise failure(error, user) from error

    async def _facts(self, connection: asyncssh.SSHClientConnection, deadline: float) -> Facts:
        """Run the script; raises `CollectionError` where it printed no facts at all."""
        token = secrets.token_hex(8)
        command = ("sudo -n sh -s " if self._settings.sudo else "sh -s ") + token
        listener, asked_at, began = _Listener(), time.time(), time.monotonic()
        try:
            async with asyncio.timeout_at(deadline):
                channel, _ = await connection.create_session(
                    lambda: listener, command, encoding=None, request_pty=False
                )
                with contextlib.suppress(OSError):  # it may have ended already, unread
                    channel.write(self._script)
                    channel.write_eof()
                await listener.ended.wait()
        except TimeoutError:
            listener.late = True
        except (OSError, asyncssh.Error) as error:
            raise failure(error, "") from error
        finally:
            self._log.record(command.removesuffix(token) + "TOKEN", time.monotonic() - began, failed=listener.is_cut)
        facts = split_sections(listener.printed.decode("utf-8", "replace"), token)
        if not facts.sections:
            raise no_facts(listener, self._settings)
        key = connection.get_server_host_key()
        facts.host_key = key.get_fingerprint() if key else ""
        facts.asked_at = asked_at
        facts.ending = listener.ending
        return facts


class _Witness(asyncssh.SSHClient):
    """Remembers the host key that was not trusted."""

    shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Trust nothing that is not known, but keep it for the message."""
        self.shown = key
        return False

    validate_host_ca_key = validate_host_public_key


class _Listener(asyncssh.SSHClientSession[bytes]):
    """Takes what a command prints, up to a limit."""

    def __init__(self) -> None:
        self.printed = bytearray()
        self.complaint = bytearray()
        self.ended = asyncio.Event()
        self.late = self.too_much = self.lost = False
        self.status: int | None = None
        self._ignored = 0

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel, to end it where it does not end by itself."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take a piece of output; of error output only the beginning."""
        if datatype is None:
            self.printed += data
        elif len(self.complaint) < _COMPLAINT:
            self.complaint += data
        else:
            self._ignored += len(data)
        if len(self.printed) + self._ignored > MOST_BYTES:
            self.too_much = True
            self._channel.abort()
            self.ended.set()

    def exit_status_received(self, status: int) -> None:
        """Keep what the command ended with."""
        self.status = status

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, which is one before the end where the connection went with it."""
        self.lost = exc is not None
        self.ended.set()

    @property
    def is_cut(self) -> bool:
        """Tell whether there would have been more."""
        return self.late or self.too_much or self.lost

    @property
    def ending(self) -> str:
        """Return why the output ended before its end, or what to do about it."""
        if self.too_much:
            return f"it printed more than {MOST_BYTES // 2**20} MiB, and infradb stops there"
        return "raise timeout_seconds" if self.late else "the connection or the shell ended; did the machine restart?"


async def _hang_up(connection: asyncssh.SSHClientConnection) -> None:
    connection.close()
    try:
        async with asyncio.timeout(1):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()


def _login(settings: SshSettings) -> dict[str, Any]:
    """Return how to log in; only that is tried, and nothing of ~/.ssh/config counts."""
    keys: list[asyncssh.SSHKey] | None
    agent = None
    if settings.key:
        keys = [_read_key(settings.key, reveal(settings.key_passphrase) if settings.key_passphrase else None)]
    elif settings.password:
        keys = None
    else:
        keys, agent = _default_keys(), os.environ.get("SSH_AUTH_SOCK")
    ways = [
        *(["publickey"] if keys is not None else []),
        *(["keyboard-interactive", "password"] if settings.password else []),
    ]
    return {
        "config": None,
        "client_keys": keys or ([] if agent else None),
        "agent_path": agent,
        "password": reveal(settings.password) if settings.password else None,
        "preferred_auth": ways,
        "encryption_algs": _CIPHERS,
        "compression_algs": None,
        "gss_host": None,
        "x509_trusted_certs": None,
    }


def _read_key(path: Path, passphrase: str | None) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(path.expanduser(), passphrase)
    except OSError as error:
        raise SettingsError(
            f"the key {path} cannot be read: {error.strerror}", hint="check `key` and the file's rights"
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        hint = "set `key_passphrase` to where its passphrase lies, or `key` to a private key in OpenSSH's or PEM form"
        raise SettingsError(f"the key {path} cannot be used: {error}", hint=hint) from error


def _default_keys() -> list[asyncssh.SSHKey]:
    found = []
    for name in _DEFAULT_KEYS:
        try:
            found.append(asyncssh.read_private_key(Path("~/.ssh", name).expanduser()))
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            continue  # as ssh(1) does where nobody can be asked for a passphrase
    return found
