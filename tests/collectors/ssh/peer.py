"""Machines to log in to: real sshd on loopback, and many of them in network namespaces, each with its own identity."""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from infradb.collectors.ssh.collector import SshCollector
from infradb.collectors.ssh.settings import SshSettings
from infradb.observation import CollectionRun, Observation, ScopeResult
from tests.peers import missing, run_ip

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
SYSTEM_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
USER = getpass.getuser()
ALLOWED = """
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100:30:200
"""


@contextlib.contextmanager
def fresh_keys() -> Iterator[Keys]:
    """Keys in a folder of their own, which every account of this machine may read, as sshd does."""
    with tempfile.TemporaryDirectory(prefix="infradb-ssh-") as folder:
        Path(folder).chmod(0o755)
        yield Keys(Path(folder))


@dataclass
class Keys:
    """A folder with the key that logs in, and the file of known hosts."""

    folder: Path
    known: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Path:
        """The private key that every machine here lets in."""
        return self.make("client")

    @property
    def known_hosts(self) -> Path:
        """The file of known hosts, as it stands."""
        path = self.folder / "known_hosts"
        path.write_text("".join(f"{place} {key}\n" for place, key in self.known.items()))
        return path

    def make(self, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        """A key pair of that name, made when it is first asked for."""
        path = self.folder / name
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", str(path)]
            subprocess.run(command, check=True)
        return path

    def public(self, name: str) -> str:
        """The public key of a pair."""
        return Path(f"{self.make(name)}.pub").read_text().strip()

    def fingerprint(self, name: str) -> str:
        """The fingerprint of a pair, as ssh-keygen(1) prints it."""
        done = subprocess.run(
            ["ssh-keygen", "-lf", f"{self.make(name)}.pub"], check=True, capture_output=True, text=True
        )
        return done.stdout.split()[1]

    def know(self, host: str, port: int, name: str) -> None:
        """Note the public key of a machine."""
        self.known[f"[{host}]:{port}" if port != 22 else host] = self.public(name)


def sshd_program() -> str:
    """The path of sshd; leaves the test where there is none, or no right to run it."""
    program = shutil.which("sshd", path=SYSTEM_PATH)
    if program is None or os.geteuid() != 0:
        missing("sshd", "openssh-server is not installed, or the tests do not run as root")
    Path("/run/sshd").mkdir(exist_ok=True)
    return program


def configuration(keys: Keys, host_key: str, options: dict[str, str], authorized: str) -> Path:
    """A file for sshd."""
    path = keys.folder / f"sshd-{host_key}"
    allowed = keys.folder / f"authorized-{host_key}"
    allowed.write_text(authorized + "\n")
    lines = {"HostKey": str(keys.make(host_key)), "AuthorizedKeysFile": str(allowed), **options}
    # The first of several values counts.
    path.write_text("".join(f"{name} {value}\n" for name, value in lines.items()) + ALLOWED)
    return path


@contextlib.contextmanager
def sshd(
    keys: Keys, host_key: str = "host", restrict: str = "", wrapper: Sequence[str] = (), **options: str
) -> Iterator[int]:
    """A real SSH server on loopback, which lets the client's key in; its port. `wrapper` is what starts it."""
    program, port = sshd_program(), free_port()
    options = {"ListenAddress": "127.0.0.1", "Port": str(port), **options}
    path = configuration(keys, host_key, options, f"{restrict} {keys.public('client')}".strip())
    process = subprocess.Popen([*wrapper, program, "-D", "-f", str(path)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts("127.0.0.1", port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Lab:
    """A bridge with machines on it, each in a network namespace of its own."""

    keys: Keys
    hub: str
    addresses: list[str]
    names: list[str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def collect(self, hosts: list[str] | None = None, **more: Any) -> CollectionRun:
        """What the collector says when it runs in the middle of the bridge."""
        return inside(self.hub, collector(self.keys, hosts or self.addresses, **more).collect)


@contextlib.contextmanager
def lab(keys: Keys, count: int) -> Iterator[Lab]:
    """Machines at 10.77.0.11 and up, all with sshd, a machine-id, a host key and a name of their own."""
    program, mark = sshd_program(), secrets.token_hex(3)
    hub = f"infradb-{mark}-hub"
    made = Lab(keys, hub, [], [])
    try:
        _make_hub(hub)
        for number in range(1, count + 1):
            _make_machine(made, f"infradb-{mark}-h{number}", number, program)
        inside(hub, lambda: wait_until(lambda: all(accepts(a, 22) for a in made.addresses)))
        yield made
    except RuntimeError as error:
        missing("netns", str(error))
    finally:
        for process in made.processes:
            process.terminate()
        for process in made.processes:
            process.wait(10)
        for name in [*made.names, hub]:
            with contextlib.suppress(RuntimeError):
                run_ip("netns", "del", name)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def _make_hub(hub: str) -> None:
    run_ip("netns", "add", hub)
    run_ip("-n", hub, "link", "set", "lo", "up")
    run_ip("-n", hub, "link", "add", "br0", "type", "bridge")
    run_ip("-n", hub, "address", "add", "10.77.0.1/24", "dev", "br0")
    run_ip("-n", hub, "link", "set", "br0", "up")


def _make_machine(made: Lab, name: str, number: int, program: str) -> None:
    run_ip("netns", "add", name)
    made.names.append(name)
    peer = ["type", "veth", "peer", "name", "eth0", "netns", name]
    run_ip("link", "add", f"v{number}", "netns", made.hub, *peer)
    run_ip("-n", made.hub, "link", "set", f"v{number}", "master", "br0", "up")
    address = f"10.77.0.{10 + number}"
    run_ip("-n", name, "link", "set", "lo", "up")
    run_ip("-n", name, "link", "set", "eth0", "address", f"02:77:00:00:00:{number:02x}", "up")
    run_ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    run_ip("-n", name, "route", "add", "default", "via", "10.77.0.1")
    folder = Path("/etc/netns", name)
    folder.mkdir(parents=True)
    (folder / "machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (folder / "os-release").write_text(f'NAME="Lab Linux"\nID=lab\nVERSION_ID="{number}"\n')
    path = configuration(made.keys, f"h{number}", {}, made.keys.public("client"))
    # A start-up file of the tests' user is none of the lab's business.
    quiet = "for f in ~/.bashrc ~/.profile; do [ ! -e $f ] || mount --bind /dev/null $f; done"
    start = f"{quiet}; hostname lab{number}; exec {program} -D -f {path}"
    command = ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", start]
    made.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    made.addresses.append(address)
    made.keys.know(address, 22, f"h{number}")


def copy_program(name: str, root: Path, to: str) -> None:
    """Copies a program of this machine into another root, with the libraries that it is linked with."""
    path = shutil.which(name, path=SYSTEM_PATH)
    assert path is not None, name
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout.split()
    for library in {Path(word) for word in linked if word.startswith("/")}:
        (root / library.parent.relative_to("/")).mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library.relative_to("/"))
    (root / to).mkdir(parents=True, exist_ok=True)
    shutil.copy(path, root / to / name)


def collector(keys: Keys, hosts: list[str] | str, **more: Any) -> SshCollector:
    """A collector that logs in with the client's key and trusts the known hosts."""
    settings = {"user": USER, "key": keys.client, "known_hosts": keys.known_hosts, **more}
    return SshCollector("machines", SshSettings.model_validate({"hosts": hosts, **settings}))


def inside(netns: str, action: Callable[[], T]) -> T:
    """What an action gives that runs in a thread of its own in that network namespace."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        handle = os.open(f"/run/netns/{netns}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            results.append(action())
        except Exception as error:  # noqa: BLE001  (raised again in the caller's thread)
            errors.append(error)
        finally:
            os.close(handle)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def scope(run: CollectionRun, name: str) -> ScopeResult:
    """One scope of a run."""
    return next(s for s in run.scopes if s.name == name)


def statuses(run: CollectionRun, name: str) -> set[str]:
    """The statuses of the scopes of one machine."""
    found = {s.status for s in run.scopes if s.name.startswith(f"{name}/")}
    assert found, [s.name for s in run.scopes]
    return set(found)


def things(run: CollectionRun, *scopes: str) -> dict[str, dict[str, Any]]:
    """Native key -> what is said of it."""
    answers = [a for s in run.scopes if not scopes or s.name in scopes for a in s.answers]
    return {o.key: dict(o.values) for a in answers for o in a.parse() if isinstance(o, Observation)}


def digests(run: CollectionRun) -> dict[str, int]:
    """Native key -> digest."""
    return {a.key: a.digest for s in run.scopes for a in s.answers}


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Waits for a condition, and fails where it does not come true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
