"""What the user sets for a Caddy."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from infradb.collectors.reverse_proxy.settings import ProxySettings


class CaddySettings(ProxySettings):
    """Settings of the Caddy collector; none is needed for a Caddy on this machine."""

    url: str = Field(default="http://127.0.0.1:2019")
    """Where its admin API answers."""

    fingerprint: str | None = Field(default=None, min_length=64)
    """SHA-256 of the API's certificate, where no authority signed it."""

    ca: str | None = None
    """PEM file of the authority that signed the API's certificate."""

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no address such as http://127.0.0.1:2019")
        if parts.username or parts.password:
            raise ValueError("must not hold a password: the admin API knows none")
        return value.rstrip("/")

    @property
    def host(self) -> str:
        """Return the host that `url` names."""
        return urlsplit(self.url).hostname or ""
