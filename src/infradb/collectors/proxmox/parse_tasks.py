"""Who did what: the cluster's task log, as the actors of the changes that a run finds."""

from collections.abc import Mapping, Sequence
from typing import Any

from infradb.collectors.proxmox.keys import guest_key, place_key
from infradb.collectors.proxmox.parse_cluster import Guest
from infradb.collectors.proxmox.values import number, objects, text

_STARTS = frozenset({"qmstart", "vzstart", "qmreboot", "vzreboot", "qmreset", "qmresume", "vzresume", "hastart"})
_STOPS = frozenset({"qmstop", "vzstop", "qmshutdown", "vzshutdown", "hastop"})
_MOVES = frozenset({"qmigrate", "vzmigrate", "hamigrate"})
_MAKES = frozenset({"qmcreate", "vzcreate", "qmrestore", "vzrestore"})
_CHANGES = frozenset({"qmconfig", "qmmove", "vzmove", "resize", "qmsnapshot", "vzsnapshot", "qmdelsnapshot",
                      "vzdelsnapshot", "qmrollback", "vzrollback", "qmtemplate", "vztemplate"})  # fmt: skip
_RECENT = 3600
"""A task that is older, in seconds, is not taken for the cause of what a run finds."""


def read_actors(
    tasks: Sequence[Any], guests: Mapping[int, Guest], parts: Mapping[int, Sequence[str]], now: int
) -> dict[str, str]:
    """Return native key -> user for what was lately done to guests (pve-manager, API2/Cluster: tasks).

    Of each guest the last task counts, if it ended well and what is seen now is what it would bring about: a machine
    that is down was not stopped by whoever started it before. `parts` are the native keys of each guest's parts, which
    come into being with it.
    """
    last: dict[int, tuple[int, str, Mapping[str, Any]]] = {}
    for entry in objects(tasks):
        vmid, user, began = number(entry.get("id")), text(entry.get("user")), number(entry.get("starttime"))
        if vmid is None or vmid not in guests or not user or not began or not _counts(entry, began, now):
            continue
        if vmid not in last or began > last[vmid][0]:
            last[vmid] = (began, user, entry)
    actors: dict[str, str] = {}
    for vmid, (_, user, task) in last.items():
        if _fits(str(task.get("type")), task, guests[vmid]):
            actors |= {guest_key(vmid): user, place_key(vmid): user}
            if text(task.get("type")) in _MAKES:
                actors |= dict.fromkeys(parts.get(vmid, ()), user)
    return actors


def _counts(task: Mapping[str, Any], began: int, now: int) -> bool:
    """Tell whether a task is recent, did not fail, and is of a kind that changes what is seen."""
    known = text(task.get("type")) in (_STARTS | _STOPS | _MOVES | _MAKES | _CHANGES)
    return known and task.get("status") in ("OK", None) and now - (number(task.get("endtime")) or began) <= _RECENT


def _fits(kind: str, task: Mapping[str, Any], guest: Guest) -> bool:
    if kind in _STARTS:
        return guest.runs
    if kind in _STOPS:
        return not guest.runs
    if kind in _MOVES:  # the task runs where the guest was
        return task.get("node") != guest.node
    return True
