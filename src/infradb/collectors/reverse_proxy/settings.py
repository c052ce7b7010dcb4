"""What the user sets for any reverse proxy."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field


class ProxySettings(BaseModel):
    """Settings that all reverse proxies have."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    timeout_seconds: float = Field(default=20, gt=0, le=600)
    """How long one answer may take; a certificate has at most five seconds of it."""

    probe_certificates: bool = True
    """Whether to ask the proxy's own listening ports which certificate they show for each name; nothing else is
    connected to."""

    address: str | None = Field(default=None, min_length=1, max_length=253)
    """Name or address at which users reach the proxy's ports; default: where it listens, else where it is read."""

    this_machine: bool = False
    """Whether the proxy runs on the machine that infradb runs on, in no container: it is then a service of it."""


class HttpProxySettings(ProxySettings):
    """Settings that all reverse proxies have that are asked over HTTP."""

    url: str
    """Where it answers."""

    @property
    def host(self) -> str:
        """Return the host that `url` names."""
        return urlsplit(self.url).hostname or ""
