"""What the user sets for compose files."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from infradb.transport.files import Listed


class ComposeSettings(BaseModel):
    """Settings of the compose collector."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    path: Path
    """A compose file, or a folder that is searched for them six folders deep."""

    engine: str | None = Field(default=None, min_length=1, max_length=253)
    """Host name of the machine whose engine is to run them; default: this machine."""

    project: str | None = Field(default=None, min_length=1, max_length=255)
    """Name of the project, where `path` is one file and `docker compose -p` names it."""

    profiles: Listed = ()
    """Profiles that are in force besides those of COMPOSE_PROFILES in `.env`."""

    separator: Literal["-", "_"] = "-"
    """What compose puts between the parts of a name: `-` since version 2, `_` in version 1."""

    @model_validator(mode="after")
    def _project_of_one_file(self) -> Self:
        if self.project and self.path.is_dir():
            raise ValueError("project is for a path that is one file")
        return self
