"""What the project promises to whoever clones or installs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import infradb

REPOSITORY = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)(\[[a-z,]+\])?==[^\s;]+( ; .+)?$")
# An address, a folder of the machine that wrote the lock, or where to look for packages.
FOREIGN = re.compile(r"://|\bfile:|@ |(?:^|\s)/|--(?:index|extra-index|find-links|trusted-host)")


def metadata() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return project


def pinned(lock: str) -> dict[str, str]:
    lines = [
        line for line in (REPOSITORY / lock).read_text().splitlines() if line and not line.lstrip().startswith("#")
    ]
    matches = {line: PINNED.match(line) for line in lines}
    assert [line for line, match in matches.items() if match is None] == []
    return {match["name"]: line for line, match in matches.items() if match}


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS)
    def test_they_say_what_is_installed_but_not_where_from(self, lock: str) -> None:
        lines = (REPOSITORY / lock).read_text().splitlines()
        assert [line for line in lines if FOREIGN.search(line)] == []

    @pytest.mark.parametrize("lock", LOCKS)
    def test_they_hold_every_dependency(self, lock: str) -> None:
        dependencies = metadata()["dependencies"]
        assert isinstance(dependencies, list)
        names = {re.split(r"[\[<>=~! ]", dependency)[0] for dependency in dependencies}
        assert names <= pinned(lock).keys()

    def test_tests_run_on_what_users_run(self) -> None:
        runtime, development = (pinned(lock) for lock in LOCKS)
        assert {name: development.get(name) for name in runtime} == runtime


def test_the_package_and_its_metadata_agree_on_the_version() -> None:
    assert metadata()["version"] == infradb.__version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("infradb-*.whl")
    return built


@pytest.mark.long
class TestWheel:
    def test_it_carries_every_file_of_the_package(self, wheel: Path) -> None:
        source = REPOSITORY / "src"
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"],
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        )  # fmt: skip
        here = {
            (REPOSITORY / name).relative_to(source).as_posix()
            for name in listing.stdout.splitlines()
            if (REPOSITORY / name).exists()
        }
        assert here - set(zipfile.ZipFile(wheel).namelist()) == set()

    def test_it_carries_nothing_else(self, wheel: Path) -> None:
        assert {name.split("/")[0].split("-")[0] for name in zipfile.ZipFile(wheel).namelist()} == {"infradb"}

    def test_it_runs_with_nothing_but_its_locked_dependencies(self, wheel: Path, tmp_path: Path) -> None:
        home = tmp_path / "venv"
        venv.create(home, with_pip=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        for arguments in (["--requirement", str(REPOSITORY / "requirements.lock")], ["--no-deps", str(wheel)]):
            installed = subprocess.run(
                [*pip, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert installed.returncode == 0, installed.stderr

        for arguments, expected in ((["--version"], infradb.__version__), (["--help"], "Usage:")):
            said = subprocess.run(
                [str(home / "bin" / "infradb"), *arguments],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert said.returncode == 0, said.stderr
            assert expected in said.stdout
            assert said.stderr == ""
        check = subprocess.run(
            [str(home / "bin" / "pip"), "check"], env=environment, capture_output=True, text=True, check=False
        )
        assert check.returncode == 0, check.stdout
