"""NetBox: objects by hand in the shape of its documented REST API (3.6 to 4.4), and a server that replays them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.netbox.client import LISTS
from infradb.collectors.netbox.collector import NetboxCollector
from infradb.collectors.netbox.parse import parse_rows
from infradb.collectors.netbox.settings import NetboxSettings
from infradb.errors import SourceRefused, SourceUnreachable
from infradb.model.catalog import BY_TABLE
from infradb.model.physical import Host
from infradb.observation import CollectionRun, Observation, Rejected, observe
from infradb.operations import sources
from infradb.store.database import Database
from infradb.store.schema import open_database
from tests.collectors.fuzzing import spoiled
from tests.collectors.netbox.peer import Netbox, replaying
from tests.lab import Estate, answer, scope

CASES = Path(__file__).parent / "cases"
LAB: dict[str, list[Any]] = orjson.loads((CASES / "lab.json").read_bytes())
EXPECTED: dict[str, Any] = orjson.loads((CASES / "lab.expected.json").read_bytes())
TOKEN = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETBOX", TOKEN)


def lab(**changes: Any) -> Netbox:
    """The lab without what its own test is about: a device that has no name."""
    rows = copy.deepcopy(LAB)
    rows["devices"].pop()
    return Netbox(rows, **changes)


def collector(netbox: Netbox, **settings: Any) -> NetboxCollector:
    return NetboxCollector("netbox", NetboxSettings(url=netbox.url, token="env:NETBOX", **settings))


def statuses(run: CollectionRun) -> dict[str, str]:
    return {s.name: s.status for s in run.scopes}


def things(scope_name: str, rows: Any) -> dict[str, Observation]:
    answers, _ = parse_rows(scope_name, rows)
    said = [o for a in answers for o in a.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}


class TestMeaning:
    def test_objects_say_what_is_expected_and_no_secret(self) -> None:
        said = {k: o for name, rows in LAB.items() for k, o in things(name, rows).items()}
        for key, fields in EXPECTED.items():
            assert {f: said[key].values.get(f, "unsaid") for f in fields} == fields
        assert "hunter2" not in repr(said)

    def test_a_device_without_a_name_is_rejected_with_its_reason(self) -> None:
        answers, _ = parse_rows("devices", LAB["devices"])
        (rejected,) = [r for a in answers for r in a.parse() if isinstance(r, Rejected)]
        assert (rejected.key, rejected.reason) == ("device/13", "it has no usable hostname")

    def test_interfaces_that_others_lie_on_come_first(self) -> None:
        assert list(things("interfaces", LAB["interfaces"])) == ["interface/33", "interface/34", "interface/31"]

    def test_when_an_object_was_last_edited_does_not_count(self) -> None:
        later = [{**r, "last_updated": "2030-01-01T00:00:00Z"} for r in LAB["devices"]]
        one, two = parse_rows("devices", LAB["devices"])[0], parse_rows("devices", later)[0]
        assert [a.digest for a in one] == [a.digest for a in two]

    @given(st.sampled_from(sorted(LAB)).flatmap(lambda n: spoiled(LAB[n]).map(lambda rows: (n, rows))))
    def test_spoiled_objects_raise_nothing(self, spoilt: tuple[str, Any]) -> None:
        name, rows = spoilt
        things(name, rows if isinstance(rows, list) else [rows])


class TestPages:
    def test_every_page_is_read_by_get_alone(self) -> None:
        with replaying(lab(most=2)) as netbox:
            reader = collector(netbox, page_size=2)
            run = reader.collect()
        assert set(statuses(run).values()) == {"complete"}, run.errors
        assert sum(len(list(s.answers)) for s in run.scopes) == sum(map(len, netbox.rows.values()))
        assert {m for m, _ in netbox.asked} == {"GET"}
        assert {c.name for c in run.calls} == set(reader.calls())
        assert next(c for c in run.calls if "ip-addresses" in c.name).times == 2

    def test_a_500_on_page_3_makes_that_list_partial_and_leaves_the_others(self) -> None:
        many = [{**LAB["prefixes"][0], "id": n, "prefix": f"10.{n}.0.0/16"} for n in range(1, 7)]
        with replaying(lab(fault=lambda s, offset: 500 if s == "prefixes" and offset >= 4 else None)) as netbox:
            netbox.rows["prefixes"] = many
            run = collector(netbox, page_size=2).collect()
        assert statuses(run) == {**dict.fromkeys(LISTS, "complete"), "prefixes": "partial"}
        assert len(list(next(s for s in run.scopes if s.name == "prefixes").answers)) == 4
        assert "GET /api/ipam/prefixes/" in run.errors[0]
        assert "HTTP 500" in run.errors[0]

    def test_a_right_that_is_missing_fails_its_own_list_and_is_named(self) -> None:
        with replaying(lab(fault=lambda s, _: 403 if s == "services" else None)) as netbox:
            run = collector(netbox).collect()
            found = collector(netbox).diagnose()
        assert statuses(run)["services"] == "failed"
        assert "has no right" in run.errors[0]
        assert [d.needs for d in found if not d.ok] == ["GET /api/ipam/services/"]

    def test_an_empty_list_is_not_taken_for_absence(self) -> None:
        with replaying(lab()) as netbox:
            netbox.rows["ip-addresses"] = []
            assert "ip-addresses" not in statuses(collector(netbox).collect())
            assert any("none that the account may view" in d.detail for d in collector(netbox).diagnose())

    def test_a_server_that_ignores_the_offset_is_not_believed(self) -> None:
        with replaying(lab(ignores_offset=True, most=2)) as netbox:
            run = collector(netbox).collect()
        assert statuses(run)["ip-addresses"] == "partial"
        assert "2 of 4 things came" in next(e for e in run.errors if "ip-addresses" in e)

    def test_tokens_of_both_kinds_are_sent_as_netbox_wants_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NETBOX", "nbt_abc.hunter2")
        with replaying(lab(token="Bearer nbt_abc.hunter2")) as netbox:
            assert collector(netbox).collect().status == "complete"
            monkeypatch.setenv("NETBOX", "nbt_abc.expired-hunter2")
            with pytest.raises(SourceRefused) as raised:
                collector(netbox).collect()
        assert "hunter2" not in str(raised.value) + raised.value.hint

    def test_a_netbox_that_is_down_is_told(self) -> None:
        with replaying(lab()) as netbox:
            pass
        with pytest.raises(SourceUnreachable, match="nothing listens there"):
            collector(netbox).collect()


class TestTakenIn:
    def test_a_second_run_finds_nothing_new(self, tmp_path: Path) -> None:
        database = open_database(str(tmp_path / "lab.db"), create=True)
        with replaying(lab()) as netbox:
            netbox.rows["virtual-machines"].pop()
            sources.add(database, "netbox", "netbox", {"url": netbox.url, "token": "env:NETBOX"})
            (first,) = sources.discover(database, ["netbox"])
            (second,) = sources.discover(database, ["netbox"])
        assert (first.status, second.changed) == ("complete", 0)
        with database.read() as connection:
            assert connection.query("SELECT count(*) FROM findings WHERE closed_at IS NULL AND severity = 'high'") == [
                (0,)
            ]
        database.close()

    def test_what_is_observed_adopts_what_was_written_down(self, estate: Estate, database: Database) -> None:
        estate.source("netbox", declared=True, rank=65)
        answers, _ = parse_rows("devices", LAB["devices"][:1])
        estate.run("netbox", scope("devices", *answers))
        seen = observe("host", Host(hostname="pve1", vendor="Dell Inc.", serial_number="ABC1234", os_name="Debian"))
        estate.run("local", scope("host", answer(seen)))
        (row,) = estate.rows("hosts")
        assert (row["vendor"], row["asset_tag"], row["purpose"]) == ("Dell Inc.", "A-001", "Hypervisor")
