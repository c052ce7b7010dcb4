"""Finds and reads compose files; understands nothing of them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infradb.errors import CollectionError, SourceMalformed, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.files import unreadable, whole_text

DEEPEST = 6
"""Folders below `path` that are looked into."""

MOST_FOLDERS = 20_000
"""Folders that are looked into; more are an error."""

MOST_BYTES = 2 * 2**20
"""Largest compose file."""

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""Names of a compose file; of several in one folder, compose takes the first."""

_OVERRIDES = tuple(name.replace(".y", ".override.y") for name in NAMES)
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "lost+found"})

SEARCH, READ, READ_ENV = "search FOLDER", "read compose.yaml", "read .env"


@dataclass(frozen=True, slots=True)
class Written:
    """The files of one project."""

    folder: Path
    files: tuple[Path, ...]
    """The compose file and its override, in the order in which they count."""

    texts: tuple[str, ...]
    environment: str = ""
    """Text of `.env`."""

    extended: dict[Path, str] = field(default_factory=dict)
    """Files that `extends` named, as they were read."""


class ComposeClient:
    """Reads the files below one path."""

    def __init__(self, path: Path, log: CallLog) -> None:
        self._path, self._log = path, log

    def projects(self) -> Iterator[tuple[Path, Written | CollectionError]]:
        """Yield each compose file with what belongs to it, or with what is wrong; raise where there is none at all."""
        for files in self._found():
            try:
                with self._log.recording(READ):
                    texts = tuple(whole_text(file, most_bytes=MOST_BYTES) for file in files)
                yield files[0], Written(files[0].parent, files, texts, self._environment(files[0].parent))
            except CollectionError as error:
                yield files[0], error

    def extended(self, path: Path) -> str:
        """Return the text of a file that `extends` names; it has to lie near what is read. Raises `CollectionError`."""
        root = self._path if self._path.is_dir() else self._path.parent
        if not path.resolve().is_relative_to(root.resolve()):
            raise SourceMalformed(f"{path} lies outside of {root}", hint="give a `path` that holds both")
        with self._log.recording(READ):
            return whole_text(path, most_bytes=MOST_BYTES)

    def _environment(self, folder: Path) -> str:
        if not (folder / ".env").exists():
            return ""
        with self._log.recording(READ_ENV):
            return whole_text(folder / ".env", most_bytes=MOST_BYTES)

    def _found(self) -> list[tuple[Path, ...]]:
        try:
            if not self._path.is_dir():
                self._path.stat()
                return [(self._path,)]
        except OSError as error:
            raise unreadable(error, self._path) from error
        with self._log.recording(SEARCH):
            found = list(self._search())
        if not found:
            hint = f"give the folder that holds {NAMES[0]} or {NAMES[2]}, or one above it"
            raise SourceUnreachable(f"there is no compose file in {self._path}", hint=hint)
        return found

    def _search(self) -> Iterator[tuple[Path, ...]]:
        def fail(error: OSError) -> None:
            raise unreadable(error, Path(error.filename or self._path)) from error

        for count, (folder, inner, names) in enumerate(os.walk(self._path, onerror=fail)):
            here = Path(folder)
            if count >= MOST_FOLDERS:
                raise SourceMalformed(f"{self._path} holds more than {MOST_FOLDERS} folders", hint="give a smaller one")
            deep = len(here.relative_to(self._path).parts) >= DEEPEST
            inner[:] = [] if deep else sorted(n for n in inner if not n.startswith(".") and n not in _LEFT_OUT)
            if main := next((n for n in NAMES if n in names), None):
                override = next((n for n in _OVERRIDES if n in names), None)
                yield tuple(here / n for n in (main, override) if n)
