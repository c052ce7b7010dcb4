"""Reads the files of an ISC DHCP server; understands of them only what they include."""

import re

from infradb.errors import SourceMalformed
from infradb.transport.calls import CallLog
from infradb.transport.files import read_text

_INCLUDE = re.compile(r'^[ \t]*include[ \t]+"([^"\n]+)"[ \t]*;', re.MULTILINE)
_MOST_FILES = 100


class IscDhcpClient:
    """Reads files within limits."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def leases(self, path: str) -> str:
        """Return a lease file. Raises `CollectionError`."""
        return read_text(path, self._log)

    def configuration(self, path: str) -> str:
        """Return a configuration file with what it includes in its place. Raises `CollectionError`."""
        read: list[str] = []

        def whole(one: str) -> str:
            if one in read or len(read) >= _MOST_FILES:
                raise SourceMalformed(f"{path} includes {one} again, or too much", hint="`dhcpd -t` says what is wrong")
            read.append(one)
            return _INCLUDE.sub(lambda m: whole(m[1]), read_text(one, self._log))

        return whole(path)
