"""What absence means: only a complete scope may retire, after a grace, and not too much at once."""

from __future__ import annotations

from infradb.model.network import IpAddress
from infradb.model.physical import Host
from infradb.observation import ScopeResult, observe
from infradb.operations.absorb import RunReport
from tests.lab import DOCKER_HOST, ROUTER, Estate, answer, container, failed, names, nic, partial, scope

WEB, DB = container("1" * 64, "web"), container("2" * 64, "db")
ENGINE_SCOPE = scope("engine", DOCKER_HOST)


def test_what_a_complete_scope_no_longer_shows_is_retired(estate: Estate) -> None:
    estate.run("docker", ENGINE_SCOPE, scope("containers", WEB, DB))
    report = estate.run("docker", ENGINE_SCOPE, scope("containers", WEB))
    assert report.counts["retired"] == 1
    assert names(estate.rows("docker_containers"), "container_name") == ["web"]


def test_one_page_of_a_listing_that_fails_retires_nothing(estate: Estate) -> None:
    estate.run("docker", ENGINE_SCOPE, scope("containers", WEB, DB))
    report = estate.run("docker", ENGINE_SCOPE, partial("containers", WEB))
    assert (report.status, report.counts["retired"]) == ("partial", 0)
    assert len(estate.rows("docker_containers")) == 2


def test_a_partial_scope_still_adds_and_changes(estate: Estate) -> None:
    estate.run("docker", ENGINE_SCOPE, scope("containers", WEB))
    estate.run("docker", ENGINE_SCOPE, partial("containers", DB, container("1" * 64, "web", image_tag="2")))
    assert names(estate.rows("docker_containers"), "container_name") == ["db", "web"]
    assert estate.row("docker_containers", container_name="web")["image_tag"] == "2"


def test_a_failed_scope_changes_nothing_whatever_it_holds(estate: Estate) -> None:
    estate.run("docker", ENGINE_SCOPE, scope("containers", WEB))
    report = estate.run("docker", failed("engine"), failed("containers", DB))
    assert (report.status, report.changed) == ("failed", 0)
    assert names(estate.rows("docker_containers"), "container_name") == ["web"]


def test_a_whole_answer_of_a_partial_scope_says_which_of_its_parts_are_gone(estate: Estate) -> None:
    nics = [nic(ROUTER.key, "igb0"), nic(ROUTER.key, "igb1")]
    estate.run("snmp", scope("devices", answer(ROUTER, *nics)))
    estate.run("snmp", partial("devices", answer(ROUTER, nics[0])))
    assert len(estate.rows("network_interfaces")) == 2
    estate.run("snmp", partial("devices", answer(ROUTER, nics[0], whole=True, digest=1)))
    assert names(estate.rows("network_interfaces"), "interface_name") == ["igb0"]


def test_an_end_that_was_seen_needs_no_complete_scope(estate: Estate) -> None:
    estate.run("docker", ENGINE_SCOPE, scope("containers", WEB, DB))
    estate.run("docker", partial("containers", gone=[WEB.key]))
    assert names(estate.rows("docker_containers"), "container_name") == ["db"]


def test_ends_that_were_seen_do_not_pull_the_brake(estate: Estate) -> None:
    several = [container(f"{n}{'0' * 62}", f"c{n}") for n in range(10, 20)]
    estate.run("docker", ENGINE_SCOPE, scope("containers", *several))
    report = estate.run("docker", ENGINE_SCOPE, scope("containers", gone=[c.key for c in several]))
    assert (report.counts["retired"], report.braked) == (10, {})


