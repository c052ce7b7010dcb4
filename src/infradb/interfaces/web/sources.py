"""Sources: how each is, and the form that adds a Docker host."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infradb.errors import InfradbError
from infradb.interfaces.web.html import Content, Html, tag
from infradb.interfaces.web.page import ago, csrf, error_page, mark, page, prose, section, table
from infradb.interfaces.web.proxmox import proxmox_form
from infradb.interfaces.web.site import site_of
from infradb.operations import sources
from infradb.operations.sources import SourceEntry
from infradb.queries import overview

EXAMPLES = "unix:///var/run/docker.sock · tcp://192.0.2.5:2375 · https://192.0.2.5:2376 · ssh://user@host"


def list_sources(request: Request) -> Response:
    """Return the page of all sources."""
    site = site_of(request)
    reading = set(site.reading())
    with site.database.read() as connection:
        states = overview.source_states(connection)
    rows = []
    for s in states:
        if s.kind == "manual":
            state: Content = tag("span", "what people said here", class_="dim")
        elif not s.enabled:
            state = mark("disabled")
        else:
            state = mark("starting") if s.name in reading and s.status is None else mark(s.status)
        errors = tag("ul", [tag("li", e) for e in s.errors], class_="plain") if s.errors else None
        rows.append((s.name, s.kind, state, ago(s.finished_at), f"{s.seen:,}" if s.status else None, errors))
    columns = ("Name", "Kind", "Last reading", "When", "Things seen", "What is missing")
    added = request.query_params.get("added")
    notice = tag("p", f"{added} was added and is being read.", class_="notice", role="status") if added else None
    return page(
        request,
        "Sources",
        tag("h1", "Sources"),
        notice,
        table("Sources", columns, rows, class_="wrapping"),
        tag("div", docker_form(request), proxmox_form(request), class_="columns even"),
    )


def add_source(request: Request) -> Response:
    """Add a Docker host: what it needs is tried first, and what is missing is shown."""
    site = site_of(request)
    if not request.state.visitor.person.may("editor"):
        return error_page(request, 403, "You may not add sources", "Your role is viewer; ask an editor or an admin.")
    form = request.state.form
    url, name = form.get("url", "").strip(), form.get("name", "").strip()
    try:
        if not name:
            return _form_again(request, url, name, "Give the source a name: it tells later where a fact comes from.")
        sources.make("docker", name, {"url": url})
        if "anyway" not in form and (missing := _missing(name, url)):
            return _form_again(request, url, name, "Not everything could be read there.", missing)
        sources.register(site.database, "docker", name, {"url": url})
    except InfradbError as error:
        return _form_again(request, url, name, f"{error}{f' – {error.hint}' if error.hint else ''}")
    site.added()
    return RedirectResponse(f"/sources?added={name}" if name.isascii() and name.isalnum() else "/sources", 303)


def _missing(name: str, url: str) -> list[tuple[str, str, str]]:
    """Try what a Docker host has to allow, and return what is missing: needed, found, what to do."""
    tried = SourceEntry(0, name, "docker", declared=False, rank=0, enabled=True, settings={"url": url})
    return [(d.needs, d.detail, d.hint) for d in sources.diagnose(tried) if not d.ok]


def _form_again(
    request: Request, url: str, name: str, problem: str, missing: Sequence[tuple[str, str, str]] = ()
) -> Response:
    lines = [
        tag("li", tag("div", mark("missing"), " ", needs), tag("p", detail, ". ", prose(hint), class_="why"))
        for needs, detail, hint in missing
    ]
    shown = section("What is missing", tag("ul", lines, class_="sources")) if lines else None
    form = docker_form(request, url=url, name=name, problem=problem, anyway=bool(missing))
    return page(request, "Add a Docker host", tag("h1", "Add a Docker host"), shown, form, status=422, narrow=True)


def docker_form(request: Request, *, url: str = "", name: str = "", problem: str = "", anyway: bool = False) -> Html:
    """Return the form that adds a Docker host."""
    wrong = {"aria_invalid": "true", "aria_describedby": "problem"} if problem else {}
    again = (
        tag("button", "Add it all the same", type="submit", name="anyway", value="1", class_="quiet")
        if anyway
        else None
    )
    form = tag(
        "form",
        csrf(request),
        tag("p", problem, class_="problem", id="problem", role="alert") if problem else None,
        tag("label", "Where its engine listens", for_="url"),
        tag(
            "input",
            id="url",
            name="url",
            required=True,
            value=url,
            placeholder="ssh://user@nas",
            autocomplete="off",
            **wrong,
        ),
        tag("p", EXAMPLES, class_="dim hint"),
        tag("label", "What to call it", for_="name"),
        tag(
            "input",
            id="name",
            name="name",
            required=True,
            maxlength=64,
            value=name,
            placeholder="nas",
            autocomplete="off",
        ),
        tag("div", tag("button", "Test and add", type="submit"), again, class_="row"),
        action="/sources",
        method="post",
    )
    note = (
        "An ssh:// address logs in with the key of the account that infradb runs under."
        " A tcp:// port should lead to a socket proxy that only reads."
    )
    return section("Add a Docker host", form, tag("p", note, class_="dim"))
