"""`infradb collect`, `ingest`, `token` and `coverage`: from one machine to another database."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interfaces.cli.conftest import Call


def test_a_run_goes_from_here_into_another_database_once(own: Call, cli: Call, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    collected = cli("collect", "local", "--name", "branch", "-o", str(file))
    assert collected.code in (0, 6)
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[0])["source"] == "branch"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".run")] == []
    first = own("ingest", str(file))
    assert "branch" in first.out
    again = own("ingest", str(file), "-o", "json")
    assert again.json["taken_in_before"] is True
    assert len(own("list", "hosts", "-o", "json").items) == 1


def test_half_a_run_leaves_nothing_and_is_said(own: Call, cli: Call, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    cli("collect", "local", "-o", str(file))
    file.write_bytes(file.read_bytes()[:-30])
    done = own("ingest", str(file))
    assert done.code == 2
    assert "→" in done.err
    assert own("list", "hosts", "-o", "json").items == []


def test_what_cannot_be_collected_is_an_error(cli: Call, tmp_path: Path) -> None:
    assert cli("collect", "nothing").code == 2
    assert cli("collect", "docker", "url=tcp://127.0.0.1:9", "timeout_seconds=1", "-o", str(tmp_path / "x")).code == 1
    assert not (tmp_path / "x").exists()
    assert cli("collect", "local", "-o", str(tmp_path / "no" / "x")).code == 2
    asked = cli("collect", "powerdns", "url=http://127.0.0.1:9")
    assert (asked.code, "api_key=env:NAME" in asked.err) == (2, True)


def test_a_token_is_shown_once_listed_without_it_and_ended(own: Call) -> None:
    secret = own("token", "add", "branch", "--kind", "ssh", "--description", "site 2").out.strip()
    assert secret.startswith("infradb_")
    (listed,) = own("token", "list", "-o", "json").json
    assert (listed["source"], listed["description"], listed["used_at"]) == ("branch", "site 2", None)
    assert secret not in json.dumps(listed)
    assert own("token", "revoke", str(listed["id"])).code == 0
    assert own("token", "revoke", str(listed["id"])).code == 3
    assert own("token", "list").err == "no tokens\n"


def test_blind_spots_come_with_their_command(labs: Call) -> None:
    spots = labs("coverage", "-o", "json").json
    assert {"what", "lacks", "depends", "command"} <= set(spots[0])
    assert all(s["command"].startswith("infradb ") for s in spots)
    assert len(labs("coverage", "--limit", "1", "-o", "json").json) == 1
