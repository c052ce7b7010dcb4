"""The application: which address leads to which page, and what becomes of errors."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from infradb.errors import InfradbError, StoreError
from infradb.interfaces.web import changes, findings, home, lists, proxmox, runs, sign_in, sources, thing
from infradb.interfaces.web.guard import Guard, SafeHeaders
from infradb.interfaces.web.page import ICON, STYLE, error_page
from infradb.interfaces.web.site import Site, site_of
from infradb.interfaces.web.status import STATUS

_KEPT_FOR_LONG = {"Cache-Control": "public, max-age=31536000, immutable"}


def application(site: Site) -> ASGIApp:
    """Return the application over one database."""
    app = Starlette(
        routes=[
            Route("/", home.home),
            Route("/list", lists.all_kinds),
            Route("/list/{kind}", lists.one_kind),
            Route("/search", lists.search),
            Route("/thing/{name:path}", thing.thing),
            Route("/changes", changes.changes),
            Route("/findings", findings.findings),
            Route("/sources", sources.list_sources),
            Route("/sources", sources.add_source, methods=["POST"]),
            Route(runs.PATH, runs.take_in, methods=["POST"]),
            Route("/sources/proxmox", proxmox.add_proxmox, methods=["POST"]),
            Route("/login", sign_in.login),
            Route("/login", sign_in.sign_in, methods=["POST"]),
            Route("/logout", sign_in.sign_out, methods=["POST"]),
            Route("/first-user", sign_in.first_user),
            Route("/first-user", sign_in.make_first_user, methods=["POST"]),
            Route("/style.css", _style),
            Route("/icon.svg", _icon),
            Route("/healthz", _alive),
            Route("/readyz", _ready),
        ],
        middleware=[Middleware(Guard, site=site)],
        exception_handlers={InfradbError: _ours, HTTPException: _http, Exception: _mistake},
    )
    app.state.site = site
    return SafeHeaders(app)


def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, InfradbError):
        raise error
    status = STATUS.get(error.code, 500)
    title = "Not found" if status == 404 else "This did not work"
    return error_page(request, status, title, str(error), error.hint)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    title = "There is no such page" if error.status_code == 404 else str(error.detail)
    answer = error_page(request, error.status_code, title, "")
    answer.headers.update(error.headers or {})
    return answer


def _mistake(request: Request, _error: Exception) -> Response:
    """Answer for a mistake of ours; the server writes the traceback where it runs."""
    return error_page(request, 500, "A mistake in infradb", "The server's own output says what went wrong.")


def _style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=_KEPT_FOR_LONG)


def _icon(_request: Request) -> Response:
    return Response(ICON, media_type="image/svg+xml", headers=_KEPT_FOR_LONG)


def _alive(_request: Request) -> Response:
    return PlainTextResponse("alive\n")


def _ready(request: Request) -> Response:
    """Tell whether the database answers."""
    try:
        with site_of(request).database.read() as connection:
            connection.query("SELECT 1 FROM infradb_meta LIMIT 1")
    except StoreError:
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ready\n")
