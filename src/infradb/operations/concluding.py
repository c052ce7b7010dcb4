"""Draws conclusions from what the sources said, and takes them in as a source of its own, which `why` shows."""

from infradb import clock
from infradb.observation import CollectionRun, ScopeResult
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.queries.conclusions import SOURCE, conclusions
from infradb.store import runs
from infradb.store.database import Connection, Database

_RANK = 90
"""After every source that saw something itself."""


def conclude(database: Database) -> RunReport | None:
    """Take in what follows now and let go of what no longer does; nothing is written where that is the same."""
    with database.read() as connection:
        if not any(_differs(connection, scope) for scope in conclusions(connection)):
            return None
    with database.write() as connection:
        runs.add_source(connection, SOURCE, SOURCE, clock.now(), declared=False, rank=_RANK)
        scopes = tuple(_with_ends(connection, scope) for scope in conclusions(connection))
        manner = Manner(change_source="automation", reason="concluded from what several sources say")
        return absorb(connection, CollectionRun(SOURCE, clock.now(), scopes), manner)


def _standing(connection: Connection, scope: ScopeResult) -> dict[str, int | None]:
    """Return the conclusions of a scope that stand, and their digests."""
    sql = "SELECT p.id FROM scopes p JOIN sources s ON s.id = p.source_id WHERE s.name = ? AND p.name = ?"
    found: dict[str, int | None] = {}
    for (id_,) in connection.query(sql, (SOURCE, scope.name)):
        found = {k: a.digest for k, a in runs.known_answers(connection, id_).items() if a.digest is not None}
    return found


def _differs(connection: Connection, scope: ScopeResult) -> bool:
    return {a.key: a.digest for a in scope.answers} != _standing(connection, scope)


def _with_ends(connection: Connection, scope: ScopeResult) -> ScopeResult:
    """Return a scope with the end of what no longer follows: a conclusion has no grace."""
    ended = _standing(connection, scope).keys() - {a.key for a in scope.answers}
    return ScopeResult(scope.name, scope.status, scope.answers, scope.errors, tuple(sorted(ended)))
