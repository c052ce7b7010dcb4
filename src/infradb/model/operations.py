"""What happens around services: results of checks, outages, findings, maintenance."""

from typing import Annotated, Literal

from infradb.model.entity import Record, References
from infradb.model.types import Count, Instant, JsonObject, Name, Text

Severity = Literal["critical", "high", "medium", "low", "info"]
ServiceReference = Annotated[int, References("services", owns=True)]


class HealthCheck(Record):
    """One result of one check; append-only, kept by age."""

    table = "health_checks"
    primary_key = ("check_timestamp", "service_id", "check_id", "sequence")
    clustered = True
    listed = ("check_timestamp", "service_id", "status", "response_time_ms", "status_code", "error_message")
    indexes = (("service_id", "check_timestamp"),)

    check_timestamp: Instant
    """When it was probed."""

    service_id: ServiceReference
    """Service that was probed."""

    check_id: int = 0
    """Check that probed it; 0 for imported results."""

    sequence: int = 0
    """Tells apart results of one instant; for imported ones the old file's id."""

    status: Literal["healthy", "degraded", "down", "timeout"]
    """Verdict of the probe."""

    response_time_ms: Count | None = None
    """How long the answer took."""

    status_code: int | None = None
    """Code of the answer, where the protocol has one."""

    error_message: Text | None = None
    """What went wrong."""

    response_body: Text | None = None
    """Beginning of the answer, in imported results."""

    worker: Text | None = None
    """Who probed."""


class HealthCheckRollup(Record):
    """Results of one service over an hour or a day; kept for years."""

    table = "health_check_rollups"
    primary_key = ("service_id", "resolution", "starts_at")
    clustered = True

    service_id: ServiceReference
    """Service."""

    resolution: Literal["hour", "day"]
    """Length of the span."""

    starts_at: Instant
    """Beginning of the span."""

    healthy: Count = 0
    """Results that were healthy."""

    degraded: Count = 0
    """Results that were degraded."""

    down: Count = 0
    """Results that were down."""

    timeout: Count = 0
    """Results that timed out."""

    response_time_min_ms: Count | None = None
    """Fastest answer."""

    response_time_avg_ms: float | None = None
    """Mean answer."""

    response_time_p95_ms: Count | None = None
    """95th percentile of the answers."""

    response_time_max_ms: Count | None = None
    """Slowest answer."""


class Incident(Record):
    """An outage: when a service left, why, and when it came back."""

    table = "incidents"
    listed = ("service_id", "started_at", "ended_at", "root_cause")
    indexes = (("service_id", "started_at"), ("ended_at",))

    id: int
    """Number of the incident."""

    service_id: ServiceReference
    """Service that left."""

    started_at: Instant
    """When it left."""

    ended_at: Instant | None = None
    """When it came back."""

    root_cause_entity_id: Annotated[int | None, References("entities")] = None
    """Entity that took it down."""

    root_cause: Text | None = None
    """Why, in words."""

    notified: JsonObject | None = None
    """Who was told, when."""


class Finding(Record):
    """Something that a rule found wrong; opens and closes by itself."""

    table = "findings"
    listed = ("id", "severity", "rule", "subject", "summary", "first_seen_at", "waived_until")
    unique = (("rule", "subject"),)
    indexes = (("closed_at", "severity"), ("entity_id",))

    id: int
    """Number of the finding."""

    rule: Name
    """Rule that found it."""

    severity: Severity
    """How much it matters."""

    subject: Text
    """What it is about; with the rule, what makes two findings the same."""

    entity_id: Annotated[int | None, References("entities", owns=True)] = None
    """Entity that it is about."""

    summary: Text
    """What is wrong, in one sentence."""

    evidence: JsonObject | None = None
    """What the rule saw."""

    first_seen_at: Instant
    """When it was first found."""

    closed_at: Instant | None = None
    """When it was found no more."""

    waived_until: Instant | None = None
    """Until when it is accepted."""

    waived_reason: Text | None = None
    """Why it is accepted."""

    waived_by: Text | None = None
    """Who accepted it."""


class MaintenanceWindow(Record):
    """A planned time in which something may be down."""

    table = "maintenance_windows"
    listed = ("entity_id", "starts_at", "ends_at", "reason")
    indexes = (("starts_at", "ends_at"),)

    id: int
    """Number of the window."""

    entity_id: Annotated[int, References("entities", owns=True)]
    """What is worked on."""

    starts_at: Instant
    """Beginning."""

    ends_at: Instant
    """End."""

    reason: Text | None = None
    """Why."""

    created_by: Text | None = None
    """Who planned it."""


class User(Record):
    """A person who may sign in."""

    table = "users"
    listed = ("name", "role", "created_at", "disabled_at")
    unique = (("name",),)

    id: int
    """Number of the user."""

    name: Name
    """Name to sign in with."""

    password_hash: Text | None = None
    """Argon2id hash of the password."""

    role: Literal["viewer", "editor", "admin"]
    """What the user may do."""

    created_at: Instant
    """When the account was made."""

    disabled_at: Instant | None = None
    """Since when it is switched off."""


class ApiToken(Record):
    """A secret by which a program, a session or a one-time link is known; only its hash is kept."""

    table = "api_tokens"
    listed = ("id", "purpose", "description", "role", "created_at", "expires_at", "used_at")
    unique = (("token_hash",),)

    id: int
    """Number of the token."""

    token_hash: Text
    """SHA-256 of the token."""

    purpose: Literal["api", "runs", "session", "first-user"]
    """What it opens."""

    user_id: Annotated[int | None, References("users", owns=True)] = None
    """User it belongs to."""

    source_id: Annotated[int | None, References("sources", owns=True)] = None
    """Source that it may bring runs of, and nothing else; null where it is no such token."""

    role: Literal["viewer", "editor", "admin"]
    """What its bearer may do."""

    description: Text | None = None
    """What it is for."""

    allowed_networks: Text | None = None
    """Networks it may be used from (JSON list); everywhere where null."""

    created_at: Instant
    """When it was made."""

    expires_at: Instant | None = None
    """When it stops working."""

    used_at: Instant | None = None
    """When it was last used."""
