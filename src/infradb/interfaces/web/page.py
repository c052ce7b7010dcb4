"""The frame of every page, and the small parts that pages are made of."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse

from infradb import __version__, clock
from infradb.interfaces.web.html import Content, Html, link, tag, text
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.visitor import Visitor

STYLE = files("infradb.interfaces.web").joinpath("style.css").read_bytes()
ICON = files("infradb.interfaces.web").joinpath("icon.svg").read_bytes()
_STYLE_ADDRESS = f"/style.css?v={sha256(STYLE).hexdigest()[:12]}"
_MENU = (("/", "Home"), ("/list", "Lists"), ("/changes", "Changes"), ("/findings", "Findings"), ("/sources", "Sources"))

_FINE, _WARN, _BAD, _UNKNOWN, _OFF, _WORK = "fine", "warn", "bad", "unknown", "off", "work"
_SHAPES = {_FINE: "●", _WARN: "▲", _BAD: "✕", _UNKNOWN: "○", _OFF: "–", _WORK: "◆"}
_STATES: dict[str, str] = {
    **dict.fromkeys(("active", "running", "healthy", "complete", "up", "passed", "online"), _FINE),
    **dict.fromkeys(("degraded", "unhealthy", "restarting", "removing", "partial", "high", "medium"), _WARN),
    **dict.fromkeys(("down", "dead", "failed", "missing", "critical", "faulted"), _BAD),
    **dict.fromkeys(("stopped", "exited", "created", "paused", "decommissioned", "disabled", "low", "info"), _OFF),
    "maintenance": _WORK,
    "starting": _UNKNOWN,
}
_ASKED_TO_END = (None, 0, 130, 137, 143)
"""Exit codes of containers that somebody stopped."""


def page(
    request: Request, title: str, *content: Content, status: int = 200, refresh: int | None = None, narrow: bool = False
) -> HTMLResponse:
    """Return a whole page; `refresh` reloads it after so many seconds."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    inside = bool(visitor and visitor.person)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", title if title == "infradb" else f"{title} · infradb"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", http_equiv="refresh", content=str(refresh)) if refresh else None,
        tag("link", rel="icon", href="/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href=_STYLE_ADDRESS),
    )
    body = tag(
        "body",
        link("#content", "Skip to the content", class_="skip"),
        tag("p", banner, class_="banner", role="note") if (banner := site_of(request).banner) else None,
        _header(request, visitor)
        if inside and visitor
        else tag("header", tag("span", "infradb", class_="product"), class_="top"),
        tag("main", *content, id="content", class_="narrow" if narrow else None),
        tag("footer", f"infradb {__version__}", " · as of ", tag("time", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")),
    )
    return HTMLResponse("<!doctype html>" + tag("html", head, body, lang="en"), status)


def _header(request: Request, visitor: Visitor) -> Html:
    at = request.url.path
    here = next((a for a, _ in reversed(_MENU) if at == a or (a != "/" and at.startswith(f"{a}/"))), None)
    menu = [tag("li", link(a, word, aria_current="page" if a == here else None)) for a, word in _MENU]
    find = tag(
        "form",
        tag("label", "Search", for_="find", class_="unseen"),
        tag("input", id="find", type="search", name="q", placeholder="Name, address, image …", autocomplete="off"),
        action="/search",
        role="search",
        class_="find",
    )
    out = None
    if visitor.signed_in and visitor.person:
        button = tag("button", f"Sign out {visitor.person.name}", type="submit", class_="quiet")
        out = tag("form", csrf(request), button, action="/logout", method="post", class_="out")
    return tag(
        "header",
        link("/", "infradb", class_="product"),
        tag("nav", tag("ul", menu), aria_label="Pages"),
        find,
        out,
        class_="top",
    )


def error_page(request: Request, status: int, title: str, what: str, hint: str = "") -> HTMLResponse:
    """Return a page that says what went wrong and what to do."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    way = link("/", "Back to the first page") if visitor and visitor.person else None
    said = [tag("p", prose(line)) for line in what.split("\n") if line]
    return page(
        request,
        title,
        tag("h1", title),
        said,
        tag("p", prose(hint), class_="dim") if hint else None,
        way,
        status=status,
        narrow=True,
    )


def prose(words: str) -> Html:
    """Return a sentence with what stands in backticks set as code."""
    return text([tag("code", part) if n % 2 else part for n, part in enumerate(words.split("`"))])


def csrf(request: Request) -> Html:
    """Return the hidden field that makes a form this browser's own."""
    return tag("input", type="hidden", name="csrf", value=request.state.visitor.csrf)


def mark(status: str | None, exit_code: int | None = None, *, quiet: bool = False, bare: bool = False) -> Html:
    """Return a state as shape and word; `quiet` leaves the word of a fine one to screen readers, `bare` any."""
    word = status or "unknown"
    kind = _STATES.get(word, _UNKNOWN)
    if word == "exited" and exit_code not in _ASKED_TO_END:
        kind, word = _BAD, f"exited with {exit_code}"
    shape = tag("span", _SHAPES[kind], aria_hidden="true", class_="shape")
    seen = tag("span", word, class_="unseen" if bare or (quiet and kind == _FINE) else "word")
    return tag("span", shape, seen, class_=f"state {kind}", title=word)


def ago(instant: str | None, *, never: str = "never") -> Html:
    """Return how long ago an instant was, the instant itself as its title."""
    if not instant:
        return tag("span", never, class_="dim")
    seconds = (datetime.now(UTC) - clock.to_moment(instant)).total_seconds()
    return tag("time", span_in_words(seconds), datetime=instant, title=f"{instant[:10]} {instant[11:19]} UTC")


def span_in_words(seconds: float) -> str:
    """Return a time that passed in words: `3 min ago`.

    >>> span_in_words(200)
    '3 min ago'
    """
    if seconds < 0:
        return "in the future"
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {word} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} s ago"


def section(title: str, *content: Content, more: tuple[str, str] | None = None, class_: str | None = None) -> Html:
    """Return a titled part of a page, with a link to the whole of it."""
    head = tag("div", tag("h2", title), link(*more, class_="more") if more else None, class_="head")
    return tag("section", head, *content, class_=class_)


def table(
    caption: str, columns: Iterable[Content], rows: Iterable[Iterable[Content]], *, class_: str | None = None
) -> Html:
    """Return a table that scrolls by itself where it is too wide; each row's first cell is its head."""
    head = tag("thead", tag("tr", [tag("th", c, scope="col") for c in columns]))
    body = [
        tag("tr", [tag("th", cell, scope="row") if n == 0 else tag("td", cell) for n, cell in enumerate(row)])
        for row in rows
    ]
    whole = tag("table", tag("caption", caption, class_="unseen"), head, tag("tbody", body), class_=class_)
    return tag("div", whole, class_="scroll", role="region", aria_label=caption, tabindex="0")
