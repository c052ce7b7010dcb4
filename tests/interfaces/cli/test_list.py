"""`infradb list`: every operator, every form of output, and what was there at a time."""

from __future__ import annotations

import csv
import io
import json
import operator
from typing import Any

import pytest

from infradb import clock
from infradb.model.catalog import BY_TABLE, RECORD_TYPES
from infradb.queries.kinds import VIEW_NAMES
from tests.interfaces.cli.conftest import Call
from tests.interfaces.cli.small_yaml import read_yaml

COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def names(call: Call, *arguments: str, column: str = "hostname") -> list[Any]:
    return [row[column] for row in call("list", *arguments, "-o", "json").items]


class TestConditions:
    def test_equal(self, labs: Call) -> None:
        assert names(labs, "hosts", "host_type=lxc") == ["ci1", "db1", "lab1-ct", "mail", "unifi"]

    def test_not_equal_takes_what_has_no_value(self, labs: Call) -> None:
        everything = names(labs, "hosts")
        assert set(names(labs, "hosts", "criticality!=critical")) == set(everything) - set(
            names(labs, "hosts", "criticality=critical")
        )

    def test_has_the_text_in_any_case(self, labs: Call) -> None:
        assert names(labs, "containers", "image~POSTGRES", "host=docker1", column="container_name") == [
            "authentik-postgres-1",
            "paperless-postgres-1",
        ]

    def test_a_percent_sign_is_no_wildcard(self, labs: Call) -> None:
        assert names(labs, "hosts", "hostname~%") == names(labs, "hosts", "hostname~_") == []

    @pytest.mark.parametrize(("sign", "found"), [(">", 101), (">=", 100), ("<", 101), ("<=", 101)])
    def test_numbers_compare_as_numbers(self, labs: Call, sign: str, found: int) -> None:
        vmids = names(labs, "guests", f"vmid{sign}{found}", "--sort", "vmid", column="vmid")
        everything = names(labs, "guests", "--sort", "vmid", column="vmid")
        assert vmids == [v for v in everything if COMPARE[sign](v, found)]

    def test_null_and_not_null(self, labs: Call) -> None:
        without = names(labs, "hosts", "parent_host=null")
        below = names(labs, "hosts", "parent_host!=null")
        assert "pve1" in without
        assert "docker1" in below
        assert sorted(without + below) == sorted(names(labs, "hosts"))

    def test_a_reference_is_given_by_name_with_or_without_its_prefix(self, labs: Call) -> None:
        whole = names(labs, "containers", "docker_host=docker2", column="container_name")
        assert whole == names(labs, "containers", "host=docker2", column="container_name")
        assert whole == names(labs, "containers", "docker_host_id=docker2", column="container_name")
        assert len(whole) > 5
        assert len(names(labs, "services", "container=docker1/actual", column="service_name")) == 1

    def test_a_truth_and_a_tag(self, labs: Call) -> None:
        assert names(labs, "hosts", "is_docker_host=yes", "tags=apps") == ["docker1"]
        assert names(labs, "hosts", "tags~APP") == ["docker1"]

    def test_a_time_may_be_relative(self, labs: Call) -> None:
        assert names(labs, "hosts", "boot_time_at>100y", "vmid=101") == ["docker1"]
        assert names(labs, "hosts", "boot_time_at<100y") == []

    def test_several_must_all_hold(self, labs: Call) -> None:
        assert names(labs, "hosts", "host_type=vm", "parent_host=pve2") == ["docker3", "lab1"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("nosuch",), 2, "kinds: sites, hosts, interfaces, storage, links,"),
            (("host",), 0, ""),
            (("hosts", "nosuch=1"), 2, "there is no field 'nosuch'"),
            (("hosts", "host_nam=x"), 2, "did you mean hostname"),
            (("hosts", "hostname"), 2, "is no condition"),
            (("hosts", "vmid=abc"), 2, "takes a whole number"),
            (("hosts", "vmid=99999999999999999999"), 2, "takes a whole number"),
            (("hosts", "is_docker_host=maybe"), 2, "yes or no"),
            (("hosts", "boot_time_at>soon"), 2, "takes a time"),
            (("hosts", "boot_time_at>99999999999d"), 2, "takes a time"),
            (("hosts", "custom=[1]"), 2, "several values"),
            (("hosts", "parent_host=nobody"), 3, "among hosts"),
            (("containers", "status=runing"), 2, "created, running"),
            (("hosts", "--columns", "nosuch"), 2, "columns: id, uid, hostname"),
            (("hosts", "--sort", "nosuch"), 2, "no field"),
            (("hosts", "--sort", "tags"), 2, "no order"),
            (("hosts", "--limit", "-1"), 2, "limit"),
            (("hosts", "--as-of", "soon"), 2, "is no time"),
            (("hosts", "--as-of", "999999999999d"), 2, "is no time"),
            (("host-inventory", "nosuch=1"), 2, "no column"),
            (("host-inventory", "hostname"), 2, "is no condition"),
            (("host-inventory", "--sort", "nosuch"), 2, "no column"),
            (("findings", "nosuch=1"), 2, "no field"),
            (("changes", "source=nobody"), 3, "no source"),
            (("claims", "--as-of", "now"), 2, "no history of its own"),
        ],
    )
    def test_are_told_with_what_to_do(self, lab: Call, arguments: tuple[str, ...], code: int, said: str) -> None:
        done = lab("list", *arguments)
        assert done.code == code
        assert said in done.err
        assert "Traceback" not in done.err