class TestGrace:
    NODE = observe("node", Host(hostname="node"))

    def test_a_host_that_is_unseen_is_missing_first_and_retired_later(self, estate: Estate) -> None:
        estate.run("proxmox", scope("nodes", self.NODE))
        (node,) = estate.ids("hosts")
        last_seen = estate.clock.now()
        report = estate.run("proxmox", scope("nodes"))
        assert (report.counts["missing"], report.counts["retired"]) == (1, 0)
        assert estate.claims(node) == [("proxmox", "node", last_seen)]
        estate.clock.passes(minutes=30)
        assert estate.run("proxmox", scope("nodes")).counts["retired"] == 0
        estate.clock.passes(minutes=30)
        assert estate.run("proxmox", scope("nodes")).counts["retired"] == 1
        assert estate.rows("hosts") == []

    def test_one_that_comes_back_in_time_was_never_away(self, estate: Estate) -> None:
        estate.run("proxmox", scope("nodes", self.NODE))
        (node,) = estate.ids("hosts")
        estate.run("proxmox", scope("nodes"))
        report = estate.run("proxmox", scope("nodes", self.NODE))
        assert report.changed == 0
        assert estate.claims(node) == [("proxmox", "node", None)]
        estate.clock.passes(hours=5)
        estate.run("proxmox", scope("nodes", self.NODE))
        assert estate.run("proxmox", scope("nodes")).counts["missing"] == 1

    def test_failures_do_not_use_it_up(self, estate: Estate) -> None:
        estate.run("proxmox", scope("nodes", self.NODE))
        for _ in range(5):
            estate.clock.passes(hours=1)
            estate.run("proxmox", failed("nodes"))
        assert len(estate.rows("hosts")) == 1


