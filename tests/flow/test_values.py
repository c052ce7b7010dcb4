"""Which value wins: by field and source, the same whatever is read first; and what is measured stands aside."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from infradb import clock
from infradb.errors import InfradbError
from infradb.model.physical import Host
from infradb.model.services import Service
from infradb.observation import observe
from infradb.operations import manual
from tests.lab import Estate, answer, partial, scope

KEY = {"hostname": "h", "machine_id_hash": "m"}


def seen(**said: Any):
    return scope("hosts", observe("h", Host(**KEY, **said)))


@pytest.mark.parametrize("order", list(permutations(["local", "proxmox", "snmp"])))
def test_the_order_of_sources_decides_and_not_that_of_reading(estate: Estate, order: tuple[str, ...]) -> None:
    said = {"local": (10, 8), "proxmox": (50, 4), "snmp": (50, 2)}
    for name in order:
        estate.source(name, rank=said[name][0])
        estate.run(name, seen(cpu_cores=said[name][1], **({} if name == "local" else {"model": name})))
    row = estate.row("hosts")
    assert (row["cpu_cores"], row["model"]) == (8, "proxmox")


def test_a_claim_that_is_withdrawn_leaves_the_field_to_the_next(estate: Estate) -> None:
    estate.source("local", rank=10)
    estate.run("proxmox", seen(cpu_cores=4))
    estate.run("local", seen(cpu_cores=8))
    report = estate.run("local", seen())
    assert [c[2:] for c in estate.changes_of(report)] == [({"cpu_cores": 8}, {"cpu_cores": 4})]
    assert [c[3] for c in estate.changes_of(estate.run("proxmox", seen()))] == [{"cpu_cores": None}]


def test_silence_says_nothing_and_null_says_that_there_is_none(estate: Estate) -> None:
    estate.source("local", rank=10)
    estate.run("proxmox", seen(serial_number="S1"))
    estate.run("local", seen())
    assert estate.row("hosts")["serial_number"] == "S1"
    estate.run("local", seen(serial_number=None))
    assert estate.row("hosts")["serial_number"] is None


class TestPeople:
    def test_come_before_observation_where_they_set_a_field_here(self, estate: Estate) -> None:
        estate.run("local", seen(cpu_cores=8))
        (host,) = estate.ids("hosts")
        estate.people_say(host, "cpu_cores=6", "purpose=shop")
        estate.run("local", seen(cpu_cores=16, purpose="seen in a label"))
        assert (estate.row("hosts")["cpu_cores"], estate.row("hosts")["purpose"]) == (6, "shop")
        estate.people_unsay(host, "cpu_cores", "purpose")
        assert (estate.row("hosts")["cpu_cores"], estate.row("hosts")["purpose"]) == (16, "seen in a label")

    def test_come_after_observation_where_it_was_typed_elsewhere(self, estate: Estate) -> None:
        estate.source("list", declared=True, rank=0)
        estate.run("list", seen(cpu_cores=2, purpose="typed"))
        estate.run("local", seen(cpu_cores=8, purpose="observed"))
        assert (estate.row("hosts")["cpu_cores"], estate.row("hosts")["purpose"]) == (8, "typed")

    def test_do_not_decide_what_runs(self, estate: Estate) -> None:
        estate.run("local", seen(status="active"))
        estate.people_say(estate.ids("hosts")[0], "status=stopped")
        assert estate.row("hosts")["status"] == "active"

    def test_but_do_decide_what_is_under_maintenance(self, estate: Estate) -> None:
        estate.run("local", seen(status="active"))
        (host,) = estate.ids("hosts")
        estate.people_say(host, "status=maintenance")
        estate.run("local", seen(status="stopped"))
        assert estate.row("hosts")["status"] == "maintenance"
        estate.people_unsay(host, "status")
        assert estate.row("hosts")["status"] == "stopped"

    def test_may_say_something_until_a_time(self, estate: Estate) -> None:
        estate.run("local", seen(cpu_cores=8))
        (host,) = estate.ids("hosts")
        until = clock.to_instant(estate.clock.moment.replace(hour=20))
        estate.people_say(host, "cpu_cores=6", expires_at=until)
        assert estate.row("hosts")["cpu_cores"] == 6
        estate.clock.passes(hours=12)
        assert manual.expire(estate.database) == 1
        assert estate.row("hosts")["cpu_cores"] == 8

    def test_cannot_set_what_checks_decide(self, estate: Estate) -> None:
        estate.run("local", scope("s", observe("s", Service(service_name="web", endpoint_url="x"))))
        with pytest.raises(InfradbError, match="never by hand"):
            estate.people_say(estate.ids("services")[0], "status=healthy")


class TestMeasured:
    def test_values_are_kept_current_without_making_a_change(self, estate: Estate) -> None:
        def at(used: int):
            return scope("hosts", answer(observe("h", Host(**KEY)), measured={"h": {"used_ram_mb": used}}))

        estate.run("local", at(1000))
        changes = estate.changes()
        updated_at = estate.row("hosts")["updated_at"]
        report = estate.run("local", at(2000))
        row = estate.row("hosts")
        assert (row["used_ram_mb"], row["updated_at"], report.changed) == (2000, updated_at, 0)
        assert estate.changes() == changes

    def test_values_in_an_observation_are_kept_current_too(self, estate: Estate) -> None:
        for digest, used in enumerate((1000, 2000)):
            said = observe("h", Host(**KEY, used_ram_mb=used))
            estate.run("local", scope("hosts", answer(said, digest=digest)))
            assert estate.row("hosts")["used_ram_mb"] == used
        assert estate.changes("update") == []

    def test_a_row_is_touched_only_past_the_dead_band(self, estate: Estate) -> None:
        for used, kept in ((1000, 1000), (1040, 1000), (1060, 1060), (1010, 1060), (1000, 1000)):
            shown = answer(observe("h", Host(**KEY)), measured={"h": {"used_ram_mb": used}})
            estate.run("local", scope("hosts", shown))
            assert estate.row("hosts")["used_ram_mb"] == kept

    def test_samples_are_kept_once_an_hour(self, estate: Estate) -> None:
        estate.minutes_between_runs = 20
        for used in (1000, 2000, 3000, 4000, 5000):  # 12:20, 12:40, 13:00, 13:20, 13:40
            shown = answer(observe("h", Host(**KEY)), measured={"h": {"used_ram_mb": used}})
            estate.run("local", scope("hosts", shown))
        assert estate.ask("SELECT sampled_at, value FROM samples ORDER BY sampled_at") == [
            ("2026-03-01T12:00:00.000Z", 2000.0),
            ("2026-03-01T13:00:00.000Z", 5000.0),
        ]

    def test_boot_times_within_a_minute_are_one(self, estate: Estate) -> None:
        for seconds, changed in (("00", 1), ("40", 0), ("59", 0)):
            report = estate.run("local", seen(boot_time_at=f"2026-01-01T00:00:{seconds}.000Z"))
            assert report.changed == changed
        assert estate.run("local", seen(boot_time_at="2026-01-01T00:02:00.000Z")).changed == 1


def test_starting_and_stopping_are_called_so(estate: Estate) -> None:
    for status in ("active", "stopped", "active"):
        estate.run("local", partial("hosts", observe("h", Host(**KEY, status=status))))
    assert [c[0] for c in estate.changes()] == ["create", "stop", "start"]


def test_the_actor_of_a_change_is_the_one_that_the_source_knows(estate: Estate) -> None:
    estate.run("local", seen())
    estate.run("local", seen(cpu_cores=2), actors={"h": "root@pam"})
    assert estate.ask("SELECT changed_by FROM infrastructure_changes ORDER BY position") == [(None,), ("root@pam",)]
