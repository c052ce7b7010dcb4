"""The first page: how it is, what there is, what changed, and what to do where there is nothing yet."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from infradb import clock
from infradb.interfaces.web.changes import last_day, summary_list
from infradb.interfaces.web.findings import finding_list
from infradb.interfaces.web.html import Content, Html, link, tag
from infradb.interfaces.web.page import ago, mark, page, prose, section
from infradb.interfaces.web.proxmox import proxmox_form
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.sources import docker_form
from infradb.interfaces.web.values import kind_word
from infradb.operations.databases import Connection
from infradb.queries import overview
from infradb.queries.overview import Branch, SourceState

SHOWN_CHANGES = 10
SHOWN_FINDINGS = 6
OPEN_UP_TO = 300
"""Branches up to which the tree is shown open."""
STALE_SECONDS = 2 * 3600
"""Age of the oldest reading beyond which the picture does not count as current."""
_PLACES = {noun: table for table, nouns in overview.NOUNS.items() for noun in nouns}
REFRESH_SECONDS = range(5, 3601)


def home(request: Request) -> Response:
    """Return the first page."""
    site = site_of(request)
    reading = sorted(site.reading())
    with site.database.read() as connection:
        sources = [s for s in overview.source_states(connection) if s.kind not in ("manual",) and s.enabled]
        counted = overview.counted(connection)
        tree = overview.host_tree(connection)
        empty = overview.holds_only_this_machine(connection)
        parts = (_findings(connection), _changed(connection), _sources(sources, reading))
    never_read = any(s.status is None for s in sources)
    wanted = request.query_params.get("refresh", "")
    refresh = int(wanted) if wanted.isdigit() and int(wanted) in REFRESH_SECONDS else None
    if site.follows and never_read:
        refresh = 2
    first_steps = _first_steps(request) if empty and not (never_read and site.follows) else None
    return page(
        request,
        "infradb",
        tag("h1", "What you run", class_="unseen"),
        _sentence(sources, reading),
        _tiles(counted),
        first_steps,
        tag(
            "div",
            tag("div", parts, class_="side"),
            section("Hosts and what runs on them", _tree(tree), class_="wide"),
            class_="columns",
        ),
        _reload(refresh),
        refresh=refresh,
    )


def _sentence(sources: list[SourceState], reading: list[str]) -> Html:
    failing = [s for s in sources if s.status == "failed"]
    partly = [s for s in sources if s.status == "partial"]
    if failing:
        names = ", ".join(s.name for s in failing)
        said: Content = [mark("failed", bare=True), f" {names} cannot be read – ", link("#sources", "why")]
    elif reading and any(s.status is None for s in sources):
        said = [mark("starting", bare=True), f" Reading {', '.join(reading)} …"]
    elif not any(s.status for s in sources):
        said = [mark("unknown", bare=True), " Nothing was read yet."]
    elif partly:
        said = [
            mark("partial", bare=True),
            f" Read in part: {', '.join(s.name for s in partly)} – ",
            link("#sources", "why"),
        ]
    else:
        read = [s.finished_at for s in sources if s.finished_at]
        if (datetime.now(UTC) - clock.to_moment(min(read))).total_seconds() > STALE_SECONDS:
            said = [
                mark("stale", bare=True),
                ": last read ",
                ago(min(read)),
                prose("; `infradb up` keeps it current."),
            ]
            return tag("p", said, class_="sentence")
        said = [mark("complete", bare=True), " Every source could be read – last reading ", ago(max(read)), "."]
    return tag("p", said, class_="sentence")


def _tiles(counted: list[tuple[str, int]]) -> Content:
    tiles = [
        tag("li", link(f"/list/{_PLACES[noun]}", tag("strong", f"{number:,}"), " ", tag("span", noun)))
        for noun, number in counted
    ]
    return tag("ul", tiles, class_="tiles", aria_label="What is known") if tiles else None


def _findings(connection: Connection) -> Content:
    now = clock.now()
    found = overview.worst_findings(connection, now, SHOWN_FINDINGS)
    total = sum(overview.open_findings(connection, now).values())
    nothing = tag("p", "Nothing is open.", class_="dim")
    more = ("/findings", f"All {total}") if total > len(found) else None
    return section("Findings", finding_list(found) if found else nothing, more=more)


def _changed(connection: Connection) -> Content:
    found = overview.change_groups(connection, last_day(), SHOWN_CHANGES + 1)
    nothing = tag("p", "Nothing changed in the last 24 hours.", class_="dim")
    shown = summary_list(connection, found[:SHOWN_CHANGES]) if found else nothing
    return section("Changed in the last 24 hours", shown, more=("/changes", "All"))


def _sources(sources: list[SourceState], reading: list[str]) -> Content:
    lines = []
    for source in sources:
        state = (
            mark("starting") if source.name in reading and source.status is None else mark(source.status, quiet=True)
        )
        last = tag("span", "last read ", ago(source.finished_at), class_="dim meta")
        why = [tag("p", error, class_="why") for error in source.errors[:3]]
        lines.append(tag("li", tag("div", state, " ", tag("strong", source.name), " ", last, class_="line"), why))
    shown = tag("ul", lines, class_="sources") if lines else tag("p", "No source yet.", class_="dim")
    return tag("div", section("Sources", shown, more=("/sources", "Add, details")), id="sources")


def _tree(tree: list[Branch]) -> Content:
    if not tree:
        return tag("p", "No host is known yet.", class_="dim")
    opened = _size(tree) <= OPEN_UP_TO
    return tag("ul", [_branch(b, opened=opened) for b in tree], class_="tree")


def _size(branches: list[Branch]) -> int:
    return sum(1 + _size(b.below) for b in branches)


def _branch(branch: Branch, *, opened: bool) -> Html:
    if branch.table == "services" and branch.status == "unknown":
        # Nobody checks it: a mark on every line would say nothing.
        state: Content = tag("span", "·", class_="dot", aria_hidden="true")
    else:
        state = mark(branch.status, branch.exit_code, quiet=True)
    name = link(f"/thing/{branch.uid}", branch.name, class_="name")
    kind = tag("span", kind_word(branch.table), class_="unseen")
    detail = tag("span", branch.detail, class_="dim detail") if branch.detail else None
    line: list[Content] = [state, " ", kind, " ", name, " ", detail]
    lone = branch.table == "docker_containers" and len(branch.below) == 1
    if lone:
        # Most containers are there for one service: it stands in their own line.
        service = branch.below[0]
        mark_of_it = mark(service.status) if service.status != "unknown" else None
        line.append(
            tag("span", link(f"/thing/{service.uid}", service.detail or service.name), " ", mark_of_it, class_="lone")
        )
    if lone or not branch.below:
        return tag("li", tag("div", line, class_="leaf"))
    below = tag("ul", [_branch(b, opened=opened) for b in branch.below])
    count = tag("span", _below_in_words(branch), class_="dim count")
    return tag("li", tag("details", tag("summary", line, " ", count), below, open=opened))


def _below_in_words(branch: Branch) -> str:
    words = []
    for table, (one, many) in (("hosts", ("guest", "guests")), *list(overview.NOUNS.items())[1:4]):
        if number := sum(b.table == table for b in branch.below):
            words.append(f"{number} {one if number == 1 else many}")
    return ", ".join(words)


def _first_steps(request: Request) -> Html:
    return tag(
        "section",
        tag("h2", "Only this machine so far"),
        tag(
            "p",
            "No container and no guest was found here. Where do yours run? infradb only reads and changes nothing.",
        ),
        tag("div", docker_form(request), proxmox_form(request), class_="columns even"),
        class_="first",
    )


def _reload(refresh: int | None) -> Html:
    now = f"{datetime.now(UTC):%H:%M:%S} UTC"
    if refresh:
        return tag("p", f"As of {now}, reloaded every {refresh} s – ", link("/", "stop"), class_="dim reload")
    return tag(
        "p", f"As of {now} – ", link("/", "reload"), " · ", link("/?refresh=30", "every 30 s"), class_="dim reload"
    )
