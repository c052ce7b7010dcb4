"""The one form that every rule has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from infradb import clock
from infradb.settings import Settings
from infradb.store.database import Connection, Row
from infradb.store.findings import StoredFinding

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a check may ask: one state of the database, the time, and the settings."""

    connection: Connection
    now: str
    settings: Settings

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a question to the database."""
        return self.connection.query(sql, values)

    def before(self, seconds: float) -> str:
        """Return the instant that many seconds ago."""
        return clock.to_instant(clock.to_moment(self.now) - timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class Defect:
    """One place where a rule does not hold."""

    entity_id: int | None
    """Entity that it is about."""

    subject: str = ""
    """Tells apart several defects of one entity; what it is about where there is no entity."""

    other_id: int | None = None
    """Second entity that it is about; the summary calls it `{other}`."""

    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the rule saw; the summary may name each of it. Nothing that differs each time it is looked at."""

    severity: Severity | None = None
    """How bad it is, where this one is not as bad as others of its rule, or worse."""


Check = Callable[[Question], Iterable[Defect]]
Standing = Callable[[Question, StoredFinding], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A definition of something wrong, why it matters and how to mend it.

    It finds its defects by `sql`, by `check` where SQL cannot, or the reconciler notes them while it takes in a run:
    then `standing` tells whether an open one still stands. The columns of `sql` are those of `Defect`, all others are
    evidence; the text is the same for both engines.
    """

    name: str
    severity: Severity
    title: str
    """What is wrong, in general."""

    why: str
    """Why it matters."""

    mend: str
    """What to do about it."""

    summary: str = ""
    """What is wrong in one case: `{thing}` and `{other}` are the entities' names, anything else is evidence."""

    sql: str = ""
    check: Check | None = None
    standing: Standing | None = None

    @property
    def is_noted(self) -> bool:
        """Tell whether the reconciler finds its defects."""
        return self.standing is not None
