"""What is understood of recorded firewalls, and what must never leave them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.collector import OpnsenseCollector, _View
from infradb.collectors.opnsense.configuration import nodes, read_configuration, said
from infradb.collectors.opnsense.endpoints import ENDPOINTS, WITHOUT_CONFIG
from infradb.collectors.opnsense.settings import OpnsenseSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation, ScopeResult
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.collectors.opnsense.peer import CASES, recorded

VERSIONS = ["25.1", "26.1"]
NOW = "2026-01-01T00:00:00.000Z"
SETTINGS = OpnsenseSettings(url="https://192.0.2.1", api_key="env:KEY", api_secret="env:SECRET")


def readings(version: str, *, config: bool = True) -> Readings:
    fake, found = recorded(version), Readings()
    for name, endpoint in ENDPOINTS.items():
        answer = fake.answers.get(endpoint.path)
        if name == "config":
            found.answers |= {name: read_configuration(fake.config.encode(), "the case")} if config else {}
        elif answer is None:
            found.absent.add(name)
        elif name not in WITHOUT_CONFIG or not config:
            found.answers[name] = answer if name in ("system", "aliases") else _rows(answer)
    return found


def _rows(answer: Any) -> Any:
    return answer if isinstance(answer, list) else answer.get("rows", answer.get("items"))


def scopes(found: Readings, chosen: OpnsenseSettings = SETTINGS) -> dict[str, ScopeResult]:
    return {scope.name: scope for scope in _View("fw", chosen, found, NOW).scopes()}


def things(scope: ScopeResult) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for answer in scope.answers:
        for one in answer.parse():
            assert isinstance(one, Observation)
            BY_TABLE[one.table].adapter.validate_python(dict(one.values))
            assert one.key not in found
            found[one.key] = dict(one.values)
    return found


def everything(found: Readings) -> dict[str, Any]:
    return {
        name: {
            "status": scope.status,
            "errors": list(scope.errors),
            "things": things(scope),
            "measured": {k: dict(v) for answer in scope.answers for k, v in answer.measured.items()},
        }
        for name, scope in scopes(found).items()
    }


def chains(found: Readings, scope: str = "rules") -> list[tuple[str, str]]:
    rows = sorted(things(scopes(found)[scope]).values(), key=lambda row: row["rule_number"])
    return [(row["chain"], row.get("description", "")) for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
class TestEveryRecordedFirewall:
    def test_is_understood_as_expected(self, version: str) -> None:
        expected = json.loads((CASES / f"{version}.expected.json").read_text(encoding="utf-8"))
        assert everything(readings(version)) == expected

    def test_gives_away_no_secret(self, version: str) -> None:
        fake = recorded(version)
        assert "SECRET" in fake.config
        assert "SECRET" not in repr(read_configuration(fake.config.encode(), "the case")).replace(
            "SECRETlisttoken1", ""
        )
        assert "SECRET" not in repr(everything(readings(version)))
        assert "SECRET" not in repr(everything(readings(version, config=False)))

    def test_names_parents_before_children(self, version: str) -> None:
        seen: set[str] = set()
        for scope in scopes(readings(version)).values():
            for key, values in things(scope).items():
                for name in ("host_id", "firewall_host_id", "interface_id", "parent_interface_id", "network_id"):
                    assert values.get(name) is None or values[name] in seen, f"{key} points at {values[name]}"
                seen.add(key)

    def test_has_the_same_digests_in_whatever_order_lists_come(self, version: str) -> None:
        before, turned = readings(version), readings(version)
        for name in ("interfaces", "routes", "kea4", "isc4", "arp", "gateways"):
            turned.answers[name] = list(reversed(turned.rows(name)))
        assert _digests(turned) == _digests(before)

    def test_numbers_its_rules_without_a_gap(self, version: str) -> None:
        for scope in ("rules", "nat"):
            rows = things(scopes(readings(version))[scope]).values()
            assert sorted(row["rule_number"] for row in rows) == list(range(1, len(rows) + 1))

    def test_a_saved_configuration_tells_its_rules_by_itself(self, version: str) -> None:
        whole = readings(version)
        alone = Readings({"config": whole.answers["config"]})
        found = scopes(alone, OpnsenseSettings(path="/saved.xml"))
        assert {scope.status for scope in found.values()} == {"complete"}, [s.errors for s in found.values()]
        own = {k: v for k, v in things(scopes(whole)["rules"]).items() if "managed_by" not in v}
        told = things(found["rules"])
        assert told.keys() == own.keys()
        assert [r["description"] for r in _ordered(told)] == [r["description"] for r in _ordered(own)]


def _ordered(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows.values(), key=lambda row: row["rule_number"])


def _digests(found: Readings) -> dict[str, int]:
    return {f"{s.name} {a.key}": a.digest for s in scopes(found).values() for a in s.answers}


class TestOrder:
    def test_automatic_floating_group_and_interface_rules_follow_each_other(self) -> None:
        assert chains(readings("26.1")) == [
            ("automatic", "Default deny / state violation rule"),
            ("automatic", "block bogon IPv4 networks from WAN"),
            ("floating", "No traffic to the management net"),
            ("group inside", "Ping from inside"),
            ("WAN", "Known bad ones"),
            ("DMZ", "DMZ may fetch updates"),
            ("LAN", "Default allow LAN to any rule"),
            ("Guests", "Guests may print"),
        ]

    def test_rules_of_the_new_model_stand_before_the_old_ones_of_their_kind(self) -> None:
        assert [text for _, text in chains(readings("25.1"))] == [
            "Cameras stay inside", "LAN to any", "SSH in", "No mail from inside",
        ]  # fmt: skip

    def test_a_floating_rule_is_not_quick_unless_it_says_so(self) -> None:
        rows = things(scopes(readings("26.1"))["rules"])
        assert rows["rule/b1000000-0000-4000-8000-000000000002"]["quick"] is False
        assert rows["rule/b1000000-0000-4000-8000-000000000001"]["quick"] is True

    def test_port_forwards_are_in_the_order_of_their_sequence(self) -> None:
        forwards = [text for chain, text in chains(readings("26.1"), "nat") if chain == "port forward"]
        assert forwards == ["Anti-Lockout Rule", "Keep the web interface", "HTTPS to the proxy"]

    def test_rules_of_outbound_nat_are_off_while_its_mode_is_automatic(self) -> None:
        rows = things(scopes(readings("25.1"))["nat"])
        assert [r["enabled"] for r in rows.values() if r["chain"] == "outbound"] == [False]


class TestMerging:
    def test_a_rule_that_both_sides_tell_is_one(self) -> None:
        rows = things(scopes(readings("26.1"))["rules"])
        assert len([r for r in rows.values() if r["description"] == "Known bad ones"]) == 1

    def test_its_counters_come_from_the_api(self) -> None:
        rules = scopes(readings("26.1"))["rules"]
        counted = {a.key: dict(a.measured) for a in rules.answers}
        assert counted["rule/b1000000-0000-4000-8000-000000000001"] == {
            "rule/b1000000-0000-4000-8000-000000000001": {"packets": 777000}
        }

    def test_counters_do_not_change_a_digest(self) -> None:
        before, after = readings("26.1"), readings("26.1")
        for row in after.rows("filter"):
            row["packets"] = 10**9
        assert _digests(before) == _digests(after)

    def test_a_rule_that_is_no_longer_in_the_api_is_gone_though_the_newest_backup_has_it(self) -> None:
        found = readings("26.1")
        found.answers["filter"] = [r for r in found.rows("filter") if "Known bad" not in r["description"]]
        assert "Known bad ones" not in [text for _, text in chains(found)]

    def test_old_rules_that_the_api_does_not_tell_come_from_the_configuration(self) -> None:
        found = readings("25.1")
        assert [row["description"] for row in found.rows("filter")] == ["Cameras stay inside"]
        assert ("LAN", "LAN to any") in chains(found)

    def test_without_the_configuration_what_it_alone_tells_is_missing_and_said_so(self) -> None:
        never = SETTINGS.model_copy(update={"config": False})
        found = scopes(readings("25.1", config=False), never)
        assert found["rules"].status == "partial"
        assert "old model" in found["rules"].errors[0]
        assert found["nat"].status == "partial"
        assert scopes(readings("26.1", config=False), never)["rules"].status == "complete"


class TestLeases:
    def test_a_renewal_changes_what_is_measured_and_no_digest(self) -> None:
        before, after = readings("26.1"), readings("26.1")
        for row in after.rows("kea4"):
            row["expire"] += 4000
        assert _digests(before) == _digests(after)
        ends = [dict(a.measured) for a in scopes(after)["dhcp"].answers]
        assert ends != [dict(a.measured) for a in scopes(before)["dhcp"].answers]

    def test_ends_that_are_told_in_the_firewalls_own_zone_become_instants(self) -> None:
        (lease,) = [a for a in scopes(readings("25.1"))["dhcp"].answers if a.key == "address/192.168.1.120"]
        assert dict(lease.measured) == {lease.key: {"lease_ends_at": "2030-07-01T14:00:00.000Z"}}

    def test_expired_ones_are_none(self) -> None:
        assert "address/192.168.1.121" not in things(scopes(readings("25.1"))["dhcp"])
        assert "address/10.20.0.102" not in things(scopes(readings("26.1"))["dhcp"])


class TestConfiguration:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "no XML"),
            ("<html><body>Login</body></html>", "in the place of <opnsense>"),
            ("<pfsense><version>22</version></pfsense>", "<pfsense>"),
            ("<opnsense><system><hostname>half", "no XML"),
            ("---- BEGIN config.xml ----\nU2FsdGVk\n---- END config.xml ----", "encrypted"),
            ('<!DOCTYPE x [<!ENTITY a "aaaa">]><opnsense>&a;</opnsense>', "document type"),
            (f"<opnsense>{'<a>' * 60}{'</a>' * 60}</opnsense>", "too deep"),
        ],
    )
    def test_what_is_none_is_named(self, text: str, words: str) -> None:
        with pytest.raises(SourceMalformed, match=words) as raised:
            read_configuration(text.encode(), "the file")
        assert raised.value.hint

    def test_keeps_whether_a_forward_passes_though_its_name_looks_like_a_secret(self) -> None:
        config = read_configuration(recorded("26.1").config.encode(), "the case")
        assert [said(rule, "pass") for rule in nodes(config, "nat/rule")] == ["pass", ""]


@pytest.mark.long
class TestSpoiled:
    @settings(max_examples=60)
    @given(st.data())
    def test_answers_never_break_the_parser(self, data: st.DataObject) -> None:
        found = readings(data.draw(st.sampled_from(VERSIONS)), config=data.draw(st.booleans()))
        name = data.draw(st.sampled_from(sorted(set(found.answers) - {"config"})))
        spoilt = data.draw(spoiled(copy.deepcopy(found.answers[name])))
        if isinstance(spoilt, list):  # rows that are no objects are refused by the client
            spoilt = [row for row in spoilt if isinstance(row, dict)]
        found.answers[name] = spoilt if isinstance(spoilt, type(found.answers[name])) else found.answers[name]
        _try(found)

    @settings(max_examples=40)
    @given(st.data())
    def test_configurations_never_break_the_parser(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(VERSIONS))
        found = readings(version)
        try:
            found.answers["config"] = read_configuration(
                data.draw(spoiled_text(recorded(version).config)).encode("utf-8", "replace"), "the case"
            )
        except CollectionError:
            return
        _try(found)


def _try(found: Readings) -> None:
    try:
        view = _View("fw", SETTINGS, found, NOW)
        for scope in view.scopes():
            things(scope)
        view.actors()
    except CollectionError:
        return


def test_the_collector_is_registered_with_its_settings() -> None:
    assert OpnsenseCollector.Settings is OpnsenseSettings
