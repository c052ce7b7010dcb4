"""Packet filters as rows: recorded ones, and real ones in network namespaces and of the real Docker engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import CUT_OFF, TIMED_OUT, Facts, Section
from infradb.collectors.local.client import LocalClient
from infradb.collectors.local.collector import LocalCollector
from infradb.collectors.local.settings import LocalSettings
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation, ScopeResult
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.peers import Lab, missing

FOLDER = Path(__file__).parent / "firewalls"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups sh"
ENTRIES = Path(__file__).parent / "entries.nft"


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def recorded(name: str, **replaced: Section | None) -> Facts:
    sections = {"uid": Section("0\n")}
    for section, said in load(name)["sections"].items():
        text = json.dumps(said["json"]) if "json" in said else "\n".join(said["lines"])
        sections[section] = Section(text + "\n", said.get("status", 0), said.get("message", ""))
    for section, instead in replaced.items():
        sections.pop(section.replace("_", "-"), None)
        if instead is not None:
            sections[section.replace("_", "-")] = instead
    return Facts(sections)


def scope(facts: Facts) -> ScopeResult:
    (found,) = [s for s in parse_facts(facts) if s.name == "firewall"]
    return found


def said(result: ScopeResult) -> dict[str, dict[str, Any]]:
    things: dict[str, dict[str, Any]] = {}
    for answer in result.answers:
        for one in answer.parse():
            assert isinstance(one, Observation)
            BY_TABLE[one.table].adapter.validate_python(dict(one.values))
            assert one.key not in things, f"{one.key} is said twice"
            things[one.key] = dict(one.values)
    return things


def rows(result: ScopeResult, ruleset: str, chain: str) -> list[dict[str, Any]]:
    """The rules of a chain in the order of their evaluation."""
    found = [r for r in said(result).values() if (r.get("ruleset"), r.get("chain")) == (ruleset, chain)]
    return sorted(found, key=lambda row: row["rule_number"])


def digests(result: ScopeResult) -> dict[str, int]:
    return {answer.key: answer.digest for answer in result.answers}


def understood(result: ScopeResult) -> dict[str, Any]:
    measured = {key: dict(values) for answer in result.answers for key, values in answer.measured.items()}
    return {"status": result.status, "errors": list(result.errors), "things": said(result), "measured": measured}


def read(shell: str) -> ScopeResult:
    return scope(LocalClient(LocalSettings(shell=shell)).read())


def inside(netns: str, command: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", netns, "sh", "-ec", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def of(netns: str) -> ScopeResult:
    return read(f"ip netns exec {netns} sh")


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            missing(program, "not installed")


@pytest.mark.parametrize("name", NAMES)
class TestEveryRecordedFilter:
    def test_is_understood_as_expected(self, name: str) -> None:
        assert understood(scope(recorded(name))) == load(name)["expected"]

    def test_has_the_same_digests_when_it_is_read_again(self, name: str) -> None:
        assert digests(scope(recorded(name))) == digests(scope(recorded(name)))

    def test_numbers_the_rules_of_each_chain_without_a_gap_and_ends_with_the_policy(self, name: str) -> None:
        chains: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in said(scope(recorded(name))).values():
            if "rule_number" in row:
                chains.setdefault((row["ruleset"], row["chain"]), []).append(row)
        for found in chains.values():
            assert sorted(r["rule_number"] for r in found) == list(range(1, len(found) + 1))
            if "hook" in found[0]:
                assert max(found, key=lambda r: r["rule_number"])["native_id"].endswith("/policy")

    def test_jumps_only_to_chains_that_exist_or_are_empty(self, name: str) -> None:
        found = [r for r in said(scope(recorded(name))).values() if "rule_number" in r]
        assert all("jump_to" in r for r in found if r["action"] in ("jump", "goto"))
        assert all(r["action"] in ("jump", "goto") for r in found if "jump_to" in r)


class TestNft:
    @pytest.fixture
    def filtered(self, netns: str) -> str:
        needs("nft")
        inside(netns, f"nft -f {ENTRIES}")
        return netns

    def test_a_ruleset_is_read_in_the_order_of_its_evaluation(self, filtered: str) -> None:
        found = of(filtered)
        assert (found.status, found.errors) == ("complete", ())
        rules = rows(found, "inet filter", "input")
        assert [r["rule"] for r in rules][:4] == [
            "ct state established accept", "ct state invalid drop", "ct state related accept", "iif lo accept",
        ]  # fmt: skip
        assert rules[-1] | {"native_id": ""} == {
            "firewall_host_id": "host", "ruleset": "inet filter", "chain": "input", "direction": "in", "enabled": True,
            "hook": "input", "priority": 0, "native_id": "", "rule_number": len(rules), "action": "deny",
            "rule": "policy drop",
        }  # fmt: skip

    def test_it_is_the_recorded_one(self, filtered: str) -> None:
        assert understood(of(filtered)) == load("nft")["expected"]

    def test_nothing_changes_while_packets_are_counted(self, filtered: str) -> None:
        before = of(filtered)
        inside(filtered, "nft insert rule inet filter input iif lo counter accept")
        counted = of(filtered)
        inside(filtered, "ping -c 3 -i 0.01 127.0.0.1 >/dev/null || busybox ping -c 3 127.0.0.1 >/dev/null")
        after = of(filtered)
        assert digests(after) == digests(counted) != digests(before)
        packets = [dict(a.measured)[a.key]["packets"] for a in after.answers if a.measured]
        assert max(packets) >= 6

    def test_nothing_changes_when_the_same_rules_are_loaded_again(self, filtered: str) -> None:
        before = of(filtered)
        inside(filtered, f"nft flush ruleset && nft -f {ENTRIES}")
        assert digests(of(filtered)) == digests(before)

    def test_a_rule_that_moves_stays_itself(self, filtered: str) -> None:
        before = {k: r for k, r in said(of(filtered)).items() if "rule_number" in r}
        inside(filtered, "nft insert rule inet filter input tcp dport 5999 drop")
        after = said(of(filtered))
        (new,) = after.keys() - before.keys() - {k for k in after if k.startswith("alias/")}
        assert after[new]["rule_number"] == 1
        moved = {k: r["rule_number"] for k, r in before.items() if r["chain"] == "input" and "inet" in r["ruleset"]}
        assert {k: after[k]["rule_number"] for k in moved} == {k: n + 1 for k, n in moved.items()}

    def test_a_verdict_that_changes_leaves_the_rule_itself(self, filtered: str, tmp_path: Path) -> None:
        (key,) = [k for k, r in said(of(filtered)).items() if r.get("description") == "ssh"]
        text = ENTRIES.read_text(encoding="utf-8")
        assert text.count('counter accept comment "ssh"') == 1
        changed = tmp_path / "changed.nft"
        changed.write_text(text.replace('counter accept comment "ssh"', 'counter drop comment "ssh"'), encoding="utf-8")
        inside(filtered, f"nft flush ruleset && nft -f {changed}")
        assert said(of(filtered))[key]["action"] == "deny"

    def test_without_root_there_is_no_scope_and_doctor_says_what_to_do(self, filtered: str) -> None:
        """It would be told at every reading, and an account without rights is the usual case."""
        reader = LocalCollector("here", LocalSettings(shell=f"ip netns exec {filtered} {AS_NOBODY}"))
        assert "firewall" not in [scope.name for scope in reader.collect().scopes]
        (found,) = [d for d in reader.diagnose() if "packet filter" in d.needs]
        assert not found.ok
        assert "CAP_NET_ADMIN" in found.needs

    def test_an_empty_namespace_has_no_rules_and_that_is_complete(self, netns: str) -> None:
        needs("nft")
        found = of(netns)
        assert (found.status, tuple(found.answers)) == ("complete", ())


class TestIptables:
    @pytest.mark.parametrize(("kind", "suffix"), [("nft", ""), ("legacy", " legacy")])
    def test_both_kinds_are_read_alike(self, netns: str, kind: str, suffix: str) -> None:
        needs(f"iptables-{kind}", "nft")
        run = f"iptables-{kind}"
        inside(
            netns,
            f"""{run} -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            {run} -A INPUT -p tcp -m multiport --dports 80,8000:8010 ! -s 10.0.0.0/8 -j REJECT \\
                -m comment --comment 'web "1"'
            {run} -N mine; {run} -A FORWARD -i eth0 -o eth1 -j mine; {run} -N other; {run} -A mine -s 192.0.2.7 -g other
            {run} -P FORWARD DROP
            {run} -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.4:8080
            {run} -t nat -A POSTROUTING -o eth0 -j MASQUERADE""",
        )
        found = of(netns)
        assert (found.status, found.errors) == ("complete", ())
        _, web, policy = rows(found, f"ip filter{suffix}", "INPUT")
        assert (web["action"], web["source_network"], web["destination_port"]) == (
            "reject",
            "!10.0.0.0/8",
            "80,8000-8010",
        )
        assert (web["description"], policy["action"]) == ('web "1"', "allow")
        assert [r["action"] for r in rows(found, f"ip filter{suffix}", "FORWARD")] == ["jump", "deny"]
        (goto,) = rows(found, f"ip filter{suffix}", "mine")
        assert (goto["action"], goto["jump_to"], goto["direction"]) == ("goto", "other", "forward")
        nat = rows(found, f"ip nat{suffix}", "PREROUTING")[0]
        assert (nat["nat_type"], nat["nat_to"], nat["priority"]) == ("destination", "10.0.0.4:8080", -100)

    def test_legacy_tables_stand_beside_what_nft_sees(self, netns: str) -> None:
        needs("iptables-nft", "iptables-legacy", "nft")
        inside(
            netns, "iptables-nft -A INPUT -p tcp --dport 1 -j DROP; iptables-legacy -A INPUT -p tcp --dport 2 -j DROP"
        )
        found = of(netns)
        assert rows(found, "ip filter", "INPUT")[0]["destination_port"] == "1"
        assert rows(found, "ip filter legacy", "INPUT")[0]["destination_port"] == "2"

    def test_rules_that_only_iptables_knows_make_the_scope_partial_without_it(self) -> None:
        found = scope(recorded("docker", iptables=None, ip6tables=None))
        assert found.status == "partial"
        assert "install iptables" in found.errors[0]
        masquerades = [r for r in said(found).values() if r.get("nat_type") == "source"]
        assert masquerades

    def test_legacy_tables_that_no_program_shows_make_it_partial(self) -> None:
        found = scope(recorded("iptables", iptables_legacy=None))
        assert found.status == "partial"
        assert "legacy table" in found.errors[0]


@pytest.mark.long
class TestUfw:
    def test_its_rules_have_their_comments(self, netns: str, tmp_path: Path) -> None:
        needs("ufw", "nft", "unshare")
        etc = tmp_path / "ufw"
        shutil.copytree("/etc/ufw", etc)
        own = f"unshare --mount sh -c 'mount --bind {etc} /etc/ufw && exec sh \"$@\"' sh"
        script = (
            "ufw allow 22/tcp comment 'ssh for all'; ufw deny from 203.0.113.0/24 to any port 80,443 proto tcp;"
            " ufw --force enable"
        )
        done = subprocess.run(
            ["ip", "netns", "exec", netns, "unshare", "--mount", "sh", "-ec", f"mount --bind {etc} /etc/ufw; {script}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        found = read(f"ip netns exec {netns} {own}")
        assert (found.status, found.errors) == ("complete", ())
        ssh, web = rows(found, "ip filter", "ufw-user-input")
        assert (ssh["destination_port"], ssh["description"], ssh["managed_by"]) == ("22", "ssh for all", "ufw")
        assert (web["action"], web["source_network"], web["destination_port"]) == ("deny", "203.0.113.0/24", "80,443")
        assert rows(found, "ip6 filter", "ufw6-user-input")[0]["description"] == "ssh for all"
        assert rows(found, "ip filter", "INPUT")[-1]["action"] == "deny"


@pytest.mark.usefixtures("docker_client")
class TestDocker:
    def test_a_published_port_is_in_its_chains_and_marked_as_its_own(self, lab_containers: Lab) -> None:
        needs("iptables", "nft")
        container = lab_containers.run(ports={"80/tcp": 18097})
        container.reload()
        address = container.attrs["NetworkSettings"]["IPAddress"]
        found = read("sh")
        assert found.status == "complete", found.errors
        published = [r for r in said(found).values() if r.get("nat_to") == f"{address}:80"]
        assert [(r["chain"], r["destination_port"], r["managed_by"]) for r in published] == [
            ("DOCKER", "18097", "docker")
        ]
        passed = rows(found, published[0]["ruleset"].replace("nat", "filter"), "DOCKER")
        assert [r["action"] for r in passed if r["destination_network"] == address] == ["allow"]
        own = [r for r in said(found).values() if "rule_number" in r and "policy" not in r["native_id"]]
        dockers = [r for r in own if r["chain"].startswith("DOCKER") or r.get("jump_to", "").startswith("DOCKER")]
        assert {r.get("managed_by") for r in dockers} == {"docker"}

    def test_what_a_person_wrote_into_docker_user_is_not_docker(self) -> None:
        rules = rows(scope(recorded("docker")), "ip filter", "DOCKER-USER")
        assert [r.get("managed_by") for r in rules] == [None, "docker"]


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("status", [TIMED_OUT, CUT_OFF, 1])
    def test_makes_it_partial_where_another_program_tells_some(self, status: int) -> None:
        found = scope(recorded("docker", nft=Section("", status, "Segmentation fault")))
        assert found.status == "partial"
        assert any("nft" in error for error in found.errors)
        assert rows(found, "ip filter", "DOCKER")

    def test_is_none_where_no_program_is_installed(self) -> None:
        absent = dict.fromkeys(("nft", "iptables", "ip6tables"), Section("", 127))
        facts = recorded("docker", **absent)
        assert "firewall" not in [s.name for s in parse_facts(facts)]
        (found,) = [d for d in diagnose_facts(facts) if "packet filter" in d.needs]
        assert "neither nft nor iptables" in found.detail

    def test_half_a_ruleset_is_not_complete(self) -> None:
        found = scope(recorded("nft", nft=Section('{"nftables": [{"metainfo": {}', 0)))
        assert found.status == "failed" or found.errors

    def test_a_kernel_without_nf_tables_holds_no_rules_of_nft(self) -> None:
        message = "Unable to initialize Netlink socket: Protocol not supported"
        found = scope(recorded("iptables", nft=Section("", 1, message)))
        assert found.status == "complete"


@pytest.mark.long
class TestSpoiled:
    @settings(max_examples=50)
    @given(st.data())
    def test_json_never_breaks_the_parser(self, data: st.DataObject) -> None:
        spoilt = data.draw(spoiled(load("nft")["sections"]["nft"]["json"]))
        said(scope(recorded("nft", nft=Section(json.dumps(spoilt)))))

    @settings(max_examples=50)
    @given(st.data())
    def test_text_never_breaks_the_parser(self, data: st.DataObject) -> None:
        text = "\n".join(load("ufw")["sections"]["iptables"]["lines"])
        own = "\n".join(load("ufw")["sections"]["ufw"]["lines"])
        spoilt = {"iptables": Section(data.draw(spoiled_text(text))), "ufw": Section(data.draw(spoiled_text(own)))}
        said(scope(recorded("ufw", **spoilt)))
