"""Who may come in, and what is refused."""

from __future__ import annotations

import pytest
from starlette.routing import Route

from infradb.errors import SettingsError
from infradb.interfaces.web import server
from infradb.interfaces.web.guard import FOR_PROGRAMS, UNGUARDED
from infradb.interfaces.web.site import Place, place_of
from infradb.interfaces.web.throttle import Throttle
from infradb.operations import people
from tests.interfaces.web.conftest import PASSWORD, csrf_of, sign_in

ABROAD = Place("0.0.0.0", 8420)
AT = "http://192.0.2.7:8420"


def routes(browser) -> list[Route]:
    return [r for r in browser.app.app.routes if isinstance(r, Route)]


def addresses(browser) -> list[tuple[str, str]]:
    """Every way in, with the methods that it takes."""
    filled = {"{kind}": "hosts", "{name:path}": "nas"}
    found = []
    for route in routes(browser):
        path = route.path
        for part, value in filled.items():
            path = path.replace(part, value)
        found += [(method, path) for method in sorted(route.methods or ())]
    return found


def test_nothing_is_shown_to_nobody_once_there_is_a_user(with_user, browse):
    browser = browse(with_user)
    tried = 0
    for method, path in addresses(browser):
        answered = browser.request(method, path)
        if path in UNGUARDED or (path == "/login" and method != "POST"):
            assert answered.status_code == 200
        elif path == "/first-user" and method != "POST":
            assert answered.status_code == 403
        elif path in FOR_PROGRAMS:
            assert answered.status_code == 401, path
        elif method == "POST":
            assert answered.status_code == 400, path
        else:
            assert answered.status_code == 303, path
            assert answered.headers["location"].startswith("/login")
            tried += 1
        assert "immich" not in answered.text
        assert "pve1" not in answered.text
    assert tried >= 16
    assert browser.get("/no-such-page").status_code == 303


def test_who_is_nobody_cannot_post_even_with_a_form_of_his_own(with_user, browse):
    browser = browse(with_user)
    csrf = csrf_of(browser.get("/login").text)
    assert browser.post("/sources", data={"csrf": csrf, "name": "x", "url": "tcp://192.0.2.1:1"}).status_code == 401
    assert browser.post("/logout", data={"csrf": csrf}).status_code == 401


def test_on_this_machine_without_a_user_everything_is_open(lab, browse):
    assert browse(lab).get("/").status_code == 200


def test_who_comes_through_a_proxy_without_a_user_is_turned_away(lab, browse):
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        answered = browse(lab).get("/", headers={header: "198.51.100.1"})
        assert answered.status_code == 403
        assert "pve1" not in answered.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8420", "127.0.0.1.evil.example", "192.0.2.7", "", "[::1", "a b"]
)
def test_a_name_that_is_not_ours_is_refused(lab, browse, host):
    answered = browse(lab).get("/", headers={"Host": host})
    assert answered.status_code == 400
    assert "pve1" not in answered.text


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1", "[::1]:8420", "LOCALHOST", "infradb.localhost"])
def test_a_loopback_name_is_ours(lab, browse, host):
    assert browse(lab).get("/", headers={"Host": host}).status_code == 200


def test_from_elsewhere_addresses_and_given_names_are_ours_and_others_are_not():
    place = Place("0.0.0.0", 8420, ("infradb.lan",))
    assert place.serves("192.0.2.7:8420")
    assert place.serves("infradb.lan")
    assert place.serves("INFRADB.lan.:8420")
    assert not place.serves("evil.example")
    assert not Place("127.0.0.1", 8420).serves("192.0.2.7")


def test_every_answer_carries_the_headers_that_keep_a_browser_safe(lab, browse):
    browser = browse(lab)
    for address in ("/", "/healthz", "/style.css", "/icon.svg", "/nothing", "/thing/nobody"):
        headers = browser.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in browser.get("/", headers={"Host": "evil.example"}).headers["content-security-policy"]
    assert browser.get("/").headers["cache-control"] == "no-store"


def test_a_mistake_of_ours_shows_no_traceback_and_keeps_the_headers(lab, browse, monkeypatch):
    browser = browse(lab)
    monkeypatch.setattr("infradb.queries.overview.host_tree", lambda _connection: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        browser.get("/")
    from starlette.testclient import TestClient

    with TestClient(browser.app, base_url="http://127.0.0.1:8420", raise_server_exceptions=False) as quiet:
        answered = quiet.get("/")
    assert answered.status_code == 500
    assert "ZeroDivisionError" not in answered.text
    assert "default-src 'none'" in answered.headers["content-security-policy"]


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_another_site_is_refused(lab, browse, headers):
    browser = browse(lab)
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "far", "url": "tcp://192.0.2.1:2375", "anyway": "1"}
    assert browser.post("/sources", data=form, headers=headers).status_code == 400


