"""Asks a proxy's own listening ports which certificates they show; connects to nothing else."""

import ipaddress
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from infradb.collectors.reverse_proxy.names import ANY
from infradb.collectors.reverse_proxy.routes import Route, port_of
from infradb.errors import CollectionError, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.certificates import shown_certificate

PARALLEL = 4
"""Handshakes at one time."""

SECONDS_BETWEEN = 0.02
"""Time between the beginnings of two handshakes: at most 50 a second."""

MOST_NAMES = 2000
CALL = "TLS handshake with {address}:{port} for {name}"
_TIMEOUT = 5.0
_WHOLE_SECONDS = 60.0
_GIVE_UP_AFTER = 3
"""Names that a port may leave without any answer before the others are not asked for."""

Place = tuple[str, int, str | None]
"""Address, port, and the name that is asked for."""


@dataclass(slots=True)
class Shown:
    """What the ports showed."""

    certificates: dict[str, bytes] = field(default_factory=dict)
    """Route's key -> certificate (DER)."""

    problems: tuple[str, ...] = ()
    """What could not be asked."""


def place_of(route: Route, host: str, address: str | None) -> Place | None:
    """Return where a route shows its certificate; None where that cannot be asked without going elsewhere.

    `host` is where the proxy is read, `address` what the user says. An address of a proxy's loopback is reached from
    its own machine only. Wildcards are not asked for.
    """
    port = port_of(route.listen)
    name = None if route.hostname == ANY else route.hostname
    if not (route.tls and route.enabled and route.asked and port) or (name and "*" in name):
        return None
    listens = route.listen.rpartition(":")[0].strip("[]")
    if address or listens in ("", "*"):
        return address or host, port, name
    try:
        parsed = ipaddress.ip_address(listens.partition("%")[0])
    except ValueError:
        return host, port, name
    if parsed.is_unspecified:
        return host, port, name
    return (str(parsed), port, name) if not parsed.is_loopback or is_loopback(host) else None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its loopback."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def ask_ports(routes: Iterable[Route], host: str, address: str | None, timeout: float, log: CallLog) -> Shown:
    """Return the certificates that a proxy's ports show for the names of its routes."""
    wanted: dict[Place, list[str]] = {}
    for route in routes:
        if place := place_of(route, host, address):
            wanted.setdefault(place, []).append(route.key)
    asking = _Asking(min(timeout, _TIMEOUT), log)
    places = sorted(wanted, key=str)[:MOST_NAMES]
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="certificates") as pool:
        found = dict(zip(places, pool.map(asking.ask, places), strict=True))
    missing = len(wanted) - sum(1 for der in found.values() if der)
    problems: tuple[str, ...] = ()
    if missing:
        first = min(asking.failed, key=str) if asking.failed else "there are more than infradb asks for"
        hint = "`address` says where the proxy's ports are reached, `probe_certificates=false` ends the asking"
        problems = (f"{missing} of {len(wanted)} names showed no certificate: {first} ({hint})",)
    certificates = {key: der for place, der in found.items() if der for key in wanted[place]}
    return Shown(certificates, problems)


class _Asking:
    """Handshakes at a bounded rate."""

    def __init__(self, timeout: float, log: CallLog) -> None:
        self.timeout, self.log = timeout, log
        self.failed: list[CollectionError] = []
        self._lock = Lock()
        self._silent: dict[tuple[str, int], int] = {}
        self._next = time.monotonic()
        self._end = self._next + min(_WHOLE_SECONDS, timeout * 10)

    def ask(self, place: Place) -> bytes | None:
        host, port, name = place
        if self._silent.get((host, port), 0) >= _GIVE_UP_AFTER or not self._wait():
            return None
        try:
            with self.log.recording(CALL):
                return shown_certificate(host, port, name, self.timeout)
        except CollectionError as error:
            with self._lock:
                self.failed.append(error)
                if isinstance(error, SourceUnreachable):
                    self._silent[host, port] = self._silent.get((host, port), 0) + 1
            return None

    def _wait(self) -> bool:
        with self._lock:
            begin = max(self._next, time.monotonic())
            self._next = begin + SECONDS_BETWEEN
        if begin > self._end:
            return False
        time.sleep(max(0.0, begin - time.monotonic()))
        return True
