"""The base of every entity type, and the words its definition is written in."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Key:
    """Fields that together single out one entity."""

    fields: tuple[str, ...]
    exclusive: bool = False
    """Two different values mean two things, whatever else agrees."""
    unique: bool = False
    """No two live rows may share it; the database enforces that."""
    succeeds: bool = False
    """Finds only an entity whose own last answer is absent from the same complete scope: a re-created container."""
    each: bool = False
    """The first field is a list, and each of its values makes a key with the others: a hardware address and a name."""
    corroborates: bool = False
    """Finds what another source observes, where it is unique on both sides: a name and an operating system."""


def key(
    *fields: str,
    exclusive: bool = False,
    unique: bool = False,
    succeeds: bool = False,
    each: bool = False,
    corroborates: bool = False,
) -> Key:
    """Return a key: ``key("host_id", "interface_name", unique=True)``."""
    return Key(fields, exclusive, unique, succeeds, each, corroborates)


@dataclass(frozen=True, slots=True)
class References:
    """Marks a field that points at another entity: its native key in an observation, its id in a row."""

    table: str
    owns: bool = False
    """What is pointed at owns the row: when it retires, so does the row, and both come back together."""


@dataclass(frozen=True, slots=True)
class Json:
    """Marks a field that holds a JSON document."""


@dataclass(frozen=True, slots=True)
class InstantMark:
    """Marks a field that holds an instant; times closer than `tolerance_seconds` are the same."""

    tolerance_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """Marks a field that is measured: kept current outside claims and history, sampled for trends."""

    dead_band: float = 0.05
    """Share of the stored value by which a new one must differ before the row is touched."""


@dataclass(frozen=True, slots=True)
class People:
    """Marks a field on which what people say comes before what is observed."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Marks a field that follows observation, except for the values that belong to people."""

    people_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Marks a field that no source may claim: it is written by infradb's own verdicts."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Marks a field that sources fill with free text, where secrets hide; collectors redact it."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """Marks a field with derived 16-byte columns by which addresses sort and compare."""

    columns: tuple[str, ...]


class Described(BaseModel):
    """Base of everything that has a table: entities and records."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    table: ClassVar[str]
    """Name of the table, the REST collection and the CLI noun."""

    listed: ClassVar[tuple[str, ...]] = ()
    """Fields shown in a table of many, in order."""

    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Columns that common questions look up together."""

    constraints: ClassVar[dict[str, str]] = {}
    """CHECKs over several columns: name -> SQL that both engines take."""


class Entity(Described):
    """A thing in the infrastructure that stays itself while its values change."""

    named_by: ClassVar[tuple[str, ...]]
    """Fields that make the name people use, joined by slashes; a reference stands for the name of its target."""

    hard_keys: ClassVar[tuple[Key, ...]] = ()
    """Identifiers of which one suffices while it is unique in the estate, strongest first."""

    natural_keys: ClassVar[tuple[Key, ...]] = ()
    """What the thing is called, below its parent where it has one, strongest first."""

    adopted_by: ClassVar[Key | None] = None
    """Key by which an observation adopts what a person typed, when it is unique on both sides."""

    short_names: ClassVar[tuple[str, ...]] = ()
    """Further CLI nouns."""

    grace_seconds: ClassVar[int] = 0
    """How long a thing may stay unseen in complete scopes before it is retired."""

    tags: Annotated[list[str] | None, Json(), People()] = None
    """Free-form labels of the user's own."""

    custom: Annotated[dict[str, Any] | None, Json(), People()] = None
    """Free-form fields of the user's own."""


class Record(Described):
    """A row that is no entity: something infradb notes about entities, or about itself."""

    primary_key: ClassVar[tuple[str, ...]] = ("id",)
    """Columns of the primary key; a single integer one is assigned by the database."""

    unique: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Columns that no two rows may share."""

    clustered: ClassVar[bool] = False
    """Stored in the order of its primary key (SQLite: WITHOUT ROWID)."""
