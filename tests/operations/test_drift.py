"""Drift: what people wrote down against what is observed; decided once, and asked again when either changes."""

from __future__ import annotations

import pytest

from infradb.errors import InvalidValue, NotFound
from infradb.model.network import IpAddress
from infradb.model.physical import Host
from infradb.observation import ScopeResult, observe
from infradb.operations import drift
from infradb.operations.manual import Edit
from tests.lab import Estate, answer, scope

ANNA = Edit("anna", "was reinstalled")
LATER = "2026-04-01T00:00:00.000Z"


def listed(**said: object) -> ScopeResult:
    values = {
        "hostname": "web1",
        "os_name": "Debian",
        "cpu_cores": 4,
        "purpose": "the shop",
        "status": "active",
        **said,
    }
    return scope("devices", observe("devices/1", Host(**values)), status="partial")


def seen(**said: object) -> ScopeResult:
    values = {"machine_id_hash": "m", "os_name": "Alpine", "cpu_cores": 4, "status": "stopped", **said}
    return scope("host", observe("host", Host(hostname="web1", **values)))


@pytest.fixture
def both(estate: Estate) -> Estate:
    estate.source("netbox", declared=True, rank=65)
    estate.run("netbox", listed())
    estate.run("ssh", seen())
    return estate


def waiting(estate: Estate, source: str | None = None) -> list[tuple[str, object, object]]:
    found = drift.compared(estate.database, source).found
    now = estate.clock.now()
    return [(d.field, d.declared, d.observed) for d in found if d.is_open(now)]


def only(estate: Estate) -> drift.Drift:
    (one,) = drift.compared(estate.database).found
    return one


def test_a_field_on_which_the_two_differ_is_drift_and_no_other_is(both: Estate) -> None:
    """Neither what is for people to say (purpose) nor what follows what runs (status) is a matter of drift."""
    assert waiting(both) == [("os_name", "Debian", "Alpine")]
    one = only(both)
    assert (one.what, one.declared_by, one.observed_by) == ("hosts/web1", "netbox", "ssh")


def test_the_share_of_contradicted_fields_of_a_source_is_known(both: Estate) -> None:
    compared = drift.compared(both.database, "netbox")
    assert (len(compared.found), compared.fields) == (1, 3)
    with pytest.raises(NotFound, match="no source of what people wrote down"):
        drift.compared(both.database, "ssh")


def test_differences_of_spelling_and_of_order_are_none(estate: Estate) -> None:
    estate.source("netbox", declared=True, rank=65)
    estate.run("netbox", listed(os_name="alpine ", mac_addresses=["bc:24:11:00:00:02", "bc:24:11:00:00:01"]))
    estate.run("ssh", seen(mac_addresses=["bc:24:11:00:00:01", "bc:24:11:00:00:02"]))
    assert waiting(estate) == []


def test_what_two_sources_call_by_different_keys_is_compared_by_what_it_is(estate: Estate) -> None:
    estate.source("netbox", declared=True, rank=65)
    other = observe("devices/2", Host(hostname="db1"))
    address = observe("ip/1", IpAddress(ip_address="10.0.0.5", host_id="devices/1"))
    estate.run("netbox", scope("all", observe("devices/1", Host(hostname="web1")), other, address, status="partial"))
    mine = observe("a", IpAddress(ip_address="10.0.0.5", host_id="host"))
    estate.run("ssh", scope("host", answer(observe("host", Host(hostname="web1", machine_id_hash="m")), mine)))
    assert waiting(estate) == []
    estate.run("db", scope("host", answer(observe("host", Host(hostname="db1", machine_id_hash="d")), mine)))
    estate.run("ssh", scope("host", observe("host", Host(hostname="web1", machine_id_hash="m"))))
    assert [f for f, _, _ in waiting(estate)] == ["host_id"]


def test_taking_what_is_observed_closes_it_until_either_value_changes(both: Estate) -> None:
    drift.take_observed(both.database, only(both).id, ANNA)
    assert waiting(both) == []
    assert both.row("hosts")["os_name"] == "Alpine"
    both.run("ssh", seen(os_name="Arch"))
    assert waiting(both) == [("os_name", "Debian", "Arch")]


def test_taking_what_is_observed_takes_back_what_was_said_by_hand(both: Estate) -> None:
    host = both.row("hosts")["id"]
    both.run("netbox", listed(os_name="Alpine"))
    both.people_say(host, "os_name=Debian")
    assert both.row("hosts")["os_name"] == "Debian"
    drift.take_observed(both.database, only(both).id, ANNA)
    assert both.row("hosts")["os_name"] == "Alpine"
    assert waiting(both) == []


def test_keeping_what_was_written_down_lets_it_count(both: Estate) -> None:
    drift.keep_declared(both.database, only(both).id, ANNA)
    assert both.row("hosts")["os_name"] == "Debian"
    assert waiting(both) == []
    both.run("ssh", seen(os_name="Arch"))
    assert both.row("hosts")["os_name"] == "Debian"
    assert waiting(both) == [("os_name", "Debian", "Arch")]


def test_a_waiver_ends_by_itself_and_wants_a_reason(both: Estate) -> None:
    drift.waive(both.database, only(both).id, LATER, ANNA)
    assert waiting(both) == []
    both.clock.passes(days=60)
    assert [f for f, _, _ in waiting(both)] == ["os_name"]
    with pytest.raises(InvalidValue, match="reason"):
        drift.waive(both.database, only(both).id, "2027-01-01T00:00:00.000Z", Edit("anna"))
    with pytest.raises(InvalidValue, match="is over"):
        drift.waive(both.database, only(both).id, LATER, ANNA)


def test_what_does_not_drift_cannot_be_decided(both: Estate) -> None:
    with pytest.raises(NotFound, match="nothing drifts"):
        drift.take_observed(both.database, "1.hostname", ANNA)
