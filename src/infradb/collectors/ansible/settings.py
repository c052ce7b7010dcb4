"""What the user sets for a folder of Ansible facts."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from infradb.clock import parse_duration


def _duration(value: str) -> str:
    parse_duration(value)
    return value


class AnsibleSettings(BaseModel):
    """Settings of the Ansible collector."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    path: Path
    """Folder with one file of facts per host, JSON or YAML: `fact_caching_connection` of ansible.cfg."""

    max_age: Annotated[str, AfterValidator(_duration)] = "7d"
    """Facts older than this still count, but say nothing about what is gone: a number and s, m, h, d, w or y."""
