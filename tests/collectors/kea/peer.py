"""A real Kea in a network of its own, with leases that real clients asked for, and a control agent in front of it."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.collectors.dhcp_lab import DhcpLab, dhcp_lab, program
from tests.peers import missing

CLIENTS = ((1, "02:00:00:00:00:01", "Laptop"), (2, "02:00:00:00:00:02", "phone"), (3, "02:00:00:00:00:03", "nas"))
LIBRARIES = Path("/usr/lib")


class Kea:
    def __init__(self, lab: DhcpLab, *, hook: bool, lasts: int) -> None:
        self.lab, self.lasts = lab, lasts
        self.socket = lab.folder / "socket"
        self.leases = lab.folder / "leases.csv"
        self.hook = hook

    def configuration(self) -> dict[str, Any]:
        library = next(LIBRARIES.glob("*/kea/hooks/libdhcp_lease_cmds.so"), None)
        if self.hook and library is None:
            missing("kea-dhcp4", "the hook libdhcp_lease_cmds.so is not there")
        return {
            "interfaces-config": {"interfaces": ["br0"]},
            "control-socket": {"socket-type": "unix", "socket-name": str(self.socket)},
            "lease-database": {"type": "memfile", "persist": True, "name": str(self.leases), "lfc-interval": 0},
            "hooks-libraries": [{"library": str(library)}] if self.hook else [],
            "valid-lifetime": self.lasts,
            "expired-leases-processing": {"reclaim-timer-wait-time": 1, "hold-reclaimed-time": 3600},
            "option-data": [{"name": "domain-name-servers", "data": "10.77.0.2, 10.77.0.3"}],
            "subnet4": [
                {
                    "id": 1,
                    "subnet": "10.77.0.0/24",
                    "pools": [{"pool": "10.77.0.100 - 10.77.0.199"}],
                    "option-data": [{"name": "routers", "data": "10.77.0.1"}],
                    "reservations": [
                        {"hw-address": "02:00:00:00:00:03", "ip-address": "10.77.0.20", "hostname": "nas"},
                        {"hw-address": "02:00:00:00:00:09", "ip-address": "10.77.0.21", "hostname": "printer"},
                    ],
                }
            ],
            "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stdout"}], "severity": "INFO"}],
        }

    def start(self) -> None:
        file, log = self.lab.folder / "kea.json", self.lab.folder / "server.log"
        file.write_text(json.dumps({"Dhcp4": self.configuration()}))
        folder = str(self.lab.folder)
        self.lab.serve(
            [program("kea-dhcp4"), "-c", str(file)],
            lambda: self.socket.exists() and "DHCP4_STARTED" in log.read_text(errors="replace"),
            KEA_PIDFILE_DIR=folder,
            KEA_LOCKFILE_DIR=folder,
        )


@contextlib.contextmanager
def kea(folder: Path, *, hook: bool = True, lasts: int = 3600) -> Iterator[Kea]:
    with dhcp_lab(folder, f"kea{secrets.token_hex(2)}") as lab:
        peer = Kea(lab, hook=hook, lasts=lasts)
        peer.start()
        yield peer


@contextlib.contextmanager
def agent(path: Path, user: str, password: str) -> Iterator[str]:
    """What a control agent does: passes commands on to the server's socket, and its answers back in a list."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            command = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = 401, b'{"result": 401, "text": "Unauthorized"}'
            if self.headers.get("Authorization") == wanted:
                status = 200
                if command.pop("service") == ["dhcp4"]:
                    body = b"[" + asked(path, command) + b"]"
                else:
                    body = b'[{"result": 1, "text": "forwarding socket is not configured for the server type dhcp6"}]'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def asked(path: Path, command: dict[str, Any]) -> bytes:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as channel:
        channel.connect(str(path))
        channel.sendall(json.dumps(command).encode())
        parts = []
        while part := channel.recv(65536):
            parts.append(part)
    return b"".join(parts)