class TestOrder:
    def test_is_by_name_unless_said(self, labs: Call) -> None:
        assert names(labs, "hosts") == sorted(names(labs, "hosts"))

    def test_can_be_turned_around_and_has_nothing_last(self, labs: Call) -> None:
        up = names(labs, "hosts", "--sort", "vmid", column="vmid")
        down = names(labs, "hosts", "--sort", "-vmid", column="vmid")
        numbers = [v for v in up if v is not None]
        assert numbers == sorted(numbers)
        assert up[: len(numbers)] == numbers
        assert down[: len(numbers)] == numbers[::-1]
        assert set(up[len(numbers) :]) == set(down[len(numbers) :]) == {None}

    def test_addresses_are_sorted_as_numbers(self, labs: Call) -> None:
        found = names(labs, "ips", "--sort", "ip_address", column="ip_address")
        assert found == sorted(found, key=lambda a: [int(p) for p in a.split(".")])

    def test_a_limit_cuts_after_sorting(self, labs: Call) -> None:
        assert names(labs, "hosts", "--sort", "-hostname", "--limit", "2") == ["win11", "vps1"]
        assert labs("list", "hosts", "--limit", "2", "-o", "json").json["total"] is None
        assert labs("list", "hosts", "-o", "json").json["total"] == 23


class TestForms:
    def test_json_is_the_body_of_rest(self, labs: Call) -> None:
        body = labs("list", "containers", "container_name=actual", "-o", "json").json
        assert list(body) == ["items", "next", "total"]
        assert (body["next"], body["total"]) == (None, 1)
        (row,) = body["items"]
        assert set(BY_TABLE["docker_containers"].fields) <= set(row)
        assert row["docker_host"] == "docker1"
        assert row["started_at"].endswith("Z")
        assert row["ports"][0]["container_port"] == 5006
        assert row["privileged"] is False

    def test_yaml_has_what_json_has(self, lab: Call) -> None:
        columns = "id,container_name,ports,labels,privileged,cpu_limit,started_at,tags"
        read = read_yaml(lab("list", "containers", "--columns", columns, "-o", "yaml").out)
        items = lab("list", "containers", "-o", "json").items
        assert read == [{c: row[c] for c in columns.split(",")} for row in items]
        assert lab("list", "hosts", "hostname=nobody", "-o", "yaml").out == "[]\n"

    def test_csv_can_be_read_back(self, lab: Call) -> None:
        read = list(csv.DictReader(io.StringIO(lab("list", "containers", "--columns", "all", "-o", "csv").out)))
        items = lab("list", "containers", "-o", "json").items
        assert [r["container_name"] for r in read] == [i["container_name"] for i in items]
        assert [json.loads(r["labels"]) for r in read if r["labels"]] == [i["labels"] for i in items if i["labels"]]
        assert [float(r["cpu_limit"]) for r in read if r["cpu_limit"]] == [
            i["cpu_limit"] for i in items if i["cpu_limit"]
        ]

    def test_markdown_is_a_table(self, lab: Call) -> None:
        head, rule, *rows = lab("list", "hosts", "--columns", "hostname,vmid", "-o", "markdown").lines
        assert (head, rule, len(rows)) == ("| hostname | vmid |", "|---|---|", 23)

    def test_a_table_has_its_numbers_on_the_right(self, lab: Call) -> None:
        lines = lab("list", "guests", "--columns", "vmid,host").lines
        assert lines[0] == "vmid  host"
        assert lines[1] == " 100  lab1-ct"

    def test_columns_are_named_as_people_name_them(self, lab: Call) -> None:
        lines = lab(
            "list", "containers", "container_name=actual", "--columns", "container_name,docker_host_id,id"
        ).lines
        assert lines[0].split() == ["container_name", "docker_host", "id"]

    def test_every_column_can_be_asked_for(self, lab: Call) -> None:
        lines = lab("list", "hosts", "--columns", "all", "-o", "csv").lines
        assert lines[0].split(",") == [
            "id",
            "uid",
            *(f.noun for f in BY_TABLE["hosts"].fields.values()),
            "created_at",
            "updated_at",
            "retired_at",
        ]

    def test_nothing_found_is_said_beside_the_output(self, lab: Call) -> None:
        done = lab("list", "hosts", "hostname=nobody")
        assert (done.code, done.out, done.err) == (0, "", "no hosts that fit\n")


