"""The documentation says what is there: names are all in it, links and commands of it work, pages are up to date."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import fields
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner

from infradb import errors, settings
from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import InfradbError
from infradb.generate.__main__ import outputs
from infradb.generate.cli_reference import commands
from infradb.interfaces.cli.main import COMMANDS, EXIT_CODES, cli
from infradb.model.catalog import ENTITY_TYPES, RECORD_TYPES
from infradb.quality.catalog import RULES
from infradb.store.views import VIEWS

REPOSITORY = Path(__file__).resolve().parent.parent
REFERENCE = REPOSITORY / "docs/reference"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# After the fields of cron, a change of user, variables, or the key of a systemd unit.
CALL = re.compile(r"^(?:(?:[\d*]+\s+){5})?(?:sudo -u \w+ )?(?:ExecStart=|(?:\w+=\S+ )*)(?:\S*/)?infradb (.+)$")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Ways to name where packages come from, put together so that this file does not name one itself.
PACKAGE_SOURCES = ("--index" + "-url", "extra-index" + "-url", "python" + "hosted", "pypi" + ".org", "art" + "ifactory")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project, whether it is committed yet or not."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(listing, cwd=REPOSITORY, capture_output=True, check=True)
    paths = (REPOSITORY / name.decode() for name in done.stdout.split(b"\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def named(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def reference(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


# --- everything that is there is in the reference ---------------------------------------------------------------------


class TestReference:
    @pytest.mark.parametrize("path", sorted(outputs()), ids=named)
    def test_a_generated_file_is_what_would_be_generated_now(self, path: Path) -> None:
        assert path.read_text(encoding="utf-8") == outputs()[path], "run `make generate` and commit what it wrote"

    @pytest.mark.parametrize("name", [name for name, _ in commands()])
    def test_every_command_has_a_section_with_all_its_options(self, name: str) -> None:
        section = re.search(rf"^##+ {name}\n(.*?)(?=^##+ |\Z)", reference("cli.md"), re.MULTILINE | re.DOTALL)
        assert section
        command = dict(commands())[name].command
        assert [o for p in command.params if isinstance(p, click.Option) for o in p.opts if o not in section[1]] == []

    @pytest.mark.parametrize("name", [name for name, _ in commands()])
    def test_every_command_and_option_says_what_it_does(self, name: str) -> None:
        command = dict(commands())[name].command
        assert command.help
        # A choice tells its own values: --format [ascii|mermaid|dot|svg].
        options = [p for p in command.params if isinstance(p, click.Option) and not isinstance(p.type, click.Choice)]
        assert [p.name for p in options if not p.help] == []

    @pytest.mark.parametrize("name", [f.name for f in fields(settings.Settings)])
    def test_every_setting(self, name: str) -> None:
        assert re.search(
            rf"^\| `{name}` \| `INFRADB_{name.upper()}` \| .* \| .+ \|$", reference("settings.md"), re.MULTILINE
        )

    @pytest.mark.parametrize("table", [t.table for t in (*ENTITY_TYPES, *RECORD_TYPES)])
    def test_every_type_and_field(self, table: str) -> None:
        (described,) = (t for t in (*ENTITY_TYPES, *RECORD_TYPES) if t.table == table)
        section = re.search(rf"^### {table}\n(.*?)(?=^##+ |\Z)", reference("model.md"), re.MULTILINE | re.DOTALL)
        assert section
        everywhere = {"tags", "custom"} if described in ENTITY_TYPES else set()
        assert [n for n in described.fields if n not in everywhere and f"| `{n}` |" not in section[1]] == []
        assert f"    {table} {{" in reference("schema.md")

    @pytest.mark.parametrize("view", [view.name for view in VIEWS])
    def test_every_view(self, view: str) -> None:
        assert f"| `{view}` |" in reference("model.md")

    @pytest.mark.parametrize("name", sorted(n for n in dir(errors) if isinstance(getattr(errors, n), type)))
    def test_every_error_with_its_exit_code(self, name: str) -> None:
        error = getattr(errors, name)
        if error is not InfradbError:
            line = f"| `{error.code}` | {error.__doc__} | {error.hint} | {EXIT_CODES.get(error.code, 1)} |"
            assert line in reference("errors.md")

    def test_every_exit_code(self) -> None:
        codes = {str(code) for code in EXIT_CODES.values()}
        assert codes <= set(re.findall(r"^\| (\d+) \| ", reference("errors.md"), re.MULTILINE))

    @pytest.mark.parametrize("name", [rule.name for rule in RULES])
    def test_every_rule(self, name: str) -> None:
        assert f"### {name}\n" in reference("rules.md")

    @pytest.mark.parametrize("kind", COLLECTORS)
    def test_every_collector_with_its_settings_and_a_readme(self, kind: str) -> None:
        section = re.search(rf"^## {kind}\n(.*?)(?=^## |\Z)", reference("collectors.md"), re.MULTILINE | re.DOTALL)
        assert section
        assert [n for n in collector_class(kind).Settings.model_fields if f"| `{n}` |" not in section[1]] == []
        assert f"src/infradb/collectors/{kind}/README.md" in (REPOSITORY / "README.md").read_text()

    def test_the_readme_leads_to_every_page(self) -> None:
        readme = (REPOSITORY / "README.md").read_text()
        assert [named(p) for p in pages() if p.is_relative_to(REPOSITORY / "docs") and named(p) not in readme] == []

    def test_decisions_are_numbered_without_gaps(self) -> None:
        numbers = sorted(path.name[:4] for path in pages() if path.parent.name == "decisions")
        assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)]


# --- what the documentation says works --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", pages(), ids=named)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    dead = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / unquote(place)).resolve() if place else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(target)
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The anchors that Git hosts give to headings."""
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in HEADING.findall(page.read_text("utf-8"))}


