"""Counts the calls that a collector makes, so that everybody can see what was asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from infradb.observation import Call


class CallLog:
    """Every call of one run by its kind: how often, how many failed, how long they took. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: dict[str, list[float]] = {}

    def record(self, name: str, seconds: float, *, failed: bool = False) -> None:
        """Note one call: `GET /nodes/{node}/status`, with names in the place of what varies."""
        with self._lock:
            entry = self._calls.setdefault(name, [0, 0, 0.0])
            entry[0] += 1
            entry[1] += failed
            entry[2] += seconds

    @contextmanager
    def recording(self, name: str) -> Iterator[None]:
        """Note what happens inside as one call, failed where it raises."""
        began = time.monotonic()
        failed = True
        try:
            yield
            failed = False
        finally:
            self.record(name, time.monotonic() - began, failed=failed)

    def made(self) -> tuple[Call, ...]:
        """Return what was called, in the order in which each kind was first called."""
        with self._lock:
            return tuple(Call(n, int(t), int(f), round(s * 1000)) for n, (t, f, s) in self._calls.items())
