"""Opens what is known, now or as of a time, for questions about needs."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from infradb.errors import NotFound
from infradb.graph.impact import Effect, impact
from infradb.queries.naming import find
from infradb.queries.needs import Needs, NeedsReader, Thing, holder, position, things
from infradb.queries.past import find_at
from infradb.queries.snapshot import snapshot
from infradb.store.database import Connection, Database

_whole: dict[str, tuple[int, Needs]] = {}
"""URL of a database -> position of its last change, and all its needs then; only of the last database asked."""


class Lab:
    """What is known at one time, to be asked within one transaction."""

    def __init__(self, live: Connection, connection: Connection, as_of: str | None, url: str) -> None:
        self._live, self.connection, self._as_of, self._url = live, connection, as_of, url
        self.reader = NeedsReader(connection)

    def meant(self, names: Sequence[str]) -> list[int]:
        """Return what names mean, of an address its holder, known or not; raise `NotFound` or `Ambiguous`."""
        return list(dict.fromkeys(map(self._meant, names)))

    def _meant(self, name: str) -> int:
        try:
            found = find_at(self._live, name, self._as_of) if self._as_of else find(self.connection, name)
        except NotFound:
            number = self.reader.at(name)
            if number is None:
                raise
            return number
        if found.table != "ip_addresses":
            return found.id
        id_, text = holder(self.connection, found.id)
        return id_ or self.reader.at(text) or found.id

    def impact(self, dead: Collection[int]) -> tuple[Needs, dict[int, Effect]]:
        """Return what is hit when things die together, and the needs by which; of the present no more is read."""
        kept = _whole.get(self._url)
        if self._as_of or (kept and kept[0] == position(self.connection)):
            needs = self.whole()
            return needs, impact(needs.graph, dead)
        needs, load = self.reader.growing()
        return needs, impact(needs.graph, dead, load)

    def whole(self) -> Needs:
        """Return all needs; those of the present are kept until something changes."""
        if self._as_of:
            return self.reader.whole()
        now, kept = position(self.connection), _whole.get(self._url)
        if kept is None or kept[0] != now:
            _whole.clear()
            kept = _whole[self._url] = now, self.reader.whole()
        return kept[1]

    def things(self, ids: Collection[int]) -> dict[int, Thing]:
        """Return things as answers show them."""
        return things(self.connection, ids, self.reader.unknown)


@contextmanager
def lab(database: Database, as_of: str | None = None) -> Iterator[Lab]:
    """Open what is known, now or as of an instant; raise `BeforeHistory`."""
    with database.read() as live:
        if as_of is None:
            yield Lab(live, live, None, database.url)
            return
        then = snapshot(live, as_of)
        try:
            yield Lab(live, then, as_of, database.url)
        finally:
            then.raw.close()
