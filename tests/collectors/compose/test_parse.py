"""What compose files mean, after the Compose specification."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given

from infradb.collectors.compose.client import Written
from infradb.collectors.compose.collector import ComposeCollector
from infradb.collectors.compose.interpolation import Interpolation, Unknown
from infradb.collectors.compose.parse import Place, parse_project
from infradb.collectors.compose.project import read_project
from infradb.collectors.compose.settings import ComposeSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, CollectionRun, Observation, Rejected
from tests.collectors.fuzzing import spoiled, spoiled_text

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, Any] = orjson.loads((CASES / "expected.json").read_bytes())
SHOP = (CASES / "shop/compose.yaml").read_text("utf-8")


def collect(path: Path, **settings: Any) -> CollectionRun:
    return ComposeCollector("written", ComposeSettings(path=path, **settings)).collect()


def things(answers: Any) -> dict[str, Observation]:
    said = [o for a in answers for o in a.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}


def written(text: str, environment: str = "") -> list[Answer]:
    found = Written(Path("/srv/shop"), (Path("/srv/shop/compose.yaml"),), (text,), environment)
    return parse_project(read_project(found, lambda path: path.read_text("utf-8")), Place("engine/here"))


def one(fields: str, environment: str = "") -> dict[str, Any]:
    """What is said of one service of which a few fields are written."""
    said = things(written(f"services: {{app: {{image: app:1, {fields}}}}}", environment))
    return dict(said["project/shop/service/app/1"].values)


def folder_with(path: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (path / name.replace("__", ".")).write_text(text)
    return path


def test_projects_say_what_is_expected_and_no_secret() -> None:
    run = collect(CASES)
    said = things(run.scopes[0].answers)
    expected = orjson.loads(orjson.dumps(EXPECTED).decode().replace("$HERE", str(CASES)))
    for key, fields in expected.items():
        values = said[f"project/{key}"].values
        assert {f: values.get(f, "unsaid") for f in fields} == fields, key
    assert "project/shop/service/tools/1" not in said
    assert "hunter2" not in repr([a.parse() for a in run.scopes[0].answers])


def test_a_variable_that_is_not_set_is_told_and_what_hangs_on_it_is_left_out() -> None:
    run = collect(CASES)
    assert run.status == "partial"
    assert [e for e in run.errors if "NOT_SET" in e]
    rejected = [r.key for a in run.scopes[0].answers for r in a.parse() if isinstance(r, Rejected)]
    assert rejected == ["project/shop/service/missing/1"]


def test_a_profile_brings_its_services() -> None:
    assert "project/shop/service/tools/1" in things(collect(CASES, profiles="debug,other").scopes[0].answers)
    text = "services: {tools: {image: x, profiles: [a, b]}}"
    assert not [a for a in written(text) if "service" in a.key]
    assert [a for a in written(text, "COMPOSE_PROFILES=b,c") if "service" in a.key]


def test_names_are_those_of_the_version_of_compose() -> None:
    said = things(collect(CASES / "old/docker-compose.yml", separator="_", project="My App").scopes[0].answers)
    assert said["project/myapp/service/app/1"].values["container_name"] == "myapp_app_1"


def test_relative_paths_are_no_paths_of_another_machine() -> None:
    said = things(collect(CASES, engine="docker2").scopes[0].answers)
    assert "host_path" not in said["project/shop/service/web/1/mount//etc/web"].values
    assert said["engine/docker2"].values == {"hostname": "docker2", "is_docker_host": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A-$B", "1-"), ("${A}${B:-x}", "1x"), ("${B-x}", ""), ("${C:-${D:-y}}", "y"),
        ("${A:+z}${C:+z}", "z"),
        ("$$A", "$A"), ("${A:?needed}", "1"), ("a$", "a$"), ("${", "${"),
    ],
)  # fmt: skip
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert Interpolation({"A": "1", "B": ""}).fill(text) == expected


@pytest.mark.parametrize("text", ["$C", "${C}", "${C:?needed}", "x-${C}-y", "${1}"])
def test_a_variable_that_is_not_set_makes_the_value_unknown(text: str) -> None:
    assert isinstance(Interpolation({}).fill(text), Unknown)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ("ports: ['80']", "ports"), ("ports: ['8000-8010:80']", "ports"), ("ports: ['${P}:80']", "ports"),
        ("mem_limit: lots", "memory_limit_mb"), ("cpus: many", "cpu_limit"),
        ("network_mode: 'service:x'", "network_mode"),
        ("command: run", "command"), ("entrypoint: \"it's\"", "command"), ("restart: '${R}'", "restart_policy"),
        ("deploy: {restart_policy: {condition: any}}", "restart_policy"),
    ],
)  # fmt: skip
def test_what_the_files_do_not_decide_is_not_said(fields: str, field: str) -> None:
    assert field not in one(fields)


def test_base_60_and_truth_are_texts() -> None:
    assert one("ports: [22:22], restart: no")["ports"][0]["host_port"] == 22
    assert one("restart: no")["restart_policy"] == "no"


def test_services_extend_those_of_other_files_but_not_out_of_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "lab"
    inner.mkdir()
    folder_with(inner, base__yml="services: {base: {image: base:1, restart: always, depends_on: [x]}}")
    folder_with(tmp_path, secret__yml="services: {base: {image: secret}}")
    folder_with(
        inner,
        compose__yaml="services:\n a: {extends: {file: base.yml, service: base}}\n"
        " b: {extends: {file: ../secret.yml, service: base}}\n c: {extends: d}\n d: {extends: c}\n"
        " e: {extends: none}\n",
    )
    run = collect(inner)
    said = things(run.scopes[0].answers)
    assert said["project/lab/service/a/1"].values["restart_policy"] == "always"
    assert said["project/lab/service/a/1"].values["depends_on"] is None
    assert [k for k in said if k.startswith("project/lab/service")] == [
        "project/lab/service/a/1",
        "project/lab/service/a/1/network/default",
    ]
    assert len(run.errors) == 4
    assert "lies outside" in run.errors[0]


def test_a_broken_file_leaves_the_others_and_retires_nothing(tmp_path: Path) -> None:
    for name, text in {"a": "services: {x: {image: y}}", "b": "services: [", "c": "hello", "d": "services: 3"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yaml").write_text(text)
    run = collect(tmp_path)
    assert run.status == "partial"
    assert len(run.errors) == 3
    assert "line 1" in run.errors[0]
    assert "project/a/service/x/1" in things(run.scopes[0].answers)


def test_two_folders_that_make_one_project_are_told(tmp_path: Path) -> None:
    for name in ("a/shop", "b/shop"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "compose.yaml").write_text("services: {x: {image: y}}")
    run = collect(tmp_path)
    assert "makes a project 'shop' too" in run.errors[0]


def test_only_so_deep_and_never_into_what_is_hidden(tmp_path: Path) -> None:
    for name in (".git", "node_modules", "1/2/3/4/5/6/7", "1/2/3/4/5/6"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "compose.yaml").write_text("services: {x: {image: y}}")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert {k for k in things(collect(tmp_path).scopes[0].answers) if k.endswith("/x/1")} == {"project/6/service/x/1"}


def test_a_few_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    deep = "services: " + "[" * 5000
    began = time.monotonic()
    for text in (laughs + "services: {x: {image: y}}", deep):
        with pytest.raises(SourceMalformed):
            collect(folder_with(tmp_path, compose__yaml=text))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("make", ["nothing", "pipe", "device"])
def test_a_path_without_a_file_is_told(tmp_path: Path, make: str) -> None:
    path = {"nothing": tmp_path, "pipe": tmp_path / "none.yaml", "device": Path("/dev/zero")}[make]
    with pytest.raises(CollectionError) as raised:
        collect(path)
    assert raised.value.hint


def test_the_same_files_give_the_same_digests() -> None:
    first, second = ([(a.key, a.digest) for a in collect(CASES).scopes[0].answers] for _ in "12")
    assert first == second


def taken(text: str) -> None:
    with contextlib.suppress(CollectionError):
        things(written(text, "TAG=1"))


@given(spoiled_text(SHOP))
def test_a_spoiled_file_raises_nothing_but_what_it_may(text: str) -> None:
    taken(text)


@given(spoiled(yaml.safe_load(SHOP.replace("!reset", ""))))
def test_a_file_with_odd_values_raises_nothing_but_what_it_may(content: Any) -> None:
    taken(yaml.safe_dump(content))
