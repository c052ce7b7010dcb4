"""Secrets by reference: found where they lie, never told, and kept in a file that nobody else may read."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, ValidationError

from infradb.errors import SettingsError
from infradb.transport import credentials
from infradb.transport.credentials import Secret, is_secret, reveal

SECRET = "hunter2-correct-horse"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INFRADB_SECRETS", str(tmp_path / "config" / "secrets.json"))
    return tmp_path / "config" / "secrets.json"


class _Settings(BaseModel):
    password: Secret
    key: Secret | None = None
    plain: str = ""


def test_a_secret_itself_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as raised:
        _Settings(password=SECRET)
    assert SECRET not in str(raised.value.errors(include_input=False))
    assert "where it lies" in str(raised.value)


def test_settings_that_hold_one_are_known() -> None:
    fields = _Settings.model_fields
    assert [n for n, f in fields.items() if is_secret(f)] == ["password", "key"]


def test_it_is_found_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET", SECRET)
    (tmp_path / "token").write_text(f"{SECRET}\nsecond line\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, user: SECRET if (service, user) == ("pve", "ann") else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    for reference in ("env:LAB_SECRET", f"file:{tmp_path}/token", "credential:token", "keyring:pve/ann"):
        assert reveal(reference) == SECRET


@pytest.mark.parametrize(
    "reference", ["env:NO_SUCH", "file:/no/such", "credential:x", "stored:x", "keyring:a/b", "env:EMPTY"]
)
def test_one_that_is_not_there_says_what_to_do(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError) as raised:
        reveal(reference)
    assert raised.value.hint


def kept(source: str, field: str, secret: str = SECRET) -> str:
    with credentials.holding(source, {field: secret}) as held:
        credentials.keep(held.values())
    return held[field]


class TestStored:
    def test_it_can_be_used_before_it_is_kept_and_is_forgotten_where_it_is_not(self, file: Path) -> None:
        with credentials.holding("pve", {"token": SECRET}) as held:
            assert reveal(held["token"]) == SECRET
        assert not file.exists()
        with pytest.raises(SettingsError):
            reveal(held["token"])

    def test_keeping_one_keeps_no_other_that_was_only_tried(self, file: Path) -> None:
        with credentials.holding("tried", {"token": "never-kept"}):
            kept("pve", "token")
        assert "never-kept" not in file.read_text(encoding="utf-8")

    def test_it_is_kept_for_its_owner_alone(self, file: Path) -> None:
        reference = kept("pve", "token")
        assert reveal(reference) == SECRET
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        kept("nas", "password", "other")
        assert reveal(reference) == SECRET
        assert [f.name for f in file.parent.iterdir()] == ["secrets.json"]

    def test_it_goes_with_its_source(self, file: Path) -> None:
        for source, field in (("pve", "token"), ("pve", "other"), ("pve2", "token")):
            kept(source, field)
        assert credentials.forget("pve.") == 2
        assert reveal("stored:pve2.token") == SECRET

    def test_a_file_that_others_may_read_is_refused(self, file: Path) -> None:
        kept("pve", "token")
        file.chmod(0o644)
        with pytest.raises(SettingsError, match="others may read") as raised:
            reveal("stored:pve.token")
        assert "chmod 600" in raised.value.hint

    def test_a_file_that_is_no_json_is_said(self, file: Path) -> None:
        file.parent.mkdir()
        file.write_text("{")
        file.chmod(0o600)
        with pytest.raises(SettingsError, match="no JSON"):
            reveal("stored:pve.token")
