"""What changed: the page, and the lines that other pages show of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infradb import clock
from infradb.errors import UsageError
from infradb.interfaces.web.html import Content, Html, link, tag
from infradb.interfaces.web.page import ago, page
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.values import kind_title, kind_word, short
from infradb.operations.databases import Connection
from infradb.queries import history, naming, overview
from infradb.queries.history import ChangeRow
from infradb.queries.overview import ChangeGroup

SPANS = (("1h", "Hour"), ("1d", "Day"), ("7d", "Week"), ("30d", "Month"))
LIMIT = 200
_WORDS = {"create": "new", "update": "changed", "retire": "gone", "revive": "back", "delete": "deleted"}
_SHOWN_FIELDS = 4


def changes(request: Request) -> Response:
    """Return the page of what changed lately, or before a position."""
    site = site_of(request)
    span = request.query_params.get("since", "1d")
    try:
        since = clock.parse_time(span)
    except ValueError as error:
        raise UsageError(f"{span!r} is no time", hint="7d, 12h, 2026-01-31") from error
    with site.database.read() as connection:
        found = history.changes(connection, since=since, limit=LIMIT + 1)
        listed = change_list(connection, found[:LIMIT], by_day=True)
    choices = [
        tag("li", link(f"/changes?since={s}", word, aria_current="true" if s == span else None)) for s, word in SPANS
    ]
    note = f"The newest {LIMIT} of them; `infradb changes --since {span}` shows all." if len(found) > LIMIT else None
    nothing = tag("p", "Nothing changed in this time.", class_="dim")
    return page(
        request,
        "Changes",
        tag("h1", "Changes"),
        tag("ul", choices, class_="tabs"),
        listed if found else nothing,
        tag("p", note, class_="dim") if note else None,
    )


def last_day() -> str:
    """Return the instant a day ago."""
    return clock.to_instant(datetime.now(UTC) - timedelta(days=1))


def change_list(connection: Connection, rows: Sequence[ChangeRow], *, by_day: bool = False, named: bool = True) -> Html:
    """Return changes as lines, newest first; `named` says which thing each is about."""
    ids = {r.entity_id for r in rows if r.entity_id is not None}
    names = naming.labels(connection, ids) if named and ids else {}
    places = overview.uids(connection, ids) if named and ids else {}
    if not by_day:
        return tag("ol", [_line(r, names, places, named=named) for r in rows], class_="changes")
    parts: list[Content] = []
    for day, own in groupby(rows, key=lambda r: r.at[:10]):
        parts += [tag("h2", day), tag("ol", [_line(r, names, places, named=named) for r in own], class_="changes")]
    return tag("div", parts)


def summary_list(connection: Connection, groups: Sequence[ChangeGroup]) -> Html:
    """Return groups of changes as lines: a lone change in full, many of a sort as their number."""
    lines: list[Content] = []
    for group in groups:
        if group.number > 1:
            word = tag("span", _WORDS.get(group.change_type, group.change_type), class_=f"change {group.change_type}")
            what = link(f"/list/{group.entity_type}", f"{group.number:,} {kind_title(group.entity_type).lower()}")
            said = [" by ", group.source] if group.source else None
            when = tag("span", ago(group.at), said, class_="dim meta")
            lines.append(tag("li", tag("div", word, " ", what, class_="line"), when))
        else:
            rows = history.changes(connection, after_position=group.position - 1, newest_first=False, limit=1)
            ids = [r.entity_id for r in rows if r.entity_id is not None]
            names = naming.labels(connection, ids) if ids else {}
            lines += [_line(r, names, overview.uids(connection, ids), named=True) for r in rows]
    return tag("ol", lines, class_="changes")


def _line(row: ChangeRow, names: dict[int, str], places: dict[int, tuple[str, str]], *, named: bool) -> Html:
    what: Content = None
    if named and row.entity_id in names and row.entity_id in places:
        what = link(f"/thing/{places[row.entity_id][1]}", names[row.entity_id], class_="name")
    elif named:
        what = tag("span", "a thing of an imported history", class_="dim")
    kind = tag("span", kind_word(row.entity_type), class_="dim") if named else None
    word = tag("span", _WORDS.get(row.change_type, row.change_type), class_=f"change {row.change_type}")
    who = row.changed_by or row.source
    said = [" by ", who] if who else None
    when = tag("span", ago(row.at), said, class_="dim meta")
    return tag("li", tag("div", word, " ", kind, " ", what, class_="line"), _fields(row), when)


def _fields(row: ChangeRow) -> Content:
    if row.change_type == "create" or not row.new_values:
        return tag("div", row.reason, class_="dim") if row.reason else None
    shown = [_field(n, row.old_values.get(n), v) for n, v in list(row.new_values.items())[:_SHOWN_FIELDS]]
    more = len(row.new_values) - _SHOWN_FIELDS
    return tag("div", shown, tag("span", f"and {more} more", class_="dim") if more > 0 else None, class_="fields")


def _field(name: str, old: Any, new: Any) -> Html:
    before = tag("del", short(old)) if old is not None else tag("span", "–", class_="dim")
    after = tag("ins", short(new)) if new is not None else tag("span", "–", class_="dim")
    return tag("span", tag("span", name, class_="field"), " ", before, " → ", after, class_="diff")
