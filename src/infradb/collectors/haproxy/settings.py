"""What the user sets for an HAProxy."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from infradb.collectors.reverse_proxy.settings import ProxySettings


class HaproxySettings(ProxySettings):
    """Settings of the HAProxy collector; none is needed for an HAProxy of this machine."""

    path: Path = Field(default=Path("/etc/haproxy/haproxy.cfg"))
    """Its configuration file."""

    url: str = Field(default="unix:///run/haproxy/admin.sock")
    """Its stats socket, for the state of backends: `unix:///PATH` or `tcp://HOST:PORT`; empty for none."""

    @field_validator("url")
    @classmethod
    def _socket(cls, value: str) -> str:
        parts = urlsplit(value)
        if not value or (parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc):
            return value
        if parts.scheme != "tcp" or not parts.hostname or not parts.port:
            raise ValueError("is neither unix:///PATH nor tcp://HOST:PORT")
        return value

    @property
    def host(self) -> str:
        """Return the host that `url` names; this one where it is a path."""
        return urlsplit(self.url).hostname or "127.0.0.1"
