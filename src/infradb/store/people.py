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
