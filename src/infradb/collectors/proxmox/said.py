"""Says things of an untrusted source: every value is checked as its field takes it, and answers never raise."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from pydantic import ValidationError

from infradb.model.catalog import BY_TABLE
from infradb.model.entity import Entity
from infradb.observation import Answer, Observation, Rejected, digest_of_json
from infradb.redaction import redact_json, redact_text

PARSER_VERSION = 1
_WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
Said = Sequence[Observation | Rejected]
_NO_MEASURES: Mapping[str, Mapping[str, Any]] = {}


def say(key: str, cls: type[Entity], required: Mapping[str, Any], **values: Any) -> list[Observation | Rejected]:
    """Return the observation of a thing; values that are None are not said.

    `required` names the thing: where its field refuses one of them, the thing is rejected; other values are rejected
    alone.
    """
    adapter = BY_TABLE[cls.table].adapter
    wanted = {**required, **{name: value for name, value in values.items() if value is not None}}
    try:
        return [Observation(key, cls.table, dict(adapter.validate_python(wanted)))]
    except ValidationError as error:
        wrong = {str(e["loc"][0]): str(e["msg"]) for e in error.errors()}
    rejected: list[Observation | Rejected] = [
        Rejected(key, reason, _shown(wanted.get(name)), name) for name, reason in wrong.items()
    ]
    if wrong.keys() & required.keys():
        return rejected
    kept = adapter.validate_python({n: v for n, v in wanted.items() if n not in wrong})
    return [Observation(key, cls.table, dict(kept)), *rejected]


def answer(
    key: str,
    raw: Any,
    parse: Callable[[], Said],
    measured: Mapping[str, Mapping[str, Any]] = _NO_MEASURES,
    *,
    whole: bool = False,
) -> Answer:
    """Return an answer whose digest follows from `raw`: only what is read, redacted, nothing measured."""
    # Named tuples are no tuples to orjson.
    content = orjson.dumps(raw, default=tuple, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    digest = digest_of_json(content, PARSER_VERSION)
    kept = {k: {n: v for n, v in own.items() if v is not None} for k, own in measured.items()}
    return Answer(key, digest, partial(_guarded, key, parse), {k: own for k, own in kept.items() if own}, whole)


def _guarded(key: str, parse: Callable[[], Said]) -> Said:
    try:
        return parse()
    except _WRONG as error:
        return [Rejected(key, f"could not be understood: {redact_text(str(error))[:200]}", None)]


def _shown(value: Any) -> Any:
    return redact_text(value[:200]) if isinstance(value, str) else redact_json(value)
