"""Measures the CPU time, the time and the memory that things take."""

from __future__ import annotations

import gc
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def cpu_of(action: Callable[[], object]) -> float:
    """Return the CPU seconds of this process that an action takes."""
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def milliseconds(runs: int, action: Callable[[], object]) -> float:
    """Return the median time of an action in milliseconds; the first time, which fills the caches, does not count."""
    action()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def process_milliseconds(runs: int, command: Sequence[str]) -> tuple[float, float]:
    """Return the median time and the median CPU time of a whole process in milliseconds."""
    walls, cpus = [], []
    for _ in range(runs):
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        walls.append(time.perf_counter() - start)
        after = os.times()
        cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls) * 1000, statistics.median(cpus) * 1000


def peak_megabytes(code: str, *arguments: str) -> float:
    """Return the most memory that a fresh Python process had while it ran some code."""
    # A child's ru_maxrss starts with its parent's memory; VmHWM is its own.
    shown = "\nprint(open('/proc/self/status').read())"
    done = subprocess.run(
        [sys.executable, "-c", code + shown, *arguments], check=True, capture_output=True, text=True, cwd=ROOT
    )
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert found, "the kernel does not say how much memory the process had"
    return int(found[1]) / 1024
