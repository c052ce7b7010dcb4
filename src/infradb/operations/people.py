"""Who may come in: the first user's one-time link, passwords, sessions."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from infradb import clock
from infradb.errors import Conflict, InvalidValue
from infradb.store import people
from infradb.store.database import Connection, Database

LINK_SECONDS = 3600
SESSION_SECONDS = 12 * 3600
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
LONGEST_NAME = 64
ROLES = ("viewer", "editor", "admin")

# argon2id with the parameters of RFC 9106, second recommendation: each run takes 64 MiB, so few may run at once.
_HASHER = PasswordHasher()
_TURNS = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Tell whether the person's role is `role` or more."""
        return ROLES.index(self.role) >= ROLES.index(role)


def any_user(database: Database) -> bool:
    """Tell whether somebody was ever made a user."""
    with database.read() as connection:
        return people.any_user(connection)


def first_user_token(database: Database) -> str:
    """Return the secret of a new one-time link that makes the first user; earlier links end."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with database.write() as connection:
        if people.any_user(connection):
            raise Conflict("there is a user already", hint="sign in as that one")
        people.drop_tokens(connection, "first-user")
        people.add_token(connection, _hash(token), "first-user", "admin", now, _later(LINK_SECONDS))
    return token


def first_user_link_stands(database: Database, token: str) -> bool:
    """Tell whether a one-time link still makes the first user."""
    with database.read() as connection:
        return not people.any_user(connection) and people.token_stands(
            connection, _hash(token), "first-user", clock.now()
        )


def make_first_user(database: Database, token: str, name: str, password: str) -> str:
    """Make the first user by a one-time link, and return the secret of a session.

    Raises `InvalidValue` where name or password will not do (the link still stands then), `Conflict` where the link
    does not stand.
    """
    user, hashed = clean_name(name), _hashed(check_password(password))
    with database.write() as connection:
        stands = people.token_stands(connection, _hash(token), "first-user", clock.now())
        if people.any_user(connection) or not stands:
            raise Conflict("this link was used or is over", hint="restart `infradb up`: it prints a new one")
        user_id = people.add_user(connection, user, hashed, "admin", clock.now())
        people.drop_tokens(connection, "first-user")
        return _open_session(connection, user_id, "admin")


def sign_in(database: Database, name: str, password: str) -> str | None:
    """Return the secret of a new session, or None where name and password do not belong together."""
    with database.read() as connection:
        user = people.user_named(connection, _normal(name).strip())
    # An unknown name takes as long as a wrong password, so that names cannot be told apart.
    known = user.password_hash if user and not user.disabled_at and user.password_hash else _nobody()
    right = _matches(known, password)
    if user is None or known != user.password_hash or not right:
        return None
    fresh = _hashed(password) if _HASHER.check_needs_rehash(known) else None
    with database.write() as connection:
        people.drop_tokens(connection, "session", ended_before=clock.now())
        if fresh:
            people.set_password_hash(connection, user.id, fresh)
        return _open_session(connection, user.id, user.role)


def session(database: Database, token: str) -> Person | None:
    """Return who a session's secret belongs to, while it lasts."""
    with database.read() as connection:
        user = people.session_user(connection, _hash(token), clock.now())
    return Person(user.name, user.role) if user else None


def sign_out(database: Database, token: str) -> None:
    """End a session."""
    with database.write() as connection:
        people.drop_token(connection, _hash(token))


def clean_name(name: str) -> str:
    """Return a user's name without blanks around it; raise `InvalidValue` where it will not do."""
    text = _normal(name).strip()
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise InvalidValue(f"a name has 1 to {LONGEST_NAME} characters that can be printed")
    return text


def check_password(password: str) -> str:
    """Return a password that is long enough; raise `InvalidValue`."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidValue(f"a password has at least {SHORTEST_PASSWORD} characters; this one has {len(password)}")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidValue(f"a password has at most {LONGEST_PASSWORD} characters")
    return password


def _open_session(connection: Connection, user_id: int, role: str) -> str:
    token = secrets.token_urlsafe(32)
    people.add_token(connection, _hash(token), "session", role, clock.now(), _later(SESSION_SECONDS), user_id)
    return token


def _hashed(password: str) -> str:
    with _TURNS:
        return _HASHER.hash(_normal(password))


def _matches(hashed: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        with _TURNS:
            return _HASHER.verify(hashed, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """Return the hash of a password that nobody knows."""
    return _hashed(secrets.token_urlsafe(32))


def _normal(text: str) -> str:
    """Return text in one spelling of its accents, whatever the keyboard sent."""
    return unicodedata.normalize("NFC", text)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _later(seconds: int) -> str:
    return clock.to_instant(datetime.now(UTC) + timedelta(seconds=seconds))
