"""The collector over folders of facts, as Ansible leaves them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import orjson
import pytest

from infradb.collectors.ansible.collector import AnsibleCollector
from infradb.collectors.ansible.settings import AnsibleSettings
from infradb.collectors.local.collector import LocalCollector
from infradb.errors import CollectionError, SourceMalformed
from infradb.observation import Observation
from infradb.operations import sources
from infradb.store.schema import open_database
from tests.collectors.ansible.test_parse import CASES


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache whose facts were gathered a moment ago."""
    folder = tmp_path / "facts"
    folder.mkdir()
    for name in ("s1_web1", "nas.yml", "pihole.json"):
        text = (CASES / name).read_text("utf-8")
        for old in ("1795826719", "1790000000"):
            text = text.replace(old, str(int(time.time())))
        (folder / name).write_text(text)
    return folder


def collector(path: Path, **settings: str) -> AnsibleCollector:
    return AnsibleCollector("facts", AnsibleSettings(path=path, **settings))


def test_each_file_is_a_host(cache: Path) -> None:
    run = collector(cache).collect()
    assert run.status == "complete", run.errors
    assert {a.key for s in run.scopes for a in s.answers} == {"host/web1", "host/nas", "host/pihole"}
    assert {c.name for c in run.calls} == set(collector(cache).calls())
    assert all(d.ok for d in collector(cache).diagnose())


def test_old_facts_only_add(cache: Path) -> None:
    (cache / "nas.yml").write_text((CASES / "nas.yml").read_text().replace("1790000000", "1700000000"))
    run = collector(cache).collect()
    answers = {a.key: a for s in run.scopes for a in s.answers}
    assert run.status == "partial"
    assert "the facts of nas are" in run.errors[0]
    assert (answers["host/nas"].whole, answers["host/web1"].whole) == (False, True)
    assert not answers["host/nas"].measured
    assert collector(cache, max_age="50y").collect().status == "complete"
    assert [d.ok for d in collector(cache).diagnose()] == [True, False]


def test_a_file_that_is_broken_leaves_the_others_and_retires_nothing(cache: Path) -> None:
    (cache / "web2").write_text('{"ansible_hostname": "web2", "ansi')
    (cache / "readme.txt").write_text("hello")
    (cache / ".lock").write_text("")
    run = collector(cache).collect()
    assert run.status == "partial"
    assert len(run.errors) == 2
    assert "only half of it" in run.errors[1] + run.errors[0]
    assert len([a for s in run.scopes for a in s.answers]) == 3


def test_two_files_of_one_host_are_told(cache: Path) -> None:
    shutil.copy(cache / "s1_web1", cache / "web1")
    assert "two files speak of web1" in collector(cache).collect().errors[0]


def test_a_folder_that_is_empty_or_not_there_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path("/dev/null")):
        with pytest.raises(CollectionError) as raised:
            collector(path).collect()
        assert raised.value.hint
        assert [d.ok for d in collector(path).diagnose()] == [False]


def test_a_pipe_a_giant_and_a_file_of_another_kind_are_told_in_time(tmp_path: Path) -> None:
    (tmp_path / "web1").symlink_to("/dev/zero")
    (tmp_path / "web2").write_bytes(b"{" + b" " * (17 * 2**20))
    (tmp_path / "web3").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "web4")
    with pytest.raises(SourceMalformed):
        collector(tmp_path).collect()


def test_facts_that_were_never_gathered_again_stay_one_host_with_the_machine(tmp_path: Path) -> None:
    """The facts name this machine's own machine-id and name: one host, and a second run finds nothing new."""
    own = next(o for s in LocalCollector("here").collect().scopes for a in s.answers for o in a.parse())
    assert isinstance(own, Observation)
    facts = orjson.loads(orjson.loads((CASES / "s1_web1").read_bytes())["__payload__"])
    facts["ansible_hostname"] = own.values["hostname"]
    facts["ansible_machine_id"] = Path("/etc/machine-id").read_text().strip()
    facts["ansible_date_time"]["epoch"] = str(int(time.time()))
    facts.pop("ansible_ssh_host_key_ed25519_public")
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "web1").write_bytes(orjson.dumps(facts))
    database = open_database(str(tmp_path / "lab.db"), create=True)
    sources.ensure_defaults(database)
    sources.add(database, "ansible", "facts", {"path": str(folder)})
    sources.discover(database, ["local", "facts"])
    assert [r.changed for r in sources.discover(database, ["facts"])] == [0]
    with database.read() as connection:
        assert connection.query("SELECT count(*) FROM hosts") == [(1,)]
    database.close()