def calls(text: str) -> list[list[str]]:
    """Every call of infradb in the code blocks of a page, as words after the program's name."""
    found = []
    for _, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r" && | \|\| ", line.removeprefix("$ ")):
                if match := CALL.match(part.strip()):
                    found.append(shlex.split(re.sub(r"\$\(.*?\)", "X", match[1]), comments=True))
    return found


def problem(words: list[str]) -> str:
    """Say what is wrong with a call: no such command, no such option, or arguments that do not fit."""
    root = click.Context(cli, info_name="infradb", resilient_parsing=True)
    rest = words
    while rest[:1] in (["--database"], ["--debug"]):
        rest = rest[2 if rest[0] == "--database" else 1 :]
    if not rest:
        return "no command"
    if rest[0] not in COMMANDS:
        return f"there is no command {rest[0]!r}"
    command, context, name = cli.get_command(root, rest[0]), root, rest[0]
    rest = rest[1:]
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context, info_name=name)
        if not rest or rest[0].startswith("-"):
            break
        name, command = rest[0], command.get_command(context, rest[0])
        rest = rest[1:]
        if command is None:
            return f"there is no subcommand {name!r}"
    assert command is not None
    if isinstance(command, click.Group) and not rest and not command.invoke_without_command:
        return f"{name!r} needs a subcommand"
    try:
        command.make_context(name, list(rest), parent=root)
    except click.exceptions.Exit:
        return ""
    except click.ClickException as error:
        return error.format_message()
    return ""


HANDWRITTEN = [page for page in pages() if page not in outputs()]


@pytest.mark.parametrize("page", HANDWRITTEN, ids=named)
def test_commands_in_code_blocks_exist_with_their_options(page: Path) -> None:
    wrong = {" ".join(call): why for call in calls(page.read_text("utf-8")) if (why := problem(call))}
    assert wrong == {}


def test_a_wrong_command_would_be_noticed() -> None:
    lines = (
        "infradb lst hosts",
        "infradb list --colour red",
        "x && infradb sources ad a b",
        "infradb list hosts --limit 3",
    )
    text = "\n".join(["```", *lines, "```\n"])
    assert [bool(problem(call)) for call in calls(text)] == [True, True, True, False]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo will be, as the default database of ann, who has no settings."""
    for name in [name for name in os.environ if name.startswith("INFRADB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("INFRADB_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("INFRADB_DATABASE", "lab.db")
    monkeypatch.setenv("SUDO_USER", "ann")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "lab.db"


def test_the_answers_in_the_readme_are_what_the_demo_answers(lab: Path) -> None:
    assert CliRunner().invoke(cli, ["demo", "--load", str(lab)]).exit_code == 0
    blocks = [
        block for kind, block in FENCE.findall((REPOSITORY / "README.md").read_text("utf-8")) if kind == "console"
    ]
    assert len(blocks) == 5
    for block in blocks:
        for shown in re.split(r"^\$ infradb ", block, flags=re.MULTILINE)[1:]:
            call, _, expected = shown.partition("\n")
            result = CliRunner().invoke(cli, shlex.split(call), catch_exceptions=False)
            assert result.exit_code == 0, result.output
            assert re.fullmatch(pattern(expected), steady(result.stdout), re.DOTALL), result.stdout


def test_the_tutorial_can_be_followed(lab: Path) -> None:
    text = (REPOSITORY / "docs/tutorial.md").read_text("utf-8")
    demo = text[text.index("\n## The demo") : text.index("\n## Your own machine")]
    followed = calls(demo)
    assert len(followed) > 15
    for call in followed:
        result = CliRunner().invoke(cli, call, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert result.output, call
    assert lab.exists()


def steady(text: str) -> str:
    """Text without what differs each time: instants, numbers of findings, and the width of columns."""
    text = re.sub(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+Z)?)?", "TIME", text)
    lines = [re.sub(r"^\d+ ", "N ", " ".join(line.split())) for line in text.strip().splitlines()]
    return "\n".join(lines)


def pattern(text: str) -> str:
    """The shown answer as a pattern: a line of `…` stands for any lines."""
    return re.escape(steady(text)).replace("…\n", "…").replace("\\\n…", ".*").replace("…", ".*")


# --- nothing of the machine that it was written on --------------------------------------------------------------------


def texts() -> list[Path]:
    return [p for p in tracked() if p.suffix not in (".png", ".gz", ".zip", ".db", ".woff2")]


def test_no_file_names_a_path_of_this_machine_or_where_its_packages_come_from() -> None:
    # A checkout in / or in a folder such as /app would be found in the words of a container file.
    own = [str(place) for place in (REPOSITORY, Path.home() / ".cache", REPOSITORY / ".venv") if len(place.parts) > 2]
    found = {}
    for path in texts():
        text = path.read_text("utf-8", errors="ignore")
        if wrong := [word for word in (*own, *PACKAGE_SOURCES) if word in text]:
            found[named(path)] = wrong
    assert found == {}
