"""What the user sets for a Prometheus server."""

from pydantic import Field

from infradb.transport.address import LoginSettings, WebAddress
from infradb.transport.credentials import Secret


class PrometheusSettings(LoginSettings):
    """Settings of the Prometheus collector."""

    url: WebAddress
    """Address of the server: `http://prometheus.lan:9090`, with its route prefix where it has one."""

    token: Secret | None = None
    """Where a bearer token lies, for a proxy in front that wants one: `env:NAME`, `file:/path` …"""

    vrf: str = Field(default="default", min_length=1, max_length=255)
    """Address space in which the targets' addresses lie; `docker:…` where Prometheus sees containers' own networks."""
