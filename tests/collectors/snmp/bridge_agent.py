"""Lets snmpd tell BRIDGE-MIB of a Linux bridge, by its own `pass_persist` (snmpd.conf(5)).

Debian's snmp-bridge-mib 5.9 exchanges learned and own addresses and leaves out the ports of learned ones, so that what
the kernel learned could not be shown with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = (1, 3, 6, 1, 2, 1, 17)
Oid = tuple[int, ...]


def rows(bridge: str) -> dict[Oid, tuple[str, str]]:
    """Return OID -> (type, value) of what the kernel knows now (RFC 4188)."""
    base = Path("/sys/class/net")
    ports = {p.name: int((p / "port_no").read_text(), 16) for p in (base / bridge / "brif").iterdir()}
    address = (base / bridge / "address").read_text().strip().replace(":", " ")
    found: dict[Oid, tuple[str, str]] = {
        (*ROOT, 1, 1, 0): ("octet", address),
        (*ROOT, 1, 2, 0): ("integer", str(len(ports))),
        (*ROOT, 4, 2, 0): ("integer", "300"),
    }
    for name, number in ports.items():
        found[*ROOT, 1, 4, 1, 2, number] = ("integer", (base / name / "ifindex").read_text().strip())
    shown = subprocess.run(["bridge", "-j", "fdb", "show", "br", bridge], capture_output=True, check=True)
    for entry in json.loads(shown.stdout):
        if entry.get("ifname") in ports and entry.get("master") == bridge:
            mac = tuple(int(pair, 16) for pair in entry["mac"].split(":"))
            found[*ROOT, 4, 3, 1, 1, *mac] = ("octet", entry["mac"].replace(":", " "))
            found[*ROOT, 4, 3, 1, 2, *mac] = ("integer", str(ports[entry["ifname"]]))
            found[*ROOT, 4, 3, 1, 3, *mac] = ("integer", "4" if entry.get("state") == "permanent" else "3")
    return found


def answer(command: str, asked: Oid, found: dict[Oid, tuple[str, str]]) -> str:
    """Return what snmpd is told."""
    at = asked if command == "get" and asked in found else None
    if command == "getnext":
        at = min((oid for oid in found if oid > asked), default=None)
    return "NONE" if at is None else "\n".join([f".{'.'.join(map(str, at))}", *found[at]])


if __name__ == "__main__":
    found, until = rows(sys.argv[1]), time.monotonic() + 1
    while line := sys.stdin.readline().strip():
        if line == "PING":
            print("PONG", flush=True)
            continue
        oid = tuple(int(n) for n in sys.stdin.readline().strip().split(".") if n)
        if time.monotonic() > until:
            found, until = rows(sys.argv[1]), time.monotonic() + 1
        print(answer(line, oid, found), flush=True)
