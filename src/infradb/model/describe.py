"""Turns a definition into plain data. The only module that inspects classes."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_extensions import TypedDict

from infradb.model.entity import (
    Described,
    Entity,
    InstantMark,
    Json,
    Key,
    Measured,
    People,
    Record,
    Redacted,
    References,
    Runtime,
    SortKey,
    Unclaimed,
)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a type, with nothing left to look up."""

    name: str
    doc: str
    python_type: type
    annotation: Any
    required: bool
    nullable: bool
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    references: str | None = None
    owns: bool = False
    is_json: bool = False
    is_instant: bool = False
    tolerance_seconds: float = 0
    dead_band: float | None = None
    people_first: bool = False
    follows_observation: bool = False
    people_only: tuple[str, ...] = ()
    claimable: bool = True
    redacted: bool = False
    sort_columns: tuple[str, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Tell whether the field stands outside claims and history."""
        return self.dead_band is not None

    @property
    def noun(self) -> str:
        """Return the name people use: a reference without its `_id`."""
        return self.name.removesuffix("_id") if self.references else self.name


@dataclass(frozen=True)
class TableType:
    """One table, as every other package sees it."""

    cls: type[Described]
    table: str
    label: str
    doc: str
    fields: dict[str, FieldSpec]
    listed: tuple[FieldSpec, ...]
    indexes: tuple[tuple[str, ...], ...]
    constraints: dict[str, str]

    @cached_property
    def references(self) -> tuple[FieldSpec, ...]:
        """Return the fields that point at another table."""
        return tuple(f for f in self.fields.values() if f.references)


@dataclass(frozen=True)
class EntityType(TableType):
    """One entity type."""

    named_by: tuple[str, ...] = ()
    hard_keys: tuple[Key, ...] = ()
    natural_keys: tuple[Key, ...] = ()
    adopted_by: Key | None = None
    short_names: tuple[str, ...] = ()
    grace_seconds: int = 0

    @cached_property
    def adapter(self) -> TypeAdapter[dict[str, Any]]:
        """Return the validator of a partial observation: any of the fields, each as its annotation says."""
        partial: Any = TypedDict(self.label, {f.name: f.annotation for f in self.fields.values()}, total=False)  # type: ignore[misc]
        partial_type: Any = partial
        partial_type.__pydantic_config__ = ConfigDict(extra="forbid")
        return TypeAdapter(partial_type)

    @cached_property
    def owners(self) -> tuple[FieldSpec, ...]:
        """Return the references whose targets own the row."""
        return tuple(f for f in self.fields.values() if f.owns)

    @cached_property
    def measured(self) -> tuple[FieldSpec, ...]:
        """Return the measured fields."""
        return tuple(f for f in self.fields.values() if f.is_measured)

    @cached_property
    def claimable(self) -> dict[str, FieldSpec]:
        """Return the fields that follow from claims."""
        return {f.name: f for f in self.fields.values() if f.claimable and not f.is_measured}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Return the values of fields that are never null and that nobody spoke about."""
        return {f.name: f.default for f in self.fields.values() if not f.required and f.default is not None}

    @property
    def name_field(self) -> str:
        """Return the last part of the name people use."""
        return self.named_by[-1]


@dataclass(frozen=True)
class RecordType(TableType):
    """One table of records."""

    primary_key: tuple[str, ...] = ("id",)
    unique: tuple[tuple[str, ...], ...] = ()
    clustered: bool = False


def describe(cls: type[Entity]) -> EntityType:
    """Read one entity class; raise `TypeError` where its definition is incomplete."""
    keys = (*cls.hard_keys, *cls.natural_keys, *((cls.adopted_by,) if cls.adopted_by else ()))
    return EntityType(
        **_table(cls, [*cls.named_by, *(f for k in keys for f in k.fields)]),
        named_by=cls.named_by,
        hard_keys=cls.hard_keys,
        natural_keys=cls.natural_keys,
        adopted_by=cls.adopted_by,
        short_names=cls.short_names,
        grace_seconds=cls.grace_seconds,
    )


def describe_record(cls: type[Record]) -> RecordType:
    """Read one record class; raise `TypeError` where its definition is incomplete."""
    named = [*cls.primary_key, *(f for u in cls.unique for f in u)]
    return RecordType(**_table(cls, named), primary_key=cls.primary_key, unique=cls.unique, clustered=cls.clustered)


def _table(cls: type[Described], named: list[str]) -> dict[str, Any]:
    own = {name: info for name, info in cls.model_fields.items() if name not in ("tags", "custom")}
    shared = {name: info for name, info in cls.model_fields.items() if name not in own}
    ordered: dict[str, FieldInfo] = dict(own)
    ordered.update(shared)
    fields = {name: _field(cls, name, info) for name, info in ordered.items()}
    derived = {c for f in fields.values() for c in f.sort_columns}
    known = {*fields, *derived, "retired_at"}
    if unknown := {*named, *cls.listed, *(f for i in cls.indexes for f in i)} - known:
        raise TypeError(f"{cls.__name__} names fields that it does not have: {sorted(unknown)}")
    return {
        "cls": cls,
        "table": cls.table,
        "label": cls.__name__,
        "doc": (cls.__doc__ or "").strip(),
        "fields": fields,
        "listed": tuple(fields[name] for name in cls.listed),
        "indexes": cls.indexes,
        "constraints": cls.constraints,
    }


def _field(cls: type[Described], name: str, info: FieldInfo) -> FieldSpec:
    if not info.description:
        raise TypeError(f"{cls.__name__}.{name} has no docstring")
    annotation, marks, nullable = _unwrap(info)
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    reference, runtime = marks.get(References), marks.get(Runtime)
    python_type = str if choices or not isinstance(annotation, type) else annotation
    sort_key, measured, instant = marks.get(SortKey), marks.get(Measured), marks.get(InstantMark)
    return FieldSpec(
        name=name,
        doc=info.description,
        python_type=int if reference and reference.table != "" and python_type is str else python_type,
        annotation=info.rebuild_annotation() if info.metadata else info.annotation,
        required=info.is_required(),
        nullable=nullable,
        default=None if info.default is PydanticUndefined else info.default,
        choices=choices,
        minimum=marks[Ge].ge if Ge in marks else None,
        maximum=marks[Le].le if Le in marks else None,
        max_length=marks[MaxLen].max_length if MaxLen in marks else None,
        references=reference.table if reference else None,
        owns=bool(reference and reference.owns),
        is_json=Json in marks,
        is_instant=instant is not None,
        tolerance_seconds=instant.tolerance_seconds if instant else 0,
        dead_band=measured.dead_band if measured else None,
        people_first=People in marks,
        follows_observation=runtime is not None,
        people_only=runtime.people_only if runtime else (),
        claimable=Unclaimed not in marks,
        redacted=Redacted in marks,
        sort_columns=sort_key.columns if sort_key else (),
    )


def _unwrap(info: FieldInfo) -> tuple[Any, Mapping[type, Any], bool]:
    """Return the type without `| None` and without `Annotated`, the marks by class, and whether it may be null."""
    annotation, marks, nullable = info.annotation, list(info.metadata), False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *inner = get_args(annotation)
            for mark in inner:
                marks += mark.metadata if isinstance(mark, FieldInfo) else [mark]
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [a for a in get_args(annotation) if a is not type(None)]
            nullable = nullable or len(members) < len(get_args(annotation))
            if len(members) > 1 and Json not in {type(m) for m in marks}:
                # A union of texts such as `Protocol | Text`: the widest one speaks for the column.
                members = [next((m for m in members if get_origin(m) is Annotated), members[-1])]
            if len(members) > 1:
                return dict, {type(mark): mark for mark in marks}, nullable
            annotation = members[0]
        else:
            return annotation, {type(mark): mark for mark in marks}, nullable
