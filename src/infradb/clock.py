"""The one place that knows the time, and how an instant is written.

An instant is text, `2026-11-23T16:01:13.000Z`: UTC, milliseconds, always 24 characters, so that
text order is time order on every engine (RFC 3339).
"""

import re
from datetime import UTC, datetime, timedelta

_RELATIVE = re.compile(r"^(\d+)\s*(s|min|m|h|d|w|y)$")
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_DAY = re.compile(r"^(today|yesterday)(?:\s+(\d{1,2}):(\d{2}))?$")


def now() -> str:
    """Return the present instant."""
    return to_instant(datetime.now(UTC))


def to_instant(moment: datetime) -> str:
    """Write a moment as an instant; a moment without a zone counts as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def to_moment(instant: str) -> datetime:
    """Read an instant (or any ISO 8601 time; without a zone it is UTC); raise `ValueError`."""
    moment = datetime.fromisoformat(instant.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_time(text: str, *, reference: datetime | None = None) -> str:
    """Read what a person writes for a time: ISO 8601, `7d`, `today`, `yesterday 14:00`, `now`.

    A relative time counts back from `reference` (default: now). Raises `ValueError`.

    >>> parse_time("7d", reference=datetime(2026, 1, 8, tzinfo=UTC))
    '2026-01-01T00:00:00.000Z'
    >>> parse_time("yesterday 14:00", reference=datetime(2026, 1, 8, 9, tzinfo=UTC))
    '2026-01-07T14:00:00.000Z'
    >>> parse_time("2026-01-01 10:00")
    '2026-01-01T10:00:00.000Z'
    """
    moment = reference or datetime.now(UTC)
    wanted = text.strip().lower()
    if wanted == "now":
        return to_instant(moment)
    if match := _RELATIVE.match(wanted):
        try:
            return to_instant(moment - timedelta(seconds=int(match[1]) * _SECONDS[match[2]]))
        except OverflowError as error:
            raise ValueError(f"{text!r} is longer ago than calendars reach") from error
    if match := _DAY.match(wanted):
        day = moment.replace(hour=int(match[2] or 0), minute=int(match[3] or 0), second=0, microsecond=0)
        return to_instant(day - timedelta(days=1) if match[1] == "yesterday" else day)
    return to_instant(to_moment(text))


def parse_duration(text: str) -> float:
    """Read a length of time such as `7d`, `90s`, `12h` as seconds; raise `ValueError`."""
    if match := _RELATIVE.match(text.strip().lower()):
        return float(int(match[1]) * _SECONDS[match[2]])
    raise ValueError(f"{text!r} is not a length of time such as 7d, 12h or 90s")
