"""What a person decides about identity: merge, split, keep-apart; each can be taken back and leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest

from infradb.errors import Conflict, UsageError
from infradb.model.catalog import BY_TABLE, RECORDS
from infradb.model.network import IpAddress
from infradb.model.physical import Host
from infradb.model.services import Service
from infradb.observation import ScopeResult, observe
from infradb.operations import identity
from infradb.operations.manual import Edit
from infradb.store.ddl import columns
from tests.flow.test_invariants import check
from tests.lab import Estate, answer, names, nic, scope

ANNA = Edit("anna", "one machine")
NOT_COMPARED = {"infrastructure_changes", "infradb_meta", "kept_apart"}


def inside(hostname: str = "web1", **said: Any) -> ScopeResult:
    host = observe("host", Host(hostname=hostname, machine_id_hash="m1", cpu_cores=4, **said))
    return scope(
        "host",
        answer(host, nic("host", "eth0", mac_address="bc:24:11:00:00:01"), nic("host", "eth1")),
        observe("ssh", Service(service_name="ssh", host_id="host", protocol="tcp", port=22)),
        observe("a", IpAddress(ip_address="10.0.0.5", host_id="host", interface_id="host/eth0")),
    )


def outside(hostname: str = "web1-old") -> ScopeResult:
    device = observe("device/9", Host(hostname=hostname, vendor="ACME", location="rack 3"))
    return scope(
        "devices",
        answer(device, nic("device/9", "eth0", mtu=9000), nic("device/9", "eth7")),
        observe("d22", Service(service_name="ssh?", host_id="device/9", protocol="tcp", port=22)),
    )


def tables(estate: Estate) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as it lies there, but for the times of writing."""
    found = {}
    with estate.database.read() as connection:
        for table in sorted({*RECORDS, *BY_TABLE} - NOT_COMPARED):
            names_ = [c for c in columns({**RECORDS, **BY_TABLE}[table]) if c != "updated_at"]
            found[table] = sorted(connection.query(f"SELECT {', '.join(names_)} FROM {table}"), key=repr)
    return found


@pytest.fixture
def two(estate: Estate) -> Estate:
    estate.source("manual", declared=True, rank=0)
    estate.run("ssh", inside())
    estate.run("snmp", outside())
    return estate


def merged(estate: Estate, kept: str = "web1", gone: str = "web1-old") -> identity.Decision:
    estate.clock.passes(minutes=1)
    return identity.merge(estate.database, kept, gone, ANNA)


def parted(estate: Estate, name: str, source: str) -> identity.Decision:
    estate.clock.passes(minutes=1)
    return identity.split(estate.database, name, source, ANNA)


def test_two_merged_hosts_are_one_with_what_both_know(two: Estate) -> None:
    done = merged(two)
    host = two.row("hosts")
    assert (host["hostname"], host["cpu_cores"], host["location"]) == ("web1", 4, "rack 3")
    assert names(two.rows("network_interfaces"), "interface_name") == ["eth0", "eth1", "eth7"]
    assert two.row("network_interfaces", interface_name="eth0")["mtu"] == 9000
    assert {r["host_id"] for r in two.rows("network_interfaces")} == {host["id"]}
    assert len(two.rows("services")) == 1
    assert done.along == 2
    check(two)


def test_the_next_runs_of_both_sources_find_nothing_new(two: Estate) -> None:
    merged(two)
    assert two.run("ssh", inside()).changed == 0
    assert two.run("snmp", outside()).changed == 0
    check(two)


def test_what_is_seen_later_of_either_belongs_to_the_one(two: Estate) -> None:
    merged(two)
    two.run("snmp", outside("web1-new"))
    assert (names(two.rows("hosts")), two.row("hosts")["location"]) == (["web1"], "rack 3")
    two.run("agent", scope("host", observe("x", Host(hostname="web1", machine_id_hash="m1"))))
    assert len(two.rows("hosts")) == 1


@pytest.mark.parametrize(("kept", "gone", "source"), [("web1", "web1-old", "snmp"), ("web1-old", "web1", "ssh")])
def test_merge_then_split_leaves_the_tables_byte_equal(two: Estate, kept: str, gone: str, source: str) -> None:
    before = tables(two)
    done = merged(two, kept, gone)
    assert tables(two) != before
    parted(two, str(done.kept.id), source)
    assert tables(two) == before
    check(two)


