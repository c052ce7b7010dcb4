"""What HAProxy's configuration and statistics mean. A new case is a new file whose comments say what it leads to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.haproxy.conditions import condition
from infradb.collectors.haproxy.parse import parse, parse_states, parse_version
from infradb.collectors.reverse_proxy.matches import UNKNOWN
from infradb.collectors.reverse_proxy.routes import route_answers
from infradb.errors import CollectionError, SourceMalformed
from infradb.observation import Observation, Rejected
from tests.collectors.fuzzing import spoiled_text
from tests.collectors.reverse_proxy.peer import told

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.cfg"))


def beside(name: str) -> str | None:
    path = CASES / Path(name).name
    return path.read_text() if path.exists() else None


def states(name: str) -> dict[tuple[str, str], str]:
    path = CASES / f"{name}.stat"
    return parse_states(path.read_text()) if path.exists() else {}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_means_what_its_comments_say(name: str) -> None:
    text = (CASES / f"{name}.cfg").read_text()
    found = parse(text, states(name), beside)
    assert told(found) == sorted(re.findall(r"^#> (.+)$", text, re.MULTILINE))
    assert list(found.problems) == []


def test_passwords_of_userlists_are_left_out() -> None:
    found = parse((CASES / "web.cfg").read_text(), {}, beside)
    assert "hunter2" not in str([o for a in route_answers(found.routes, "x", {}, {}) for o in a.parse()])


def test_the_version_is_told_without_the_packages_own() -> None:
    assert parse_version((CASES / "web.info").read_text()) == "2.6.12"
    assert parse_version("nonsense") is None


def test_another_programs_answer_is_no_statistics() -> None:
    with pytest.raises(SourceMalformed):
        parse_states("HTTP/1.1 400 Bad Request\n")


def test_a_line_that_is_not_understood_is_named() -> None:
    found = parse('frontend a\n  bind :80\n  default_backend "b\n', {}, beside)
    assert "line 3" in found.problems[0]


def test_a_text_without_frontends_is_no_configuration() -> None:
    with pytest.raises(SourceMalformed):
        parse("<html>", {}, beside)


def test_a_map_that_cannot_be_read_leaves_the_expression() -> None:
    expression = "%[req.hdr(host),map(nothing.map)]"
    found = parse(f"frontend a\n  bind :80\n  use_backend {expression}\n", {}, beside)
    assert told(found) == [f"a * -> {expression} [a/{expression}] plain when {expression}"]


@pytest.mark.parametrize("words", ["if", "if ||", "if { hdr(host)", "if {", "if }", "unless a", "when a", "if a ||"])
def test_half_a_condition_lets_through_anything(words: str) -> None:
    assert condition(words.split(), {}, beside) == UNKNOWN


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.sampled_from(NAMES).flatmap(lambda n: spoiled_text((CASES / f"{n}.cfg").read_text())))
def test_spoiled_configurations_raise_nothing_else(text: str) -> None:
    try:
        found = parse(text, {}, beside)
    except CollectionError as error:
        assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
        return
    for answer in route_answers(found.routes, "x", {}, {}):
        assert all(isinstance(said, Observation | Rejected) for said in answer.parse())


@given(text=spoiled_text((CASES / "web.stat").read_text()))
def test_spoiled_statistics_raise_nothing_else(text: str) -> None:
    try:
        parse_states(text)
    except CollectionError as error:
        assert error.hint  # noqa: PT017
