"""What infradb notes about entities: that they exist, who says what of them, and what changed."""

from typing import Annotated, Literal

from infradb.model.entity import Record, References
from infradb.model.types import Count, Instant, JsonList, JsonObject, Name, Text

ChangeType = Literal[
    "create",
    "update",
    "delete",
    "retire",
    "revive",
    "merge",
    "split",
    "start",
    "stop",
    "restart",
    "migrate",
    "backup",
    "restore",
    "redact",
    "prune",
]
ScopeStatus = Literal["complete", "partial", "failed"]
Reference = Annotated[int, References("entities")]


class EntityRecord(Record):
    """Every entity of every type; the parent of all entity tables."""

    table = "entities"
    listed = ("id", "kind", "uid", "created_at", "retired_at")
    unique = (("uid",),)
    indexes = (("retired_with",), ("merged_into",))

    id: int
    """Number by which rows point at it."""

    kind: Name
    """Table that holds its fields."""

    uid: Text
    """UUIDv7 (RFC 9562) that never changes and means the same in every copy of the database."""

    created_at: Instant
    """When infradb first knew it."""

    retired_at: Instant | None = None
    """Since when nobody sees it any more."""

    retired_with: Annotated[int | None, References("entities")] = None
    """Owner whose retirement took it along, and whose return brings it back."""

    merged_into: Annotated[int | None, References("entities")] = None
    """Entity that it turned out to be."""


class Source(Record):
    """Somebody or something that says what there is."""

    table = "sources"
    listed = ("name", "kind", "enabled", "declared", "rank")
    unique = (("name",),)

    id: int
    """Number of the source."""

    name: Name
    """What it is called: `manual`, `local`, `docker` …"""

    kind: Name
    """Collector or importer that reads it."""

    declared: bool = False
    """Whether it holds what people typed; otherwise it observes."""

    rank: Count = 50
    """Place in the order of sources; the lower one wins."""

    settings: JsonObject | None = None
    """How it is reached; credentials only as references."""

    enabled: bool = True
    """Whether it is read."""

    silent_since: Instant | None = None
    """Since when it has said nothing for so long that every other source counts before it."""

    created_at: Instant
    """When it was added."""


class Scope(Record):
    """What one answer of a source can enumerate; absence means something within it only."""

    table = "scopes"
    unique = (("source_id", "name"),)

    id: int
    """Number of the scope."""

    source_id: Annotated[int, References("sources", owns=True)]
    """Source that answers."""

    name: Name
    """What it is called within the source."""

    cursor: Text | None = None
    """How far an append-only scope was read."""


class DiscoveryRun(Record):
    """One pass over one source: what it saw and what that changed."""

    table = "discovery_runs"
    listed = ("id", "source_id", "started_at", "status", "seen", "created", "updated", "retired", "errors")
    indexes = (("source_id", "id"),)

    id: int
    """Number of the run."""

    source_id: Annotated[int, References("sources", owns=True)]
    """Source that was read."""

    uid: Text | None = None
    """Identifier that a run from elsewhere brought along, so that it is taken in once."""

    started_at: Instant
    """When reading began."""

    finished_at: Instant
    """When the result was stored."""

    status: ScopeStatus
    """The worst status of its scopes; failed where there is none."""

    scopes: JsonObject
    """Per scope: status, how many answers were seen, and errors."""

    seen: Count = 0
    """Answers read."""

    created: Count = 0
    """Entities made."""

    updated: Count = 0
    """Entities changed."""

    retired: Count = 0
    """Entities retired."""

    revived: Count = 0
    """Entities that came back."""

    missing: Count = 0
    """Entities unseen but still within their grace."""

    errors: JsonList | None = None
    """What failed, in words."""

    calls: JsonList | None = None
    """Each kind of call that was made: [call, times, failed, milliseconds]."""


class Claim(Record):
    """What one source says, in one scope, about one thing that it knows by one native key."""

    table = "claims"
    unique = (("native_key", "scope_id"),)
    indexes = (("entity_id",), ("scope_id", "answer"))

    id: int
    """Number of the claim."""

    scope_id: Annotated[int, References("scopes", owns=True)]
    """Scope in which it is said."""

    native_key: Text
    """What the source itself calls the thing."""

    entity_id: Reference
    """Entity that it was found to be."""

    answer: Text | None = None
    """Native key of the answer that says it; null where the claim is about the answer's own thing."""

    digest: int | None = None
    """64-bit hash of the redacted answer and its parser's version; null where it belongs to another's answer."""

    said: Text
    """The fields and their values as said, references as native keys (JSON)."""

    rule: Text = "new"
    """Rule by which the entity was found."""

    evidence: Text | None = None
    """What that rule saw (JSON)."""

    missing_since: Instant | None = None
    """When it was last seen, while it is missing but within its grace."""

    withdrawn_at: Instant | None = None
    """Since when the source says it no more; kept, so that what comes back is known again."""

    expires: Text | None = None
    """Until when single fields are claimed (JSON: field -> instant)."""


class IdentifierRecord(Record):
    """A hard key that an entity was seen with."""

    table = "identifiers"
    primary_key = ("scheme", "value", "entity_id", "source_id")
    clustered = True
    indexes = (("entity_id",),)

    scheme: Name
    """Kind of identifier: the names of its fields."""

    value: Text
    """The identifier itself, normalized."""

    entity_id: Reference
    """Entity that has it."""

    source_id: Annotated[int, References("sources", owns=True)]
    """Source that saw it."""


