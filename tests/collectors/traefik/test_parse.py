"""What Traefik's answers mean: recorded from a real one, and in the shape of version 2. A new case is a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.reverse_proxy.matches import UNKNOWN, Match
from infradb.collectors.reverse_proxy.routes import ProxyFacts, route_answers
from infradb.collectors.traefik.parse import TraefikAnswers, parse
from infradb.collectors.traefik.rules import matches
from infradb.observation import Observation, Rejected
from tests.collectors.fuzzing import spoiled
from tests.collectors.reverse_proxy.peer import told

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((CASES / f"{name}.json").read_bytes())
    return content


def facts(raw: Any) -> ProxyFacts:
    def listed(name: str) -> list[Any]:
        found = raw.get(name, [])
        return found if isinstance(found, list) else []

    return parse(
        TraefikAnswers(
            "3.7.15",
            listed("entrypoints"),
            {p: listed(f"{p}/routers") for p in ("http", "tcp", "udp")},
            {p: listed(f"{p}/services") for p in ("http", "tcp", "udp")},
            listed("certificates"),
        )
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_case_means_what_it_says(name: str) -> None:
    case = load(name)
    found = facts(case["answers"])
    assert told(found) == case["routes"]
    assert sorted(f"{c.subject} {c.names} {c.issuer}" for c in found.certificates.values()) == case["certificates"]
    assert list(found.problems) == []


def test_passwords_in_the_urls_of_servers_are_left_out() -> None:
    answers = list(route_answers(facts(load("file-provider")["answers"]).routes, "x", {}, {}))
    said = [o for a in answers for o in a.parse()]
    assert any("***@" in str(o) for o in said)
    assert "secretpw" not in str(said) + str([a.key for a in answers])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Host(`a.lan`)", [("a.lan", "", True)]),
        ('Host("A.lan", "b.lan")', [("a.lan", "", True), ("b.lan", "", True)]),
        ("Host(`a.lan`) || Host(`b.lan`) && PathPrefix(`/x`)", [("a.lan", "", True), ("b.lan", "/x", True)]),
        ("(Host(`a.lan`) || Host(`b.lan`)) && Path(`/x`)", [("a.lan", "/x", False), ("b.lan", "/x", False)]),
        ("Host(`a.lan`) && !PathPrefix(`/x`)", [("a.lan", "", False)]),
        ("!(Host(`a.lan`) || Host(`b.lan`))", [("*", "", False)]),
        ("HostRegexp(`^.+\\.lan$`)", [("*.lan", "", True)]),
        ("HostRegexp(`{sub:[a-z]+}.lan`)", [("*.lan", "", True)]),
        ("HostRegexp(`^(a|b)\\.lan$`)", [("*", "", False)]),
        ("HostSNI(`*`)", [("*", "", True)]),
        ("Host(`a.lan`) && Host(`b.lan`)", [("a.lan", "", False)]),
        ("PathPrefix(`/`)", [("*", "", True)]),
        ("ClientIP(`127.0.0.1`)", [("*", "", False)]),
        ("Host(`a.lan`", [("*", "", False)]),
        ("Host(a.lan)", [("*", "", False)]),
        ("Host(`a.lan`) nonsense", [("*", "", False)]),
        ("", [("*", "", False)]),
    ],
)
def test_rules_are_understood_or_kept(rule: str, expected: list[tuple[str, str, bool]]) -> None:
    assert list(matches(rule)) == [Match(*e) for e in expected]


def test_a_rule_with_too_many_alternatives_lets_through_anything() -> None:
    many = " || ".join(f"Host(`h{n}.lan`)" for n in range(40))
    paths = " || ".join(f"PathPrefix(`/{n}`)" for n in range(40))
    assert matches(f"({many}) && ({paths})") == UNKNOWN
    assert matches("(" * 5000 + "Host(`a`)" + ")" * 5000) == UNKNOWN


@given(text=st.text(alphabet='Host(`a.b`)&|!Path,"\\ *', max_size=60))
def test_any_text_is_a_rule_or_none(text: str) -> None:
    assert len(matches(text)) > 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.sampled_from(NAMES).flatmap(lambda n: spoiled(load(n)["answers"])))
def test_spoiled_answers_are_left_out_with_a_sentence_and_never_raise(raw: Any) -> None:
    if not isinstance(raw, dict):
        return
    found = facts(raw)
    assert all((*found.problems, *found.certificate_problems))
    for answer in route_answers(found.routes, "x", {}, {}):
        assert all(isinstance(said, Observation | Rejected) for said in answer.parse())
