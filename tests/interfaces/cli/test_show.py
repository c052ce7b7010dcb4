"""`infradb show` and `why`: what is known of one thing, by any of its names, now and then."""

from __future__ import annotations

import time

import pytest

from infradb import clock
from infradb.model.catalog import BY_TABLE
from tests.interfaces.cli.conftest import Call, Said


def first_id(call: Call, table: str) -> str:
    return str(call("list", table, "--limit", "1", "-o", "json").items[0]["id"])


def section(done: Said, title: str) -> list[str]:
    """Return the lines below a title."""
    lines = done.lines
    start = lines.index(title) + 1
    end = next((n for n in range(start, len(lines)) if not lines[n]), len(lines))
    return [line.strip() for line in lines[start:end]]


@pytest.mark.parametrize("table", list(BY_TABLE))
def test_a_thing_of_each_kind_is_found_again_by_the_name_that_it_is_shown_under(labs: Call, table: str) -> None:
    by_id = labs("show", first_id(labs, table))
    assert by_id.code == 0, by_id.err
    label = by_id.lines[0]
    assert label.startswith(f"{table}/")
    assert "//" not in label.replace("://", ""), "no doubled slashes"
    by_name = labs("show", label)
    if by_name.code == 4:
        assert f"(id {first_id(labs, table)})" in by_name.err
    else:
        assert by_name.out == by_id.out


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("docker1", "hosts/docker1"),
        ("host/docker1", "hosts/docker1"),
        ("docker1/actual", "docker_containers/docker1/actual"),
        ("containers/actual", "docker_containers/docker1/actual"),
        ("actual", "services/actual"),
        ("pve1/101", "proxmox_containers/pve1/101"),
        ("opnsense/dev/ada0", "storage_devices/opnsense/dev/ada0"),
        ("opnsense//dev/ada0", "storage_devices/opnsense/dev/ada0"),
        ("docker1/authentik-server-1/proxy", "docker_container_networks/docker1/authentik-server-1/proxy"),
        ("nextcloud/nas-nfs", "service_dependencies/nextcloud/nas-nfs"),
        ("10.10.10.1", "ip_addresses/10.10.10.1"),
        ("docker-networks/proxy", "docker_networks/docker1/proxy"),
    ],
)
def test_names_are_found(labs: Call, name: str, label: str) -> None:
    assert labs("show", name).lines[0] == label


def test_id_and_uid_name_it_too(labs: Call) -> None:
    (row,) = labs("list", "hosts", "hostname=pve1", "-o", "json").items
    assert labs("show", str(row["id"])).out == labs("show", row["uid"]).out == labs("show", f"hosts/{row['id']}").out
    assert labs("show", f"services/{row['id']}").code == 3


def test_an_ambiguous_name_lists_its_candidates_with_their_kinds(labs: Call) -> None:
    done = labs("show", "ens18")
    assert done.code == 4
    assert "network_interfaces/docker1/ens18  (id " in done.err
    assert "KIND/NAME" in done.err


@pytest.mark.parametrize("name", ["nothing-of-that-name", "hosts/nobody", "999999", "no/such/thing", "//", "a b'c"])
def test_an_unknown_name_says_where_to_look(labs: Call, name: str) -> None:
    done = labs("show", name)
    assert done.code == 3
    assert "infradb search" in done.err


def test_an_empty_name_is_wrong_usage(lab: Call) -> None:
    assert lab("show", "").code == lab("show", " ").code == 2


def test_the_chain_below_a_service_goes_down_to_the_node(labs: Call) -> None:
    (chain,) = section(labs("show", "services/actual"), "runs on")
    assert chain.split("  →  ")[:5] == [
        "docker_containers/docker1/actual", "compose project actual", "hosts/docker1", "proxmox_containers/pve1/101",
        "hosts/pve1",
    ]  # fmt: skip


def test_relations_come_in_the_order_in_which_people_ask(labs: Call) -> None:
    titles = [line for line in labs("show", "docker1").lines if line.endswith(")") and not line.startswith(" ")]
    kinds = [t.split()[0] for t in titles]
    assert kinds.index("docker_containers") < kinds.index("ip_addresses") < kinds.index("network_interfaces")
    assert kinds.index("network_interfaces") < kinds.index("docker_volumes")


def test_addresses_of_a_network_are_in_the_order_of_their_numbers(labs: Call) -> None:
    found = labs("show", "networks/lan", "-o", "json").json["relations"]
    addresses = next(v for k, v in found.items() if k.startswith("ip_addresses"))
    assert addresses == sorted(addresses, key=lambda a: [int(p) for p in a.split(".")])


def test_json_has_everything(labs: Call) -> None:
    body = labs("show", "docker1", "-o", "json").json
    assert set(body) == {
        "table", "row", "names", "chain", "relations", "claims", "last_seen", "findings", "changes",
    }  # fmt: skip
    assert body["row"]["hostname"] == "docker1"
    assert [step["name"] for step in body["chain"]][:3] == ["docker1", "pve1/101", "pve1"]
    assert body["claims"][0]["source"] == "demo"


