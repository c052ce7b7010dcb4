"""What the user sets for a Traefik."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from infradb.collectors.reverse_proxy.settings import ProxySettings
from infradb.transport.credentials import Secret


class TraefikSettings(ProxySettings):
    """Settings of the Traefik collector."""

    url: str = Field(default="http://127.0.0.1:8080")
    """Where its API answers, without `/api`: `http://HOST:8080`, or the name of a router to `api@internal`."""

    user: str | None = None
    """Who logs in, where a basicAuth middleware stands before the API."""

    password: Secret | None = None
    """That user's password."""

    fingerprint: str | None = Field(default=None, min_length=64)
    """SHA-256 of the API's certificate, where no authority signed it."""

    ca: str | None = None
    """PEM file of the authority that signed the API's certificate."""

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no address such as http://HOST:8080")
        if parts.username or parts.password:
            raise ValueError("must not hold a password: set `user` and `password`")
        return value.rstrip("/").removesuffix("/api")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self

    @property
    def host(self) -> str:
        """Return the host that `url` names."""
        return urlsplit(self.url).hostname or ""
