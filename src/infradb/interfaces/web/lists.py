"""Lists: all kinds, one kind, and the search over everything."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infradb.interfaces.web.html import Content, Html, link, tag
from infradb.interfaces.web.page import page, table
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.values import cell, kind_title, kind_word
from infradb.model.describe import EntityType
from infradb.queries import overview, tables
from infradb.queries.kinds import entity_type

PAGE_SIZE = 100
SEARCH_LIMIT = 200


def all_kinds(request: Request) -> Response:
    """Return the page that names every kind of thing."""
    site = site_of(request)
    with site.database.read() as connection:
        kinds = overview.kinds(connection)
    rows = [(link(f"/list/{t.table}", kind_title(t.table)), f"{n:,}", t.doc.split("\n")[0]) for t, n in kinds]
    return page(request, "Lists", tag("h1", "Lists"), table("Kinds of things", ("Kind", "Number", "What it is"), rows))


def one_kind(request: Request) -> Response:
    """Return a page of the things of one kind."""
    site = site_of(request)
    chosen = entity_type(request.path_params["kind"])
    if chosen.table != request.path_params["kind"]:
        return RedirectResponse(f"/list/{chosen.table}", 303)
    asked = request.query_params
    text, sort = asked.get("q", "")[:200], asked.get("sort", "")
    number = int(asked["page"]) if asked.get("page", "").isdigit() and len(asked["page"]) < 8 else 1
    with site.database.read() as connection:
        found = overview.list_page(
            connection, chosen, text=text, sort=sort, limit=PAGE_SIZE, offset=(max(number, 1) - 1) * PAGE_SIZE
        )
    title = kind_title(chosen.table)
    search = tag(
        "form",
        tag("label", f"Search in {title.lower()}", for_="q", class_="unseen"),
        tag(
            "input",
            id="q",
            type="search",
            name="q",
            value=text,
            placeholder=f"Search in {title.lower()}",
            autocomplete="off",
        ),
        tag("input", type="hidden", name="sort", value=sort) if sort else None,
        tag("button", "Search", type="submit"),
        role="search",
        class_="row",
    )
    return page(
        request,
        title,
        tag("div", tag("h1", title), tag("span", _total(found.total, text), class_="dim"), class_="head"),
        search,
        _rows(chosen, found, text, sort) if found.rows else _nothing(chosen, text),
        _pages(number, found.total, text, sort),
    )


def search(request: Request) -> Response:
    """Return the page of what a text was found in."""
    site = site_of(request)
    text = request.query_params.get("q", "").strip()[:200]
    found = []
    if text:
        with site.database.read() as connection:
            found = tables.search(connection, text, SEARCH_LIMIT)
            places = overview.uids(connection, [f["id"] for f in found])
    rows = [
        (link(f"/thing/{places[f['id']][1]}", f["name"]), kind_word(places[f["id"]][0]), _where_found(f))
        for f in found
        if f["id"] in places
    ]
    said = (
        f"{len(rows)} found" if text else "Type something to look for: a name, an address, an image, a serial number."
    )
    listed = table("Found", ("Name", "Kind", "Where"), rows) if rows else None
    return page(
        request,
        f"Search: {text}" if text else "Search",
        tag("h1", f"“{text}”" if text else "Search"),
        tag("p", said),
        listed,
    )


def _where_found(found: dict[str, object]) -> str:
    return " ".join(str(found[n]) for n in ("field", "value") if found.get(n))[:120]


def _total(total: int, text: str) -> str:
    return f"{total:,} found" if text else f"{total:,} in all"


def _rows(chosen: EntityType, found: overview.ListPage, text: str, sort: str) -> Html:
    fields = chosen.listed
    heads: list[Content] = []
    for spec in fields:
        word = spec.noun.replace("_", " ")
        if overview.can_sort(spec):
            turned = f"-{spec.name}" if sort == spec.name else spec.name
            arrow = " ↑" if sort == spec.name else " ↓" if sort == f"-{spec.name}" else ""
            heads.append(link(f"?{_query(text, turned)}", word + arrow, title=spec.doc))
        else:
            heads.append(tag("span", word, title=spec.doc))
    rows = []
    for row in found.rows:
        first = cell(fields[0], row) or tag("span", "–")
        rows.append([link(f"/thing/{row['uid']}", first), *(cell(spec, row) for spec in fields[1:])])
    return table(kind_title(chosen.table), heads, rows)


def _nothing(chosen: EntityType, text: str) -> Html:
    if text:
        clear = link(f"/list/{chosen.table}", "show all")
        return tag("p", f"No {kind_word(chosen.table)} has “{text}” in what this list shows – ", clear, class_="empty")
    said = f"No {kind_word(chosen.table)} is known. {chosen.doc.splitlines()[0]}"
    return tag("p", said, class_="empty")


def _pages(number: int, total: int, text: str, sort: str) -> Content:
    last = (total - 1) // PAGE_SIZE + 1
    if last <= 1:
        return None
    before = link(f"?{_query(text, sort, number - 1)}", "← Previous", rel="prev") if number > 1 else None
    after = link(f"?{_query(text, sort, number + 1)}", "Next →", rel="next") if number < last else None
    return tag(
        "nav",
        before,
        tag("span", f"Page {number} of {last}", class_="dim"),
        after,
        class_="pages",
        aria_label="Pages of the list",
    )


def _query(text: str, sort: str, number: int = 1) -> str:
    return urlencode({k: v for k, v in {"q": text, "sort": sort, "page": number if number > 1 else ""}.items() if v})
