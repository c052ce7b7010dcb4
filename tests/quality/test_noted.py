"""What the reconciler notes stays open while it stands, and closes by itself."""

from __future__ import annotations

from infradb import clock
from infradb.model.docker import DockerContainer, DockerNetwork, DockerVolume
from infradb.model.physical import Host, NetworkInterface, Site
from infradb.observation import Answer, CollectionRun, ScopeResult, observe
from infradb.operations.absorb import absorb
from tests.quality import plants
from tests.quality.lab import Lab, container


def retire(lab: Lab, id_: int) -> None:
    lab.say("UPDATE entities SET retired_at = created_at WHERE id = ?", (id_,))
    lab.say("UPDATE hosts SET retired_at = created_at WHERE id = ?", (id_,))


def test_a_brake_stays_while_half_of_it_is_gone_and_ends_when_it_is_back(lab: Lab) -> None:
    plants.mass_change_brake(lab)
    first = lab.rules(), lab.one("mass-change-brake").since
    lab.take_in()
    assert (lab.rules(), lab.one("mass-change-brake").since) == first
    lab.take_in(status="partial")
    lab.take_in(status="failed", things={})
    assert "mass-change-brake" in lab.rules()
    for n in range(8):
        lab.things[f"volume/{n}"] = DockerVolume(docker_host_id="host/docker1", volume_name=f"spare{n}")
    lab.take_in()
    assert lab.rules() == set()


def test_a_brake_ends_with_a_persons_word(lab: Lab) -> None:
    plants.mass_change_brake(lab)
    assert lab.rules() == {"mass-change-brake"}
    lab.take_in(gone=("volume/none",))
    assert lab.rules() == set()


def test_a_brake_ends_with_its_source(lab: Lab) -> None:
    plants.mass_change_brake(lab)
    assert lab.rules() == {"mass-change-brake"}
    lab.say("UPDATE sources SET enabled = ? WHERE name = 'lab'", (False,))
    assert lab.rules() == set()


def test_what_was_left_out_is_tried_again_though_its_answer_did_not_change(lab: Lab) -> None:
    plants.unplaced_observation(lab)
    assert lab.rules() == {"unplaced-observation"}
    lab.take_in()
    assert lab.rules() == {"unplaced-observation"}
    lab.things = {
        "dnet/unknown": DockerNetwork(docker_host_id="host/docker1", network_name="late"),
        **lab.things,
    }
    lab.take_in()
    assert lab.rules() == set()
    assert lab.ask("SELECT count(*) FROM docker_container_networks WHERE retired_at IS NULL") == [(3,)]


def test_what_was_left_out_is_forgotten_when_it_is_gone(lab: Lab) -> None:
    plants.unplaced_observation(lab)
    del lab.things["container/web/ghost"]
    lab.take_in(status="partial")
    assert lab.rules() == {"unplaced-observation", "source-failing"}
    lab.take_in()
    assert lab.rules() == set()


def test_a_part_that_was_left_out_is_tried_again_though_its_answer_did_not_change(lab: Lab) -> None:
    first, second = Site(name="barn"), NetworkInterface(host_id="host/barn", interface_name="eth0")
    parts = [observe("site/barn", first), observe("nic/barn", second)]
    late = observe("host/barn", Host(hostname="barn"))
    barn, host = Answer("site/barn", 1, lambda: parts), Answer("host/barn", 2, lambda: [late])

    def take_in(*answers: Answer) -> None:
        with lab.database.write() as connection:
            absorb(connection, CollectionRun("list", clock.now(), (ScopeResult("barn", "complete", answers),)))

    for _ in range(2):
        take_in(barn)
        assert lab.rules() == {"unplaced-observation"}
    take_in(host, barn)
    assert lab.rules() == set()
    assert lab.ask("SELECT count(*) FROM network_interfaces WHERE host_id = ?", (lab.id_of("host/barn"),)) == [(1,)]


def test_a_doubt_stays_until_only_one_has_the_name(lab: Lab) -> None:
    plants.identity_conflict(lab)
    assert lab.rules() == {"identity-conflict", "duplicate-hostname"}
    lab.take_in()
    assert lab.rules() == {"identity-conflict", "duplicate-hostname"}
    retire(lab, lab.id_of("typed/1"))
    assert "identity-conflict" in lab.rules()
    retire(lab, lab.id_of("typed/2"))
    assert lab.rules() == set()


def test_a_collision_ends_when_the_clone_gets_an_identifier_of_its_own(lab: Lab) -> None:
    plants.identifier_collision(lab)
    assert lab.rules() == {"identifier-collision"}
    lab.take_in()
    assert lab.rules() == {"identifier-collision"}
    lab.change("host/clone2", ssh_host_key="SHA256:other")
    lab.take_in()
    assert lab.rules() == set()


def test_a_taken_name_is_settled_when_one_of_the_two_is_renamed(lab: Lab) -> None:
    plants.name_taken(lab)
    assert lab.rules() == {"name-taken"}
    lab.change("site/cabin", name="cabin")
    lab.take_in()
    lab.change("site/home", name="house")
    lab.take_in()
    assert lab.rules() == set()


def test_a_container_made_anew_is_no_defect(lab: Lab) -> None:
    lab.things |= container("web", "172.18.0.3", container_id="f" * 64)
    assert isinstance(lab.things["container/web"], DockerContainer)
    lab.take_in()
    assert lab.rules() == set()
