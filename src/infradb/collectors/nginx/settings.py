"""What the user sets for an nginx."""

from pathlib import Path

from pydantic import Field

from infradb.collectors.reverse_proxy.settings import ProxySettings


class NginxSettings(ProxySettings):
    """Settings of the nginx collector; none is needed for an nginx on this machine."""

    path: Path = Field(default=Path("/etc/nginx/nginx.conf"))
    """Its main configuration file; what that includes is read from the same folder."""
