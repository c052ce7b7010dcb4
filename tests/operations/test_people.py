"""Users, sessions, one-time links."""

from __future__ import annotations

import threading

import pytest

from infradb.errors import Conflict, InvalidValue
from infradb.operations import people
from infradb.operations.databases import Database, open_database

PASSWORD = "correct horse battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> Database:
    url = str(tmp_path / "infradb.db") if request.param == "sqlite" else request.getfixturevalue("fresh_postgresql")
    return open_database(url, create=True)


def make_anna(database: Database) -> str:
    return people.make_first_user(database, people.first_user_token(database), "anna", PASSWORD)


def test_the_first_user_is_an_admin_with_a_session(database):
    assert not people.any_user(database)
    person = people.session(database, make_anna(database))
    assert person == people.Person("anna", "admin")
    assert people.any_user(database)
    assert person.may("editor")
    assert not people.Person("ben", "viewer").may("editor")


def test_a_link_is_used_by_one_of_many_who_try_at_once(database):
    token = people.first_user_token(database)
    outcomes: list[str] = []

    def attempt(name: str) -> None:
        try:
            people.make_first_user(database, token, name, PASSWORD)
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(f"user{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]


def test_no_link_is_made_once_there_is_a_user(database):
    make_anna(database)
    with pytest.raises(Conflict):
        people.first_user_token(database)


def test_name_and_password_open_a_session_and_others_do_not(database):
    make_anna(database)
    token = people.sign_in(database, " anna ", PASSWORD)
    assert token
    assert people.session(database, token)
    for name, password in (
        ("anna", "wrong"),
        ("ben", PASSWORD),
        ("Anna", PASSWORD),
        ("anna", ""),
        ("", ""),
        ("anna", "x" * 5000),
    ):
        assert people.sign_in(database, name, password) is None


def test_a_session_ends_by_signing_out_by_time_and_with_its_user(database):
    make_anna(database)
    tokens = [people.sign_in(database, "anna", PASSWORD) or "" for _ in range(3)]
    people.sign_out(database, tokens[0])
    assert people.session(database, tokens[0]) is None
    assert people.session(database, tokens[1])
    with database.write() as connection:
        connection.execute("UPDATE users SET disabled_at = created_at")
    assert people.session(database, tokens[1]) is None
    assert people.sign_in(database, "anna", PASSWORD) is None
    with database.write() as connection:
        connection.execute("UPDATE users SET disabled_at = NULL")
        connection.execute("UPDATE api_tokens SET expires_at = '2020-01-01T00:00:00.000Z'")
    assert people.session(database, tokens[2]) is None
    people.sign_in(database, "anna", PASSWORD)
    with database.read() as connection:
        assert connection.query("SELECT count(*) FROM api_tokens") == [(1,)]


def test_a_link_is_no_session_and_a_session_no_link(database):
    link = people.first_user_token(database)
    assert people.session(database, link) is None
    session = people.make_first_user(database, link, "anna", PASSWORD)
    assert not people.first_user_link_stands(database, session)


def test_a_password_typed_on_another_keyboard_is_the_same(database):
    people.make_first_user(database, people.first_user_token(database), "ren\u00e9e", "caf\u00e9 au lait, s'il vous")
    assert people.sign_in(database, "rene\u0301e", "cafe\u0301 au lait, s'il vous")


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 2000])
def test_a_password_too_short_or_too_long_will_not_do(password: str):
    with pytest.raises(InvalidValue):
        people.check_password(password)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "\u202eevil"])
def test_a_name_that_cannot_be_printed_will_not_do(name: str):
    with pytest.raises(InvalidValue):
        people.clean_name(name)
