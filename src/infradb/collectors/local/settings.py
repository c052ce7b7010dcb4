"""What the user sets for the machine that infradb runs on."""

from pydantic import BaseModel, ConfigDict, Field


class LocalSettings(BaseModel):
    """Settings of the local collector; none is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    timeout_seconds: float = Field(default=60, gt=0, le=600)
    """Time after which reading ends with what is there by then."""

    shell: str = Field(default="sh", min_length=1)
    """POSIX shell that reads the facts, with arguments: `sh`, `busybox ash`."""
