"""What every collector promises, by its registration."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from infradb.collectors.registry import COLLECTORS, RANKS, collector_class
from infradb.errors import CollectionError, UsageError

WRITING = re.compile(r"\b(POST|PUT|PATCH|DELETE|rm|mkfs|kill|reboot|write)\b")
UNREACHABLE: dict[str, dict[str, Any]] = {"docker": {"url": "tcp://127.0.0.1:9", "timeout_seconds": 1}}
"""Settings of sources that are not there, by collector. `local` is always there."""


def folder(kind: str) -> Path:
    spec = find_spec(COLLECTORS[kind].split(":")[0])
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def made(kind: str, **settings: Any) -> Any:
    cls = collector_class(kind)
    return cls("test", cls.Settings.model_validate(settings))


def test_every_collector_has_its_place_among_the_sources() -> None:
    assert RANKS.keys() == COLLECTORS.keys()
    with pytest.raises(UsageError):
        collector_class("none")


@pytest.mark.parametrize("kind", COLLECTORS)
class TestCollector:
    def test_its_settings_refuse_unknown_keys_and_say_what_each_is(self, kind: str) -> None:
        settings: type[BaseModel] = collector_class(kind).Settings
        with pytest.raises(ValidationError, match="no_such_setting"):
            settings.model_validate({"no_such_setting": 1})
        assert [n for n, f in settings.model_fields.items() if not f.description] == []

    def test_its_name_is_the_registered_one(self, kind: str) -> None:
        assert collector_class(kind).kind == kind

    def test_it_tells_its_calls_and_all_of_them_only_read(self, kind: str) -> None:
        calls = made(kind).calls()
        assert calls
        assert [c for c in calls if WRITING.search(c)] == []

    def test_its_readme_says_what_its_users_ask(self, kind: str) -> None:
        text = (folder(kind) / "README.md").read_text(encoding="utf-8")
        headings = " ".join(re.findall(r"^## (.+)$", text, re.MULTILINE)).lower()
        assert [w for w in ("rights", "scopes", "known limits") if w not in headings] == []

    def test_its_rules_are_done_or_exempt_with_a_reason(self, kind: str) -> None:
        text = (folder(kind) / "quality.toml").read_text(encoding="utf-8")
        rules = tomllib.loads(text)["rules"]
        reasons = [r["exempt"] for r in rules.values() if isinstance(r, dict)]
        assert {r for r in rules.values() if isinstance(r, str)} <= {"done", "todo"}
        assert all(len(r) > 5 for r in reasons)
        open_ones = [line for line in text.splitlines() if re.search(r'= "todo"', line)]
        assert [line for line in open_ones if "#" not in line] == [], "what is still to be done?"

    def test_a_source_that_is_not_there_is_an_error_that_says_what_to_do(self, kind: str) -> None:
        if kind not in UNREACHABLE:
            return
        collector = made(kind, **UNREACHABLE[kind])
        with pytest.raises(CollectionError) as raised:
            collector.collect()
        assert raised.value.hint
        assert [d for d in collector.diagnose() if not d.ok and not d.hint] == []

    def test_every_rule_is_one_that_other_collectors_keep_too(self, kind: str) -> None:
        known = set(tomllib.loads((folder("local") / "quality.toml").read_text(encoding="utf-8"))["rules"])
        rules = set(tomllib.loads((folder(kind) / "quality.toml").read_text(encoding="utf-8"))["rules"])
        assert known <= rules
