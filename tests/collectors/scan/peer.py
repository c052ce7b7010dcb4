"""A link with hosts that answer in different ways, and a network behind one of them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.collectors.namespaces import Wiring, wiring
from tests.peers import missing, run_ip

NETWORK, BEHIND = "10.88.0.0/26", "10.89.0.0/27"
PLAIN, MUTE, MDNS, NETBIOS = "10.88.0.11", "10.88.0.12", "10.88.0.13", "10.88.0.14"
"""One that answers everything and knows the DNS, one whose filter drops all but ARP, two with a name of their own."""
SCANNER = "10.88.0.1"
FAR, FAR_MUTE = "10.89.0.5", "10.89.0.6"
"""Behind the first one: one that answers, and one that answers on TCP port 22 only."""
MACS = {a: f"00:16:3e:88:00:{n:02x}" for n, a in enumerate((SCANNER, PLAIN, MUTE, MDNS, NETBIOS), 1)}
_DROP = "table inet t {{ chain in {{ type filter hook input priority 0; {rule} }}; }}"
_COUNT = """table inet count {{
  counter sent {{ }}
  counter outside {{ }}
  chain out {{
    type filter hook output priority 0;
    oifname "lo" accept
    counter name sent
    ip daddr != {{ {networks} }} counter name outside
  }}
}}
table arp count {{ counter asked {{ }}; chain out {{ type filter hook output priority 0; counter name asked; }}; }}
"""


def scanner(made: Wiring) -> str:
    """The namespace that scans."""
    return next(n for n in made.names if n.endswith("-scanner"))


@contextlib.contextmanager
def link() -> Iterator[Wiring]:
    """Yield the link, everything answering."""
    if shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is None:
        missing("nft", "not installed")
    with wiring() as made, tempfile.TemporaryDirectory(prefix="infradb-scan-") as temporary:
        folder = Path(temporary)
        here = made.switch("scanner", f"{SCANNER}/26", MACS[SCANNER])
        for n, address in enumerate((PLAIN, MUTE, MDNS, NETBIOS), 1):
            made.host(f"h{n}", here, f"v{n}", f"{address}/26", MACS[address])
        for name in made.names:  # so that nothing but what is asked for is on the wire
            _run(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        first = next(n for n in made.names if n.endswith("-h1"))
        for address in (FAR, FAR_MUTE):
            run_ip("-n", first, "addr", "add", f"{address}/32", "dev", "lo")
        run_ip("-n", here, "route", "add", BEHIND, "via", PLAIN)
        nft(first, _DROP.format(rule=f"ip daddr {FAR_MUTE} ip protocol icmp drop;"))
        nft(next(n for n in made.names if n.endswith("-h2")), _DROP.format(rule="drop;"))
        responder = str(Path(__file__).with_name("responder.py"))
        for host, kind, address, name in (
            ("h1", "dns", PLAIN, "plain.lab.example"),
            ("h3", "mdns", MDNS, "printer.local"),
            ("h4", "netbios", NETBIOS, "fileserver"),
        ):
            log = folder / kind
            namespace = next(n for n in made.names if n.endswith(f"-{host}"))
            made.start(namespace, [sys.executable, responder, kind, address, name], log)
            _wait(log, "ready")
        made.start(first, [sys.executable, "-c", _LISTEN], folder / "listen")
        _wait(folder / "listen", "ready")
        yield made


_LISTEN = """
import socket
server = socket.create_server(("0.0.0.0", 22), backlog=50)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""


def nft(namespace: str, rules: str) -> None:
    """Load rules in a namespace."""
    _run(namespace, "nft", "-f", "-", given=rules)


def count(namespace: str, networks: str) -> None:
    """Count what leaves a namespace from now on."""
    _run(namespace, "nft", "flush", "ruleset")
    nft(namespace, _COUNT.format(networks=networks))


def counted(namespace: str) -> dict[str, int]:
    """Counter -> packets."""
    shown = json.loads(_run(namespace, "nft", "-j", "list", "counters"))
    return {c["counter"]["name"]: c["counter"]["packets"] for c in shown["nftables"] if "counter" in c}


def _run(namespace: str, *command: str, given: str | None = None) -> str:
    inside = ["ip", "netns", "exec", namespace, *command]
    done = subprocess.run(inside, input=given, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _wait(file: Path, word: str) -> None:
    deadline = time.monotonic() + 20
    while word not in file.read_text():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{file.name}: {file.read_text()[-400:]}")
        time.sleep(0.1)
