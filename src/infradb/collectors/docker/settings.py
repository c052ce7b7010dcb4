"""What the user sets for a Docker engine."""

import os
import stat
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_SOCKET = "/var/run/docker.sock"
SCHEMES = ("unix", "tcp", "http", "https", "ssh")


class DockerSettings(BaseModel):
    """Settings of the Docker collector; none is needed for the engine of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(default_factory=lambda: default_url())
    """Where the engine listens: `unix:///var/run/docker.sock`, `tcp://HOST:2375`, `https://HOST:2376` or
    `ssh://USER@HOST[:PORT]`; default: DOCKER_HOST, else the socket that is there."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """How long one answer may take."""

    stats: bool = False
    """Whether to read each running container's memory use; costs the engine one more call per container."""

    volume_sizes: bool = True
    """Whether to ask for the size of volumes; the engine then walks their files, for at most five seconds."""

    address: str | None = None
    """Name or address at which users reach published ports; default: what `url` names, or the engine's host name."""

    tls_ca: Path | None = None
    """PEM file of the authority that signed the engine's certificate; default: those that the system trusts."""

    tls_cert: Path | None = None
    """PEM file of the certificate that the engine knows us by."""

    tls_key: Path | None = None
    """PEM file of that certificate's private key."""

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"is none of {', '.join(s + '://' for s in SCHEMES)}")
        if parts.password:
            raise ValueError("must not hold a password: ssh:// logs in by key, https:// by certificate")
        if parts.scheme == "unix" and not parts.path.startswith("/"):
            raise ValueError("names no socket: unix:///var/run/docker.sock has three slashes")
        if parts.scheme != "unix" and not parts.hostname:
            raise ValueError("names no host")
        return value

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if self.uses_tls and urlsplit(self.url).scheme not in ("tcp", "https"):
            raise ValueError("tls_ca, tls_cert and tls_key are for tcp:// and https://")
        return self

    @property
    def uses_tls(self) -> bool:
        """Return whether a certificate file is given."""
        return bool(self.tls_ca or self.tls_cert)

    @property
    def socket_path(self) -> str | None:
        """Return the path of the engine's socket on this machine; None where it is reached otherwise."""
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == "unix" else None

    @property
    def remote_host(self) -> str | None:
        """Return the host that `url` names, unless it is a loopback name."""
        host = urlsplit(self.url).hostname if self.socket_path is None else None
        return None if host in (None, "localhost", "127.0.0.1", "::1") else host


def default_url() -> str:
    """Return DOCKER_HOST, else the first engine socket that is there (root's, a rootless one, Docker Desktop's)."""
    if given := os.environ.get("DOCKER_HOST"):
        return given
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    candidates = [
        DEFAULT_SOCKET,
        *([f"{runtime}/docker.sock"] if runtime else []),
        f"{Path.home()}/.docker/run/docker.sock",
    ]
    return f"unix://{next((path for path in candidates if _is_socket(path)), DEFAULT_SOCKET)}"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116  (Path.is_socket hides what is refused)
    except OSError:
        return False
