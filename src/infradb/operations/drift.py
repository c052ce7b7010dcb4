"""What people decide where their notes and the world differ. Nothing is ever written to the source of the notes."""

from collections.abc import Sequence

from infradb import clock
from infradb.change import MANUAL
from infradb.errors import InvalidValue, NotFound
from infradb.operations import manual
from infradb.operations.manual import Edit
from infradb.queries.drift import Compared, Drift, drift, text
from infradb.queries.naming import labels
from infradb.store.database import Connection, Database
from infradb.store.drift import Decision, decide

__all__ = ["Compared", "Drift", "compared", "keep_declared", "named_values", "take_observed", "waive"]


def compared(database: Database, source: str | None = None) -> Compared:
    """Return every drift, and how many fields were compared; of one declared source only, where it is named."""
    with database.read() as connection:
        if source is not None:
            known = {n for (n,) in connection.query("SELECT name FROM sources WHERE declared")}
            if source not in known:
                raise NotFound(f"{source!r} is no source of what people wrote down", hint=", ".join(sorted(known)))
        return drift(connection, source=source)


def named_values(database: Database, found: Sequence[Drift]) -> dict[int, str]:
    """Return the names of what references among drifting values point at."""
    ids = {v for d in found if d.field.endswith("_id") for v in (d.declared, d.observed) if isinstance(v, int)}
    with database.read() as connection:
        return labels(connection, ids)


def take_observed(database: Database, id_: str, edit: Edit) -> Drift:
    """Let what is observed count: what was said by hand is taken back; of a list elsewhere that is noted here."""
    one = _find(database, id_)
    if one.declared_by == MANUAL:
        manual.unset(database, str(one.entity_id), [one.field], edit)
    else:
        _note(database, one, "take-observed", None, edit)
    return one


def keep_declared(database: Database, id_: str, edit: Edit) -> Drift:
    """Let what was written down count: it is said by hand as well, which stands above what is observed."""
    one = _find(database, id_)
    manual.say(database, one.entity_id, {one.field: one.declared}, edit)
    _note(database, one, "keep-declared", None, edit)
    return one


def waive(database: Database, id_: str, until: str, edit: Edit) -> Drift:
    """Accept a drift until an instant, with a reason; it comes back by itself, or as soon as either value changes."""
    if not (edit.reason or "").strip():
        raise InvalidValue("a waiver needs a reason", hint="say why it is acceptable: --reason TEXT")
    if until <= clock.now():
        raise InvalidValue(f"{until} is over", hint="a waiver ends at a time to come: --expires 30d")
    one = _find(database, id_)
    _note(database, one, "waive", until, edit)
    return one


def _note(database: Database, one: Drift, decision: str, until: str | None, edit: Edit) -> None:
    said = Decision(text(one.declared), text(one.observed), decision, until, edit.reason, edit.who)
    with database.write() as connection:
        decide(connection, one.entity_id, one.field, said, clock.now())


def _find(database: Database, id_: str) -> Drift:
    with database.read() as connection:
        return _named(connection, id_)


def _named(connection: Connection, id_: str) -> Drift:
    for one in drift(connection).found:
        if one.id == id_:
            return one
    raise NotFound(f"nothing drifts at {id_!r}", hint="`infradb drift` lists what does, with its id: 412.os_name")