class TestThen:
    @pytest.fixture
    def times(self, own: Call) -> dict[str, str]:
        """When a host was made, renamed and retired."""
        times = {"before": _moment()}
        assert own("add", "hosts", "hostname=old", "purpose=files").code == 0
        assert own("add", "service", "service_name=web", "host=old", "port=80", "protocol=tcp").code == 0
        assert own("add", "interface", "host=old", "interface_name=eth0").code == 0
        times["made"] = _moment()
        assert own("set", "old", "hostname=new", "purpose=backups").code == 0
        times["renamed"] = _moment()
        done = own("retire", "new", "--reason", "sold")
        assert done.out == "retired hosts/new, and 1 that belonged to it\n"
        times["retired"] = _moment()
        return times

    def test_a_list_is_what_it_was(self, own: Call, times: dict[str, str]) -> None:
        hosts = {
            when: [r["hostname"] for r in own("list", "hosts", "--as-of", at, "-o", "json").items]
            for when, at in times.items()
        }
        assert hosts == {"before": [], "made": ["old"], "renamed": ["new"], "retired": []}
        assert own("list", "hosts", "hostname=old", "--as-of", times["made"], "-o", "json").items
        assert not own("list", "hosts", "hostname=new", "--as-of", times["made"], "-o", "json").items

    def test_a_time_before_all_history_says_so(self, own: Call, times: dict[str, str]) -> None:
        done = own("list", "hosts", "--as-of", "2001-01-01")
        assert (done.code, done.out) == (0, "")
        assert "the history begins at" in done.err

    def test_a_renamed_thing_is_found_by_the_name_that_it_had(self, own: Call, times: dict[str, str]) -> None:
        done = own("show", "old", "--as-of", times["made"])
        assert done.lines[0] == "hosts/old"
        assert "files" in done.out
        assert "backups" not in done.out
        assert own("show", "new", "--as-of", times["made"]).lines[0] == "hosts/old"
        assert own("show", "hosts/old", "--as-of", times["made"]).lines[0] == "hosts/old"
        assert own("show", "old", "--as-of", times["renamed"]).code == 3
        assert own("show", "old").code == 3

    def test_a_retired_thing_is_shown_as_retired(self, own: Call, times: dict[str, str]) -> None:
        assert "(retired " in own("show", "new").lines[0]
        done = own("show", "new", "--as-of", times["retired"])
        assert done.code == 3
        assert "hosts/new was not known at" in done.err
        assert own("show", "new", "--as-of", times["renamed"]).lines[0] == "hosts/new"
        assert own("show", "new", "--as-of", times["before"]).code == 3

    def test_the_chain_is_that_of_then(self, own: Call, times: dict[str, str]) -> None:
        done = own("show", "services/web", "--as-of", times["renamed"])
        assert section(done, "runs on") == ["hosts/new"]

    def test_views_and_sql_are_asked_as_of_a_time(self, own: Call, times: dict[str, str]) -> None:
        (row,) = own("list", "host-inventory", "--as-of", times["made"], "-o", "json").items
        assert (row["hostname"], row["services_count"]) == ("old", 1)
        assert not own("list", "host-inventory", "-o", "json").items
        done = own("sql", "SELECT hostname FROM hosts", "--as-of", times["renamed"])
        assert done.lines == ["hostname", "new"]

    def test_what_is_retired_is_listed_when_asked_for(self, own: Call, times: dict[str, str]) -> None:
        assert own("list", "hosts", "-o", "json").items == []
        (row,) = own("list", "hosts", "--retired", "-o", "json").items
        assert row["retired_at"]
        counts = {r["kind"]: r for r in own("list", "-o", "json").json}
        assert counts["hosts"] == {"kind": "hosts", "count": 0, "retired": 1}

    def test_it_cannot_be_retired_twice(self, own: Call, times: dict[str, str]) -> None:
        done = own("retire", "new")
        assert done.code == 4
        assert "gone already" in done.err


class TestWhy:
    def test_says_who_wins_and_who_disagrees(self, own_lab: Call) -> None:
        assert own_lab("set", "pve1", "criticality=low", "--reason", "trial").out == "hosts/pve1: changed\n"
        heard = own_lab("why", "pve1", "criticality", "-o", "json").json["fields"]
        assert [(o["source"], o["value"], o["wins"]) for o in heard] == [
            ("manual", "low", True),
            ("demo", "critical", False),
        ]
        table = own_lab("why", "pve1", "criticality")
        assert "what a person set here" in table.out

    def test_says_how_it_was_recognized(self, labs: Call) -> None:
        (claim,) = labs("why", "pve1", "-o", "json").json["claims"]
        assert (claim["source"], claim["rule"], claim["native_key"]) == ("demo", "new", "hosts/pve1")

    def test_what_held_until_a_time_that_passed_is_gone(self, own_lab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        assert own_lab("set", "pve1", "criticality=low", "--expires", "1h").code == 0
        body = own_lab("why", "pve1", "criticality", "-o", "json").json
        assert next(c["expires"] for c in body["claims"] if c["source"] == "manual")["criticality"] > clock.now()
        later = clock.to_instant(clock.to_moment(clock.now()).replace(year=2099))
        monkeypatch.setattr(clock, "now", lambda: later)
        heard = own_lab("why", "pve1", "criticality", "-o", "json").json["fields"]
        assert [(o["source"], o["wins"]) for o in heard] == [("demo", True)]

    def test_an_unknown_field_is_told(self, lab: Call) -> None:
        assert lab("why", "pve1", "nosuch").code == 2
        assert lab("why", "nobody").code == 3


def _moment() -> str:
    """Return the present, with nothing else happening in the same millisecond."""
    time.sleep(0.02)
    now = clock.now()
    time.sleep(0.02)
    return now