def test_a_form_without_its_browsers_token_is_refused(lab, browse):
    browser, other = browse(lab), browse(lab)
    form = {"name": "far", "url": "tcp://192.0.2.1:2375", "anyway": "1"}
    assert browser.post("/sources", data=form).status_code == 400
    assert browser.post("/sources", data={**form, "csrf": "0" * 64}).status_code == 400
    assert browser.post("/sources", data={**form, "csrf": csrf_of(other.get("/sources").text)}).status_code == 400
    assert browser.post("/sources", data={**form, "csrf": "é"}).status_code == 400


def test_what_is_too_long_or_no_form_is_refused(lab, browse):
    browser = browse(lab)
    csrf = csrf_of(browser.get("/sources").text)
    assert browser.post("/sources", data={"csrf": csrf, "name": "x" * 100_000}).status_code == 400
    assert browser.post("/sources", json={"csrf": csrf}).status_code == 400
    assert browser.post("/sources", files={"a": b"b"}, data={"csrf": csrf}).status_code == 400
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/sources", content=b"csrf=%ff\xff", headers=kind).status_code == 400


# --- signing in ------------------------------------------------------------------------------------------------------


def test_who_signs_in_sees_everything_until_signing_out(with_user, browse):
    browser = browse(with_user)
    answered = sign_in(browser, next="/list/hosts")
    assert answered.status_code == 303
    assert answered.headers["location"] == "/list/hosts"
    cookie = answered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    session = browser.cookies["infradb_session_8420"]
    page = browser.get("/").text
    assert "Sign out anna" in page
    browser.post("/logout", data={"csrf": csrf_of(page)})
    browser.cookies.set("infradb_session_8420", session)
    assert browser.get("/").status_code == 303


def test_over_tls_the_cookie_is_sent_only_there(with_user, browse):
    browser = browse(with_user, Place("0.0.0.0", 8420, ("infradb.lan",)), "https://infradb.lan")
    assert "; Secure" in sign_in(browser).headers["set-cookie"]


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/\nx", ""]
)
def test_signing_in_never_leads_to_another_site(with_user, browse, address):
    assert sign_in(browse(with_user), next=address).headers["location"] == "/"


def test_a_viewer_may_not_add_sources(with_user, browse):
    with with_user.write() as connection:
        connection.execute("UPDATE users SET role = 'viewer'")
    browser = browse(with_user)
    sign_in(browser)
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "far", "url": "tcp://192.0.2.1:2375", "anyway": "1"}
    assert browser.post("/sources", data=form).status_code == 403