def test_so_does_a_merge_of_merged_ones(two: Estate) -> None:
    two.run("scan", scope("x", observe("x", Host(hostname="third", notes="n"))))
    third = str(two.row("hosts", notes="n")["id"])
    before = tables(two)
    merged(two, third, "web1-old")
    between = tables(two)
    merged(two, "web1", third)
    check(two)
    parted(two, str(two.ids("hosts")[0]), "scan")
    assert tables(two) == between
    parted(two, third, "snmp")
    assert tables(two) == before


def test_after_a_split_each_source_goes_on_with_its_own(two: Estate) -> None:
    done = merged(two)
    parted(two, str(done.kept.id), "snmp")
    assert two.run("ssh", inside()).changed == 0
    assert two.run("snmp", outside()).changed == 0
    assert names(two.rows("hosts")) == ["web1", "web1-old"]


def test_an_adoption_is_split_into_a_host_of_its_own(estate: Estate) -> None:
    estate.source("list", declared=True, rank=90)
    estate.run("ssh", inside())
    typed = observe("hosts/1", Host(hostname="web1", purpose="the shop"))
    estate.run("list", scope("hosts", answer(typed, nic("hosts/1", "eth0"), nic("hosts/1", "eth9")), status="partial"))
    assert len(estate.rows("hosts")) == 1
    done = parted(estate, "web1", "list")
    assert names(estate.rows("hosts")) == ["web1", "web1"]
    own = estate.row("hosts", purpose="the shop")
    assert own["id"] == done.other.id
    mine = names(estate.rows("network_interfaces", host_id=own["id"]), "interface_name")
    theirs = names(estate.rows("network_interfaces", host_id=done.kept.id), "interface_name")
    assert (mine, theirs) == (["eth0", "eth9"], ["eth0", "eth1"])
    check(estate)
    estate.run("list", scope("hosts", answer(typed, digest=7), status="partial"))
    estate.run("ssh", inside(kernel="6.1"))
    assert len(estate.rows("hosts")) == 2


def test_what_is_kept_apart_is_not_merged(two: Estate) -> None:
    identity.keep_apart(two.database, "web1", "web1-old", ANNA)
    with pytest.raises(Conflict, match="kept apart"):
        merged(two)
    identity.keep_apart(two.database, "web1", "web1-old", ANNA, undo=True)
    merged(two)


def test_what_is_kept_apart_is_not_recognized_as_the_other_either(estate: Estate) -> None:
    """A machine that comes back with the other's identifiers is still the one that it was."""
    estate.run("ssh", inside())
    estate.run("snmp", outside())
    identity.keep_apart(estate.database, "web1", "web1-old", ANNA)
    estate.run("snmp", scope("devices"), allow_retire=True)
    estate.clock.passes(days=3)
    estate.run("snmp", scope("devices"), allow_retire=True)
    assert names(estate.rows("hosts")) == ["web1"]
    again = observe("device/9", Host(hostname="web1-old", machine_id_hash="m1"))
    estate.run("snmp", scope("devices", again))
    assert names(estate.rows("hosts")) == ["web1", "web1-old"]


def test_what_cannot_be_is_refused_with_a_reason(two: Estate) -> None:
    with pytest.raises(UsageError, match="one thing already"):
        merged(two, "web1", "web1")
    with pytest.raises(Conflict, match="of two kinds"):
        identity.merge(two.database, "hosts/web1", "10.0.0.5", ANNA)
    with pytest.raises(UsageError, match="which one"):
        identity.split(two.database, "web1", None, ANNA)
    with pytest.raises(Conflict, match="nothing to separate"):
        parted(two, "web1", "ssh")
    with pytest.raises(Conflict, match="says nothing"):
        parted(two, "web1", "snmp")
    two.run("scan", scope("x", observe("y", IpAddress(ip_address="10.0.0.5", mac_address="bc:24:11:00:00:01"))))
    with pytest.raises(Conflict, match="cannot have the same"):
        parted(two, "10.0.0.5", "scan")


def test_every_decision_is_in_the_log_with_its_reason(two: Estate) -> None:
    done = merged(two)
    parted(two, str(done.kept.id), "snmp")
    said = two.ask(
        "SELECT change_type, changed_by, reason FROM infrastructure_changes WHERE change_type IN ('merge', 'split')"
        " ORDER BY position"
    )
    assert [(t, w) for t, w, _ in said] == [("merge", "anna"), ("split", "anna")]
    assert all("one machine" in reason and "web1-old" in reason for _, _, reason in said)


def test_a_dry_run_writes_nothing(two: Estate) -> None:
    before = tables(two)
    identity.merge(two.database, "web1", "web1-old", ANNA, dry_run=True)
    assert tables(two) == before
