"""Writes what an old file says happened: its history and its health checks, as statements that are never replayed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson

from infradb.observation import Rejected
from infradb.store.apply import Writer
from infradb.store.chain import Entry

_CHECK_COLUMNS = (
    "check_timestamp",
    "service_id",
    "check_id",
    "sequence",
    "status",
    "response_time_ms",
    "status_code",
    "error_message",
    "response_body",
    "worker",
)
_BATCH = 5000
EntitiesOf = Callable[[Collection[str]], Mapping[str, int]]
"""Finds the entities of old rows, by native key."""


def write_changes(writer: Writer, source_id: int, said: Iterable[Any], entities_of: EntitiesOf) -> None:
    """Append old changes to the log; what they are about may be unknown."""
    for changes in _taken_in(writer, source_id, said):
        entities = entities_of({c.native_key for c in changes if c.native_key})
        writer.append(
            Entry(
                one.change_type,
                one.entity_type,
                entities.get(one.native_key),
                _text(one.old_values),
                _text(one.new_values),
                changed_by=one.changed_by,
                change_source=one.change_source or "import",
                source_id=source_id,
                description=one.description,
                change_timestamp=one.change_timestamp,
                imported_id=one.imported_id,
                imported_entity_id=one.imported_entity_id,
            )
            for one in changes
        )


def write_health_checks(writer: Writer, source_id: int, said: Iterable[Any], entities_of: EntitiesOf) -> None:
    """Write old results of checks."""
    for checks in _taken_in(writer, source_id, said):
        services = entities_of({c.native_key for c in checks})
        lost = [c for c in checks if c.native_key not in services]
        writer.quarantine(
            source_id,
            [
                Rejected(f"health_checks/{c.imported_id}", f"its service {c.native_key} was not taken in", c._asdict())
                for c in lost
            ],
        )
        rows = [
            (
                one.check_timestamp,
                services[one.native_key],
                0,
                one.imported_id,
                one.status,
                one.response_time_ms,
                one.status_code,
                one.error_message,
                one.response_body,
                one.worker,
            )
            for one in checks
            if one.native_key in services
        ]
        writer.connection.insert_many("health_checks", _CHECK_COLUMNS, rows)


def _taken_in(writer: Writer, source_id: int, said: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield statements in batches; what is rejected of them goes to quarantine."""
    waiting = iter(said)
    while batch := list(islice(waiting, _BATCH)):
        writer.quarantine(source_id, [one for one in batch if isinstance(one, Rejected)])
        yield [one for one in batch if not isinstance(one, Rejected)]


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
