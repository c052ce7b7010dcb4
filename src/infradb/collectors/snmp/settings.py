"""What the user sets for devices that are read over SNMP."""

import re
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infradb.transport.credentials import Secret

DEFAULT_PORT = 161
_PLACE = re.compile(r"^(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<name>[^\s:\[\]/]+))(?::(?P<port>\d{1,5}))?$")
_BARE_SIX = re.compile(r"^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$")


class Place(NamedTuple):
    """Where one device is asked."""

    name: str
    """As the user wrote it: part of scopes and native keys."""

    host: str
    """Name or address."""

    port: int
    """UDP port."""


class SnmpSettings(BaseModel):
    """Settings of the SNMP collector: one account for one or more devices."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    hosts: tuple[str, ...] = Field(min_length=1, max_length=500)
    """Devices, as a list or separated by commas: `sw1.lan`, `10.0.0.2`, `10.0.0.2:1161`, `[fd00::2]:161`."""

    community: Secret | None = None
    """Community of SNMPv2c; it crosses the network readably. Without it, SNMPv3 is spoken."""

    user: str | None = Field(default=None, min_length=1, max_length=32)
    """Name of the SNMPv3 user."""

    auth_key: Secret | None = None
    """Password by which the SNMPv3 user proves who he is; at least 8 characters."""

    priv_key: Secret | None = None
    """Password by which SNMPv3 is encrypted; at least 8 characters. Without it everything can be read on the way."""

    auth_protocol: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = "sha"
    """Hash of SNMPv3's authentication; `sha` is SHA-1, which every device has."""

    priv_protocol: Literal["des", "aes", "aes192", "aes256", "aes192-cisco", "aes256-cisco"] = "aes"
    """Cipher of SNMPv3; `aes` has 128 bits. Cisco and others derive longer keys in a way of their own."""

    context: str = Field(default="", max_length=32)
    """SNMPv3 context; empty on nearly every device."""

    timeout_seconds: float = Field(default=3, gt=0, le=60)
    """How long one answer may take."""

    retries: int = Field(default=1, ge=0, le=10)
    """How often a question is asked again that was not answered."""

    device_seconds: float = Field(default=120, gt=0, le=3600)
    """How long one device may take altogether; what is not read by then makes its scope partial or failed."""

    parallel: int = Field(default=4, ge=1, le=32)
    """How many devices are read at once."""

    @field_validator("hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("hosts")
    @classmethod
    def _places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            place_of(text)
        if len(set(value)) < len(value):
            raise ValueError("names a device twice")
        return value

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        if (self.community is None) == (self.user is None):
            raise ValueError("needs either community (SNMPv2c) or user (SNMPv3)")
        if self.community and (self.auth_key or self.priv_key):
            raise ValueError("auth_key and priv_key belong to a user, not to a community")
        if self.priv_key and not self.auth_key:
            raise ValueError("priv_key needs auth_key: SNMPv3 does not encrypt what it cannot authenticate")
        return self

    @property
    def places(self) -> tuple[Place, ...]:
        """Return where each device is asked."""
        return tuple(place_of(text) for text in self.hosts)


def place_of(text: str) -> Place:
    """Return where a device is asked; raise `ValueError`."""
    if _BARE_SIX.match(text):
        return Place(text, text, DEFAULT_PORT)
    match = _PLACE.match(text)
    port = int(match["port"] or DEFAULT_PORT) if match else 0
    if not match or not 0 < port < 65536:
        raise ValueError(f"{text!r} is neither HOST nor HOST:PORT; an IPv6 address with a port is [ADDRESS]:PORT")
    return Place(text, match["six"] or match["name"], port)
