"""Reads the files of sources within limits: regular ones only, none larger than the most that is read."""

import os
import stat
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog

MOST_BYTES = 64 * 2**20
"""Largest file that is read; a hundred thousand leases are below 50 MB."""


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""A setting with several values: a list, or a text with commas as one writes it on a command line."""


def read_text(path: str | Path, log: CallLog, most_bytes: int = MOST_BYTES) -> str:
    """Return a file's text, whatever is no UTF-8 replaced; raise `CollectionError` that says what to do."""
    file = Path(path)
    try:
        with log.recording(f"read {path}"):
            if not stat.S_ISREG(file.stat().st_mode):
                raise SourceMalformed(f"{path} is no file", hint="check the path in the source's settings")
            with file.open("rb") as opened:
                content = opened.read(most_bytes + 1)
    except OSError as error:
        raise unreadable(error, path) from error
    if len(content) > most_bytes:
        hint = "infradb stops there; is it the right file?"
        raise SourceMalformed(f"{path} is larger than {most_bytes // 2**20} MiB", hint=hint)
    return content.decode("utf-8", "replace")


def whole_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file that has to be UTF-8 throughout; raise `CollectionError` that says what to do.

    Notes no call: who reads many files notes one kind of call for all of them.
    """
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise SourceMalformed(f"{path} is no regular file", hint="check the path in the source's settings")
            with os.fdopen(number, "rb", closefd=False) as file:
                content = file.read(most_bytes + 1)
        finally:
            os.close(number)
    except OSError as error:
        raise unreadable(error, path) from error
    if len(content) > most_bytes:
        hint = "infradb stops there; is it the right file?"
        raise SourceMalformed(f"{path} is larger than {most_bytes / 2**20:g} MiB", hint=hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceMalformed(f"{path} is no UTF-8 text", hint="is it the right file?") from error


def unreadable(error: OSError, path: str | Path) -> CollectionError:
    """Return what the operating system says against reading a file or a folder as one of our errors."""
    if isinstance(error, PermissionError):
        return SourceRefused(f"{path} may not be read", hint="`infradb sources doctor NAME` says how to allow it")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceUnreachable(f"{path} is not there", hint="check the path in the source's settings")
    return SourceUnreachable(f"{path} cannot be read: {error.strerror}", hint="check the path, and what it lies on")
