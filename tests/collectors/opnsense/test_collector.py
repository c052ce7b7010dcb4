"""The collector against a small OPNsense over TLS."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infradb.collectors.opnsense.collector import OpnsenseCollector
from infradb.collectors.opnsense.endpoints import ENDPOINTS
from infradb.errors import SourceMalformed, SourceRefused, SourceUnreachable
from infradb.observation import CollectionRun, Observation
from tests.collectors.opnsense.peer import CASES, Fake

RULES = "/api/firewall/filter/search_rule"


def collector(fake: Fake, **more: Any) -> OpnsenseCollector:
    return OpnsenseCollector("fw", OpnsenseCollector.Settings.model_validate(fake.settings(**more)))


def collect(fake: Fake, **more: Any) -> CollectionRun:
    return collector(fake, **more).collect()


def statuses(run: CollectionRun) -> dict[str, str]:
    return {scope.name: scope.status for scope in run.scopes}


def keys(run: CollectionRun, scope: str) -> set[str]:
    return {
        o.key for s in run.scopes if s.name == scope for a in s.answers for o in a.parse() if isinstance(o, Observation)
    }


class TestReading:
    def test_is_complete_with_every_privilege(self, firewall: Fake) -> None:
        run = collect(firewall)
        assert set(statuses(run).values()) == {"complete"}, run.errors
        assert len(run.scopes) == 9

    def test_sends_get_alone_and_only_the_calls_that_it_tells(self, firewall: Fake) -> None:
        run = collect(firewall)
        assert {call.split(" ")[0] for call in firewall.seen} == {"GET"}
        assert set(firewall.seen) <= set(collector(firewall).calls())
        assert {call.name for call in run.calls} == set(firewall.seen)

    def test_finds_nothing_new_when_it_reads_again(self, firewall: Fake) -> None:
        first, second = collect(firewall), collect(firewall)
        digests = [{(s.name, a.key): a.digest for s in run.scopes for a in s.answers} for run in (first, second)]
        assert digests[0] == digests[1]

    def test_tells_who_changed_what_within_the_last_day(self, firewall: Fake) -> None:
        assert collect(firewall).actors == {}
        now = f"{time.time():.2f}"
        for entry in firewall.answers["/api/core/backup/backups/this"]["items"][:2]:
            entry["time"] = now
        firewall.config = firewall.config.replace("1763900000.1", now)
        actors = collect(firewall).actors
        assert actors["alias/admins"] == "bob@10.20.0.52"
        assert actors["address/10.20.0.50"] == "ann@10.20.0.51"
        assert actors["rule/b1000000-0000-4000-8000-000000000001"] == "root@10.20.0.50"
        assert "record/nas.lab.example/A/10.20.0.60" not in actors

    def test_two_people_at_one_part_leave_its_author_unknown(self, firewall: Fake) -> None:
        for entry in firewall.answers["/api/core/backup/backups/this"]["items"][1:3]:
            entry["time"] = f"{time.time():.2f}"
        assert "address/10.20.0.50" not in collect(firewall).actors

    def test_reads_a_saved_configuration_without_the_firewall(self, firewall: Fake) -> None:
        found = OpnsenseCollector("fw", OpnsenseCollector.Settings(path=str(CASES / "26.1.xml")))
        run = found.collect()
        assert set(statuses(run).values()) == {"complete"}, run.errors
        assert firewall.seen == []
        assert [d.ok for d in found.diagnose()] == [True]
        assert "rule/b2000000-0000-4000-8000-000000000001" in keys(run, "nat")
        assert "route/default/203.0.113.1/igb0" not in keys(run, "routes")
        assert "route/10.99.0.0/16/10.30.0.254/igb1_vlan30" in keys(run, "routes")


class TestMissingPrivileges:
    @pytest.mark.parametrize("name", sorted(ENDPOINTS))
    def test_each_makes_its_own_scopes_partial_or_failed_and_names_itself(self, firewall: Fake, name: str) -> None:
        endpoint = ENDPOINTS[name]
        firewall.denied = {f"^{endpoint.path}$"}
        run = collect(firewall)
        broken = [scope for scope in run.scopes if scope.status != "complete"]
        if name in ("history", "reservations", "hosts", "dnsmasq_hosts"):
            assert broken == []  # a courtesy, or asked only where the configuration is not read
        else:
            assert broken
            assert all(endpoint.privilege in " ".join(scope.errors) for scope in broken)

    def test_the_configuration_is_what_most_depends_on(self, firewall: Fake) -> None:
        firewall.denied = {"^/api/core/backup/"}
        found = statuses(collect(firewall))
        assert {n for n, s in found.items() if s == "complete"} == {"host", "routes", "aliases", "neighbours"}
        assert set(found.values()) == {"complete", "partial"}

    def test_names_and_reservations_are_then_asked_of_the_api(self, firewall: Fake) -> None:
        firewall.denied = {"^/api/core/backup/"}
        run = collect(firewall)
        assert "record/nas.lab.example/A/10.20.0.60" in keys(run, "dns")
        assert "address/10.40.0.9" in keys(run, "dhcp")

    def test_a_user_with_none_is_an_error_that_says_so(self, firewall: Fake) -> None:
        firewall.denied = {"."}
        with pytest.raises(SourceRefused, match="no right"):
            collect(firewall)

    def test_the_doctor_says_which_privilege_is_missing(self, firewall: Fake) -> None:
        firewall.denied = {"^/api/diagnostics/interface/get_arp$", "^/api/firewall/filter/"}
        found = {d.needs.split(",")[0]: d for d in collector(firewall).diagnose()}
        assert len(found) == len(ENDPOINTS) - 3
        assert [n for n, d in found.items() if not d.ok] == [f"GET {RULES}", "GET /api/diagnostics/interface/get_arp"]
        assert "'Diagnostics: ARP Table'" in found["GET /api/diagnostics/interface/get_arp"].hint
        assert "'Firewall: Rules [new]'" in found[f"GET {RULES}"].hint
        assert found["GET /api/dhcpv4/leases/search_lease"].detail == "not installed"

    def test_the_grant_names_every_privilege(self) -> None:
        text = OpnsenseCollector.grant("fw")
        assert [e.privilege for e in ENDPOINTS.values() if e.privilege not in text] == []
        assert "Deny config write" in text


class TestBadAnswers:
    def test_wrong_credentials_are_named_once(self, firewall: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPNSENSE_SECRET", "wrong-one")
        with pytest.raises(SourceRefused, match="credentials") as raised:
            collect(firewall)
        assert "wrong-one" not in str(raised.value)
        assert len(firewall.seen) == 1

    def test_a_certificate_that_signed_itself_is_refused_with_its_fingerprint(self, firewall: Fake) -> None:
        with pytest.raises(SourceRefused, match="not trusted") as raised:
            collect(firewall, fingerprint=None)
        assert firewall.fingerprint[:6].upper() in raised.value.hint.replace(":", "")

    def test_another_certificate_than_the_pinned_one_is_refused(self, firewall: Fake) -> None:
        with pytest.raises(SourceRefused, match="another one"):
            collect(firewall, fingerprint="AB" * 32)

    @pytest.mark.parametrize("status", [500, 502])
    def test_a_call_that_fails_costs_its_own_scope(self, firewall: Fake, status: int) -> None:
        firewall.broken = {"/api/firewall/alias/export": status}
        run = collect(firewall)
        assert {n for n, s in statuses(run).items() if s != "complete"} == {"aliases"}
        assert "alias/admins" in keys(run, "aliases")

    def test_fewer_rows_than_there_are_make_it_partial(self, firewall: Fake) -> None:
        firewall.answers[RULES]["total"] = 500
        run = collect(firewall)
        assert statuses(run)["rules"] == "partial"
        assert "7 of 500 rows" in " ".join(run.errors)

    def test_an_empty_list_of_rules_beside_a_configuration_removes_only_what_is_told_there(
        self, firewall: Fake
    ) -> None:
        firewall.answers[RULES] = {"total": 0, "rowCount": 0, "current": 1, "rows": []}
        run = collect(firewall)
        assert "rule/b1000000-0000-4000-8000-000000000001" in keys(run, "rules")

    @pytest.mark.parametrize("answer", [[], {"rows": None}, {"rows": [1]}, {}, {"rows": "x"}])
    def test_another_shape_fails_the_call(self, firewall: Fake, answer: Any) -> None:
        firewall.answers["/api/kea/leases4/search"] = answer
        run = collect(firewall)
        assert statuses(run)["dhcp"] == "partial"
        assert "kea" in " ".join(run.errors)

    def test_a_download_that_is_empty_says_how_to_get_one(self, firewall: Fake) -> None:
        firewall.config = ""
        run = collect(firewall)
        assert statuses(run)["nat"] == "partial"
        assert "Configuration: History" in " ".join(run.errors)

    def test_a_saved_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SourceUnreachable, match="cannot be read"):
            OpnsenseCollector("fw", OpnsenseCollector.Settings(path=str(tmp_path / "none.xml"))).collect()

    def test_a_saved_file_that_is_no_configuration_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.xml").write_text("<pfsense/>")
        with pytest.raises(SourceMalformed, match="pfsense"):
            OpnsenseCollector("fw", OpnsenseCollector.Settings(path=str(tmp_path / "x.xml"))).collect()


class TestSettings:
    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"url": "https://fw"},
            {"url": "https://fw", "path": "/x", "api_key": "env:A", "api_secret": "env:B"},
            {"url": "https://user:pw@fw", "api_key": "env:A", "api_secret": "env:B"},
            {"url": "fw", "api_key": "env:A", "api_secret": "env:B"},
            {"url": "https://fw", "api_key": "w86XNZob", "api_secret": "env:B"},
            {"url": "https://fw", "api_key": "env:A", "api_secret": "env:B", "fingerprint": "x"},
        ],
    )
    def test_what_cannot_work_is_refused(self, given: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            OpnsenseCollector.Settings.model_validate(given)
