"""Conditions as people write them: `status=running`, `image~nginx`, `port>1000`, `owner=null`."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import orjson

from infradb import clock
from infradb.errors import UsageError
from infradb.model.describe import FieldSpec

_FORM = re.compile(r"^([A-Za-z_][\w-]*)(>=|<=|!=|=|~|>|<)(.*)$", re.S)
_TEST: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">": lambda a, b: a is not None and a > b,
    "<": lambda a, b: a is not None and a < b,
    ">=": lambda a, b: a is not None and a >= b,
    "<=": lambda a, b: a is not None and a <= b,
    "~": lambda a, b: str(b).lower() in as_text(a).lower(),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one field; `value` has the field's type, None stands for null."""

    field: FieldSpec
    operator: str
    value: Any

    def sql(self) -> tuple[str, list[Any]]:
        """Return the condition as SQL over the table `t`, with its values."""
        column = f"t.{self.field.name}"
        if self.value is None:
            return f"{column} IS {'NOT ' if self.operator == '!=' else ''}NULL", []
        if self.operator == "~":
            escaped = str(self.value).lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            return f"lower(CAST({column} AS TEXT)) LIKE ? ESCAPE '\\'", [f"%{escaped}%"]
        if self.operator == "!=":
            return f"({column} <> ? OR {column} IS NULL)", [self.value]
        return f"{column} {self.operator} ?", [self.value]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row of plain values meets the condition."""
        return holds(self.operator, row.get(self.field.name), self.value)


def split(text: str) -> tuple[str, str, str] | None:
    """Return (field, operator, value) of a condition as written, or None where it is none."""
    text.encode()  # A byte that is no UTF-8 is an error here already.
    match = _FORM.match(text)
    return (match[1].replace("-", "_"), match[2], match[3]) if match else None


def condition(fields: Mapping[str, FieldSpec], text: str, identify: Callable[[FieldSpec, str], int]) -> Condition:
    """Read a condition; `identify` finds what a reference names. Raises `UsageError`."""
    parts = split(text)
    if parts is None:
        raise UsageError(f"{text!r} is no condition", hint="field=value, field~text, field>number, field=null")
    name, operator, value = parts
    field = field_named(fields, name)
    if value in ("null", "") and operator in ("=", "!="):
        return Condition(field, operator, None)
    if field.is_json and operator != "~":
        if operator == "=" and value[:1] not in ("[", "{"):
            # One of a list: tags=prod.
            return Condition(field, "~", orjson.dumps(value).decode())
        raise UsageError(f"{field.noun} holds several values", hint=f"{field.noun}=VALUE or {field.noun}~TEXT")
    if operator in ("=", "!=") and field.choices and value not in field.choices:
        raise UsageError(f"{field.noun} is never {value!r}", hint=f"{field.noun} is one of: {', '.join(field.choices)}")
    if field.references and operator in ("=", "!="):
        return Condition(field, operator, identify(field, value))
    return Condition(field, operator, value if operator == "~" else typed(field, value))


def field_named(fields: Mapping[str, FieldSpec], name: str) -> FieldSpec:
    """Return a field by its name, or a reference without its `_id`; raise `UsageError`."""
    for candidate in (name, f"{name}_id", f"docker_{name}_id", f"docker_{name}"):
        if candidate in fields:
            return fields[candidate]
    loose = [f for f in fields.values() if f.noun.endswith(f"_{name}") or f.name.endswith(f"_{name}")]
    if len(loose) == 1:
        return loose[0]
    raise unknown("field", name, [f.noun for f in fields.values()])


def unknown(what: str, name: str, known: Sequence[str]) -> UsageError:
    """Return the error for a field or column that is not there, with what comes near."""
    near = get_close_matches(name, known, n=3)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    return UsageError(f"there is no {what} {name!r}{meant}", hint=f"{what}s: {', '.join(known)}")


def typed(field: FieldSpec, value: str) -> Any:
    """Return text as a value of the field's type; raise `UsageError`."""
    try:
        if field.python_type is bool:
            return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[value.lower()]
        if field.is_json:
            return orjson.loads(value)
        if field.is_instant:
            return clock.parse_time(value)
        return _number(field.python_type, value) if field.python_type in (int, float) else value
    except (KeyError, ValueError, OverflowError) as error:
        kind = {bool: "yes or no", int: "a whole number", float: "a number"}.get(field.python_type, "JSON")
        kind = "a time" if field.is_instant else kind
        raise UsageError(f"{field.noun} takes {kind}, not {value!r}") from error


def _number(kind: type, text: str) -> int | float:
    """Return text as a number that both engines take; raise `ValueError`."""
    number: int | float = kind(text)
    if not math.isfinite(number) or abs(number) >= 2**63:
        raise ValueError("too large")
    return number


def where(conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
    """Return conditions joined by AND, or a condition that always holds."""
    parts = [c.sql() for c in conditions]
    return " AND ".join(sql for sql, _ in parts) or "1 = 1", [v for _, values in parts for v in values]


def holds(operator: str, value: Any, wanted: Any) -> bool:
    """Tell whether a value meets a condition."""
    return _TEST[operator](value, wanted)


def as_text(value: Any) -> str:
    """Return a value as the text in which `~` searches."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
