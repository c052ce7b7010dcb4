"""What a user may set: `infradb.toml`, then `INFRADB_…` in the environment, then flags."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from infradb import clock
from infradb.errors import SettingsError

FILE_NAME = "infradb.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; each is also an environment variable, `INFRADB_` and its name."""

    database: str = ""
    """Path or URL of the database; empty: `infradb.db` in the XDG data folder."""

    listen: str = "127.0.0.1"
    """Address that `up` and `serve` bind to."""

    port: int = 8420
    """Port that `up` and `serve` bind to."""

    interval: str = "5m"
    """Time between two runs of `up` over every source."""

    silent_after: str = "30d"
    """How long a source may say nothing before every other source counts before it."""

    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Whose word counts first for a field: a table of `"table.field" = ["source or kind", …]`; in the file only."""

    keep_health_checks: str = "7d"
    """How long raw results of checks are kept."""

    keep_changes: str = "5y"
    """How long the change log is kept."""

    keep_removed_containers: str = "30d"
    """How long retired containers of `docker run --rm` are kept, unless a person said something about them."""

    keep_samples: str = "2y"
    """How long samples of measured values are kept."""

    @property
    def database_url(self) -> str:
        """Return where the database is."""
        return self.database or str(data_folder() / "infradb.db")


def data_folder() -> Path:
    """Return the XDG data folder of infradb (XDG Base Directory Specification 0.8)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    return Path(base) / "infradb"


def config_file() -> Path:
    """Return the settings file: `INFRADB_CONFIG`, or `infradb.toml` in the XDG config folder."""
    if named := os.environ.get("INFRADB_CONFIG"):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "infradb" / FILE_NAME


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force; raise `SettingsError` that names every mistake with its place."""
    types = {f.name: f.type for f in fields(Settings)}
    mistakes: list[str] = []
    values: dict[str, Any] = {}
    path = config_file()
    for place, given in ((str(path), _file(path)), ("the environment", _environment(environment, types))):
        for name, value in given.items():
            if name not in types:
                mistakes.append(f"{place}: there is no setting {name!r}")
            elif (read := _value(types[name], name, value)) is None:
                mistakes.append(f"{place}: {name} = {value!r} is not of its kind")
            else:
                values[name] = read
    if mistakes:
        raise SettingsError("; ".join(mistakes), hint=f"settings are: {', '.join(types)}")
    return replace(Settings(), **values)


def _file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is no UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error


def _environment(environment: Mapping[str, str], known: Mapping[str, object]) -> dict[str, object]:
    """Return our variables; those that other parts read themselves are left out."""
    own = {"INFRADB_CONFIG", "INFRADB_DEBUG", "INFRADB_SECRETS"}
    return {
        name.removeprefix("INFRADB_").lower(): value
        for name, value in environment.items()
        if name.startswith("INFRADB_") and not name.startswith("INFRADB_TEST_") and name not in own
    }


def _value(kind: object, name: str, value: object) -> Any:
    """Return a setting as its kind takes it, or None where it does not."""
    if name == "order":
        return _order(value)
    try:
        if kind in (int, "int"):
            return int(str(value))
        if name.startswith("keep_") or name in ("interval", "silent_after"):
            clock.parse_duration(str(value))
    except ValueError:
        return None
    return str(value) if isinstance(value, str | int) else None


def _order(value: object) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(value, Mapping):
        return None
    lists = {str(n): v for n, v in value.items() if isinstance(v, list) and all(isinstance(s, str) for s in v)}
    return {n: tuple(v) for n, v in lists.items()} if len(lists) == len(value) else None
