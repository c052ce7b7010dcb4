"""Real snmpd and lldpd around a real bridge, and agents that answer badly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infradb import clock
from infradb.collectors.snmp.collector import SnmpCollector
from infradb.collectors.snmp.settings import SnmpSettings
from infradb.errors import CollectionError, SettingsError, SourceUnreachable
from infradb.model.catalog import BY_TABLE
from infradb.observation import CollectionRun, Observation
from infradb.operations.absorb import absorb
from infradb.store import runs
from infradb.store.database import Database
from tests.collectors.namespaces import Wiring, inside
from tests.collectors.snmp import bad_agents, peer

HOSTS = f"{peer.SWITCH},{peer.ROUTER},{peer.QUIET}"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in {
        "AUTH": peer.AUTH,
        "PRIV": peer.PRIV,
        "PUBLIC": "public",
        "WRONG": "wrong-secret",
        "NARROW": "narrow",
    }.items():
        monkeypatch.setenv(f"INFRADB_TEST_{name}", secret)


@pytest.fixture(scope="module")
def lab() -> Iterator[Wiring]:
    with peer.lab() as made:
        yield made


def collector(hosts: str = HOSTS, **given: Any) -> SnmpCollector:
    account: dict[str, Any] = {
        "user": "infradb",
        "auth_key": "env:INFRADB_TEST_AUTH",
        "priv_key": "env:INFRADB_TEST_PRIV",
    }
    if "community" in given:
        account = {}
    settings = {"hosts": hosts, "timeout_seconds": 2, **account, **given}
    return SnmpCollector("lab", SnmpSettings.model_validate(settings))


def at_switch(lab: Wiring, call: Callable[[], Any]) -> Any:
    return inside(next(n for n in lab.names if n.endswith("-switch")), call)


def things(run: CollectionRun) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for scope in run.scopes:
        for answer in scope.answers:
            for said in answer.parse():
                assert isinstance(said, Observation)
                BY_TABLE[said.table].adapter.validate_python(dict(said.values))
                found.setdefault(said.key, {}).update(said.values)
    return found


class TestRealAgents:
    def test_the_account_that_grant_makes_reads_everything_over_snmpv3(self, lab: Wiring) -> None:
        run = at_switch(lab, collector().collect)
        assert {s.name: (s.status, s.errors) for s in run.scopes if s.status != "complete"} == {}
        said = things(run)
        assert said[f"device/{peer.SWITCH}"]["hostname"] == "switch"
        assert said[f"device/{peer.SWITCH}"]["location"] == "rack 7"
        assert "host_type" not in said[f"device/{peer.SWITCH}"]
        assert said[f"device/{peer.ROUTER}/interface/eth0"]["mac_address"] == peer.MACS["router"]
        assert said[f"address/{peer.SWITCH}"]["network_id"] == "network/10.77.0.0/24"

    def test_lldp_links_the_devices_that_are_read_and_tells_the_host_that_is_not(self, lab: Wiring) -> None:
        said = things(at_switch(lab, collector().collect))
        ends = {f"device/{peer.SWITCH}/interface/v1", f"device/{peer.ROUTER}/interface/eth0"}
        assert [v["kind"] for v in said.values() if {v.get("interface_a_id"), v.get("interface_b_id")} == ends] == [
            "lldp"
        ]
        stranger = said[f"neighbour/4/{peer.MACS['lldp-only']}"]
        assert (stranger["hostname"], stranger["management_ip"]) == ("lldp-only", "10.77.0.12")
        assert said[f"device/{peer.SWITCH}/interface/v2/lldp/0/{peer.MACS['lldp-only']}"]["seen_by"] == "lldp"

    def test_what_the_bridge_learned_becomes_sightings_and_one_link(self, lab: Wiring) -> None:
        said = things(at_switch(lab, collector().collect))
        seen = {
            (v["interface_id"].rpartition("/")[2], v["mac_address"]) for v in said.values() if v.get("seen_by") == "fdb"
        }
        assert seen == {("v1", peer.MACS["router"]), ("v2", peer.MACS["lldp-only"]), ("v3", peer.MACS["quiet"])}
        links = [v for v in said.values() if v.get("kind") == "fdb"]
        assert [v["interface_b_id"] for v in links] == [f"device/{peer.QUIET}/interface/eth0"]

    def test_three_readings_make_the_same_digests(self, lab: Wiring) -> None:
        runs_ = [at_switch(lab, collector(community="env:INFRADB_TEST_PUBLIC").collect) for _ in range(3)]
        digests = [{a.key: a.digest for s in run.scopes for a in s.answers} for run in runs_]
        assert digests[0] == digests[1] == digests[2]

    def test_a_second_discovery_finds_nothing_new(self, lab: Wiring, database: Database) -> None:
        run = at_switch(lab, collector().collect)
        changed = []
        for _ in range(2):
            with database.write() as connection:
                runs.add_source(connection, "lab", "snmp", clock.now(), declared=False, rank=45)
                changed.append(absorb(connection, run).changed)
        assert changed[0] > 20
        assert changed[1] == 0

    def test_the_calls_of_a_run_are_those_that_are_promised(self, lab: Wiring) -> None:
        made = {c.name for c in at_switch(lab, collector().collect).calls}
        assert made <= set(collector().calls())
        assert "GETBULK LLDP-MIB::lldpRemTable" in made

    def test_a_device_that_is_off_fails_alone(self, lab: Wiring) -> None:
        run = at_switch(lab, collector(f"{peer.SWITCH},10.77.0.99", timeout_seconds=0.5, retries=0).collect)
        failed = [s for s in run.scopes if s.status == "failed"]
        assert [s.name for s in failed] == ["10.77.0.99/system"]
        assert "no answer within 0.5 s" in failed[0].errors[0]

    def test_a_view_that_hides_the_interfaces_is_named_and_retires_nothing(self, lab: Wiring) -> None:
        reader = collector(peer.SWITCH, community="env:INFRADB_TEST_NARROW")
        run = at_switch(lab, reader.collect)
        statuses = {s.name.partition("/")[2]: s.status for s in run.scopes}
        assert (statuses["system"], statuses["interfaces"], statuses["addresses"]) == ("complete", "failed", "failed")
        assert any("view" in e for e in run.errors)
        assert [d.hint for d in at_switch(lab, reader.diagnose) if not d.ok]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"community": "env:INFRADB_TEST_WRONG"}, "`community` is right"),
            ({"user": "stranger"}, "no such SNMPv3 user"),
            ({"auth_key": "env:INFRADB_TEST_WRONG"}, "auth_key"),
            ({"priv_key": "env:INFRADB_TEST_WRONG"}, "priv_key"),
            ({"auth_protocol": "sha256"}, "auth_protocol"),
            ({"priv_key": None}, "set both auth_key and priv_key"),
        ],
    )
    def test_wrong_credentials_are_named_within_their_time(
        self, lab: Wiring, given: dict[str, Any], expected: str
    ) -> None:
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            at_switch(lab, collector(peer.SWITCH, timeout_seconds=1, retries=0, **given).collect)
        assert expected in str(raised.value)
        assert "wrong-secret" not in str(raised.value)
        assert time.monotonic() - began < 10

    def test_diagnosis_proves_each_part(self, lab: Wiring) -> None:
        found = {d.needs: d for d in at_switch(lab, collector(peer.SWITCH).diagnose)}
        assert all(d.ok for d in found.values())
        assert found[f"{peer.SWITCH}: LLDP-MIB::lldpLocPortTable"].detail.endswith("rows")

    def test_only_get_and_getbulk_reach_the_device(self) -> None:
        assert all(call.startswith(("GET ", "GETBULK ")) for call in collector().calls())


class TestBadAgents:
    def read(self, reply: Any, **given: Any) -> CollectionRun:
        options = {"timeout_seconds": 0.5, "retries": 0, "device_seconds": 4, **given}
        with bad_agents.agent(reply) as place:
            began = time.monotonic()
            try:
                return collector(place, community="env:INFRADB_TEST_PUBLIC", **options).collect()
            finally:
                assert time.monotonic() - began < 15

    def names(self, run: CollectionRun) -> list[str]:
        """Scopes that would retire something."""
        return [s.name.partition("/")[2] for s in run.scopes if s.status == "complete"]

    def test_an_endless_table_ends_with_the_devices_time(self) -> None:
        run = self.read(bad_agents.endless, device_seconds=1.5)
        assert "interfaces" not in self.names(run)
        assert any("took longer than 1.5 s" in e for e in run.errors)

    def test_rows_that_come_again_are_a_fault_of_the_device(self) -> None:
        run = self.read(bad_agents.circular)
        assert any("round in circles" in e for e in run.errors)
        assert self.names(run) in ([], ["system"])

    def test_a_refused_table_names_the_missing_right(self) -> None:
        run = self.read(bad_agents.refusing)
        assert self.names(run) == []
        assert any("no right" in e and "view" in e for e in run.errors)

    def test_a_device_that_fails_inside_is_named(self) -> None:
        assert any("genErr" in e for e in self.read(bad_agents.failing).errors)

    def test_a_device_that_can_only_answer_small_questions_is_asked_those(self) -> None:
        run = self.read(bad_agents.small)
        assert "interfaces" in self.names(run)

    def test_a_table_that_is_never_answered_fails_its_scope_and_the_run_ends_in_time(self) -> None:
        run = self.read(bad_agents.mute_tables)
        assert "interfaces" not in self.names(run)
        assert any("no answer within 0.5 s" in e or "took longer" in e for e in run.errors)

    def test_wrong_types_tell_nothing_wrong(self) -> None:
        try:
            things(self.read(bad_agents.wrong_types))
        except CollectionError as error:
            assert error.hint  # noqa: PT017  (either way is right)

    @pytest.mark.parametrize(
        "octets", [b"", b"\x30", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x82\xff\xff" + b"\0" * 60, b"\0" * 1400]
    )
    def test_what_is_no_snmp_is_an_error_that_says_what_to_do(self, octets: bytes) -> None:
        with pytest.raises(SourceUnreachable) as raised:
            self.read(octets)
        assert raised.value.hint

    def test_a_name_that_is_not_known_is_named(self) -> None:
        with pytest.raises(SourceUnreachable, match="is not known"):
            collector("no-such-host.invalid", timeout_seconds=0.5, retries=0).collect()


class TestSettings:
    @pytest.mark.parametrize(
        "given",
        [
            {"hosts": "sw1"},
            {"hosts": "sw1", "community": "env:A", "user": "me"},
            {"hosts": "sw1", "community": "public"},
            {"hosts": "sw1", "user": "me", "priv_key": "env:A"},
            {"hosts": "", "user": "me"},
            {"hosts": "sw1,sw1", "user": "me"},
            {"hosts": "sw1:99999", "user": "me"},
            {"hosts": "http://sw1", "user": "me"},
        ],
    )
    def test_settings_that_cannot_work_are_refused(self, given: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            SnmpSettings.model_validate(given)

    def test_hosts_come_as_a_list_or_separated_by_commas_with_ports_and_ipv6(self) -> None:
        places = SnmpSettings(hosts="sw1, 10.0.0.2:1161,[fd00::2]:1161,fd00::3", user="me").places
        assert [(p.host, p.port) for p in places] == [
            ("sw1", 161),
            ("10.0.0.2", 1161),
            ("fd00::2", 1161),
            ("fd00::3", 161),
        ]
        assert SnmpSettings(hosts=("a", "b"), user="me").hosts == ("a", "b")

    def test_a_password_that_snmpv3_does_not_take_is_refused_without_being_shown(self, monkeypatch) -> None:
        monkeypatch.setenv("INFRADB_TEST_AUTH", "short")
        with pytest.raises(SettingsError, match="shorter than 8") as raised:
            collector("127.0.0.1:9").collect()
        assert "short " not in str(raised.value).replace("shorter", "")


def test_the_readme_names_every_part_that_is_read() -> None:
    readme = (Path(__file__).parents[3] / "src/infradb/collectors/snmp/README.md").read_text(encoding="utf-8")
    assert [c for c in collector().calls() if c.partition(" ")[2].split(" ")[0] not in readme] == []
