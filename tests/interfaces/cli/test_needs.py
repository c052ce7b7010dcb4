"""What breaks, what needs what and in which order, on the command line and on the demo lab."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Call

FORMS = ("json", "csv", "yaml", "markdown")


def test_impact_counts_users_services_first(labs: Call) -> None:
    said = labs("impact", "nas")
    assert said.code == 0
    assert said.lines[:2] == [
        "services: 12 down, 0 degraded, 0 at risk",
        "other things: 18 down, 0 degraded, 0 at risk",
    ]
    assert re.match(r"down +services/nas-nfs +critical +runs on hosts/nas", said.lines[4])


def test_impact_as_json_has_the_way_of_each(labs: Call) -> None:
    body = labs("impact", "pi-dns", "-o", "json").json
    assert [d["name"] for d in body["dead"]] == ["pi-dns"]
    (vault,) = [h for h in body["hit"] if h["name"] == "vaultwarden"]
    assert (vault["state"], vault["distance"], vault["criticality"]) == ("at risk", 3, "critical")
    assert vault["way"] == ["services/traefik", "services/pihole-second", "hosts/pi-dns"]
    assert vault["why"].startswith("needs services/traefik, which needs services/pihole-second (1 of 2 left, 1 needed)")


def test_several_that_die_together_leave_nothing_to_stand_in(labs: Call) -> None:
    body = labs("impact", "pi-dns", "docker3", "-o", "json").json
    assert {h["state"] for h in body["hit"] if h["name"] == "traefik" and h["kind"] == "services"} == {"down"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", [("impact", "nas"), ("depends", "services/immich"), ("spof",), ("boot-order", "nas")])
def test_every_answer_comes_in_every_form(lab: Call, call: tuple[str, ...], form: str) -> None:
    said = lab(*call, "-o", form)
    assert said.code == 0
    assert "nas" in said.out


def test_as_of_now_is_now_and_before_the_history_is_an_error(lab: Call) -> None:
    assert lab("impact", "pve2", "--as-of", "0m", "-o", "json").json == lab("impact", "pve2", "-o", "json").json
    assert lab("impact", "pve2", "--as-of", "2001-01-01").code == 3


def test_what_nothing_needs_breaks_nothing(lab: Call) -> None:
    said = lab("impact", "hosts/old-nas")
    assert said.code == 0
    assert "nothing needs hosts/old-nas" in said.err


def test_an_unknown_or_ambiguous_name_is_told(lab: Call) -> None:
    assert lab("impact", "nowhere").code == 3
    assert lab("depends", "local-zfs").code == 4


def test_depends_goes_down_to_disk_and_switch(labs: Call) -> None:
    said = labs("depends", "containers/docker1/nextcloud-app-1")
    assert said.lines[0] == "docker_containers/docker1/nextcloud-app-1"
    assert "  runs on hosts/docker1" in said.lines
    assert "      is a guest of hosts/pve1" in said.lines
    for end in ("is made of storage_devices/nas/dev/sdd  (one of 4)", "is a port of hosts/sw-core"):
        assert any(line.strip() == end for line in said.lines)


def test_single_points_are_ranked_and_say_what_would_mend_them(labs: Call) -> None:
    said = labs("spof", "--limit", "50")
    rows = {row[0]: row for row in (re.split(r"  +", line) for line in said.lines[1:])}
    assert list(rows)[:2] == ["hosts/sw-core", "hosts/pve1"]
    assert {
        n: (rows[n][1:3], rows[n][4][:12]) for n in ("hosts/sw-core", "hosts/pve1", "hosts/opnsense", "hosts/docker3")
    } == {
        "hosts/sw-core": (["22", "0"], "one switch: "),
        "hosts/pve1": (["9", "0"], "no high avai"),
        "hosts/opnsense": (["2", "20"], "one gateway:"),
        "hosts/docker3": (["7", "0"], "nothing redu"),
    }
    assert "22 critical and high services" in said.err


def test_where_nobody_said_what_is_critical_spof_says_so(own: Call) -> None:
    assert own("add", "host", "hostname=web1").code == 0
    assert own("add", "service", "service_name=shop", "host=web1", "port=80", "protocol=tcp").code == 0
    said = own("spof")
    assert "hosts/web1" in said.out
    assert "nobody said how critical any service is" in said.err


def test_shutdown_stops_what_needs_others_first(labs: Call) -> None:
    steps = [(s["wave"], s["command"]) for s in labs("shutdown-order", "pve1", "-o", "json").json["steps"]]
    wave = {command: n for n, command in steps}
    assert steps[-1][1] == "systemctl poweroff"
    assert wave["docker stop nextcloud-app-1"] < wave["docker stop nextcloud-redis-1"] < wave["qm shutdown 101"]
    assert wave["qm shutdown 102"] < wave["qm shutdown 101"] < wave["pct shutdown 122"] < wave["pct shutdown 120"]
    assert "qm shutdown 900" not in wave  # a template


def test_boot_is_the_reverse_with_the_order_of_the_node(lab: Call) -> None:
    wave = {s["command"]: s["wave"] for s in lab("boot-order", "pve1", "-o", "json").json["steps"]}
    assert wave["switch on pve1"] == 1
    assert wave["pct start 120"] < wave["pct start 122"] < wave["qm start 101"] < wave["qm start 102"]


def test_a_runbook_is_markdown_with_the_commands_and_the_circles(lab: Call) -> None:
    said = lab("shutdown-order", "pve2", "-o", "runbook")
    assert said.lines[0] == "# Shut down pve2"
    assert "- [ ] proxmox_containers/pve2/201: on pve2: `qm shutdown 201`" in said.lines
    notes = said.out[said.out.index("## Notes") :]
    assert "broken at: hosts/pve2 asks for names services/pihole" in notes
    assert "left out, since they did not run" in notes


def test_show_of_a_container_goes_down_to_the_switch_port(labs: Call) -> None:
    said = labs("show", "containers/docker1/nextcloud-app-1")
    line = said.lines[said.lines.index("runs on") + 1]
    assert line.strip().split("  →  ") == [
        "compose project nextcloud", "hosts/docker1", "proxmox_containers/pve1/101", "hosts/pve1",
        "proxmox_storages/kestrel/local-zfs", "storage_devices/pve1/rpool", "storage_devices/pve1/dev/nvme0n1",
        "network_interfaces/sw-core/sfp-sfpplus1",
    ]  # fmt: skip


def test_nothing_of_it_writes(lab: Call, demo_file: Path) -> None:
    before = demo_file.read_bytes()
    for call in (("impact", "nas"), ("depends", "nas"), ("spof",), ("shutdown-order", "nas"), ("boot-order", "nas")):
        assert lab(*call).code == 0
    assert demo_file.read_bytes() == before


def test_an_empty_database_has_no_single_points(own: Call) -> None:
    said = own("spof", "-o", "json")
    assert json.loads(said.out) == {"services": 0, "only_important": False, "found": 0, "points": []}
