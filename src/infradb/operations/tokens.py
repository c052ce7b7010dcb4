"""Tokens of programs. So far there is one kind: it brings the runs of one source, and opens nothing else."""

import secrets
from hashlib import sha256

from infradb import clock
from infradb.errors import NotFound
from infradb.operations.ingesting import source_for_runs
from infradb.store import people
from infradb.store.database import Database
from infradb.store.people import StoredToken

__all__ = ["StoredToken", "add", "revoke", "source_of", "tokens"]


def add(database: Database, source: str, kind: str, expires_at: str, description: str | None) -> str:
    """Return the secret of a new token that brings runs of one source; it is shown once and kept as a hash only."""
    source_id = source_for_runs(database, source, kind)
    token = f"infradb_{secrets.token_urlsafe(32)}"
    with database.write() as connection:
        people.add_runs_token(connection, _hash(token), source_id, description, clock.now(), expires_at)
    return token


def tokens(database: Database) -> list[StoredToken]:
    """Return every token of a program."""
    with database.read() as connection:
        return people.runs_tokens(connection)


def revoke(database: Database, number: int) -> None:
    """End a token; raise `NotFound`."""
    with database.write() as connection:
        if not people.drop_token_numbered(connection, number):
            raise NotFound(f"there is no token {number}", hint="`infradb token list` shows them")


def source_of(database: Database, token: str) -> int | None:
    """Return the source whose runs a token brings, or None where it stands for none."""
    now = clock.now()
    with database.read() as connection:
        found = people.source_of_token(connection, _hash(token), now)
    if found is not None:
        with database.write() as connection:
            people.note_use(connection, _hash(token), now)
    return found


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
