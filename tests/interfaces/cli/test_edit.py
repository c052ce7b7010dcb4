"""`infradb add`, `set`, `unset`, `retire`, and `changes` and `diff`, which show what they did."""

from __future__ import annotations

import time

import pytest

from infradb import clock
from tests.interfaces.cli.conftest import Call


def host(call: Call, name: str) -> dict[str, object]:
    (row,) = call("list", "hosts", f"hostname={name}", "-o", "json").items
    return row


class TestAdd:
    def test_takes_references_by_name_and_lists_with_commas(self, own_lab: Call) -> None:
        done = own_lab("add", "host", "hostname=new", "site=Hetzner Nuremberg", "tags=a, b", "cpu_cores=4")
        assert (done.code, done.out) == (0, "added hosts/new\n")
        row = host(own_lab, "new")
        assert (row["site"], row["tags"], row["cpu_cores"]) == ("Hetzner Nuremberg", ["a", "b"], 4)
        assert own_lab("add", "ip", "ip_address=10.10.10.77", "network=lan", "host=new").code == 0
        assert (
            own_lab("add", "interface", "host=new", "interface_name=eth0").out == "added network_interfaces/new/eth0\n"
        )

    def test_of_what_is_there_is_a_conflict(self, own_lab: Call) -> None:
        done = own_lab("add", "hosts", "hostname=nas")
        assert done.code == 4
        assert "infradb set hosts/nas" in done.err

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("hosts", "host_type=vm"), 2, "hosts need hostname"),
            (("hosts", "hostname="), 2, "hostname must not be empty"),
            (("hosts", "hostname=null"), 2, "hostname must not be null"),
            (("hosts", "hostname=x", "host_type=box"), 2, "host_type should be 'physical'"),
            (("hosts", "hostname=x", "cpu_cores=many"), 2, "cpu_cores takes a whole number"),
            (("hosts", "hostname=x", "cpu_cores=-1"), 2, "cpu_cores should be greater"),
            (("hosts", "hostname=x", "management_ip=10.0.0.999"), 2, "management_ip does not fit"),
            (("hosts", "hostname=x", "boot_time_at=soon"), 2, "boot_time_at takes a time"),
            (("hosts", "hostname=x", "purchased_at=soon"), 2, "purchased_at"),
            (("hosts", "hostname=x", "custom=what"), 2, "custom takes JSON"),
            (("hosts", "hostname=x", "custom=[1]"), 2, "custom should be a valid dictionary"),
            (("hosts", "hostname=x", "nosuch=1"), 2, "there is no field 'nosuch'"),
            (("hosts", "hostname=x", "site=nowhere"), 3, "among sites"),
            (("hosts", "hostname=x", "used_ram_mb=5"), 4, "is measured"),
            (("hosts", "hostname~x"), 2, "is no assignment"),
            (("hosts", "x"), 2, "is no assignment"),
            (("networks", "network_name=x", "cidr=10.0.0.1/24"), 2, "host bits set"),
            (("services", "service_name=x", "host=nas", "port=99999"), 2, "port should be less"),
            (("services", "service_name=x", "host=nas", "status=healthy"), 4, "never by hand"),
            (("interfaces", "interface_name=x"), 2, "need host"),
            (("findings", "rule=x"), 2, "no kind of thing"),
            (("host-inventory", "hostname=x"), 2, "no kind of thing"),
            (("nosuch", "hostname=x"), 2, "there is no kind"),
        ],
    )
    def test_a_mistake_is_told_and_nothing_written(
        self, labs: Call, arguments: tuple[str, ...], code: int, said: str
    ) -> None:
        before = labs("sql", "SELECT count(*), max(position) FROM infrastructure_changes").out
        done = labs("add", *arguments)
        assert (done.code, said in done.err) == (code, True), done.err
        assert labs("sql", "SELECT count(*), max(position) FROM infrastructure_changes").out == before


class TestSet:
    def test_stands_above_what_is_observed_where_it_is_for_people(self, own_lab: Call) -> None:
        assert own_lab("set", "pve1", "criticality=low", "owner=ann").out == "hosts/pve1: changed\n"
        assert (host(own_lab, "pve1")["criticality"], host(own_lab, "pve1")["owner"]) == ("low", "ann")
        assert own_lab("unset", "pve1", "criticality").out == "hosts/pve1: changed\n"
        assert (host(own_lab, "pve1")["criticality"], host(own_lab, "pve1")["owner"]) == ("critical", "ann")

    def test_says_where_it_does_not_count(self, own_lab: Call) -> None:
        done = own_lab("set", "docker1/actual", "status=exited")
        assert done.code == 0
        assert "noted; what counts is as it was" in done.out

    def test_the_same_again_changes_nothing(self, own_lab: Call) -> None:
        own_lab("set", "pve1", "owner=ann")
        before = own_lab("changes", "pve1", "-o", "json").json
        assert own_lab("set", "pve1", "owner=ann").code == 0
        assert own_lab("changes", "pve1", "-o", "json").json == before

    @pytest.mark.parametrize("until", ["30d", "2099-01-31", "2099-01-31T12:00:00Z"])
    def test_holds_until_a_time(self, own_lab: Call, until: str) -> None:
        assert own_lab("set", "pve1", "owner=ann", "--expires", until).code == 0
        claims = own_lab("why", "pve1", "-o", "json").json["claims"]
        assert next(c for c in claims if c["source"] == "manual")["expires"]["owner"] > clock.now()

    @pytest.mark.parametrize("until", ["soon", "99999999999d", "-5d", "", "2001-01-01", "yesterday"])
    def test_a_wrong_expiry_is_told(self, labs: Call, until: str) -> None:
        done = labs("set", "pve1", "owner=ann", "--expires", until)
        assert done.code == 2
        assert "--expires" in done.err

    def test_mistakes_are_told(self, own_lab: Call) -> None:
        assert own_lab("set", "nobody", "owner=ann").code == 3
        assert own_lab("set", "ens18", "description=x").code == 4
        assert own_lab("set", "pve1", "owner").code == 2
        assert own_lab("unset", "pve1", "notes").code == 4
        assert own_lab("unset", "pve1", "nosuch").code == 2

    def test_the_reason_and_who_said_it_are_kept(self, own_lab: Call) -> None:
        own_lab("set", "pve1", "owner=ann", "--reason", "she asked")
        change = own_lab("changes", "pve1", "--limit", "1", "-o", "json").json[0]
        assert (change["reason"], change["source"], change["change_source"]) == ("she asked", "manual", "manual")
        assert change["changed_by"]
        assert (change["old_values"], change["new_values"]) == ({"owner": None}, {"owner": "ann"})


