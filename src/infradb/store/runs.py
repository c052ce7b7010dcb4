"""Sources, their scopes, and the runs over them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from infradb.change import MANUAL
from infradb.errors import NotFound
from infradb.observation import Call
from infradb.store.database import Connection


class KnownAnswer(NamedTuple):
    """What a scope's last run left of one answer."""

    claim_id: int
    entity_id: int
    digest: int | None
    missing: bool


def source_id(connection: Connection, name: str) -> int:
    """Return the number of a source; raise `NotFound`."""
    rows = connection.query("SELECT id FROM sources WHERE name = ?", (name,))
    if not rows:
        raise NotFound(f"there is no source {name!r}", hint="`infradb sources list` shows them")
    return int(rows[0][0])


def add_source(
    connection: Connection,
    name: str,
    kind: str,
    now: str,
    *,
    declared: bool,
    rank: int,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Add a source, or return the one of that name."""
    if rows := connection.query("SELECT id FROM sources WHERE name = ?", (name,)):
        return int(rows[0][0])
    connection.execute(
        "INSERT INTO sources (name, kind, declared, rank, settings, enabled, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (name, kind, declared, rank, orjson.dumps(settings).decode() if settings else None, True, now),
    )
    return source_id(connection, name)


def enable_source(connection: Connection, source: int, settings: Mapping[str, Any]) -> None:
    """Let a removed source be read again, with new settings."""
    connection.execute(
        "UPDATE sources SET enabled = ?, settings = ? WHERE id = ?",
        (True, orjson.dumps(settings).decode() if settings else None, source),
    )


def manual_source(connection: Connection, now: str) -> int:
    """Return the source of what people say to infradb itself."""
    return add_source(connection, MANUAL, MANUAL, now, declared=True, rank=0)


def scope_id(connection: Connection, source: int, name: str) -> int:
    """Return the number of a scope, adding it where it is new."""
    sql = "SELECT id FROM scopes WHERE source_id = ? AND name = ?"
    rows = connection.query(sql, (source, name))
    if not rows:
        connection.execute("INSERT INTO scopes (source_id, name) VALUES (?, ?)", (source, name))
        rows = connection.query(sql, (source, name))
    return int(rows[0][0])


def standing_scopes(connection: Connection, source: int) -> list[tuple[int, str]]:
    """Return the scopes of a source in which something is still said."""
    sql = (
        "SELECT p.id, p.name FROM scopes p WHERE p.source_id = ? AND EXISTS"
        " (SELECT 1 FROM claims c WHERE c.scope_id = p.id AND c.answer IS NULL AND c.withdrawn_at IS NULL)"
        " ORDER BY p.id"
    )
    return [(i, name) for i, name in connection.query(sql, (source,))]


def known_answers(connection: Connection, scope: int) -> dict[str, KnownAnswer]:
    """Return the answers that stand in a scope, by native key; withdrawn ones without a digest."""
    sql = (
        "SELECT native_key, id, entity_id, digest, missing_since IS NOT NULL FROM claims"
        " WHERE scope_id = ? AND answer IS NULL"
    )
    return {key: KnownAnswer(i, e, d, bool(m)) for key, i, e, d, m in connection.stream(sql, (scope,))}


def is_new(connection: Connection, source: int) -> bool:
    """Tell whether a source never claimed anything."""
    sql = "SELECT 1 FROM claims c JOIN scopes s ON s.id = c.scope_id WHERE s.source_id = ? LIMIT 1"
    return not connection.query(sql, (source,))


def last_complete_at(connection: Connection, source: int) -> dict[str, str]:
    """Return scope name -> when it was last read completely.

    Walks back through the source's runs until every scope is found; batches of events, which are runs of partial
    scopes, may lie between.
    """
    wanted = {name for (name,) in connection.query("SELECT name FROM scopes WHERE source_id = ?", (source,))}
    found: dict[str, str] = {}
    sql = (
        "SELECT started_at, scopes FROM discovery_runs WHERE source_id = ? AND status <> 'failed'"
        " ORDER BY id DESC LIMIT 10000"
    )
    for started_at, scopes in connection.stream(sql, (source,)) if wanted else ():
        for name, result in orjson.loads(scopes).items():
            if result["status"] == "complete":
                found.setdefault(name, started_at)
        if wanted <= found.keys():
            break
    return found


def begin_run(connection: Connection, source: int, started_at: str) -> int:
    """Write the one row of a run and return its number; what came of it follows at the end of the transaction.

    It comes first because changes refer to it: while a deferred foreign key is open, SQLite looks for children of
    every row that is inserted anywhere.
    """
    run_id = int(connection.query("SELECT coalesce(max(id), 0) + 1 FROM discovery_runs")[0][0])
    connection.execute(
        "INSERT INTO discovery_runs (id, source_id, started_at, finished_at, status, scopes) VALUES (?, ?, ?, ?, ?, ?)",
        (run_id, source, started_at, started_at, "failed", "{}"),
    )
    return run_id


def run_with_uid(connection: Connection, source: int, uid: str) -> int | None:
    """Return the number of the run that a source brought under an identifier, if it did."""
    rows = connection.query("SELECT id FROM discovery_runs WHERE source_id = ? AND uid = ?", (source, uid))
    return int(rows[0][0]) if rows else None


def name_run(connection: Connection, run_id: int, uid: str) -> None:
    """Note the identifier that a run from elsewhere brought along."""
    connection.execute("UPDATE discovery_runs SET uid = ? WHERE id = ?", (uid, run_id))


def latest_start(connection: Connection, source: int) -> str | None:
    """Return when the newest run of a source began."""
    sql = "SELECT started_at FROM discovery_runs WHERE source_id = ? ORDER BY id DESC LIMIT 1"
    return next((str(at) for (at,) in connection.query(sql, (source,))), None)


def end_run(
    connection: Connection,
    run_id: int,
    finished_at: str,
    status: str,
    scopes: Mapping[str, Any],
    counts: Mapping[str, int],
    errors: Sequence[str],
    calls: Sequence[Call] = (),
) -> None:
    """Complete the row of a run."""
    names = ("seen", "created", "updated", "retired", "revived", "missing")
    sets = ", ".join(f"{n} = ?" for n in ("finished_at", "status", "scopes", "errors", "calls", *names))
    texts = [orjson.dumps(j).decode() if j else None for j in (errors, [tuple(c) for c in calls])]
    said = (finished_at, status, orjson.dumps(scopes).decode(), *texts)
    connection.execute(
        f"UPDATE discovery_runs SET {sets} WHERE id = ?",
        (*said, *(counts.get(n, 0) for n in names), run_id),
    )
