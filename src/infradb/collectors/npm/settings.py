"""What the user sets for an Nginx Proxy Manager."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from infradb.collectors.reverse_proxy.settings import ProxySettings
from infradb.transport.credentials import Secret


class NpmSettings(ProxySettings):
    """Settings of the Nginx Proxy Manager collector."""

    url: str = Field(default="http://127.0.0.1:81")
    """Where its administration answers: `http://HOST:81`."""

    email: str = Field(min_length=3, max_length=255)
    """Who logs in."""

    password: Secret
    """That user's password."""

    fingerprint: str | None = Field(default=None, min_length=64)
    """SHA-256 of the administration's certificate, where no authority signed it."""

    ca: str | None = None
    """PEM file of the authority that signed it."""

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no address such as http://HOST:81")
        if parts.username or parts.password:
            raise ValueError("must not hold a password: set `email` and `password`")
        return value.rstrip("/").removesuffix("/api")

    @property
    def host(self) -> str:
        """Return the host that `url` names."""
        return urlsplit(self.url).hostname or ""