class Merge(Record):
    """Says that a person took two entities for one, and what has to be moved back to take that back."""

    table = "merges"
    primary_key = ("gone_entity_id",)
    indexes = (("kept_entity_id",),)

    gone_entity_id: Annotated[int, References("entities", owns=True)]
    """Entity that went up in the other."""

    kept_entity_id: Annotated[int, References("entities", owns=True)]
    """Entity that stayed."""

    with_entity_id: Annotated[int | None, References("entities", owns=True)] = None
    """Owner whose merge took this one along: of an interface its host; null where a person named it."""

    claims: JsonList
    """Numbers of the claims that were moved."""

    merged_at: Instant
    """When."""

    merged_by: Text | None = None
    """Who said so."""


class KeptApart(Record):
    """Says that two entities are two, whatever makes them look like one."""

    table = "kept_apart"
    primary_key = ("entity_a_id", "entity_b_id")
    indexes = (("entity_b_id",),)

    entity_a_id: Annotated[int, References("entities", owns=True)]
    """The one with the lower number."""

    entity_b_id: Annotated[int, References("entities", owns=True)]
    """The other one."""

    decided_at: Instant
    """When."""

    decided_by: Text | None = None
    """Who said so."""

    reason: Text | None = None
    """Why."""


class DriftDecision(Record):
    """Says what a person decided about a declared and an observed value that differ."""

    table = "drift_decisions"
    primary_key = ("entity_id", "field")

    entity_id: Annotated[int, References("entities", owns=True)]
    """Thing that it is about."""

    field: Name
    """Field on which the two differ."""

    declared: Text
    """The declared value at that time (JSON); another one is a new question."""

    observed: Text
    """The observed value at that time (JSON); another one is a new question."""

    decision: Literal["take-observed", "keep-declared", "waive"]
    """What was decided."""

    until: Instant | None = None
    """When the question comes back by itself."""

    reason: Text | None = None
    """Why."""

    decided_by: Text | None = None
    """Who decided."""

    decided_at: Instant
    """When."""


class InfrastructureChange(Record):
    """One change of one entity; rows are only ever added, each tied to the one before by its hash."""

    table = "infrastructure_changes"
    primary_key = ("position",)
    listed = (
        "position",
        "change_timestamp",
        "change_type",
        "entity_type",
        "entity_id",
        "old_values",
        "new_values",
        "changed_by",
        "change_source",
    )
    indexes = (("change_timestamp", "entity_type"), ("entity_id", "change_timestamp"), ("run_id",))

    position: int
    """Place in the chain; also the row's id."""

    change_timestamp: Instant
    """When it happened; for imported rows what the old file says."""

    recorded_at: Instant
    """When it was written down; never before the row before it."""

    change_type: ChangeType
    """What happened."""

    entity_type: Name
    """Table of the entity; for imported rows the old file's word."""

    entity_id: Annotated[int | None, References("entities")] = None
    """The entity; unknown for imported rows about things that are gone."""

    old_values: Text | None = None
    """The changed fields before (canonical JSON)."""

    new_values: Text | None = None
    """The changed fields after (canonical JSON)."""

    changed_by: Text | None = None
    """Who did it, where known."""

    change_source: Literal["manual", "api", "automation", "discovery", "import"] | None = None
    """By which way infradb learnt of it."""

    source_id: Annotated[int | None, References("sources")] = None
    """Source that said so."""

    run_id: Annotated[int | None, References("discovery_runs")] = None
    """Run that found it."""

    reason: Text | None = None
    """Why, in words."""

    description: Text | None = None
    """What, in words."""

    imported_id: int | None = None
    """Id in the old file; such a row is a statement, never undone by as-of."""

    imported_entity_id: int | None = None
    """The old file's id of the entity."""

    salt: Text | None = None
    """Random text that keeps `values_digest` from giving the words away; removed when they are redacted."""

    values_digest: Text
    """SHA-256 over the salt and everything that the row says in words, as first written."""

    previous_hash: Text
    """Hash of the row before."""

    hash: Text
    """SHA-256 over the previous hash, `values_digest` and every column that holds no words."""


class Anchor(Record):
    """Where the kept history starts, after its beginning was cleaned away."""

    table = "change_anchors"
    primary_key = ("position",)

    position: int
    """Last position that was removed."""

    recorded_at: Instant
    """When that change was recorded."""

    hash: Text
    """Its hash: the first kept row's previous one."""


class Sample(Record):
    """A measured value at one time, thinned with age."""

    table = "samples"
    primary_key = ("entity_id", "field", "sampled_at")
    clustered = True

    entity_id: Annotated[int, References("entities", owns=True)]
    """Entity that was measured."""

    field: Name
    """Measured field."""

    sampled_at: Instant
    """When."""

    value: float
    """The value."""


class Quarantine(Record):
    """A row or a field that an import could not place, kept aside with its reason."""

    table = "quarantine"
    listed = ("source_id", "native_key", "field", "reason", "content")
    unique = (("source_id", "native_key", "field"),)

    id: int
    """Number of the entry."""

    source_id: Annotated[int, References("sources", owns=True)]
    """Where it comes from."""

    native_key: Text
    """Row of the source: table/id."""

    field: Text = ""
    """Field; empty where the whole row is kept aside."""

    reason: Text
    """Why it could not be placed."""

    content: Text | None = None
    """What it holds, secrets redacted (JSON)."""

    quarantined_at: Instant
    """When."""


class Meta(Record):
    """Facts about this database itself."""

    table = "infradb_meta"
    primary_key = ("name",)

    name: Name
    """Name of the fact."""

    value: Text
    """The fact."""
