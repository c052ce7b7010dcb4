"""Odd calls of every kind: never a traceback, always an exit code that means something."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import click
import pytest

from infradb.interfaces.cli.main import COMMANDS, cli
from tests.interfaces.cli.conftest import Call, Said

KNOWN_CODES = {0, 1, 2, 3, 4, 5, 6}
WORDS = (
    *("", " ", "-", "--", "/", "//", "%", "'", '"', "[", "{}", "=", "~", "*", "a=b", "null", "0", "-1", "9" * 30),
    *("1e999", "NaN", "\x1b[31m", "ü", "💥", "\udcff", "x" * 5000),
    *("hosts", "hosts/", "/hosts", "hosts/pve1", "pve1/", "pve1"),
)
TAKING_A_WORD = (
    ("list",), ("show",), ("why",), ("why", "pve1"), ("changes",), ("diff", "--from", "1d"), ("search",), ("sql",),
    ("list", "hosts"), ("list", "host-inventory"), ("list", "findings"), ("list", "hosts", "--columns"),
    ("list", "hosts", "--sort"), ("list", "hosts", "--as-of"), ("list", "hosts", "--limit"), ("changes", "--since"),
    ("changes", "--source"), ("set", "pve1"), ("set", "pve1", "owner=x", "--expires"), ("unset", "pve1"),
    ("unset",), ("retire",), ("add",), ("add", "hosts"), ("export",), ("export", "csv"), ("erd", "--format"),
    ("map", "--as-of"), ("sources", "add"), ("sources", "add", "docker"), ("sources", "add", "docker", "x"),
    ("sources", "test"), ("sources", "doctor"), ("sources", "calls"), ("sources", "remove"), ("discover",),
    ("findings", "--rule"), ("findings", "explain"), ("findings", "waive"), ("import", "infrastructure-db"),
    ("import",),    ("redact", "-o"), ("restore",), ("prune", "-o"),
)  # fmt: skip


def assert_in_words(done: Said, *more: object) -> None:
    """Check that an error is one that was thought of."""
    assert "Traceback" not in done.err, (*more, done.err)
    assert "mistake in infradb" not in done.err, (*more, done.err)


@pytest.fixture
def own_file(demo_file: Path, tmp_path: Path) -> Path:
    """A demo lab of one's own."""
    return Path(shutil.copy(demo_file, tmp_path / "odd.db"))


@pytest.mark.parametrize("command", TAKING_A_WORD, ids=" ".join)
def test_any_word_gives_an_answer_or_a_sentence(cli: Call, own_file: Path, command: tuple[str, ...]) -> None:
    for word in WORDS:
        done = cli("--database", str(own_file), *command, word)
        assert done.code in KNOWN_CODES, (word, done)
        assert_in_words(done, word)
        assert done.code == 0 or done.err, (word, "an error says something")


def test_any_value_of_a_field_gives_an_answer_or_a_sentence(cli: Call, own_file: Path) -> None:
    fields = (
        "hostname",
        "vmid",
        "is_docker_host",
        "boot_time_at",
        "tags",
        "custom",
        "parent_host",
        "management_ip",
        "x",
    )
    for field, sign, word in itertools.product(fields, ("=", "~", ">", "!="), WORDS):
        done = cli("--database", str(own_file), "list", "hosts", f"{field}{sign}{word}", "--limit", "1")
        assert done.code in KNOWN_CODES, (field, sign, word, done)
        assert_in_words(done)
    for field, word in itertools.product(fields, WORDS):
        done = cli("--database", str(own_file), "set", "pve2", f"{field}={word}")
        assert done.code in KNOWN_CODES, (field, word, done)
        assert_in_words(done)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("up", "serve", "demo", "discover")])
def test_without_a_database_it_is_said_where_it_was_looked_for(cli: Call, tmp_path: Path, command: str) -> None:
    missing = str(tmp_path / "none" / "infradb.db")
    for more in ((), ("x",), ("x", "y=z"), ("list",), ("--from", "1d")):
        done = cli("--database", missing, command, *more)
        assert done.code in KNOWN_CODES, done
        assert_in_words(done)


@pytest.mark.parametrize(
    "place",
    ["", " ", "/", "/dev/null", "/proc/self/mem", "nosuch://x", "sqlite://", "sqlite:///", "postgresql://", "file:x",
     "postgresql://nobody@127.0.0.1:1/x", "postgresql://[::1", "\udcff", "x" * 5000, "~nobody/x", "a\nb"],
)  # fmt: skip
def test_an_odd_place_of_the_database_is_an_error_that_says_so(
    cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("list",), ("add", "hosts", "hostname=x"), ("sources", "list"), ("doctor",)):
        done = cli("--database", place, *command)
        assert done.code in KNOWN_CODES, done
        assert_in_words(done)


@pytest.mark.parametrize(
    "text",
    ["port = 'x'", "nosuch = 1", "[x", "listen = []", "keep_changes = 'soon'", "interval = 5", "\x00", "database = 3"],
)
def test_a_wrong_settings_file_is_named_with_its_mistake(cli: Call, home: Path, text: str) -> None:
    file = home / "config" / "infradb" / "infradb.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    done = cli("list")
    assert done.code in (2, 3)
    assert_in_words(done)
    if done.code == 2:
        assert str(file) in done.err


def test_a_settings_file_that_is_no_text_or_cannot_be_read_is_named(cli: Call, home: Path) -> None:
    file = home / "config" / "infradb" / "infradb.toml"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe")
    assert (cli("list").code, str(file) in cli("list").err) == (2, True)
    file.unlink()
    file.mkdir()
    assert (cli("list").code, str(file) in cli("list").err) == (2, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_its_options_explained(lab: Call, name: str) -> None:
    done = lab(name, "--help")
    assert done.code == 0
    assert lab(name, "-h").out == done.out
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for one in (command, *getattr(command, "commands", {}).values()):
        assert one.help
        assert all(getattr(p, "help", "") for p in one.params if p.param_type_name == "option"), one.name


def test_help_lists_every_command(lab: Call) -> None:
    done = lab("--help")
    assert done.code == 0
    assert all(f"\n  {name} " in done.out for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments", [(), ("nosuch",), ("lst",), ("--nosuch",), ("list", "--nosuch"), ("sources", "nosuch")]
)
def test_what_is_no_command_is_wrong_usage(lab: Call, arguments: tuple[str, ...]) -> None:
    done = lab(*arguments)
    assert done.code == 2
    assert "Usage:" in done.err
