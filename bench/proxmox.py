"""How long does it take to read a large Proxmox VE cluster, with how many calls and how much memory?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.clocks import ROOT
from bench.figures import Figure, at_most

READ = """
import sys, time
import orjson
from infradb import clock
from infradb.collectors.proxmox.collector import ProxmoxCollector
from infradb.collectors.proxmox.settings import ProxmoxSettings
from infradb.operations.absorb import absorb
from infradb.store import runs
from infradb.store.schema import open_database

url, fingerprint, path = sys.argv[1:]
settings = {"url": url, "token_id": "infradb@pve!bench", "token_secret": "env:PVE_SECRET", "fingerprint": fingerprint}
database = open_database(path, create=True)
with database.write() as connection:
    runs.add_source(connection, "lab", "proxmox", clock.now(), declared=False, rank=20)
shown = []
for _ in range(2):
    began, cpu = time.perf_counter(), time.process_time()
    run = ProxmoxCollector("lab", ProxmoxSettings.model_validate(settings)).collect()
    wall, cpu, now = time.perf_counter() - began, time.process_time() - cpu, time.perf_counter()
    with database.write() as connection:
        report = absorb(connection, run)
    calls = sum(c.times for c in run.calls)
    shown.append({"wall": wall, "cpu": cpu, "absorb": time.perf_counter() - now, "calls": calls,
                  "status": run.status, "changed": report.changed, "errors": run.errors[:3]})
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(orjson.dumps({"runs": shown, "peak": int(peak) / 1024}).decode())
"""
"""Reads a cluster twice into a database of its own and prints what that took."""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what reading 20 nodes with 2,000 guests takes, as they are and with a firewall on every one."""
    nodes, guests = (4, 100) if quick else (20, 2000)
    name = f"Proxmox VE, {nodes} nodes, {guests:,} guests"
    usual = _read(folder / "usual.db", nodes, guests)
    first, again = usual["runs"]
    assert again["changed"] == 0, "a second reading found something new"
    figures = [
        at_most(f"{name}: reading", first["wall"], 30, "s"),
        at_most(f"{name}: CPU of reading", first["cpu"], 30, "CPU s"),
        at_most(f"{name}: calls", first["calls"], 4500, "calls", 0),
        at_most(f"{name}: taking in what is new", first["absorb"], 30, "s"),
        at_most(f"{name}: reading again, and finding nothing new", again["wall"] + again["absorb"], 30, "s"),
        at_most(f"{name}: memory, database included", usual["peak"], 400, "MB", 0),
    ]
    walled = _read(folder / "firewall.db", nodes, guests, "firewall")["runs"][0]
    question = f"{name}: reading, with every guest asked for its firewall"
    return [*figures, Figure(question, f"{walled['wall']:.1f} s, {walled['calls']:,} calls")]


def _read(path: Path, nodes: int, guests: int, *more: str) -> dict[str, Any]:
    with _replay(nodes, guests, *more) as (url, fingerprint):
        command = [sys.executable, "-c", READ, url, fingerprint, str(path)]
        environment = {**os.environ, "PVE_SECRET": "bench", "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    found: dict[str, Any] = orjson.loads(done.stdout)
    for run in found["runs"]:
        assert run["status"] == "complete", run["errors"]
    return found


@contextmanager
def _replay(nodes: int, guests: int, *more: str) -> Iterator[list[str]]:
    command = [sys.executable, "-m", "bench.proxmox_replay", str(nodes), str(guests), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()
        finally:
            server.terminate()
