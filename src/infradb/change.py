"""What a run changes, as data. The reconciler makes it, the store carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

ChangeType = Literal["create", "update", "retire", "revive", "start", "stop", "restart", "migrate", "merge", "split"]


@dataclass(frozen=True, slots=True)
class SourceOrder:
    """What decides between sources: the lower tuple wins."""

    id: int
    name: str
    declared: bool
    rank: int
    kind: str = ""
    silent: bool = False
    """Whether it has said nothing for so long that every other source counts before it."""

    @property
    def is_manual(self) -> bool:
        """Tell whether it is the source of what people say to infradb itself."""
        return self.name == MANUAL

    @property
    def order(self) -> tuple[bool, int, str]:
        """Return the place among sources of its class."""
        return self.silent, self.rank, self.name


MANUAL = "manual"


@dataclass(slots=True)
class StoredClaim:
    """A claim as it lies in the database."""

    id: int
    scope_id: int
    source_id: int
    native_key: str
    entity_id: int
    answer: str | None
    said: str
    missing_since: str | None = None
    withdrawn_at: str | None = None
    expires: str | None = None


class ClaimWrite(NamedTuple):
    """A claim to be written; `id` is that of the row it replaces, or None."""

    id: int | None
    scope_id: int
    native_key: str
    entity_id: int
    answer: str | None
    digest: int | None
    said: str
    rule: str
    evidence: str | None
    expires: str | None = None


class Change(NamedTuple):
    """One change of one entity, as the log keeps it."""

    change_type: ChangeType
    entity_id: int
    table: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    native_key: str = ""
    reason: str | None = None
    retired_with: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that identification or planning could not settle: it becomes a finding."""

    rule: str
    severity: Literal["critical", "high", "medium", "low", "info"]
    subject: str
    summary: str
    entity_id: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ChangeSet:
    """What one batch of answers does to the database."""

    changes: list[Change] = field(default_factory=list)
    measured_at_creation: dict[int, dict[str, Any]] = field(default_factory=dict)
    claims: list[ClaimWrite] = field(default_factory=list)
    digests: list[tuple[int, int]] = field(default_factory=list)
    """(digest, claim id) of claims whose answer changed without saying anything new."""
    identifiers: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(scheme, value, entity id, source id)"""
    parked: list[tuple[str, str, int]] = field(default_factory=list)
    """(table, field, entity id) of names that somebody else takes over before their holder has its new one."""
    missing: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    """Claim ids."""
    notes: list[Note] = field(default_factory=list)
