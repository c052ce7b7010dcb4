"""The form that adds a Proxmox cluster: which account it needs, and what is missing once it was tried."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infradb.errors import InfradbError
from infradb.interfaces.web.html import Html, tag
from infradb.interfaces.web.page import csrf, error_page, page, prose, section
from infradb.interfaces.web.site import site_of
from infradb.operations import sources

_FIELDS: tuple[tuple[str, str, str, str], ...] = (
    # name, label, example, kind of input
    ("url", "Address of any node", "https://pve1:8006", "url"),
    ("fingerprint", "Fingerprint of its certificate (SHA-256)", "AB:CD:…", "text"),
    ("token_id", "Name of the token", "infradb@pve!pve", "text"),
    ("token_secret", "Its secret", "", "password"),
    ("name", "What to call it", "pve", "text"),
)
_OPTIONAL = {"fingerprint"}


def proxmox_form(request: Request, *, given: Mapping[str, str] | None = None, problem: str = "") -> Html:
    """Return the form, below the lines that make an account which may only look."""
    given = given or {}
    inputs = []
    for name, label, example, kind in _FIELDS:
        own = f"proxmox-{name}"
        wrong = {"aria_invalid": "true", "aria_describedby": "proxmox-problem"} if problem else {}
        inputs += [
            tag("label", label, for_=own),
            tag(
                "input",
                id=own,
                name=name,
                type=kind,
                required=name not in _OPTIONAL,
                # A secret is never sent back.
                value="" if kind == "password" else given.get(name, ""),
                placeholder=example,
                autocomplete="off",
                **wrong,
            ),
        ]
    form = tag(
        "form",
        csrf(request),
        tag("p", problem, class_="problem", id="proxmox-problem", role="alert") if problem else None,
        inputs,
        tag("div", tag("button", "Test and add", type="submit"), class_="row"),
        action="/sources/proxmox",
        method="post",
    )
    lines = tag("pre", tag("code", sources.grant("proxmox", given.get("name") or "pve").partition("\nTake that")[0]))
    how = tag("details", tag("summary", "How to make an account that may only look"), lines)
    note = "The secret is kept in a file of its own that only the account of infradb may read, never in the database."
    return section("Add a Proxmox cluster", how, form, tag("p", prose(note), class_="dim"))


def add_proxmox(request: Request) -> Response:
    """Try a Proxmox cluster, and add it where it answers; rights that it lacks are shown by `sources doctor`."""
    if not request.state.visitor.person.may("editor"):
        return error_page(request, 403, "You may not add sources", "Your role is viewer; ask an editor or an admin.")
    form = {name: request.state.form.get(name, "").strip() for name, *_ in _FIELDS}
    name, secret = form["name"], form["token_secret"]
    settings = {n: v for n, v in form.items() if v and n not in ("name", "token_secret")}
    try:
        if not (name and secret):
            return _again(request, form, "A name and the token's secret are needed.")
        sources.add(site_of(request).database, "proxmox", name, settings, {"token_secret": secret})
    except InfradbError as error:
        return _again(request, form, f"{error}{f' – {error.hint}' if error.hint else ''}")
    site_of(request).added()
    return RedirectResponse(f"/sources?added={name}" if name.isascii() and name.isalnum() else "/sources", 303)


def _again(request: Request, form: Mapping[str, str], problem: str) -> Response:
    head = tag("h1", "Add a Proxmox cluster")
    return page(
        request,
        "Add a Proxmox cluster",
        head,
        proxmox_form(request, given=form, problem=problem),
        status=422,
        narrow=True,
    )