def test_wrong_tries_have_to_wait_and_the_right_password_too(with_user, browse):
    browser = browse(with_user)
    assert [sign_in(browser, password="wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    late = sign_in(browser)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert "Set-Cookie" not in late.headers


def test_waiting_doubles_is_limited_and_ends():
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(5):
        assert throttle.try_("192.0.2.1", "anna") == 0
    waits = []
    for _ in range(12):
        wait = throttle.try_("192.0.2.1", "anna")
        waits.append(wait)
        now[0] += wait
        assert throttle.try_("192.0.2.1", "anna") == 0
    assert waits[:5] == [2, 4, 8, 16, 32]
    assert waits[-1] == 900
    # Somebody who fails on purpose keeps anna herself, at another address, from signing in for half a minute at most.
    assert 0 < throttle.try_("192.0.2.2", "Anna ") <= 30
    assert throttle.try_("192.0.2.2", "ben") == 0
    now[0] += 3601
    assert throttle.try_("192.0.2.1", "anna") == 0


def test_a_whole_ipv6_network_counts_as_one_address():
    throttle = Throttle(lambda: 0.0)
    for n in range(5):
        throttle.try_(f"2001:db8::{n}", f"name{n}")
    assert throttle.try_("2001:db8::ffff", "other") > 0
    assert throttle.try_("2001:db8:0:1::1", "other") == 0


# --- the first user --------------------------------------------------------------------------------------------------


def make_first(browser, token: str, name: str = "anna", password: str = PASSWORD, again: str | None = None):
    page = browser.get(f"/first-user?token={token}").text
    form = {"csrf": csrf_of(page), "token": token, "name": name, "password": password}
    return browser.post("/first-user", data={**form, "again": password if again is None else again})


def test_abroad_without_a_user_nothing_is_shown(lab, browse):
    browser = browse(lab, ABROAD, AT)
    for method, path in addresses(browser):
        answered = browser.request(method, path)
        allowed = (200,) if path in UNGUARDED else (401,) if path in FOR_PROGRAMS else (400, 403)
        assert answered.status_code in allowed, path
        assert "pve1" not in answered.text


def test_the_link_makes_one_user_once_and_signs_in(lab, browse):
    token = people.first_user_token(lab)
    browser, second = browse(lab, ABROAD, AT), browse(lab, ABROAD, AT)
    csrf = csrf_of(second.get(f"/first-user?token={token}").text)
    made = make_first(browser, token)
    assert made.status_code == 303
    assert browser.get("/").status_code == 200
    assert browser.get(f"/first-user?token={token}").status_code == 403
    form = {"csrf": csrf, "token": token, "name": "eve", "password": PASSWORD, "again": PASSWORD}
    assert second.post("/first-user", data=form).status_code == 403
    with lab.read() as connection:
        assert connection.query("SELECT name, role FROM users") == [("anna", "admin")]
        stored = str(connection.query("SELECT * FROM users")) + str(connection.query("SELECT * FROM api_tokens"))
    assert "$argon2id$" in stored
    assert token not in stored
    assert PASSWORD not in stored
    assert browser.cookies["infradb_session_8420"] not in stored


@pytest.mark.parametrize(
    ("name", "password", "again"),
    [("anna", "short", None), ("", PASSWORD, None), ("a\nb", PASSWORD, None), ("anna", PASSWORD, "another one 123")],
)
def test_a_bad_name_or_password_is_explained_and_the_link_stands(lab, browse, name, password, again):
    token = people.first_user_token(lab)
    browser = browse(lab, ABROAD, AT)
    answered = make_first(browser, token, name, password, again)
    assert answered.status_code == 422
    assert 'role="alert"' in answered.text
    assert make_first(browser, token).status_code == 303


def test_a_link_ends_after_an_hour_and_with_the_next_one(lab, browse):
    browser = browse(lab, ABROAD, AT)
    first, second = people.first_user_token(lab), people.first_user_token(lab)
    assert browser.get(f"/first-user?token={first}").status_code == 403
    assert browser.get(f"/first-user?token={second}").status_code == 200
    with lab.write() as connection:
        connection.execute("UPDATE api_tokens SET expires_at = '2020-01-01T00:00:00.000Z'")
    assert browser.get(f"/first-user?token={second}").status_code == 403


def test_the_door_opens_abroad_only_with_a_user_or_a_link(lab):
    assert server.door(lab, Place("127.0.0.1", 8420), may_make_link=False) is None
    with pytest.raises(SettingsError, match="no user"):
        server.door(lab, ABROAD, may_make_link=False)
    with pytest.raises(SettingsError, match="no user"):
        server.door(lab, Place("127.0.0.1", 8420, ("infradb.lan",)), may_make_link=False)
    link = server.door(lab, ABROAD, may_make_link=True)
    assert link
    assert "0.0.0.0" not in link
    people.make_first_user(lab, link.split("token=")[1], "anna", PASSWORD)
    assert server.door(lab, ABROAD, may_make_link=False) is None


@pytest.mark.parametrize(
    ("listen", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 8420),
        ("localhost", "127.0.0.1", 8420),
        ("0.0.0.0:80", "0.0.0.0", 80),
        (":9000", "127.0.0.1", 9000),
        ("::1", "::1", 8420),
        ("[::]:9000", "::", 9000),
        ("[::1]", "::1", 8420),
    ],
)
def test_where_to_listen_is_read(listen, address, port):
    place = place_of(listen, None, (), 8420)
    assert (place.address, place.port) == (address, port)
    assert place_of(listen, 7000, (), 8420).port == 7000


@pytest.mark.parametrize("listen", ["nas.lan", "1.2.3", "0.0.0.0:x", "0.0.0.0:70000", "[::1", "127.0.0.1:0"])
def test_where_nobody_can_listen_is_refused(listen):
    with pytest.raises(SettingsError):
        place_of(listen, None, (), 8420)
