"""Reads the files of a fact cache; understands nothing but JSON and YAML."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from infradb.errors import CollectionError, SourceMalformed, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.files import unreadable, whole_text

MOST_FILES = 10_000
"""Files that are read; more are an error."""

MOST_BYTES = 16 * 2**20
"""Largest file; facts of a machine with 1,000 interfaces are below 2 MB."""

LIST, READ = "list FOLDER", "read FOLDER/HOST"


@dataclass(frozen=True, slots=True)
class FactFile:
    """The facts of one host as a file holds them."""

    name: str
    content: Any
    changed_at: float
    """When the file was last written, in seconds since 1970."""


class AnsibleClient:
    """Reads one folder."""

    def __init__(self, path: Path, log: CallLog) -> None:
        self._path, self._log = path, log

    def names(self) -> list[Path]:
        """Return the files of the folder in order; its subfolders and hidden files are not looked at."""
        with self._log.recording(LIST):
            try:
                found = sorted(p for p in self._path.iterdir() if not p.name.startswith(".") and p.is_file())
            except OSError as error:
                raise unreadable(error, self._path) from error
        if not found:
            hint = "`path` is the folder of a jsonfile cache: `ansible-config dump --only-changed` shows it"
            raise SourceUnreachable(f"{self._path} holds no facts", hint=hint)
        if len(found) > MOST_FILES:
            raise SourceMalformed(f"{self._path} holds more than {MOST_FILES} files", hint="is it the right folder?")
        return found

    def files(self, names: list[Path]) -> Iterator[FactFile | tuple[str, CollectionError]]:
        """Yield the content of each file, or its name with what is wrong with it."""
        for path in names:
            try:
                with self._log.recording(READ):
                    text = whole_text(path, most_bytes=MOST_BYTES)
                    yield FactFile(path.name, _content(path, text), path.stat().st_mtime)
            except CollectionError as error:
                yield path.name, error
            except OSError as error:
                yield path.name, unreadable(error, path)


def _content(path: Path, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if path.suffix == ".json" or text.lstrip().startswith(("{", "[")):
            raise SourceMalformed(f"{path} is no JSON, or only half of it", hint="gather the facts again") from error
    import yaml

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (both are safe)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceMalformed(f"{path} is neither JSON nor YAML", hint="is it a file of facts?") from error
