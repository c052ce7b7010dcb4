"""Reading fakepve 0.5, which answers as Proxmox VE 9.0: over TLS, with rights, faults and real tasks."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infradb.errors import SourceMalformed, SourceRefused, SourceUnreachable
from infradb.observation import CollectionRun, Observation, ScopeResult
from tests.collectors.proxmox.peer import EVERY_RIGHT, TOKEN, Peer


def scope(run: CollectionRun, name: str) -> ScopeResult:
    (found,) = [s for s in run.scopes if s.name == name]
    return found


def said(run: CollectionRun) -> dict[str, Observation]:
    return {o.key: o for s in run.scopes for a in s.answers for o in a.parse() if isinstance(o, Observation)}


def partial(run: CollectionRun) -> list[str]:
    return [s.name for s in run.scopes if s.status != "complete"]


class EveryFifth:
    """Says of every fifth call that it is to fail."""

    count = 0

    def uniform(self, low: float, _: float) -> float:
        return low

    def random(self) -> float:
        self.count += 1
        return 0.0 if self.count % 5 == 0 else 1.0


class TestWhatIsRead:
    def test_everything_is_complete_with_the_granted_rights(self, peer: Peer) -> None:
        run = peer.collector().collect()
        assert (run.status, run.errors) == ("complete", ())
        names = {s.name for s in run.scopes}
        assert names >= {"cluster", "nodes", "storages", "networks", "ha", "guests/pve1", "guests/pve2", "disks/pve1"}

    def test_guests_are_hosts_with_their_place_disks_interfaces_and_addresses(self, peer: Peer) -> None:
        found = said(peer.collector().collect())
        web = found["guest/101"].values
        assert (web["hostname"], web["status"], web["os_name"], web["owner"]) == (
            "web",
            "active",
            "Debian GNU/Linux",
            "ann",
        )
        assert found["guest/101/place"].values["proxmox_host_id"] == "node/pve1"
        assert found["guest/101/disk/scsi0"].values["proxmox_storage_id"] == "storage/pve1/local-lvm"
        assert found["guest/101/interface/net0"].values["vlan_id"] == 20
        assert found["guest/101/address/10.0.20.21"].values["network_id"] == "network/10.0.20.0/24"
        assert found["guest/201/address/10.0.20.31"].values["interface_id"] == "guest/201/interface/net0"
        assert found["network/10.0.20.0/24"].values["gateway"] == "10.0.20.1"
        assert not any("172.17" in key for key in found)

    def test_no_native_key_of_a_guest_holds_its_node(self, peer: Peer) -> None:
        assert not [k for k in said(peer.collector().collect()) if k.startswith("guest/") and "pve" in k]

    def test_nothing_but_get_is_sent_and_every_call_is_one_that_was_announced(self, peer: Peer) -> None:
        collector = peer.collector()
        run = collector.collect()
        assert {method for method, _, _ in peer.pve.requests} == {"GET"}
        assert {c.name for c in run.calls} <= set(collector.calls())
        assert sum(c.times for c in run.calls) == len(peer.pve.requests)
        assert next(path for _, path, _ in peer.pve.requests) == "/api2/json/access/permissions"

    def test_two_readings_have_the_same_digests(self, peer: Peer) -> None:
        def digests() -> dict[Any, int]:
            run = peer.collector().collect()
            return {(s.name, a.key): a.digest for s in run.scopes for a in s.answers}

        first = digests()
        peer.pve.vms[0].stats |= {"mem": 987654321, "cpu": 0.7, "netin": 5}
        assert digests() == first

    def test_the_secret_is_nowhere_in_what_is_said(self, peer: Peer) -> None:
        run = peer.collector().collect()
        text = repr([(a.parse(), getattr(a.parse, "args", ())) for s in run.scopes for a in s.answers])
        assert "hunter2" not in text
        assert peer.pve.apitokens[TOKEN] not in text + repr(run.errors)

    def test_recorded_answers_in_the_place_of_placeholders_reach_their_scopes(self, peer: Peer) -> None:
        peer.pve.recorded |= {
            "/cluster/ha/resources": [{"sid": "vm:101", "state": "started"}],
            "/cluster/ha/rules": [{"rule": "on-pve1", "type": "node-affinity", "resources": "vm:101"}],
            "/cluster/sdn/zones": [{"zone": "lan", "type": "vlan"}],
            "/cluster/sdn/vnets": [{"vnet": "dmz", "zone": "lan", "tag": 66}],
            "/cluster/sdn/vnets/dmz/subnets": [{"cidr": "10.66.0.0/24", "gateway": "10.66.0.1"}],
            "/nodes/pve1/disks/list": [{"devpath": "/dev/sda", "model": "X", "size": 1000000000, "health": "PASSED"}],
            "/nodes/pve1/disks/zfs": [{"name": "rpool", "size": 1, "health": "ONLINE"}],
            "/nodes/pve1/status": {"pveversion": "pve-manager/9.0.10/x"},
        }
        found = said(peer.collector().collect())
        assert found["guest/101/place"].key
        assert found["network/10.66.0.0/24"].values["vlan_id"] == 66
        assert found["node/pve1/device//dev/sda"].values["smart_status"] == "passed"
        assert found["node/pve1/api"].values["version"] == "9.0.10"

    def test_who_did_it_comes_from_the_task_log(self, peer: Peer) -> None:
        now = int(time.time())
        task = {"type": "qmstart", "id": "101", "user": "ann@pam", "starttime": now, "endtime": now, "status": "OK"}
        peer.pve.recorded["/cluster/tasks"] = [task]
        assert peer.collector().collect().actors == {"guest/101": "ann@pam", "guest/101/place": "ann@pam"}

    def test_backups_are_read_from_the_task_log(self, peer: Peer) -> None:
        peer.do(peer.pve.backup(101, secs=0))
        place = said(peer.collector().collect())["guest/101/place"].values
        assert place["last_backup_status"] == "OK"
        assert place["last_backup_at"][:4] == time.strftime("%Y", time.gmtime())

    def test_backups_on_a_storage_are_listed_only_where_the_token_may(self, peer: Peer) -> None:
        peer.collector().collect()
        assert not any("/content" in path for _, path, _ in peer.pve.requests)
        peer.grant("Datastore.AllocateSpace", "VM.Backup", *EVERY_RIGHT)
        peer.collector().collect()
        assert any(path.endswith("/storage/local/content") for _, path, _ in peer.pve.requests)


class TestFirewall:
    def test_a_guests_firewall_is_read_where_it_can_be_in_force(self, peer: Peer) -> None:
        root = {"node": "pve1", "vmid": 101}
        conf = peer.pve.firewall_config("vm", **root)
        conf["options"]["enable"] = 1
        conf["rules"].append({"type": "in", "action": "ACCEPT", "macro": "SSH", "enable": 1})
        assert said(peer.collector().collect())["guest/101/place"].values["firewall_enabled"] is False
        peer.pve.firewall_config("cluster")["options"]["enable"] = 1
        found = said(peer.collector().collect())
        assert found["guest/101/place"].values["firewall_enabled"] is True
        rules = [o.values for o in found.values() if o.values.get("firewall_host_id") == "guest/101"]
        assert (rules[0]["protocol"], rules[0]["destination_port"], rules[0]["action"]) == ("tcp", "22", "allow")
        assert [r["chain"] for r in rules] == ["guest", "policy", "policy"]
        assert "guest/102/place" in found  # without the flag on an interface it is not asked
        assert not any("/qemu/102/firewall" in path for _, path, _ in peer.pve.requests)


class TestRights:
    @pytest.mark.parametrize(
        ("right", "words", "scopes"),
        [
            ("VM.Audit", "VM.Audit on /vms", {"guests/pve1", "guests/pve2", "addresses/pve1", "firewall/pve1"}),
            ("Sys.Audit", "Sys.Audit on /", {"cluster", "nodes", "disks/pve1", "ha", "firewall/pve1"}),
            ("Datastore.Audit", "Datastore.Audit on /storage", {"storages"}),
            ("SDN.Audit", "SDN.Audit on /sdn", {"networks", "interfaces/pve1"}),
            ("Pool.Audit", "Pool.Audit on /pool", {"guests/pve1"}),
            ("VM.GuestAgent.Audit", "VM.GuestAgent.Audit (before PVE 9: VM.Monitor) on /vms", {"addresses/pve1"}),
        ],
    )
    def test_a_missing_right_makes_its_scopes_partial_and_is_named(
        self, peer: Peer, right: str, words: str, scopes: set[str]
    ) -> None:
        peer.pve.acl = None
        peer.grant(*[r for r in EVERY_RIGHT if r != right])
        run = peer.collector().collect()
        assert scopes <= set(partial(run))
        for name in scopes:
            assert any(words in e for e in scope(run, name).errors), scope(run, name).errors
        (proof,) = [
            d for d in peer.collector().diagnose() if not d.ok and right in d.needs and "/ " not in d.needs + " "
        ][:1]
        assert "pveum acl modify" in proof.hint
        assert TOKEN in proof.hint

    def test_a_right_on_a_single_guest_is_not_a_right_on_all(self, peer: Peer) -> None:
        peer.pve.acl = None
        peer.grant(*[r for r in EVERY_RIGHT if not r.startswith("VM.")])
        peer.grant("VM.Audit", "VM.GuestAgent.Audit", path="/vms/101")
        run = peer.collector().collect()
        assert "guest/101" in said(run)
        assert "guest/201" not in said(run)
        assert {"guests/pve1", "guests/pve2"} <= set(partial(run))

    def test_a_right_that_is_taken_away_from_one_path_is_missed_there(self, peer: Peer) -> None:
        peer.grant("VM.PowerMgmt", path="/vms/101")
        assert any("/vms/101" in e for e in scope(peer.collector().collect(), "guests/pve1").errors)

    def test_a_token_without_any_right_is_refused_with_what_to_do(self, peer: Peer) -> None:
        peer.pve.acl = {}
        with pytest.raises(SourceRefused, match="no rights at all") as raised:
            peer.collector().collect()
        assert "both" in raised.value.hint

    def test_with_every_right_the_diagnosis_is_clean(self, peer: Peer) -> None:
        found = peer.collector().diagnose()
        assert len(found) == 8
        assert all(d.ok for d in found)
        assert found[0].detail == "Proxmox VE 9.0.10"

    def test_the_grant_gives_the_role_to_both_the_user_and_the_token(self, peer: Peer) -> None:
        text = peer.collector().grant("lab")
        assert "--privsep 1" in text
        assert "pveum acl modify / --users infradb@pve --roles infradb" in text
        assert "pveum acl modify / --tokens 'infradb@pve!lab' --roles infradb" in text
        assert all(right in text for right in EVERY_RIGHT)
        assert not any(word in text for word in ("Modify", "Allocate", "PowerMgmt", "Administrator"))


class TestBadDays:
    def test_an_offline_node_makes_only_its_own_scopes_partial(self, peer: Peer) -> None:
        peer.pve.set_node_offline("pve2")
        run = peer.collector().collect()
        assert not [n for n in partial(run) if n.endswith("/pve1")]
        own = ("interfaces", "disks", "guests", "addresses", "firewall")
        assert {f"{n}/pve2" for n in own} | {"nodes", "networks", "storages"} == set(partial(run))
        assert said(run)["node/pve2"].values["status"] == "unknown"
        assert any("pve2 is offline" in e for e in run.errors)

    def test_a_node_that_goes_away_while_it_is_read_is_asked_no_more(self, peer: Peer) -> None:
        for number in range(300, 340):
            peer.pve.add_vm(number, f"vm{number}", node="pve2")
        peer.pve.fail("GET", "/nodes/{node}/qemu/{vmid}/config", 595, "No route to host")
        run = peer.collector(parallel=2).collect()
        assert scope(run, "guests/pve2").status == "partial"
        assert "guest/201" not in said(run)
        asked = [path for _, path, _ in peer.pve.requests if path.startswith("/api2/json/nodes/pve2/qemu/")]
        assert len(asked) <= 4

    def test_without_quorum_nothing_counts_as_absent(self, peer: Peer) -> None:
        peer.pve.lose_quorum()
        run = peer.collector().collect()
        assert not [s.name for s in run.scopes if s.status == "complete" and s.name.startswith(("cluster", "guests"))]
        assert any("no quorum" in e for e in run.errors)

    @pytest.mark.parametrize(
        ("path", "scopes"),
        [
            ("/nodes/pve1/qemu/101/config", {"guests/pve1", "addresses/pve1", "firewall/pve1", "networks"}),
            ("/nodes/pve1/disks/list", {"disks/pve1"}),
            ("/nodes/pve1/network", {"interfaces/pve1", "nodes", "networks"}),
            ("/cluster/firewall/options", {"firewall/pve1", "firewall/pve2"}),
            ("/cluster/sdn/zones", {"networks"}),
            ("/cluster/ha/resources", {"ha"}),
            ("/storage", {"storages"}),
            ("/nodes/pve1/qemu/101/agent/network-get-interfaces", {"addresses/pve1", "networks"}),
        ],
    )
    @pytest.mark.parametrize(("status", "message"), [(403, "Permission check failed (/x, Y.Audit)"), (500, "boom")])
    def test_a_call_that_fails_makes_only_its_own_scopes_partial(
        self, peer: Peer, path: str, scopes: set[str], status: int, message: str
    ) -> None:
        peer.pve.fail("GET", path, status, message)
        run = peer.collector().collect()
        assert set(partial(run)) == scopes
        assert any(message in e for e in run.errors)

    def test_an_agent_that_does_not_run_is_no_fault(self, peer: Peer) -> None:
        peer.pve.vms[0].agent = None
        run = peer.collector().collect()
        assert (run.status, run.errors) == ("complete", ())
        assert "guest/101/address/10.0.20.21" not in said(run)

    @pytest.mark.parametrize(
        "message", ["QEMU guest agent is not running", "No QEMU guest agent configured", "VM 101 is not running",
                    "Agent error: The command guest-get-osinfo has not been found",
                    "Agent error: Command guest-network-get-interfaces has been disabled"],
    )  # fmt: skip
    def test_an_agent_that_cannot_say_it_is_no_fault(self, peer: Peer, message: str) -> None:
        for command in ("network-get-interfaces", "get-osinfo"):
            peer.pve.fail("GET", f"/nodes/pve1/qemu/101/agent/{command}", 500, message)
        assert peer.collector().collect().status == "complete"

    def test_a_connection_that_broke_off_is_tried_once_more(self, peer: Peer) -> None:
        peer.pve.flaky_network(drop_rate=0.5)
        peer.pve._random = EveryFifth()
        run = peer.collector(parallel=1).collect()
        assert (run.status, run.errors) == ("complete", ())
        assert sum(c.failed for c in run.calls) > 5

    def test_what_a_version_does_not_have_yet_is_no_fault(self, peer: Peer) -> None:
        for path in ("/cluster/sdn/zones", "/cluster/sdn/vnets", "/cluster/ha/rules"):
            peer.pve.fail("GET", path, 501, f"Method 'GET {path}' not implemented")
        assert peer.collector().collect().status == "complete"

    def test_no_list_of_resources_is_no_run(self, peer: Peer) -> None:
        peer.pve.fail("GET", "/cluster/resources", 500, "boom")
        with pytest.raises(SourceUnreachable, match="boom"):
            peer.collector().collect()

    def test_a_proxys_page_is_named(self, peer: Peer) -> None:
        peer.pve.fail("GET", "/cluster/resources", 200, "<html>Log in</html>", html=True)
        with pytest.raises(SourceMalformed, match="web page"):
            peer.collector().collect()

    def test_a_wrong_secret_is_named_and_not_repeated(self, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PVE_SECRET", "not-the-secret")
        with pytest.raises(SourceRefused, match="refuses the token") as raised:
            peer.collector().collect()
        assert "not-the-secret" not in f"{raised.value} {raised.value.hint}"
        (diagnosis,) = peer.collector().diagnose()
        assert "expired" in diagnosis.hint

    def test_another_certificate_than_the_pinned_one_is_refused(self, peer: Peer) -> None:
        with pytest.raises(SourceRefused, match="another one than the pinned one"):
            peer.collector(fingerprint="AA:" * 31 + "AA").collect()

    def test_a_self_signed_certificate_is_refused_with_its_fingerprint(self, peer: Peer) -> None:
        with pytest.raises(SourceRefused, match="not trusted") as raised:
            peer.collector(fingerprint=None).collect()
        assert peer.fingerprint in raised.value.hint

    def test_an_authority_takes_the_place_of_a_fingerprint(self, peer: Peer) -> None:
        assert peer.collector(fingerprint=None, ca=peer.ca).collect().status == "complete"

    @pytest.mark.long
    def test_nodes_that_never_answer_do_not_hold_up_the_run(self, peer: Peer) -> None:
        for number in range(300, 320):
            peer.pve.add_vm(number, f"vm{number}", node="pve2")
        peer.pve.time_scale = 1.0
        peer.pve.slow_network(5, node="pve2")
        began = time.monotonic()
        run = peer.collector(timeout_seconds=1).collect()
        assert time.monotonic() - began < 12
        assert {"guests/pve2", "disks/pve2"} <= set(partial(run))
        assert "guests/pve1" not in partial(run)
