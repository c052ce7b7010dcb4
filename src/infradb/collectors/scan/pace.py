"""Holds the rate: every packet waits for its turn."""

import asyncio
import threading
import time


class Pace:
    """Turns at a fixed distance; threads may share it. What was not used in time is not made up for later."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def take(self, packets: int = 1) -> float:
        """Reserve the next turn, for as many packets, and return in how many seconds it is."""
        with self._lock:
            now = time.monotonic()
            at = max(self._next, now)
            self._next = at + self._gap * packets
            return at - now

    async def turn(self, packets: int = 1) -> None:
        """Wait for the next turn."""
        delay = self.take(packets)
        if delay > 0:
            await asyncio.sleep(delay)
