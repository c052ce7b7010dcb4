"""Writes what an old file says happened: its history and its health checks, as statements that are never replayed."""

from collections.abc import Callable, Iterable, Iterator
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


def write_changes(writer: Writer, source_id: int, said: Iterable[Any], entity_of: Callable[[str], int | None]) -> None:
    """Append old changes to the log; what they are about may be unknown."""

    def entries() -> Iterator[Entry]:
        for one in said:
            if isinstance(one, Rejected):
                writer.quarantine(source_id, [one])
                continue
            yield Entry(
                one.change_type,
                one.entity_type,
                entity_of(one.native_key) if one.native_key else None,
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

    for batch in _batches(entries()):
        writer.append(batch)


def write_health_checks(
    writer: Writer, source_id: int, said: Iterable[Any], entity_of: Callable[[str], int | None]
) -> None:
    """Write old results of checks."""

    def rows() -> Iterator[tuple[Any, ...]]:
        for one in said:
            service = None if isinstance(one, Rejected) else entity_of(one.native_key)
            if isinstance(one, Rejected):
                writer.quarantine(source_id, [one])
            elif service is None:
                key = f"health_checks/{one.imported_id}"
                writer.quarantine(
                    source_id, [Rejected(key, f"its service {one.native_key} was not taken in", one._asdict())]
                )
            else:
                yield (
                    one.check_timestamp,
                    service,
                    0,
                    one.imported_id,
                    one.status,
                    one.response_time_ms,
                    one.status_code,
                    one.error_message,
                    one.response_body,
                    one.worker,
                )

    for batch in _batches(rows()):
        writer.connection.insert_many("health_checks", _CHECK_COLUMNS, batch)


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
