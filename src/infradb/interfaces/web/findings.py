"""What is wrong: the page, and the lines that the first page shows of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infradb import clock
from infradb.interfaces.web.html import Html, link, tag
from infradb.interfaces.web.page import ago, mark, page
from infradb.interfaces.web.site import site_of
from infradb.queries import overview

LIMIT = 500


def findings(request: Request) -> Response:
    """Return the page of open findings."""
    site = site_of(request)
    now = clock.now()
    with site.database.read() as connection:
        found = overview.worst_findings(connection, now, LIMIT)
        numbers = overview.open_findings(connection, now)
    words = ", ".join(f"{count} {severity}" for severity, count in numbers.items())
    return page(
        request,
        "Findings",
        tag("h1", "Findings"),
        tag("p", words or "Nothing is open.", class_="dim"),
        finding_list(found),
        tag("p", f"The worst {LIMIT}; `infradb findings` shows all.", class_="dim") if len(found) == LIMIT else None,
    )


def finding_list(found: list[dict[str, Any]]) -> Html:
    """Return findings as lines, worst first."""
    lines = []
    for one in found:
        about = link(f"/thing/{one['uid']}", one["summary"]) if one["uid"] else one["summary"]
        meta = tag("span", one["rule"], " · since ", ago(one["first_seen_at"]), class_="dim meta")
        lines.append(tag("li", tag("div", mark(one["severity"]), " ", about, class_="line"), meta))
    return tag("ul", lines, class_="findings")