class TestKinds:
    def test_without_one_all_are_counted(self, labs: Call) -> None:
        counts = {row["kind"]: row for row in labs("list", "-o", "json").json}
        assert counts["hosts"] == {"kind": "hosts", "count": 23, "retired": 0}
        assert list(counts) == list(BY_TABLE)

    @pytest.mark.parametrize("word", ["docker_containers", "docker-container", "containers", "Container"])
    def test_have_many_words(self, lab: Call, word: str) -> None:
        assert len(lab("list", word, "-o", "json").items) == 80

    def test_a_word_for_a_part_of_the_guests_lists_that_part(self, lab: Call) -> None:
        assert {r["container_type"] for r in lab("list", "vms", "-o", "json").items} == {"vm"}
        assert {r["container_type"] for r in lab("list", "lxc", "-o", "json").items} == {"lxc"}
        assert len(lab("list", "guests", "-o", "json").items) == 11

    @pytest.mark.parametrize("table", [*BY_TABLE, *(r.table for r in RECORD_TYPES), *VIEW_NAMES])
    def test_each_can_be_listed_on_either_engine(self, labs: Call, table: str) -> None:
        done = labs("list", table, "--limit", "2", "-o", "json")
        assert done.code == 0, done.err
        assert len(done.items) <= 2

    def test_secrets_of_users_are_in_no_list(self, lab: Call) -> None:
        assert "password_hash" not in lab("list", "users", "-o", "csv").out
        assert "token_hash" not in lab("list", "api_tokens", "-o", "csv").out

    def test_of_records_are_typed_on_either_engine(self, labs: Call) -> None:
        (run,) = labs("list", "runs", "source=demo", "status=complete", "-o", "json").items
        assert run["scopes"]["lab"]["status"] == "complete"
        (source,) = labs("list", "sources", "name=demo", "-o", "json").items
        assert (source["enabled"], source["declared"]) == (True, False)
        (change,) = labs("list", "changes", "entity=pve1", "change_type=create", "-o", "json").items
        assert change["new_values"]["hostname"] == "pve1"


class TestViews:
    def test_say_the_same_on_either_engine(self, labs: Call) -> None:
        (row,) = labs("list", "host-inventory", "hostname=docker1", "-o", "json").items
        assert (row["is_docker_host"], row["parent_hostname"]) == (True, "pve1")
        assert row["containers_count"] == len(labs("list", "containers", "host=docker1", "-o", "json").items)

    def test_take_conditions_order_and_limit(self, labs: Call) -> None:
        found = labs(
            "list", "host-inventory", "ram_percent>=50", "--sort", "-ram_percent", "--limit", "3", "-o", "json"
        ).items
        percent = [r["ram_percent"] for r in found]
        assert len(percent) == 3
        assert percent == sorted(percent, reverse=True)
        assert percent[-1] >= 50
        assert labs("list", "host-inventory", "is_docker_host=yes", "hostname~docker", "-o", "json").items
        assert not labs("list", "host-inventory", "hostname=null", "-o", "json").items

    @pytest.mark.parametrize("view", VIEW_NAMES)
    def test_as_of_now_have_what_they_have_now(self, labs: Call, view: str) -> None:
        plain = labs("list", view, "-o", "json").items
        then = labs("list", view, "--as-of", clock.now(), "-o", "json").items
        assert sorted(map(_without_measured, then)) == sorted(map(_without_measured, plain))


def _without_measured(row: dict[str, Any]) -> str:
    """Return a row as text without what has no history."""
    measured = {"used_ram_mb", "ram_percent", "used_memory_mb", "used_gb", "available_gb", "last_seen_at"}
    return json.dumps({n: v for n, v in row.items() if n not in measured}, sort_keys=True)
