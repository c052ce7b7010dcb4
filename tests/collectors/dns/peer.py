"""A real BIND on loopback with a forward and a reverse zone: open, for one key only, and closed to everybody."""

from __future__ import annotations

import base64
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.collectors.dhcp_lab import program

SECRET = base64.b64encode(b"a secret of sixteen and more bytes").decode()
FORWARD = """$TTL 300
@ IN SOA ns1 hostmaster {serial} 3600 600 86400 300
@ NS ns1
@ MX 10 mail
ns1 A 10.0.0.2
mail A 10.0.0.3
Web 60 A 10.0.0.4
web AAAA 2001:DB8::4
www CNAME web
_sip._tcp SRV 0 5 5060 ns1
@ TXT "v=spf1 mx -all"
note TXT "postgresql://app:hunter2@db/app"
_acme-challenge.web TXT "rotates"
*.apps A 10.0.0.4
"""
REVERSE = """$TTL 300
@ IN SOA ns1.lab.example. hostmaster.lab.example. {serial} 3600 600 86400 300
@ NS ns1.lab.example.
2 PTR ns1.lab.example.
4 PTR web.lab.example.
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Bind:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def zones(self, serial: int = 1, forward: str = FORWARD) -> None:
        (self.folder / "lab.zone").write_text(forward.format(serial=serial))
        (self.folder / "reverse.zone").write_text(REVERSE.format(serial=serial))

    def start(self) -> None:
        self.zones()
        zones = "".join(
            f'zone "{name}" {{ type primary; file "{file}"; allow-transfer {{ {who}; }}; }};\n'
            for name, file, who in (
                ("lab.example", "lab.zone", "any"),
                ("0.0.10.in-addr.arpa", "reverse.zone", "key reader"),
                ("closed.example", "lab.zone", "none"),
            )
        )
        (self.folder / "named.conf").write_text(
            f'key reader {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
            f'options {{ directory "{self.folder}"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};'
            f" listen-on port {self.port} {{ 127.0.0.1; }}; recursion no; dnssec-validation no; notify no; }};\n"
            f"controls {{ }};\n{zones}"
        )
        log = self.folder / "named.log"
        with log.open("wb") as output:
            command = [program("named"), "-g", "-4", "-n", "1", "-c", str(self.folder / "named.conf")]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + 15
        while " running" not in log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"named does not run: {log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=15)
            self.process = None


@contextlib.contextmanager
def bind(folder: Path) -> Iterator[Bind]:
    peer = Bind(folder, free_port())
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()
