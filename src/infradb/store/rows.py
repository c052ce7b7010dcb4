"""Turns rows into plain values and back: JSON, booleans and derived columns are settled by the model."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from infradb.model.catalog import BY_TABLE
from infradb.model.describe import FieldSpec
from infradb.model.types import address_key, network_keys
from infradb.store.ddl import columns


@lru_cache(maxsize=64)
def field_columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table's fields with id and lifecycle, without derived ones."""
    entity_type = BY_TABLE[table]
    return ("id", *entity_type.fields, "created_at", "updated_at", "retired_at")


@lru_cache(maxsize=64)
def stored_columns(table: str) -> tuple[str, ...]:
    """Return all columns of a table."""
    return columns(BY_TABLE[table])


def decode(table: str, row: Sequence[Any], names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return a row of `names` (default: `field_columns`) as values: JSON parsed, booleans as such."""
    decoders = _decoders(table)
    result = dict(zip(names or field_columns(table), row, strict=True))
    for name, convert in decoders.items():
        value = result.get(name)
        if value is not None:
            result[name] = convert(value)
    return result


@lru_cache(maxsize=64)
def encoder(table: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function that turns values into columns: JSON as text, sort keys derived."""
    entity_type = BY_TABLE[table]
    documents = [f.name for f in entity_type.fields.values() if f.is_json]
    sorted_by = [f for f in entity_type.fields.values() if f.sort_columns]

    def encode(values: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(values)
        for name in documents:
            if (value := result.get(name)) is not None:
                result[name] = orjson.dumps(value).decode()
        for field in sorted_by:
            if (value := result.get(field.name)) is not None:
                result.update(_sort_values(field, value))
        return result

    return encode


def _sort_values(field: FieldSpec, value: str) -> dict[str, bytes]:
    if len(field.sort_columns) == 2:
        return dict(zip(field.sort_columns, network_keys(value), strict=True))
    return {field.sort_columns[0]: address_key(value)}


@lru_cache(maxsize=64)
def _decoders(table: str) -> dict[str, Callable[[Any], Any]]:
    found: dict[str, Callable[[Any], Any]] = {}
    for field in BY_TABLE[table].fields.values():
        if field.is_json:
            found[field.name] = orjson.loads
        elif field.python_type is bool:
            found[field.name] = bool
    return found
