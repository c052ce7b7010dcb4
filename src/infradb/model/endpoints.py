"""Where a backend's URL leads: the host or name, the port and the protocol, so that it can be found among services."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

_DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "h2c": 80,
    "grpc": 80,
    "grpcs": 443,
}
_HOST = re.compile(r"[\w.\-]+")


class Endpoint(NamedTuple):
    """One port of a host, as somebody wrote it down."""

    host: str
    """Address in canonical form, or a name in lower case; `localhost` where only a port is given."""

    port: int
    """Port that is meant, or that the scheme implies."""

    protocol: str
    """tcp or udp."""


def backend_endpoint(url: str) -> Endpoint | None:
    """Return where a backend's URL leads; None where that is no port: a socket's path, a folder, a variable.

    >>> backend_endpoint("https://[FD00::5]/web")
    Endpoint(host='fd00::5', port=443, protocol='tcp')
    >>> backend_endpoint("http://app:***@Media.lan:8096"), backend_endpoint("udp://10.0.0.53:53")
    (Endpoint(host='media.lan', port=8096, protocol='tcp'), Endpoint(host='10.0.0.53', port=53, protocol='udp'))
    >>> backend_endpoint("http://:9000")
    Endpoint(host='localhost', port=9000, protocol='tcp')
    >>> [backend_endpoint(u) for u in ("http://unix:/run/app.sock", "file:///srv", "http://$upstream", "api@internal")]
    [None, None, None, None]
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "file" or rest.startswith("unix:"):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    port = port or _DEFAULT_PORTS.get(scheme.lower())
    # What stands for something else, such as $upstream or {env.APP}, is not known here.
    if not port or (host and not _HOST.fullmatch(host) and ":" not in host):
        return None
    return Endpoint(_canonical(host or "localhost"), port, "udp" if scheme.lower() == "udp" else "tcp")


def _canonical(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return host.lower().rstrip(".")
