"""Every error has a code and says what to do; every setting is documented and refuses nonsense."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from infradb import errors, settings
from infradb.errors import InfradbError
from infradb.interfaces.cli.main import EXIT_CODES
from infradb.settings import Settings

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference"
NO_ERRORS = {"findings", "partly"}
"""Exit codes that tell how something went, not that it could not be done."""
SAID_WHERE_RAISED = {
    "usage", "settings", "not-found", "conflict", "invalid-value", "collection", "source-unreachable", "source-refused",
    "source-malformed", "import-refused", "store",
}  # fmt: skip
"""Codes of errors whose hint depends on the case."""


def tree(cls: type[InfradbError] = InfradbError) -> list[type[InfradbError]]:
    own = [c for c in cls.__subclasses__() if c.__module__ == errors.__name__]
    return own + [d for c in own for d in tree(c)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [e.code for e in tree()]
    assert len(set(codes)) == len(codes)
    assert InfradbError.code not in codes


@pytest.mark.parametrize("error", tree(), ids=lambda e: e.code)
def test_every_error_says_what_it_is_and_what_to_do(error: type[InfradbError]) -> None:
    assert (error.__doc__ or "").strip()
    assert bool(error.hint) is (error.code not in SAID_WHERE_RAISED)
    assert error("sentence", hint="do this").hint == "do this"
    assert error("sentence").hint == error.hint


@pytest.mark.parametrize("error", tree(), ids=lambda e: e.code)
def test_the_list_of_errors_names_it(error: type[InfradbError]) -> None:
    assert f"    {error.__name__} " in (errors.__doc__ or "")


def test_exit_codes_are_those_of_existing_errors() -> None:
    assert set(EXIT_CODES) - NO_ERRORS <= {e.code for e in tree()}
    assert all(2 <= code < 126 for code in EXIT_CODES.values())


def test_every_setting_is_documented() -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    assert [f.name for f in fields(Settings) if f.name not in text] == []


def test_every_error_is_documented() -> None:
    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    assert [e.code for e in tree() if e.code not in text] == []


class TestSettings:
    @pytest.fixture(autouse=True)
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("INFRADB_CONFIG", str(tmp_path / "infradb.toml"))
        return tmp_path / "infradb.toml"

    def test_the_environment_comes_before_the_file_and_the_file_before_defaults(self, file: Path) -> None:
        file.write_text('port = 1\nlisten = "::1"\n')
        found = settings.load({"INFRADB_PORT": "2"})
        assert (found.port, found.listen, found.interval) == (2, "::1", "5m")

    def test_every_mistake_is_named_with_its_place(self, file: Path) -> None:
        file.write_text('port = "x"\ncolour = "red"\n')
        with pytest.raises(errors.SettingsError) as raised:
            settings.load({"INFRADB_INTERVAL": "often"})
        for said in ("port", "colour", "interval", str(file), "the environment"):
            assert said in str(raised.value)

    def test_a_file_that_is_no_toml_is_said_to_be_none(self, file: Path) -> None:
        file.write_text("port: 1\n")
        with pytest.raises(errors.SettingsError, match="no TOML"):
            settings.load({})
