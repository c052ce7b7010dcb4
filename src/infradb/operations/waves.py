"""In which order to stop and to start things, with the commands for it. Nothing is ever run from here."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from infradb.graph.needs import Graph, Need
from infradb.graph.order import Circle, Order, boot_order
from infradb.operations.known_needs import Lab, lab
from infradb.queries.needs import Thing
from infradb.queries.startable import Startable, startable
from infradb.store.database import Database

__all__ = ["Plan", "Step", "boot_plan", "shutdown_plan"]
_Command = Callable[[Startable], tuple[str, str]]
_RUNNING = ("runs in", "runs on")
_NO_ORDER = 1 << 31
"""Guests without a place in the order start after those that have one (Proxmox VE's manual, 10.7)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to stop or start."""

    wave: int
    """Steps of one wave may be taken together; the first is 1."""
    thing: Thing
    on: str
    """Machine on which the command is given; empty where a hand has to do it."""
    command: str
    """Command to give, or what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in their order."""

    steps: tuple[Step, ...]
    circles: tuple[str, ...]
    """Each circle of needs, and at which of them it was broken."""
    left_out: tuple[Thing, ...]
    """What did not run when it was last seen."""


def shutdown_plan(database: Database, names: Sequence[str]) -> Plan:
    """Return how to stop things and all that would go down with them, what needs others first."""
    return _plan(database, names, "stop")


def boot_plan(database: Database, names: Sequence[str]) -> Plan:
    """Return how to start them again, what is needed first."""
    return _plan(database, names, "start")


def _plan(database: Database, names: Sequence[str], action: str) -> Plan:
    with lab(database) as asked:
        chosen = asked.meant(names)
        _, hit = asked.impact(chosen)
        down = {e.id for e in hit.values() if e.state == "down"}
        graph = asked.whole().graph
        # All that goes down is ordered, even what nobody starts by hand: a storage stands between two guests.
        able = startable(asked.connection, down)
        order = boot_order(graph, down, _wishes(graph, able))
        circles = tuple(_told(asked, c) for c in order.circles)
        named = asked.things(able.keys())
    still = {i for i, s in able.items() if s.runs is False}
    # A unit stops and starts with its machine.
    able = {i: s for i, s in able.items() if s.kind != "unit" or s.host_id not in down}
    steps = _steps(order if action == "start" else order.reversed(), able, still, named, action)
    return Plan(tuple(steps), circles, tuple(named[i] for i in sorted(still)))


def _wishes(graph: Graph, able: Mapping[int, Startable]) -> Iterator[Need]:
    """Yield what only ordering needs: guests in their node's order, and containers and machines as their services."""
    nodes: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for guest in able.values():
        if guest.kind in ("vm", "lxc"):
            nodes[guest.host_id][_NO_ORDER if guest.start_order is None else guest.start_order].append(guest.id)
    for places in nodes.values():
        for before, after in pairwise(sorted(places)):
            for later, earlier in product(places[after], places[before]):
                yield Need(later, earlier, "starts after", "optional", origin="declared")
    runs = {n.dependent: n.dependency for needs in graph.needs.values() for n in needs if n.words in _RUNNING}
    for dependent, needs in graph.needs.items():
        for need in needs:
            # What is served starts with what serves it: a container after the one of its database.
            if need.words == "needs" and dependent in runs and need.dependency in runs:
                words = "serves what needs a service of"
                yield need._replace(dependent=runs[dependent], dependency=runs[need.dependency], words=words)


def _steps(
    order: Order, able: Mapping[int, Startable], still: Collection[int], named: Mapping[int, Thing], action: str
) -> Iterator[Step]:
    number = 0
    for wave in order.waves:
        able_here = [able[i] for i in wave if i in able and i not in still]
        number += bool(able_here)
        for one in sorted(able_here, key=lambda s: (s.on, s.kind, s.name)):
            on, command = _COMMANDS[one.kind, action](one)
            yield Step(number, named[one.id], on, command)


def _told(asked: Lab, circle: Circle) -> str:
    need = circle.passed_over
    named = asked.things({*circle.things, need.dependent, need.dependency})
    round_ = " → ".join(named[i].label for i in (*circle.things, circle.things[0]))
    broken = f"{named[need.dependent].label} {need.words} {named[need.dependency].label}"
    return f"{round_}; broken at: {broken}"


def _on_host(command: str) -> _Command:
    return lambda one: (one.on, f"{command} {shlex.quote(one.name)}")


def _by_hand(what: str) -> _Command:
    return lambda one: ("", f"{what} {one.name}")


_COMMANDS: dict[tuple[str, str], _Command] = {
    ("vm", "stop"): _on_host("qm shutdown"),
    ("vm", "start"): _on_host("qm start"),
    ("lxc", "stop"): _on_host("pct shutdown"),
    ("lxc", "start"): _on_host("pct start"),
    ("container", "stop"): _on_host("docker stop"),
    ("container", "start"): _on_host("docker start"),
    ("unit", "stop"): _on_host("systemctl stop"),
    ("unit", "start"): _on_host("systemctl start"),
    ("machine", "stop"): lambda one: (one.on, "systemctl poweroff"),
    ("machine", "start"): _by_hand("switch on"),
    ("device", "stop"): _by_hand("switch off"),
    ("device", "start"): _by_hand("switch on"),
}
