"""Takes parts out of JSON that may hold anything."""

from collections.abc import Mapping
from typing import Any, TypeVar

from infradb.errors import SourceMalformed

T = TypeVar("T")
_WORDS = {str: "a text", dict: "an object", list: "a list", int: "a number", bool: "true or false"}


def part(holder: Mapping[str, Any], name: str, kind: type[T], *, default: T | None = None) -> T:
    """Return a part of an object; `default` where it is not there, else `SourceMalformed`, as for a wrong kind."""
    found = holder.get(name)
    if found is None and default is not None:
        return default
    return shaped(found, kind, name)


def shaped(value: Any, kind: type[T], name: str) -> T:
    """Return a value that is of its kind; raise `SourceMalformed`."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        hint = "is it a version that infradb knows?"
        raise SourceMalformed(f"{name!r} is not {_WORDS.get(kind, kind.__name__)}", hint=hint)
    return value


def texts(holder: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts; empty where it is not there."""
    return [shaped(v, str, name) for v in part(holder, name, list, default=[])]


def objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects; empty where it is not there."""
    return [shaped(v, dict, name) for v in part(holder, name, list, default=[])]
