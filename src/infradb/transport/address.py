"""What users set for a source that is reached over HTTP."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class HttpSettings(BaseModel):
    """Settings that every source over HTTP has."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """How long one answer may take."""

    fingerprint: str | None = None
    """SHA-256 of the server's certificate, in the place of an authority."""

    ca: str | None = None
    """PEM file of the authority that signed the server's certificate; default: those that the system trusts."""


class LoginSettings(HttpSettings):
    """The same of a source that may want a name and a password."""

    username: str | None = Field(default=None, min_length=1)
    """Name for HTTP basic authentication, where the server wants one."""

    password: Secret | None = None
    """Where the password lies: `env:NAME`, `file:/path` …"""

    @property
    def basic(self) -> tuple[str, str] | None:
        """Return name and password; raise `SettingsError` where the password cannot be read."""
        if self.username is None and self.password is None:
            return None
        return self.username or "", reveal(self.password) if self.password else ""