class TestBrake:
    MANY = [container(f"{n}{'a' * 60}", f"c{n}") for n in range(10, 30)]

    def test_a_list_that_is_suddenly_empty_retires_nothing(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY))
        report = estate.run("docker", ENGINE_SCOPE, scope("containers"))
        assert (report.counts["retired"], report.braked) == (0, {"docker_containers": 20})
        assert estate.findings() == ["mass-change-brake"]

    def test_a_persons_word_releases_it(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY))
        estate.run("docker", ENGINE_SCOPE, scope("containers"))
        report = estate.run("docker", ENGINE_SCOPE, scope("containers"), allow_retire=True)
        assert report.counts["retired"] == 20

    def test_what_it_holds_does_not_begin_another_grace(self, estate: Estate) -> None:
        nodes = [observe(f"n{n}", Host(hostname=f"n{n}")) for n in range(10)]
        estate.run("proxmox", scope("nodes", *nodes))
        estate.clock.passes(hours=2)
        assert estate.run("proxmox", scope("nodes")).braked == {"hosts": 10}
        assert estate.run("proxmox", scope("nodes"), allow_retire=True).counts["retired"] == 10

    def test_what_is_new_goes_on(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY))
        report = estate.run("docker", ENGINE_SCOPE, scope("containers", WEB))
        assert (report.counts["created"], report.counts["retired"]) == (1, 0)

    def test_a_fifth_may_go(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY))
        report = estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY[4:]))
        assert report.counts["retired"] == 4

    def test_what_went_before_does_not_count(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", *self.MANY))
        left = [container(f"{n}{'b' * 60}", f"d{n}") for n in range(10, 16)]
        estate.run("docker", ENGINE_SCOPE, scope("containers", *left), allow_retire=True)
        report = estate.run("docker", ENGINE_SCOPE, scope("containers", *left[5:]))
        assert (report.counts["retired"], report.braked) == (0, {"docker_containers": 5})


class TestCascade:
    PARTS = (nic(ROUTER.key, "igb0"), nic(ROUTER.key, "igb1"))

    def retired_router(self, estate: Estate) -> None:
        estate.run("snmp", scope("devices", answer(ROUTER, *self.PARTS)))
        estate.run("snmp", scope("devices", answer(ROUTER, self.PARTS[0])))
        estate.clock.passes(hours=2)
        estate.run("snmp", scope("devices"))

    def test_what_an_owner_owns_goes_with_it_and_says_why(self, estate: Estate) -> None:
        self.retired_router(estate)
        (router,) = (r["id"] for r in estate.rows("hosts", retired=True))
        assert estate.rows("network_interfaces") == []
        reasons = estate.ask(
            "SELECT reason FROM infrastructure_changes WHERE change_type = 'retire'"
            " AND entity_type = 'network_interfaces' ORDER BY position DESC"
        )
        assert reasons[0] == (f"its owner (id {router}) was retired",)

    def test_what_comes_back_is_itself_with_just_what_went_with_it(self, estate: Estate) -> None:
        self.retired_router(estate)
        (router,) = (r["id"] for r in estate.rows("hosts", retired=True))
        before = estate.changes()
        report = estate.run("snmp", scope("devices", answer(ROUTER, self.PARTS[0])))
        assert report.counts["revived"] == 2
        assert estate.ids("hosts") == [router]
        assert names(estate.rows("network_interfaces"), "interface_name") == ["igb0"]
        assert estate.changes()[: len(before)] == before

    def test_what_another_source_still_says_comes_back_with_its_owner(self, estate: Estate) -> None:
        estate.run("docker", ENGINE_SCOPE, scope("containers", WEB))
        estate.clock.passes(hours=2)
        estate.run("docker", scope("engine"), failed("containers"))
        assert estate.rows("docker_containers") == []
        estate.run("docker", ENGINE_SCOPE, failed("containers"))
        assert names(estate.rows("docker_containers"), "container_name") == ["web"]

    def test_a_thing_that_somebody_else_sees_stays(self, estate: Estate) -> None:
        for source in ("a", "b"):
            estate.run(source, scope("hosts", observe("h", Host(hostname="h", machine_id_hash="m"))))
        estate.clock.passes(hours=2)
        assert estate.run("a", scope("hosts")).counts["retired"] == 0
        assert estate.run("b", scope("hosts")).counts["retired"] == 1


def test_leases_that_ran_out_end_without_grace_and_without_the_brake(estate: Estate) -> None:
    def leases(count: int) -> ScopeResult:
        ends = "2026-03-01T13:00:00.000Z"
        listed = [
            answer(
                observe(f"10.0.0.{n}", IpAddress(ip_address=f"10.0.0.{n}", allocation_type="dhcp")),
                measured={f"10.0.0.{n}": {"lease_ends_at": ends}},
            )
            for n in range(count)
        ]
        return scope("leases", *listed)

    estate.run("kea", leases(60))
    estate.clock.passes(minutes=10)
    estate.run("kea", leases(1))
    assert len(estate.rows("ip_addresses")) == 60, "within their time they are missing, not gone"
    estate.clock.passes(hours=2)
    report = estate.run("kea", leases(1))
    assert len(estate.rows("ip_addresses")) == 1
    assert report.braked == {}


def test_what_a_machine_held_that_was_taken_out_of_its_source_is_gone_after_its_grace(estate: Estate) -> None:
    def run(*there: str) -> RunReport:
        scopes = [
            scope(f"{n}/host", answer(observe(n, Host(hostname=n, machine_id_hash=n)), nic(n, "eth0"))) for n in there
        ]
        return estate.run("ssh", *scopes, has_scope=lambda name: name.rpartition("/")[0] in there)

    run("a", "b")
    assert run("a").counts["missing"] > 0
    assert names(estate.rows("hosts")) == ["a", "b"]
    estate.clock.passes(days=1)
    run("a")
    assert names(estate.rows("hosts")) == ["a"]
    run("a", "b")
    assert names(estate.rows("hosts")) == ["a", "b"]


def test_a_source_that_cannot_tell_its_scopes_lets_go_of_none(estate: Estate) -> None:
    for there in ("ab", "a"):
        estate.run("snmp", *[scope(f"{n}/system", observe(n, Host(hostname=n, machine_id_hash=n))) for n in there])
        estate.clock.passes(days=9)
    assert names(estate.rows("hosts")) == ["a", "b"]
