"""What the user sets for machines that are read over SSH."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from infradb.collectors.ssh.targets import Target, expand, is_list, parse_target
from infradb.transport.credentials import Secret


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class SshSettings(BaseModel):
    """Settings of the SSH collector; only `hosts` is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    hosts: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(min_length=1)
    """Machines, with commas between them: `web1,admin@nas:2222,[2001:db8::5]`; `@/path/to/file` names a file with one
    a line."""

    user: str | None = Field(default=None, min_length=1)
    """Account on the machines; default: the one that infradb runs under."""

    key: Path | None = None
    """Private key that logs in; default: those of the SSH agent and of `~/.ssh`."""

    key_passphrase: Secret | None = None
    """Passphrase of the key."""

    password: Secret | None = None
    """Password that logs in, where there is no key."""

    known_hosts: Path | None = None
    """File of the machines' public keys; default: `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`."""

    jump: str | None = None
    """Machine through which the others are reached: `USER@HOST:PORT`."""

    sudo: bool = False
    """Whether to read as root through `sudo -n`, which the machines have to allow."""

    parallel: int = Field(default=50, ge=1, le=500)
    """How many machines are read at once."""

    connect_timeout_seconds: float = Field(default=15, gt=0, le=600)
    """How long connecting and logging in may take."""

    timeout_seconds: float = Field(default=90, gt=0, le=3600)
    """How long one machine may take, all in all; what it has told by then counts."""

    @field_validator("hosts")
    @classmethod
    def _machines(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = [parse_target(entry).name for entry in value if not is_list(entry)]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"names {twice[0]} twice")
        return value

    @field_validator("jump")
    @classmethod
    def _machine(cls, value: str | None) -> str | None:
        if value is not None:
            parse_target(value)
        return value

    @model_validator(mode="after")
    def _key_with_passphrase(self) -> Self:
        if self.key_passphrase and not self.key:
            raise ValueError("key_passphrase needs key")
        return self

    def targets(self) -> list[Target]:
        """Return the machines, those in files too; raise `SettingsError` where a file or a line in it is wrong."""
        return expand(self.hosts)
