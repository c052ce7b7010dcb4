"""Reads the files of a dnsmasq; understands of its configuration only which other files it names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.files import read_text

_MOST_FILES = 1000
_OPTION = re.compile(r"^\s*(?:--)?([a-z0-9-]+)\s*(?:=\s*(.*?))?\s*$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class DnsmasqClient:
    """Reads files within limits."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def text(self, path: str) -> str:
        """Return one file. Raises `CollectionError`."""
        return read_text(path, self._log)

    def texts(self, path: str) -> list[str]:
        """Return a file, or all files of a folder, as `addn-hosts` and `dhcp-hostsdir` take both."""
        if not Path(path).is_dir():
            return [self.text(path)]
        return [self.text(one) for one in _files(path, "")]

    def options(self, path: str) -> list[tuple[str, str]]:
        """Return the options of a configuration file and of those that it names, in order. Raises `CollectionError`."""
        found: list[tuple[str, str]] = []
        read: set[str] = set()

        def follow(one: str) -> None:
            if one in read:
                return
            if len(read) >= _MOST_FILES:
                raise SourceMalformed(f"{path} names more than {_MOST_FILES} files", hint="check `conf-dir` in it")
            read.add(one)
            for name, value in _options(self.text(one)):
                if name == "conf-file":
                    follow(value)
                elif name == "conf-dir":
                    folder, _, ends = value.partition(",")
                    for file in _files(folder, ends):
                        follow(file)
                else:
                    found.append((name, value))

        follow(path)
        return found


def _options(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _OPTION.match(_COMMENT.sub("", line)):
            yield match[1], (match[2] or "").strip('"')


def _files(folder: str, ends: str) -> list[str]:
    """Return the files of a folder as dnsmasq picks them: `*.conf` wanted ends, `.bak` unwanted ones (dnsmasq(8))."""
    marks = [e.strip() for e in ends.split(",") if e.strip()]
    wanted, unwanted = [m[1:] for m in marks if m.startswith("*")], [m for m in marks if not m.startswith("*")]
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  (names, not paths)
    except OSError as error:
        raise _failure(error, folder) from error
    return [
        f"{folder.rstrip('/')}/{n}"
        for n in names
        if not n.startswith((".", "#"))
        and not n.endswith(("~", *unwanted))
        and (not wanted or n.endswith(tuple(wanted)))
        and (Path(folder) / n).is_file()
    ]


def _failure(error: OSError, folder: str) -> CollectionError:
    if isinstance(error, PermissionError):
        return SourceRefused(f"{folder} may not be read", hint=f"sudo setfacl --modify u:infradb:rx {folder}")
    return SourceUnreachable(f"{folder} is not there", hint="check the path in the configuration")
