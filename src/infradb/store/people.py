"""Users and the secrets by which they are known; only hashes of secrets come here."""

from dataclasses import dataclass

from infradb.store.database import Connection


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user as the database has it."""

    id: int
    name: str
    role: str
    password_hash: str | None
    disabled_at: str | None


def any_user(connection: Connection) -> bool:
    """Tell whether somebody was ever made a user, switched off or not."""
    return bool(connection.query("SELECT 1 FROM users LIMIT 1"))


def user_named(connection: Connection, name: str) -> StoredUser | None:
    """Return a user by name."""
    sql = "SELECT id, name, role, password_hash, disabled_at FROM users WHERE name = ?"
    rows = connection.query(sql, (name,))
    return StoredUser(*rows[0]) if rows else None


def add_user(connection: Connection, name: str, password_hash: str, role: str, now: str) -> int:
    """Add a user and return the number."""
    connection.execute(
        "INSERT INTO users (name, password_hash, role, created_at) VALUES (?, ?, ?, ?)",
        (name, password_hash, role, now),
    )
    return int(connection.query("SELECT id FROM users WHERE name = ?", (name,))[0][0])


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace the hash of a user's password."""
    connection.execute("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user_id))


def add_token(
    connection: Connection,
    token_hash: str,
    purpose: str,
    role: str,
    now: str,
    expires_at: str,
    user_id: int | None = None,
) -> None:
    """Add a token that ends at `expires_at`."""
    connection.execute(
        "INSERT INTO api_tokens (token_hash, purpose, user_id, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        (token_hash, purpose, user_id, role, now, expires_at),
    )


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token of a program as the database has it."""

    id: int
    source: str
    description: str | None
    created_at: str
    expires_at: str | None
    used_at: str | None


def add_runs_token(
    connection: Connection, token_hash: str, source: int, description: str | None, now: str, expires_at: str
) -> None:
    """Add a token that brings runs of one source."""
    connection.execute(
        "INSERT INTO api_tokens (token_hash, purpose, source_id, role, description, created_at, expires_at)"
        " VALUES (?, 'runs', ?, 'viewer', ?, ?, ?)",
        (token_hash, source, description, now, expires_at),
    )


def runs_tokens(connection: Connection) -> list[StoredToken]:
    """Return the tokens that bring runs."""
    rows = connection.query(
        "SELECT t.id, s.name, t.description, t.created_at, t.expires_at, t.used_at FROM api_tokens t"
        " JOIN sources s ON s.id = t.source_id WHERE t.purpose = 'runs' ORDER BY t.id"
    )
    return [StoredToken(*row) for row in rows]


def source_of_token(connection: Connection, token_hash: str, now: str) -> int | None:
    """Return the source whose runs a token brings, while it lasts."""
    sql = "SELECT source_id FROM api_tokens WHERE token_hash = ? AND purpose = 'runs' AND expires_at > ?"
    rows = connection.query(sql, (token_hash, now))
    return int(rows[0][0]) if rows else None


def note_use(connection: Connection, token_hash: str, now: str) -> None:
    """Note when a token was last used."""
    connection.execute("UPDATE api_tokens SET used_at = ? WHERE token_hash = ?", (now, token_hash))


def drop_token_numbered(connection: Connection, id_: int) -> bool:
    """Forget the token of a program; tell whether there was one."""
    known = connection.query("SELECT 1 FROM api_tokens WHERE id = ? AND purpose = 'runs'", (id_,))
    connection.execute("DELETE FROM api_tokens WHERE id = ? AND purpose = 'runs'", (id_,))
    return bool(known)


def token_stands(connection: Connection, token_hash: str, purpose: str, now: str) -> bool:
    """Tell whether a token is known for a purpose and has not ended."""
    sql = "SELECT 1 FROM api_tokens WHERE token_hash = ? AND purpose = ? AND expires_at > ?"
    return bool(connection.query(sql, (token_hash, purpose, now)))


def session_user(connection: Connection, token_hash: str, now: str) -> StoredUser | None:
    """Return whose session a token is, while it lasts and the user is not switched off."""
    sql = (
        "SELECT u.id, u.name, u.role, u.password_hash, u.disabled_at FROM api_tokens t JOIN users u ON u.id = t.user_id"
        " WHERE t.token_hash = ? AND t.purpose = 'session' AND t.expires_at > ? AND u.disabled_at IS NULL"
    )
    rows = connection.query(sql, (token_hash, now))
    return StoredUser(*rows[0]) if rows else None


def drop_token(connection: Connection, token_hash: str) -> None:
    """Forget one token."""
    connection.execute("DELETE FROM api_tokens WHERE token_hash = ?", (token_hash,))


def drop_tokens(connection: Connection, purpose: str, *, ended_before: str | None = None) -> None:
    """Forget the tokens of a purpose: all, or those that ended before an instant."""
    if ended_before is None:
        connection.execute("DELETE FROM api_tokens WHERE purpose = ?", (purpose,))
    else:
        connection.execute("DELETE FROM api_tokens WHERE purpose = ? AND expires_at <= ?", (purpose, ended_before))
