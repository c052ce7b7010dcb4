"""Whose word counts first: field by field, by settings, worked out anew without reading anything."""

from __future__ import annotations

import pytest

from infradb.errors import SettingsError
from infradb.model.physical import Host
from infradb.observation import ScopeResult, observe
from infradb.operations.ordering import follow_order, in_force, note_silence
from infradb.settings import Settings
from tests.flow.test_invariants import check
from tests.lab import Estate, scope


def seen(**said: object) -> ScopeResult:
    return scope("host", observe("host", Host(**{"hostname": "web1", "machine_id_hash": "m", **said})))


@pytest.fixture
def two(estate: Estate) -> Estate:
    estate.run("agent", seen(os_name="Debian", kernel="6.1"))
    estate.run("snmp", seen(os_name="Linux", kernel="6.0"))
    return estate


def order(**fields: str) -> Settings:
    return Settings(order={n.replace("__", "."): tuple(v.split()) for n, v in fields.items()})


def test_without_a_word_in_the_settings_the_general_order_counts(two: Estate) -> None:
    assert two.row("hosts")["os_name"] == "Debian"
    assert follow_order(two.database, Settings()) == []


def test_another_order_of_one_field_is_worked_out_without_reading_anything(two: Estate) -> None:
    runs = two.ask("SELECT count(*) FROM discovery_runs")
    (changed,) = follow_order(two.database, order(hosts__os_name="snmp agent"))
    assert (changed.what, changed.field, changed.old, changed.new) == ("hosts/web1", "os_name", "Debian", "Linux")
    assert (two.row("hosts")["os_name"], two.row("hosts")["kernel"]) == ("Linux", "6.1")
    assert two.ask("SELECT count(*) FROM discovery_runs") == runs
    check(two)


def test_the_next_runs_keep_to_it(two: Estate) -> None:
    follow_order(two.database, order(hosts__os_name="snmp agent"))
    two.run("agent", seen(os_name="Debian", kernel="6.2"))
    assert (two.row("hosts")["os_name"], two.row("hosts")["kernel"]) == ("Linux", "6.2")


def test_taking_it_out_of_the_settings_takes_it_back(two: Estate) -> None:
    follow_order(two.database, order(hosts__os_name="snmp"))
    follow_order(two.database, Settings())
    assert two.row("hosts")["os_name"] == "Debian"


def test_a_dry_run_says_what_would_change_and_changes_nothing(two: Estate) -> None:
    assert len(follow_order(two.database, order(hosts__os_name="snmp"), dry_run=True)) == 1
    assert two.row("hosts")["os_name"] == "Debian"
    assert follow_order(two.database, Settings()) == []


def test_a_persons_word_stands_above_any_order(two: Estate) -> None:
    two.people_say(two.row("hosts")["id"], "os_name=Devuan")
    follow_order(two.database, order(hosts__os_name="snmp"))
    assert two.row("hosts")["os_name"] == "Devuan"


def test_an_unknown_field_is_named(two: Estate) -> None:
    with pytest.raises(SettingsError, match=r"hosts\.colour"):
        follow_order(two.database, order(hosts__colour="snmp"))
    with pytest.raises(SettingsError, match=r"hosts\.used_ram_mb"):
        follow_order(two.database, order(hosts__used_ram_mb="snmp"))


def test_the_table_says_what_is_in_force_and_where_it_comes_from(two: Estate) -> None:
    follow_order(two.database, given := order(hosts__os_name="snmp"))
    rows = {r["field"]: r for r in in_force(two.database, given)}
    assert rows["hosts.os_name"] == {"field": "hosts.os_name", "first": ["snmp"], "from": "settings"}
    assert rows["hosts.hostname"]["from"] == "default"


class TestSilence:
    def test_a_source_that_says_nothing_for_too_long_counts_after_all_others(self, two: Estate) -> None:
        two.clock.passes(days=20)
        two.run("snmp", seen(os_name="Linux"))
        two.clock.passes(days=20)
        assert note_silence(two.database, Settings(silent_after="30d")) == ["agent"]
        assert (two.row("hosts")["os_name"], two.row("hosts")["kernel"]) == ("Linux", "6.1")
        assert note_silence(two.database, Settings(silent_after="30d")) == []
        check(two)

    def test_it_gets_its_place_back_when_it_speaks_again(self, two: Estate) -> None:
        two.clock.passes(days=40)
        two.run("snmp", seen(os_name="Linux"))
        note_silence(two.database, Settings())
        assert two.row("hosts")["os_name"] == "Linux"
        two.run("agent", seen(os_name="Debian", kernel="6.1"))
        assert two.row("hosts")["os_name"] == "Debian"
        check(two)

    def test_failures_are_silence_and_what_people_typed_never_is(self, two: Estate) -> None:
        two.source("list", declared=True)
        two.run("list", scope("rows", observe("1", Host(hostname="web1")), status="partial"))
        two.clock.passes(days=40)
        two.run("agent", scope("host", status="failed"))
        two.run("snmp", seen(os_name="Linux"))
        assert note_silence(two.database, Settings()) == ["agent"]

    def test_zero_switches_it_off(self, two: Estate) -> None:
        two.clock.passes(days=400)
        assert note_silence(two.database, Settings(silent_after="0d")) == []