class TestRetire:
    def test_of_what_a_source_still_sees_is_refused(self, own_lab: Call) -> None:
        done = own_lab("retire", "pve1")
        assert done.code == 4
        assert "still seen by demo" in done.err

    def test_keeps_the_history_and_comes_back_when_it_is_said_again(self, own_lab: Call) -> None:
        own_lab("add", "hosts", "hostname=spare")
        assert own_lab("retire", "spare", "--reason", "sold").out == "retired hosts/spare\n"
        (change,) = own_lab("changes", "spare", "--source", "manual", "--limit", "1", "-o", "json").json
        assert (change["change_type"], change["reason"]) == ("retire", "sold")
        assert own_lab("list", "hosts", "hostname=spare", "-o", "json").items == []


class TestChanges:
    @pytest.fixture
    def edited(self, own_lab: Call) -> str:
        """When the edits of two hosts began."""
        time.sleep(0.02)
        began = clock.now()
        assert own_lab("set", "pve1", "site=Hetzner Nuremberg", "owner=ann").code == 0
        assert own_lab("set", "docker1/actual", "tags=money").code == 0
        return began

    def test_are_those_of_everything_of_one_thing_or_of_a_kind(self, own_lab: Call, edited: str) -> None:
        newest = own_lab("changes", "--since", edited, "-o", "json").json
        assert [c["entity_type"] for c in newest] == ["docker_containers", "hosts"]
        assert [c["change_type"] for c in own_lab("changes", "pve1", "-o", "json").json] == ["update", "create"]
        kinds = {c["entity_type"] for c in own_lab("changes", "containers", "-o", "json").json}
        assert kinds == {"docker_containers"}

    def test_are_filtered_by_time_and_source(self, own_lab: Call, edited: str) -> None:
        assert len(own_lab("changes", "--source", "manual", "-o", "json").json) == 2
        (made,) = own_lab("sql", "SELECT count(*) AS things FROM entities", "-o", "json").json
        before = own_lab("changes", "--until", edited, "--limit", "1000", "-o", "json").json
        assert len(before) == made["things"]
        assert own_lab("changes", "--since", edited, "--until", edited, "-o", "json").json == []
        assert own_lab("changes", "--source", "nobody").code == 3
        assert own_lab("changes", "--since", "soon").code == 2
        assert own_lab("changes", "nobody").code == 3

    def test_name_what_references_pointed_at_before_and_after(self, own_lab: Call, edited: str) -> None:
        assert "site: Kestrel house → Hetzner Nuremberg" in own_lab("changes", "pve1").out
        assert "site: Kestrel house → Hetzner Nuremberg" in own_lab("diff", "--from", edited).out
        assert "site: Kestrel house → Hetzner Nuremberg" in own_lab("show", "pve1").out

    def test_in_json_have_a_stable_form(self, own_lab: Call, edited: str) -> None:
        change = own_lab("changes", "--limit", "1", "-o", "json").json[0]
        assert list(change) == [
            "position", "at", "change_type", "entity_type", "entity_id", "old_values", "new_values",
            "changed_by", "change_source", "source", "run_id", "reason", "imported",
        ]  # fmt: skip

    def test_diff_shows_the_net_change(self, own_lab: Call, edited: str) -> None:
        own_lab("set", "pve1", "owner=bob")
        own_lab("add", "hosts", "hostname=spare")
        own_lab("add", "hosts", "hostname=brief")
        own_lab("retire", "brief")
        found = own_lab("diff", "--from", edited, "-o", "json").json
        assert [(d["kind"], d["table"]) for d in found] == [
            ("updated", "hosts"), ("updated", "docker_containers"), ("created", "hosts"),
        ]  # fmt: skip
        assert found[0]["new"]["owner"] == "bob"
        assert [d["table"] for d in own_lab("diff", "containers", "--from", edited, "-o", "json").json] == [
            "docker_containers"
        ]

    def test_diff_of_nothing_and_backwards(self, own_lab: Call, edited: str) -> None:
        done = own_lab("diff", "--from", "now")
        assert (done.code, done.out, done.err) == (0, "", "no difference\n")
        assert own_lab("diff", "--from", "now", "--to", "1d").code == 2
        assert own_lab("diff").code == 2
