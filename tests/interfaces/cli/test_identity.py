"""`infradb merge`, `split` and `keep-apart` on the demo: what they say, and that each can be taken back."""

from __future__ import annotations

from tests.interfaces.cli.conftest import Call


def hosts(call: Call, *match: str) -> list[str]:
    return [str(h["hostname"]) for h in call("list", "hosts", *match, "-o", "json").items]


def test_a_host_typed_twice_is_merged_and_split_again(own_lab: Call) -> None:
    assert own_lab("add", "hosts", "hostname=nas-old", "notes=typed long ago").code == 0
    before = hosts(own_lab)
    dry = own_lab("merge", "nas", "nas-old", "--dry-run")
    assert dry.lines[0].startswith("hosts/nas-old is hosts/nas")
    assert dry.lines[-1] == "dry run: nothing was written"
    assert hosts(own_lab) == before

    done = own_lab("merge", "nas", "nas-old", "--reason", "renamed in spring")
    assert (done.code, done.out[: len("hosts/nas-old is hosts/nas")]) == (0, "hosts/nas-old is hosts/nas")
    # What a person typed counts more than what is observed, its name too.
    assert "which goes on as hosts/nas-old" in done.out
    assert set(before) - set(hosts(own_lab)) == {"nas"}
    assert "typed long ago" in own_lab("show", "nas-old").out
    assert "renamed in spring" in own_lab("changes", "nas-old").out

    parted = own_lab("split", "nas-old", "--source", "manual", "--reason", "two machines after all")
    assert "is a thing of its own now" in parted.out
    assert hosts(own_lab) == before
    refused = own_lab("merge", "nas", "nas-old")
    assert refused.code == 4
    assert "keep-apart" in refused.err


def test_two_that_are_kept_apart_can_be_let_together(own_lab: Call) -> None:
    assert own_lab("keep-apart", "pve1", "pve2", "--reason", "two nodes").out == "hosts/pve1 and hosts/pve2 stay two\n"
    assert own_lab("merge", "pve1", "pve2").code == 4
    assert own_lab("keep-apart", "pve1", "pve2", "--undo").out == "hosts/pve1 and hosts/pve2 may be one again\n"
    assert own_lab("keep-apart", "pve1", "pve2", "--undo").code == 4


def test_what_cannot_be_is_an_error_that_says_why(labs: Call) -> None:
    assert labs("merge", "pve1", "pve1").code == 2
    assert labs("merge", "pve1", "services/traefik").code == 4
    assert labs("merge", "pve1", "nobody").code == 3
    asked = labs("split", "pve1")
    assert (asked.code, "--source" in asked.err) == (2, True)
    assert labs("split", "pve1", "--source", "demo").code == 4
