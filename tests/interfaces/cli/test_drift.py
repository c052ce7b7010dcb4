"""`infradb drift` and `infradb sources order`: what differs, who says so, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Call


@pytest.fixture
def drifting(own_lab: Call) -> Call:
    """The demo, with a core more typed than nas has."""
    assert own_lab("set", "nas", "cpu_cores=99").code == 0
    return own_lab


def only(call: Call) -> dict[str, object]:
    (one,) = call("drift", "-o", "json").json
    return dict(one)


def test_it_is_listed_with_both_sides(drifting: Call) -> None:
    one = only(drifting)
    assert (one["what"], one["field"], one["declared"], one["by"], one["seen_by"]) == (
        "hosts/nas", "cpu_cores", 99, "manual", "demo",
    )  # fmt: skip
    table = drifting("drift")
    assert "hosts/nas" in table.out
    assert "1 of 1 fields that are observed too are contradicted (100.0 %)" in table.err
    assert drifting("drift", "--fail").code == 5


def test_taking_what_is_observed_takes_it_back(drifting: Call) -> None:
    done = drifting("drift", "take-observed", str(only(drifting)["id"]), "--reason", "counted again")
    assert "hosts/nas: cpu_cores is" in done.out
    assert drifting("drift", "--fail").code == 0
    assert drifting("list", "hosts", "hostname=nas", "-o", "json").items[0].get("cpu_cores") != 99


def test_keeping_and_waiving_leave_it_among_all(drifting: Call) -> None:
    number = str(only(drifting)["id"])
    assert drifting("drift", "keep-declared", number).code == 0
    assert drifting("drift").err.startswith("nothing drifts")
    assert "keep-declared by" in drifting("drift", "--all").out
    until = drifting("drift", "waive", number, "--expires", "30d", "--reason", "on order")
    assert "may differ until" in until.out


def test_what_is_wrong_is_said(labs: Call) -> None:
    assert labs("drift").err.startswith("nothing drifts")
    assert labs("drift", "take-observed", "1.nothing").code == 3
    assert labs("drift", "--source", "demo").code == 3
    assert labs("drift", "waive", "1.x", "--expires", "30d").code == 2


def test_the_order_of_sources_follows_the_settings(drifting: Call, home: Path) -> None:
    shown = drifting("sources", "order", "-o", "json").json
    assert {"hosts.status": "default"}.items() <= {s["field"]: s["from"] for s in shown}.items()
    settings = home / "config" / "infradb" / "infradb.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[order]\n"hosts.os_name" = ["demo"]\n')
    dry = drifting("sources", "order", "--dry-run")
    assert "dry run: nothing was written" in dry.out
    assert drifting("sources", "order", "-o", "json").json != shown
    settings.write_text('[order]\n"hosts.colour" = ["demo"]\n')
    wrong = drifting("sources", "order")
    assert (wrong.code, "hosts.colour" in wrong.err) == (2, True)
    settings.write_text('order = "demo"\n')
    assert drifting("sources", "order").code == 2
