"""What every request passes first: which name it came for, who it is from, and whether that one may.

Nothing is open unless it is named here, and every form is checked here, so no page can forget it.
"""

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infradb.interfaces.web.page import error_page
from infradb.interfaces.web.site import Place, Site, site_of
from infradb.interfaces.web.visitor import Visitor
from infradb.operations import people
from infradb.operations.people import Person

LARGEST_FORM_BYTES = 64 * 1024
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then send forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
UNGUARDED = frozenset({"/healthz", "/readyz", "/style.css", "/icon.svg"})
"""Paths that tell nothing about what is stored."""
FOR_NOBODY = frozenset({"/login", "/first-user"})
"""Paths by which one comes in."""
FOR_PROGRAMS = frozenset({"/api/v1/runs"})
"""Paths that ask for a token themselves; no cookie counts there, so no other site's page can use one."""
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class SafeHeaders:
    """Adds the headers that keep a browser from doing harm to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_safe)


class Guard:
    """Lets through what may come through, with `request.state.visitor` and, for a form, `request.state.form`."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app, self.site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not come through; pass on the others."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer: ASGIApp = await self._refusal(request) or self.app
        visitor: Visitor | None = getattr(request.state, "visitor", None)

        async def send_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and visitor and visitor.is_new:
                set_cookie(
                    MutableHeaders(scope=message), _cookie_name(self.site.place, "form"), visitor.secret, request
                )
            await send(message)

        await answer(scope, receive, send_cookie)

    async def _refusal(self, request: Request) -> Response | None:
        if not self.site.place.serves(request.headers.get("host", "")):
            return PlainTextResponse(
                "This server does not go by that name. Open it by its address, or name it: infradb up --name NAME\n",
                400,
            )
        if request.url.path in FOR_PROGRAMS:
            return None
        reads = request.method in ("GET", "HEAD")
        if not reads and request.method != "POST":
            return PlainTextResponse("Method not allowed\n", 405, {"Allow": "GET, HEAD, POST"})
        if request.url.path in UNGUARDED and reads:
            return None
        visitor, has_users = await run_in_threadpool(self._visitor, request)
        request.state.visitor = visitor
        if not reads and (problem := await self._wrong_form(request, visitor)):
            return error_page(request, 400, "This form cannot be accepted", problem)
        if visitor.person or request.url.path in FOR_NOBODY:
            return None
        return self._turn_away(request, has_users=has_users)

    def _visitor(self, request: Request) -> tuple[Visitor, bool]:
        """Return who asks, and whether there is anybody to sign in as."""
        place, database = self.site.place, self.site.database
        session = request.cookies.get(_cookie_name(place, "session"), "")
        person = people.session(database, session) if session else None
        if person:
            return Visitor(person, session), True
        form = request.cookies.get(_cookie_name(place, "form"), "")
        secret = form or secrets.token_urlsafe(32)
        if people.any_user(database):
            return Visitor(None, secret, is_new=not form), True
        # Who sits at this machine may do everything, as with the file itself; who comes through a proxy sits elsewhere.
        at_home = place.is_private and not any(h in request.headers for h in _PROXY_HEADERS)
        return Visitor(Person("", "admin") if at_home else None, secret, is_new=not form), False

    def _turn_away(self, request: Request, *, has_users: bool) -> Response:
        if not has_users:
            how = (
                "Nobody can sign in yet. Open the link that `infradb up` printed at its start: it makes the first user."
                if not self.site.place.is_private
                else "This request came through a proxy, so a sign-in is needed, and there is no user yet. Start"
                " `infradb up --name NAME` with the name that browsers use, and open the link that it prints."
            )
            return error_page(request, 403, "No user yet", how)
        if request.method in ("GET", "HEAD"):
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse("/login" + (f"?next={quote(wanted, safe='')}" if wanted != "/" else ""), 303)
        return error_page(request, 401, "You are not signed in", "The session is over. Sign in and try again.")

    async def _wrong_form(self, request: Request, visitor: Visitor) -> str | None:
        """Read a form and return what is wrong with it, if anything."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return "It was sent from another site."
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.headers["host"].lower():
            return "It was sent from another site."
        form = await _read_form(request)
        if form is None:
            return "It is too long, or no form."
        if not hmac.compare_digest(form.get("csrf", "").encode(), visitor.csrf.encode()):
            return "It is too old, or the browser keeps no cookies. Go back, reload the page and try again."
        request.state.form = form
        return None


def set_cookie(headers: MutableHeaders, name: str, value: str, request: Request, *, seconds: int | None = None) -> None:
    """Add a cookie that scripts cannot read and that other sites' pages cannot send."""
    age = f"; Max-Age={seconds}" if seconds is not None else ""
    secure = "; Secure" if request.url.scheme == "https" else ""
    headers.append("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}")


def open_session(response: Response, request: Request, token: str) -> Response:
    """Give the browser a session."""
    name = _cookie_name(site_of(request).place, "session")
    set_cookie(response.headers, name, token, request, seconds=people.SESSION_SECONDS)
    return response


def close_session(response: Response, request: Request) -> Response:
    """Take the session out of the browser."""
    set_cookie(response.headers, _cookie_name(site_of(request).place, "session"), "", request, seconds=0)
    return response


def _cookie_name(place: Place, purpose: str) -> str:
    # Cookies know no ports: two servers on one machine would sign each other out.
    return f"infradb_{purpose}_{place.port}"


async def _read_form(request: Request) -> Mapping[str, str] | None:
    """Return the fields of a form, or None where it is none or too long."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM_BYTES:
                return None
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (ClientDisconnect, ValueError):
        return None
    return {name: values[-1] for name, values in fields.items()}
