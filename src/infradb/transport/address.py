"""What users set for a source that is reached over HTTP."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infradb.transport.credentials import Secret, reveal


def web_address(value: str) -> str:
    """Return an address without its last slash; raise `ValueError` where it is none, or holds a password."""
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address such as http://HOST:PORT")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must hold neither a password nor a query")
    _ = parts.port  # raises where it is no port
    return value.strip().rstrip("/")


WebAddress = Annotated[str, AfterValidator(web_address)]


def api_address(value: str) -> str:
    """Return the same without the `/api` that people copy along."""
    return web_address(value).removesuffix("/api")


ApiAddress = Annotated[str, AfterValidator(api_address)]


class HttpSettings(BaseModel):
    """Settings that every source over HTTP has."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """How long one answer may take."""

    fingerprint: str | None = Field(default=None, min_length=64, max_length=95)
    """SHA-256 of the server's certificate, in the place of an authority."""

    ca: str | None = None
    """PEM file of the authority that signed the server's certificate; default: those that the system trusts."""


class LoginSettings(HttpSettings):
    """The same of a source that may want a name and a password."""

    user: str | None = Field(default=None, min_length=1)
    """Name for HTTP basic authentication, where the server wants one."""

    password: Secret | None = None
    """Where that user's password lies: `env:NAME`, `file:/path` …"""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self

    @property
    def basic(self) -> tuple[str, str] | None:
        """Return name and password; raise `SettingsError` where the password cannot be read."""
        return (self.user, reveal(self.password)) if self.user and self.password else None
