"""Coming in and going out: the first user's link, signing in, signing out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infradb.errors import Conflict, InvalidValue
from infradb.interfaces.web.guard import close_session, open_session
from infradb.interfaces.web.html import Content, Html, tag
from infradb.interfaces.web.page import csrf, error_page, page
from infradb.interfaces.web.site import site_of
from infradb.operations import people

_OVER = "A link makes the first user once and within an hour. Restart `infradb up`: it prints a new one."


def login(request: Request) -> Response:
    """Return the form to sign in, or the way on for who is in already."""
    if request.state.visitor.person:
        return RedirectResponse(_next(request.query_params.get("next", "")), 303)
    if not people.any_user(site_of(request).database):
        return error_page(request, 403, "No user yet", "Open the link that `infradb up` printed when it started.")
    return _login_form(request, next_=request.query_params.get("next", ""))


def sign_in(request: Request) -> Response:
    """Take name and password; too many wrong ones have to wait."""
    site = site_of(request)
    throttle = site.throttle
    form = request.state.form
    name, password = form.get("name", ""), form.get("password", "")
    address = request.client.host if request.client else ""
    wait = throttle.try_(address, name)
    if wait > 0:
        problem = f"Too many wrong tries. Wait {int(wait) + 1} s."
        answer = _login_form(request, name=name, next_=form.get("next", ""), problem=problem, status=429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    token = people.sign_in(site.database, name, password)
    if token is None:
        problem = "Name and password do not belong together."
        return _login_form(request, name=name, next_=form.get("next", ""), problem=problem, status=401)
    throttle.succeeded(address, name)
    return open_session(RedirectResponse(_next(form.get("next", "")), 303), request, token)


def sign_out(request: Request) -> Response:
    """End the session."""
    if request.state.visitor.signed_in:
        people.sign_out(site_of(request).database, request.state.visitor.secret)
    return close_session(RedirectResponse("/login", 303), request)


def first_user(request: Request) -> Response:
    """Return the form that makes the first user, for who has the link."""
    token = request.query_params.get("token", "")
    if not people.first_user_link_stands(site_of(request).database, token):
        return error_page(request, 403, "This link is over", _OVER)
    return _first_user_form(request, token)


def make_first_user(request: Request) -> Response:
    """Make the first user, sign in, and end the link."""
    form = request.state.form
    token, name, password = form.get("token", ""), form.get("name", ""), form.get("password", "")
    database = site_of(request).database
    if not people.first_user_link_stands(database, token):
        return error_page(request, 403, "This link is over", _OVER)
    try:
        if password != form.get("again", ""):
            raise InvalidValue("the two passwords differ")
        session = people.make_first_user(database, token, name, password)
    except InvalidValue as error:
        said = str(error)
        return _first_user_form(request, token, name=name, problem=f"{said[:1].upper()}{said[1:]}.", status=422)
    except Conflict:
        return error_page(request, 403, "This link is over", _OVER)
    return open_session(RedirectResponse("/", 303), request, session)


def _login_form(request: Request, *, name: str = "", next_: str = "", problem: str = "", status: int = 200) -> Response:
    form = tag(
        "form",
        csrf(request),
        tag("input", type="hidden", name="next", value=_next(next_)),
        _problem(problem),
        *_field("Name", "name", name, autocomplete="username", problem=problem),
        *_field("Password", "password", "", type_="password", autocomplete="current-password"),
        tag("div", tag("button", "Sign in", type="submit"), class_="row"),
        action="/login",
        method="post",
    )
    return page(request, "Sign in", tag("h1", "Sign in"), form, status=status, narrow=True)


def _first_user_form(request: Request, token: str, *, name: str = "", problem: str = "", status: int = 200) -> Response:
    rule = f"At least {people.SHORTEST_PASSWORD} characters; a few words are easier to keep than many signs."
    new = {"type_": "password", "autocomplete": "new-password"}
    form = tag(
        "form",
        csrf(request),
        tag("input", type="hidden", name="token", value=token),
        _problem(problem),
        *_field("Name", "name", name, autocomplete="username", problem=problem),
        *_field("Password", "password", "", **new),
        tag("p", rule, class_="dim hint"),
        *_field("The same password again", "again", "", **new),
        tag("div", tag("button", "Make the first user", type="submit"), class_="row"),
        action="/first-user",
        method="post",
    )
    what = (
        "This infradb is reached from other machines, so it wants to know who asks. The first user may do everything."
    )
    return page(request, "First user", tag("h1", "Welcome"), tag("p", what), form, status=status, narrow=True)


def _problem(problem: str) -> Content:
    return tag("p", problem, class_="problem", id="problem", role="alert") if problem else None


def _field(
    label: str, name: str, value: str, *, type_: str = "text", autocomplete: str = "off", problem: str = ""
) -> tuple[Html, Html]:
    return (
        tag("label", label, for_=name),
        tag(
            "input",
            id=name,
            name=name,
            type=type_,
            value=value or None,
            required=True,
            autocomplete=autocomplete,
            autocapitalize="none",
            aria_describedby="problem" if problem else None,
        ),
    )


def _next(address: str) -> str:
    """Return an address on this server, whatever the browser was told."""
    on_this_server = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if on_this_server and not address.startswith("/login") else "/"
