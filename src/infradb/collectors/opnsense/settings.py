"""What the user sets for an OPNsense firewall."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infradb.transport.credentials import Secret


class OpnsenseSettings(BaseModel):
    """Settings of the OPNsense collector: the API with its key, or a saved configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str | None = None
    """Where the web interface listens: `https://192.168.1.1`."""

    api_key: Secret | None = None
    """Key of the API key (its first half)."""

    api_secret: Secret | None = None
    """Secret of the API key (its second half)."""

    fingerprint: str | None = Field(default=None, pattern=r"^([0-9A-Fa-f]{2}:?){32}$")
    """SHA-256 of the web interface's certificate, in the place of an authority; for self-signed ones."""

    ca: str | None = None
    """PEM file of the authority that signed the certificate; default: those that the system trusts."""

    config: bool = True
    """Whether to download config.xml, which holds what the API does not tell, and secrets, which are left out."""

    path: str | None = None
    """File with a configuration that was saved (System: Configuration: Backups), in the place of `url`."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """How long one answer may take."""

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("is no address such as https://192.168.1.1")
        if parts.username or parts.password:
            raise ValueError("must not hold credentials: they go into api_key and api_secret")
        return value.rstrip("/").removesuffix("/api")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("give either url with api_key and api_secret, or path")
        if self.url and not (self.api_key and self.api_secret):
            raise ValueError("api_key and api_secret are needed with url")
        return self
