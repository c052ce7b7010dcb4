"""What every collector promises, by its registration."""

from __future__ import annotations

import json
import re
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import CollectionError, SettingsError, UsageError
from infradb.transport.credentials import is_secret
from tests.collectors.bad_http import WAYS, bad_server

WRITING = re.compile(r"\b(POST|PUT|PATCH|DELETE|rm|mkfs|kill|reboot|write)\b")
ASKING = re.compile(r"^POST [^ ]+ \((logs in|asks)[^)]*\)$")
TESTS = Path(__file__).resolve().parents[1] / "collectors"


def example(kind: str) -> dict[str, Any]:
    """Return `tests/collectors/KIND/contract.json`.

    `settings`: such that the collector can be made. `unreachable`: settings of a source that is not there; `local` and
    sources that are files have none. `http`: settings with `{url}`, of collectors that speak HTTP.
    """
    found: dict[str, Any] = json.loads((TESTS / kind / "contract.json").read_text(encoding="utf-8"))
    return found


def folder(kind: str) -> Path:
    spec = find_spec(COLLECTORS[kind].path.split(":")[0])
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def made(kind: str, settings: dict[str, Any] | None = None) -> Any:
    cls = collector_class(kind)
    return cls("test", cls.Settings.model_validate(example(kind)["settings"] if settings is None else settings))


def test_every_collector_has_its_place_among_the_sources() -> None:
    assert all(0 < registered.rank < 100 for registered in COLLECTORS.values())
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
        assert [c for c in calls if WRITING.search(c) and not ASKING.match(c)] == []

    def test_its_readme_says_what_its_users_ask(self, kind: str) -> None:
        text = (folder(kind) / "README.md").read_text(encoding="utf-8")
        headings = " ".join(re.findall(r"^## (.+)$", text, re.MULTILINE)).lower()
        assert [w for w in ("rights", "scopes", "known limits", "shown against") if w not in headings] == []

    def test_its_rules_are_done_or_exempt_with_a_reason(self, kind: str) -> None:
        text = (folder(kind) / "quality.toml").read_text(encoding="utf-8")
        rules = tomllib.loads(text)["rules"]
        reasons = [r["exempt"] for r in rules.values() if isinstance(r, dict)]
        assert {r for r in rules.values() if isinstance(r, str)} <= {"done", "todo"}
        assert all(len(r) > 5 for r in reasons)
        open_ones = [line for line in text.splitlines() if re.search(r'= "todo"', line)]
        assert [line for line in open_ones if "#" not in line] == [], "what is still to be done?"

    def test_a_source_that_is_not_there_is_an_error_that_says_what_to_do(self, kind: str) -> None:
        unreachable = example(kind).get("unreachable")
        if unreachable is None:
            return
        collector = made(kind, unreachable)
        with pytest.raises(CollectionError) as raised:
            collector.collect()
        assert raised.value.hint
        assert [d for d in collector.diagnose() if not d.ok and not d.hint] == []

    def test_it_says_how_to_make_the_least_account_and_hides_every_secret(self, kind: str) -> None:
        cls = collector_class(kind)
        text = cls.grant("lab")
        assert text == "" or "\n" in text
        for name, field in cls.Settings.model_fields.items():
            if re.search(r"(password|secret|token|api_key|community|passphrase)$", name):
                assert is_secret(field), f"{name} would be stored readably"

    def test_what_its_rules_call_done_can_be_seen(self, kind: str) -> None:
        rules = tomllib.loads((folder(kind) / "quality.toml").read_text(encoding="utf-8"))["rules"]
        tests = TESTS / ("linux" if kind in ("local", "ssh") else kind)
        texts = "".join(f.read_text(encoding="utf-8") for f in tests.rglob("*.py"))
        if rules["recorded_cases"] == "done":
            assert any((tests / "cases").iterdir())
        if rules["fuzzed"] == "done":
            assert "spoiled" in texts

    def test_every_rule_is_one_that_other_collectors_keep_too(self, kind: str) -> None:
        known = set(tomllib.loads((folder("local") / "quality.toml").read_text(encoding="utf-8"))["rules"])
        rules = set(tomllib.loads((folder(kind) / "quality.toml").read_text(encoding="utf-8"))["rules"])
        assert known <= rules


HTTP = [k for k in COLLECTORS if (TESTS / k / "contract.json").exists() and "http" in example(k)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", HTTP)
def test_a_bad_answer_over_http_is_named_within_its_time_and_retires_nothing(
    kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFRADB_TEST_SECRET", "wrong")
    with bad_server(way) as url:
        settings = {n: v.replace("{url}", url) if isinstance(v, str) else v for n, v in example(kind)["http"].items()}
        collector = made(kind, {**settings, "timeout_seconds": 1})
        began = time.monotonic()
        try:
            run = collector.collect()
        except (CollectionError, SettingsError) as error:
            assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
            said = [str(error)]
        else:
            assert run.status != "complete"
            assert [s.name for s in run.scopes if s.status == "complete" or s.gone] == []
            said = list(run.errors)
        assert said
        assert time.monotonic() - began < 15
        assert not any("wrong" in s.split() or "Traceback" in s for s in said)
