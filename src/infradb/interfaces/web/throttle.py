"""Slows down who guesses passwords."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE_TRIES = 5
LONGEST_ADDRESS_WAIT = 900.0
LONGEST_NAME_WAIT = 30.0
"""Shorter: whoever fails on purpose under somebody's name must not keep that one out."""
REMEMBERED = 10_000
FORGOTTEN_AFTER = 3600.0


class Throttle:
    """Counts failures by address and by name; after five, each further one doubles the wait."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def try_(self, address: str, name: str) -> float:
        """Count a try as failed until `succeeded` says otherwise; return the seconds to wait where it is too early.

        It is counted beforehand, so that many tries at once are no way round.
        """
        keys = self._keys(address, name)
        with self._lock:
            wait = max(self._left(key) for key in keys)
            if wait > 0:
                return wait
            for key in keys:
                count, at = self._tries.pop(key, (0, 0.0))
                fresh = self._now() - at > FORGOTTEN_AFTER
                self._tries[key] = (1 if fresh else count + 1, self._now())
            while len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)
            return 0.0

    def succeeded(self, address: str, name: str) -> None:
        """Forget the failures of who came in."""
        with self._lock:
            for key in self._keys(address, name):
                self._tries.pop(key, None)

    def _left(self, key: tuple[str, str]) -> float:
        count, at = self._tries.get(key, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        longest = LONGEST_NAME_WAIT if key[0] == "name" else LONGEST_ADDRESS_WAIT
        return at + min(2.0 ** min(count - FREE_TRIES + 1, 30), longest) - self._now()

    @staticmethod
    def _keys(address: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("address", _network(address)), ("name", name.strip().lower()[:64])


def _network(address: str) -> str:
    """Return the address, of IPv6 its /64: one customer has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
