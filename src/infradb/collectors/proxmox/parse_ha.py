"""What the high availability manager is asked to keep (pve-ha-manager, API2/HA)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from infradb.collectors.proxmox.keys import guest_key, place_key
from infradb.collectors.proxmox.parse_cluster import Guest
from infradb.collectors.proxmox.said import answer, say
from infradb.collectors.proxmox.values import flag, number, objects, text, words
from infradb.model.proxmox import ProxmoxContainer
from infradb.observation import Answer


def ha_answers(resources: Sequence[Any], rules: Sequence[Any], guests: Mapping[int, Guest]) -> list[Answer]:
    """Return the state and the group of each managed guest.

    Before Proxmox VE 9 a resource names its group; from then on rules of node affinity name their resources
    (`vm:100,ct:101`).
    """
    affinity: dict[str, str] = {}
    for rule in sorted(objects(rules), key=lambda r: str(r.get("rule"))):
        name = text(rule.get("rule"))
        if name and rule.get("type") == "node-affinity" and not flag(rule.get("disable")):
            affinity.update({sid: name for sid in words(rule.get("resources")) if sid not in affinity})
    answers = []
    for entry in objects(resources):
        sid = text(entry.get("sid")) or ""
        guest = guests.get(number(sid.partition(":")[2]) or 0)
        if guest is None:  # a resource may outlive its guest
            continue
        key = place_key(guest.vmid)
        named = {"host_id": guest_key(guest.vmid), "vmid": guest.vmid, "container_type": guest.kind}
        facts = {
            "ha_state": text(entry.get("state")) or "started",
            "ha_group": text(entry.get("group")) or affinity.get(sid),
        }
        answers.append(answer(key, [named, facts], partial(say, key, ProxmoxContainer, named, **facts)))
    return answers
