"""Takes the secrets out of old values before anything else sees them, each kind of column in its own way.

Most of what is read are names, paths and lists of them. What is written with nothing but the characters below has
no room for `name=value`, for an address with a password in it, nor for a token; to ask the rules for each of
them would be what an import spends most time on.
"""

import re
from functools import partial
from typing import Any

import orjson

from infradb.importers.infrastructure_db.convert import Convert, NotText
from infradb.importers.infrastructure_db.mapping import Column
from infradb.model.describe import FieldSpec
from infradb.redaction import REDACTED, redact_document, redact_mapping, redact_text

_A_NAME = re.compile(r"[a-z0-9_./\-]*").fullmatch
_NAMES = re.compile(r'[a-z0-9_./\-\[\]", ]*').fullmatch
_PORTS = re.compile(r'[0-9.:>/\-\[\]", tcpud]*').fullmatch


def clean_text(value: Any) -> Any:
    """Return free text without its secrets."""
    return redact_text(value) if type(value) is str else value


def clean_name(value: Any) -> Any:
    """Return a name, a path or an address without its secrets."""
    return value if type(value) is not str or _A_NAME(value) else redact_text(value)


def clean_document(value: Any) -> Any:
    """Return a JSON document without its secrets, malformed ones replaced whole."""
    return redact_document(value) if type(value) is str and value else value


def clean_names(value: Any) -> Any:
    """Return a JSON list of names without its secrets."""
    return value if type(value) is not str or _NAMES(value) else clean_document(value)


def clean_ports(value: Any) -> Any:
    """Return a JSON list of ports without its secrets."""
    return value if type(value) is not str or _PORTS(value) else clean_document(value)


def clean_addresses(value: Any) -> Any:
    """Return a list of addresses, as JSON or not, without its secrets."""
    if type(value) is not str or _NAMES(value):
        return value
    return clean_document(value) if value.lstrip().startswith(("[", "{", '"')) else redact_text(value)


def extra_cleaner(name: str) -> Convert:
    """Return what takes the secrets out of a column that only this file has; its name counts."""
    return partial(_clean_named, name)


def _clean_named(name: str, value: Any) -> Any:
    if type(value) is bytes:
        return value
    redacted = redact_mapping({name: value})[name]
    return value if redacted == value else redacted


def cleaner(column: Column, spec: FieldSpec | None) -> Convert | None:
    """Return what takes the secrets out of a column; None where there is no room for one.

    A number, a date or a word of a choice has none, and where one of these is something else it goes to
    quarantine through `shown`.
    """
    by_way = {"ports": clean_ports, "members": clean_names, "addresses": clean_addresses}
    if column.via in by_way:
        return by_way[column.via]
    if column.via in ("pairs", "nics"):
        return clean_document
    if column.via == "aside" or column.name == "health_check_url":
        return clean_text
    if spec is None or spec.references or spec.choices:
        return None
    if spec.is_json:
        return clean_names
    if spec.python_type is not str:
        return None
    return clean_text if spec.redacted or spec.people_first else clean_name


def holds_json(clean: Convert | None) -> bool:
    """Tell whether what goes through a cleaner should be JSON."""
    return clean in (clean_document, clean_names, clean_ports)


def shown(value: Any, *, json: bool = False) -> Any:
    """Return what a column held as quarantine may show it; malformed JSON only as that it was there."""
    if not isinstance(value, str):
        return value
    if not json:
        return redact_text(str(value))
    try:
        return orjson.loads(str(value))
    except orjson.JSONDecodeError:
        return REDACTED


def readable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row with marks on what is no text: bytes, secrets redacted, and text with a NUL in it."""
    return tuple(v if type(v) is not bytes and (type(v) is not str or "\0" not in v) else _marked(v) for v in row)


def _marked(value: str | bytes) -> NotText:
    return NotText(redact_text(value if isinstance(value, str) else value.decode(errors="replace")))
