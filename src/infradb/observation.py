"""What a source said. Collectors and importers make these; nobody changes them.

A run has scopes, a scope has answers, an answer says something about one or more things. An answer's
digest is compared before anything of it is parsed, so that a rescan that finds nothing new costs little.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import ValidationError

from infradb.model.catalog import BY_CLASS
from infradb.model.entity import Entity
from infradb.redaction import redact_json

ScopeStatus = Literal["complete", "partial", "failed"]


class Observation(NamedTuple):
    """One thing as one source described it.

    Only the fields that were set count as said: ``Host(hostname="pve1")`` says nothing about the serial
    number, ``Host(hostname="pve1", serial_number=None)`` says that there is none. A reference holds the
    native key of another observation of the same source. Measured fields may be among the values.
    """

    key: str
    """What the source itself calls the thing; unique within the source: `container/3f2a…`."""

    table: str
    """Table of the thing's type."""

    values: Mapping[str, Any]
    """Field -> value, as the type's definition takes it."""


def observe(native_key: str, entity: Entity) -> Observation:
    """Return an observation of what was set on `entity`."""
    said = entity.model_fields_set
    # In the order of the definition: the order of a set differs from process to process.
    return Observation(
        native_key, entity.table, {name: value for name, value in entity.__dict__.items() if name in said}
    )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row or one of its fields that could not be taken in: it goes to quarantine."""

    key: str
    """Native key of the row: table/id."""

    reason: str
    """Why, in words that its owner understands."""

    content: Any
    """What it held, secrets redacted."""

    field: str = ""
    """The field; empty where the whole row is rejected."""


class Answer(NamedTuple):
    """What a source answered about one thing and its parts.

    A tuple like `Observation`, because there are hundreds of thousands: a frozen dataclass takes thrice as long.
    """

    key: str
    """Native key of the thing itself; the first observation has the same one."""

    digest: int
    """`digest_of` the redacted raw answer without its measured values."""

    parse: Callable[[], Sequence[Observation | Rejected]]
    """Returns what the answer says, the thing itself first; called only where the digest is not the known one."""

    measured: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """Native key -> measured field -> value: kept current even where nothing else changed."""

    whole: bool = False
    """In a partial scope: it still is everything about its thing, so a part that it no longer names is gone."""


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """What one answer of a source could enumerate: the containers of one engine, one host's facts."""

    name: str
    """Name of the scope within the source; stable over runs."""

    status: ScopeStatus
    """Complete: absence means absence. Partial: it only adds. Failed: it changes nothing."""

    answers: Iterable[Answer] = ()
    """The answers, parents before children; a sequence where the scope is complete."""

    errors: tuple[str, ...] = ()
    """What failed, one sentence each, with what to do."""

    gone: tuple[str, ...] = ()
    """Native keys of things whose end was positively seen; needs no complete scope."""


class Call(NamedTuple):
    """One kind of call that was made in a run."""

    name: str
    """What was called, with names in the place of what varies: `GET /nodes/{node}/status`."""

    times: int = 1
    """How often."""

    failed: int = 0
    """How many of them failed."""

    milliseconds: int = 0
    """How long all of them took together, side by side ones added up."""


@dataclass(frozen=True, slots=True)
class CollectionRun:
    """One pass over one source."""

    source: str
    """Name of the source."""

    started_at: str
    """Instant at which reading began."""

    scopes: Sequence[ScopeResult]
    """Results; scopes whose things own those of others come first."""

    actors: Mapping[str, str] = field(default_factory=dict)
    """Native key -> who caused its change, where the source knows it."""

    calls: Sequence[Call] = ()
    """Every kind of call that was made, where the collector notes them."""

    has_scope: Callable[[str], bool] | None = None
    """Tells by its name whether a scope of an earlier run still is one: what is no more was on a machine that was taken
    out, and is gone, with its grace. None where the source cannot tell."""

    @property
    def status(self) -> ScopeStatus:
        """Return the worst status of the scopes."""
        statuses = {scope.status for scope in self.scopes}
        if statuses <= {"complete"} and statuses:
            return "complete"
        return "failed" if statuses <= {"failed"} else "partial"

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what failed in any scope; what several of them say, once."""
        return tuple(dict.fromkeys(error for scope in self.scopes for error in scope.errors))


def observed(native_key: str, cls: type[Entity], said: Mapping[str, Any]) -> tuple[Observation | Rejected, ...]:
    """Return an observation of what the type takes of `said`, normalized, and what it does not take as rejected.

    For sources whose values nobody checked: raises nothing. Without a field that the type needs, the whole thing is
    rejected. The observation comes first, if there is one.
    """
    entity_type = BY_CLASS[cls]
    needed = {f.name for f in entity_type.fields.values() if f.required}
    values = {name: _storable(value) for name, value in said.items() if value is not None or name not in needed}
    rejected: list[Rejected] = []
    while True:
        try:
            valid = entity_type.adapter.validate_python(values)
            break
        except ValidationError as error:
            for name, why in {str(e["loc"][0]): e["msg"] for e in error.errors(include_url=False)}.items():
                content = redact_json(values.pop(name, None))
                rejected.append(Rejected(native_key, why, str(content)[:200], name))
    if lacking := sorted(needed - valid.keys()):
        return (*rejected, Rejected(native_key, f"it has no usable {lacking[0]}", None))
    return (Observation(native_key, cls.table, {n: valid[n] for n in entity_type.fields if n in valid}), *rejected)


def answer_of(
    said: Sequence[Observation | Rejected],
    parser_version: int,
    measured: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    *,
    whole: bool = False,
) -> Answer:
    """Return an answer that holds what it says: for small sources, whose digest follows from the observations."""
    kept = tuple(said)
    raw = [(o.key, o.table, o.values) if isinstance(o, Observation) else (o.key, o.field, o.reason) for o in kept]
    return Answer(kept[0].key, digest_of(raw, parser_version), lambda: kept, measured, whole)


def _storable(value: Any) -> Any:
    """Return a value that both engines store: no NUL, no half characters, no number beyond 64 bits."""
    if isinstance(value, str):
        return (
            value.replace("\0", "").encode("utf-8", "replace").decode()
            if not value.isascii() or "\0" in value
            else value
        )
    if isinstance(value, Mapping):
        return {str(_storable(str(n))): _storable(v) for n, v in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(v) for v in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def digest_of(raw: Any, parser_version: int) -> int:
    """Return a signed 64-bit hash of a raw answer; it changes with the version of its parser.

    Equal answers give equal digests whatever the order of their keys. 64 bits suffice, because digests are
    compared only with the earlier one of the same thing.

    >>> digest_of({"a": 1, "b": 2}, 1) == digest_of({"b": 2, "a": 1}, 1) != digest_of({"a": 1, "b": 2}, 2)
    True
    """
    return digest_of_json(canonical_json(raw), parser_version)


def canonical_json(raw: Any) -> bytes:
    """Return a raw answer as JSON text that is the same whatever the order of its keys."""
    return orjson.dumps(raw, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def digest_of_json(text: bytes, parser_version: int) -> int:
    """Return the same as `digest_of` for a raw answer that is canonical JSON already."""
    hashed = _hash(parser_version).copy()  # cheaper than making it anew
    hashed.update(text)
    return int.from_bytes(hashed.digest(), "big", signed=True)


@lru_cache(maxsize=64)
def _hash(parser_version: int) -> blake2b:
    return blake2b(digest_size=8, salt=parser_version.to_bytes(4, "big"))
