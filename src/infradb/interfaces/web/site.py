"""What the server knows besides the database: by which names it is reached, and who may come in unasked."""

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from starlette.requests import Request

from infradb.errors import SettingsError
from infradb.interfaces.web.throttle import Throttle
from infradb.operations.databases import Database

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens, and under which further names browsers reach it."""

    address: str
    port: int
    names: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine reaches it."""
        return self.address == "localhost" or ipaddress.ip_address(self.address).is_loopback

    @property
    def is_private(self) -> bool:
        """Tell whether nobody else is meant to reach it: loopback, and no further name leads to it."""
        return self.is_loopback and not self.names

    @property
    def url(self) -> str:
        """Return the address for a person to open; of all addresses the machine's own first one."""
        # Behind a proxy on this machine the name has a port and a scheme that only the proxy knows.
        host = self.names[0] if self.names and not self.is_loopback else self.address
        if host == self.address and self.address in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
            host = own_address() or socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def serves(self, host: str) -> bool:
        """Tell whether a request's `Host` means this server.

        A page of somebody else's must not reach it under that page's own name: DNS rebinding needs a name that an
        attacker's DNS leads here, so plain addresses are safe.
        """
        name = _host_name(host)
        if name is None:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            local = name in LOCAL_NAMES or name.endswith(".localhost")
            own = not self.is_loopback and name in _own_names()
            return local or own or name in {n.lower() for n in self.names}
        return address.is_loopback or not self.is_loopback


@dataclass(frozen=True, slots=True)
class Site:
    """One server over one database."""

    database: Database
    place: Place
    banner: str = ""
    """Sentence on top of every page, for a database of invented data."""

    reading: Callable[[], Collection[str]] = tuple
    """Names of the sources that are being read now."""

    added: Callable[[], None] = lambda: None
    """Called after a source was added."""

    follows: bool = False
    """Whether this process reads sources, too."""

    throttle: Throttle = field(default_factory=Throttle)
    """Counts failed sign-ins."""


def site_of(request: Request) -> Site:
    """Return the site that a request came to."""
    site: Site = request.app.state.site
    return site


def place_of(listen: str, port: int | None, names: Collection[str], default_port: int) -> Place:
    """Read `ADDRESS`, `ADDRESS:PORT`, `[IPV6]:PORT` or `:PORT`; raise `SettingsError`."""
    given = listen.strip()
    address, given_port = given, ""
    if given.startswith("[") and "]" in given:
        address, _, rest = given[1:].partition("]")
        given_port = rest.removeprefix(":")
    elif given.count(":") == 1:
        address, _, given_port = given.partition(":")
    if given_port and not (given_port.isdigit() and 0 < int(given_port) < 65536):
        raise SettingsError(f"{listen!r}: {given_port!r} is no port", hint="a port is a number from 1 to 65535")
    address = "127.0.0.1" if address in ("", "localhost") else address
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        hint = "--listen 192.0.2.5, --listen 0.0.0.0:8080 or --listen [::]; a name goes to --name"
        raise SettingsError(f"{listen!r} is no address to listen on", hint=hint) from error
    return Place(address, port or int(given_port or default_port), tuple(names))


def own_address() -> str | None:
    """Return the address by which this machine reaches others; nothing is sent to find it."""
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))
            except OSError:
                continue
            return str(probe.getsockname()[0])
    return None


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, name.partition(".")[0], f"{name.partition('.')[0]}.local"}


def _host_name(host: str) -> str | None:
    """Return the name or address of a `Host` header without its port; None where it is malformed."""
    name = host.strip().lower()
    if name.startswith("["):
        name, closed, rest = name[1:].partition("]")
        return name if closed and (not rest or rest[1:].isdigit()) else None
    name, _, port = name.partition(":")
    return name.removesuffix(".") if name and (not port or port.isdigit()) else None
