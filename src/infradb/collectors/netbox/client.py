"""Reads NetBox's REST API page by page; understands nothing. Only GET is ever sent."""

from dataclasses import dataclass
from typing import Any

from infradb.collectors.netbox.settings import NetboxSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

PARALLEL = 4
"""Lists that are read at once; the pages of one come one after another."""

MOST_ROWS = 200_000
"""Things of one list that are read; more are an error."""

LISTS: dict[str, str] = {
    "sites": "/api/dcim/sites/",
    "devices": "/api/dcim/devices/",
    "virtual-machines": "/api/virtualization/virtual-machines/",
    "interfaces": "/api/dcim/interfaces/",
    "vm-interfaces": "/api/virtualization/interfaces/",
    "prefixes": "/api/ipam/prefixes/",
    "ip-addresses": "/api/ipam/ip-addresses/",
    "services": "/api/ipam/services/",
}
"""Scope -> list, parents before children."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was read of one list."""

    rows: tuple[Any, ...]
    error: CollectionError | None = None
    """Why these are not all."""


class NetboxClient:
    """One NetBox; threads may share it."""

    def __init__(self, settings: NetboxSettings, log: CallLog) -> None:
        token = reveal(settings.token)
        # Tokens of the second kind (4.5 and newer) start so, and are bearer tokens (RFC 6750).
        scheme = "Bearer" if token.startswith("nbt_") else "Token"
        self._page_size = settings.page_size
        self._reader = HttpReader(
            settings.url,
            headers={"Authorization": f"{scheme} {token}"},
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=settings.ca,
            parallel=PARALLEL,
            log=log,
        )

    def rows(self, path: str) -> Listing:
        """Return a list, as far as it could be read; raises nothing."""
        rows: list[Any] = []
        try:
            while True:
                answer = self._page(path, len(rows), self._page_size)
                page, count = answer["results"], answer["count"]
                rows += page
                different = {row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)}
                if len(rows) >= count and len(different) == len(rows):
                    return Listing(tuple(rows))
                # A list that shrank or moved meanwhile shows some twice and others not at all.
                if not page or len(rows) > MOST_ROWS or len(different) < len(rows):
                    what = f"GET {path}: {len(different)} of {count} things came"
                    raise SourceMalformed(what, hint="did the list change meanwhile? The next run reads it again")
        except CollectionError as error:
            return Listing(tuple(rows), error)

    def count(self, path: str) -> int:
        """Return how many things a list holds that the account may see. Raises `CollectionError`."""
        return int(self._page(path, 0, 1)["count"])

    def close(self) -> None:
        """End all connections."""
        self._reader.close()

    def _page(self, path: str, offset: int, limit: int) -> dict[str, Any]:
        # Sorted, so that what is added meanwhile comes last and shifts no page.
        query = {"limit": limit, "offset": offset, "ordering": "id"}
        answer: dict[str, Any] = self._reader.get(path, dict, query=query)
        count = answer.get("count")
        if not isinstance(answer.get("results"), list) or not isinstance(count, int) or isinstance(count, bool):
            where = f"GET {path} at {self._reader.base_url}"
            raise SourceMalformed(f"{where}: the answer is no page of a list", hint="does NetBox listen there?")
        return answer
