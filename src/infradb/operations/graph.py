"""What breaks: impact, chains down to the hardware, single points of failure. Now, or as of a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infradb.graph import impact as effects
from infradb.graph import single_points as losses
from infradb.graph.chain import as_tree, chain
from infradb.graph.impact import STATES, Effect, State
from infradb.graph.needs import Graph, Need, wanted
from infradb.operations.absorb import without_garbage_collector
from infradb.operations.known_needs import lab
from infradb.queries.needs import Thing, places, users_services
from infradb.store.database import Database

__all__ = ["Below", "Impact", "Point", "SinglePoints", "State", "Struck", "Thing", "depends", "impact", "single_points"]
IMPORTANT = ("critical", "high")
_CRITICALITIES = ("critical", "high", "medium", "low", None)


@dataclass(frozen=True, slots=True)
class Struck:
    """What becomes of one thing, and why."""

    thing: Thing
    state: State
    distance: int
    """How many needs away from what died; 0 for that itself."""
    why: str
    """The shortest way to what died, in words."""
    way: tuple[str, ...]
    """The same as things, the one next to it first."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What happens when some things die together."""

    dead: tuple[Thing, ...]
    services: dict[State, int]
    """How many of users' services are hit."""
    others: dict[State, int]
    """How many other things are."""
    struck: tuple[Struck, ...]
    """All that is hit: services first, then by criticality, owner and state."""


@dataclass(frozen=True, slots=True)
class Below:
    """One thing that another needs, in the order of a tree."""

    thing: Thing
    depth: int
    need: Need | None
    """Need that leads to it; None at the head."""
    alike: int = 1
    """How many stand in for each other there, itself among them."""


@dataclass(frozen=True, slots=True)
class Point:
    """A thing whose loss alone takes services down or degrades them."""

    thing: Thing
    takes: tuple[Thing, ...]
    degrades: tuple[Thing, ...]
    mend: str
    """What would mend it."""
    same: tuple[Thing, ...]
    """Other things whose loss means just the same."""


@dataclass(frozen=True, slots=True)
class SinglePoints:
    """Single points of failure, worst first."""

    watched: int
    """How many services were asked about."""
    only_important: bool
    """Whether these are the critical and high ones; else nobody said which are, and all were asked about."""
    found: int
    """How many there are in all."""
    points: tuple[Point, ...]


def impact(database: Database, names: Sequence[str], as_of: str | None = None) -> Impact:
    """Return what is down, degraded or at risk if things die together; raise `NotFound` or `Ambiguous`."""
    with lab(database, as_of) as asked:
        dead = asked.meant(names)
        needs, found = asked.impact(dead)
        named = asked.things(found)
    struck = sorted((_struck(needs.graph, found, i, named) for i in found if i in named), key=_place)
    counts = {s: Counter(o.state for o in struck if (o.thing.table == "services") is s) for s in (True, False)}
    return Impact(
        tuple(named[i] for i in dead if i in named),
        {state: counts[True][state] for state in STATES},
        {state: counts[False][state] for state in STATES},
        tuple(struck),
    )


def depends(database: Database, name: str, as_of: str | None = None) -> list[Below]:
    """Return what a thing needs, down to the hardware, as a tree; raise `NotFound` or `Ambiguous`."""
    with lab(database, as_of) as asked:
        (id_,) = asked.meant([name])
        graph = asked.reader.below([id_]).graph
        links = as_tree(chain(graph, id_))
        named = asked.things([link.id for link in links])
    alike = {link.id: len(graph.alike(link.by)) for link in links if link.by}
    return [Below(named[i.id], i.depth, i.by, alike.get(i.id, 1)) for i in links if i.id in named]


def single_points(database: Database, limit: int | None = None) -> SinglePoints:
    """Return what takes services down, or degrades them, when it dies alone; raise nothing.

    Services are the critical and high ones; all of them where nobody said how critical any is. A place is left out:
    what stands there shares it by intent.
    """
    with lab(database) as asked, without_garbage_collector():
        important = users_services(asked.connection, IMPORTANT)
        watched = important or users_services(asked.connection)
        graph = asked.whole().graph
        left_out = places(asked.connection)
        # What means the same and is mended the same way shares a row.
        alike: dict[tuple[tuple[int, ...], tuple[int, ...], str], list[int]] = {}
        for p in losses.single_points(graph, watched):
            if p.id not in left_out:
                alike.setdefault((p.takes, p.degrades, _mend(graph, p.id)), []).append(p.id)
        shown = list(alike.items())[:limit]
        named = asked.things({i for (takes, degrades, _), own in shown for i in (*takes, *degrades, *own)})
    points = tuple(_point(own, *key, named) for key, own in shown)
    return SinglePoints(len(watched), bool(important), len(alike), points)


def _struck(graph: Graph, found: Mapping[int, Effect], id_: int, named: Mapping[int, Thing]) -> Struck:
    way = effects.way(found, id_)
    steps = [f"{need.words} {named[need.dependency].label}{_left(graph, need, found)}" for need in way]
    effect = found[id_]
    labels = tuple(named[need.dependency].label for need in way)
    return Struck(named[id_], effect.state, effect.distance, ", which ".join(steps) or "dies", labels)


def _left(graph: Graph, need: Need, found: Mapping[int, Effect]) -> str:
    """Return how many are left of what stands in for a need, where something does."""
    group = graph.alike(need)
    if len(group) == 1:
        return ""
    left = sum(n.dependency not in found or found[n.dependency].state != "down" for n in group)
    return f" ({left} of {len(group)} left, {wanted(group)} needed)"


def _place(struck: Struck) -> tuple[object, ...]:
    """Return the key by which what matters most comes first."""
    thing = struck.thing
    criticality = _CRITICALITIES.index(thing.criticality)
    states = STATES.index(struck.state)
    return thing.table != "services", criticality, thing.owner or "~", states, struck.distance, thing.label


def _mend(graph: Graph, id_: int) -> str:
    """Return what would mend that a thing is alone, by how most of what needs it does so."""
    ways = Counter(n.words for n in graph.needed.get(id_, ()) if n.strength != "optional" and n.words in _MENDS)
    return _MENDS[ways.most_common(1)[0][0]] if ways else _NOTHING


def _point(
    ids: Sequence[int], takes: Sequence[int], degrades: Sequence[int], mend: str, named: Mapping[int, Thing]
) -> Point:
    """Return one row for things whose loss means the same: named after the machine among them, if there is one."""
    first, *same = sorted((named[i] for i in ids), key=lambda t: (_FACES.get(t.table, len(_FACES)), t.label))
    return Point(first, tuple(named[i] for i in takes), tuple(named[i] for i in degrades), mend, tuple(same))


_FACES = {"hosts": 0, "services": 1, "docker_containers": 2, "proxmox_storages": 3, "storage_devices": 4}
_NOTHING = "nothing redundant in front: a second instance on another machine, and both in one redundancy group"
_MENDS = {
    "needs": _NOTHING,
    "runs in": _NOTHING,
    "runs on": _NOTHING,
    "is guest": _NOTHING,
    "is a guest of": "no high availability: guests under HA, their disks on a storage that other nodes have too",
    "has its disk on": "one storage: disks on a shared or replicated one",
    "lies on": "one disk or pool: a mirror, or a replica elsewhere",
    "is in": "one storage: disks on a shared or replicated one",
    "boots from": "one disk: a mirror",
    "is made of": "the array has none to spare: another level, or a further member",
    "keeps data on": "one storage: a replica elsewhere",
    "keeps data in": "one storage: a replica elsewhere",
    "is served by": "one server in front: a second one behind a floating address",
    "leads to": "one backend: a second one in the proxy",
    "shows": "one certificate: one that is renewed by itself",
    "reaches other networks through": "one gateway: a second router (VRRP, CARP)",
    "asks for names": "one DNS: a second resolver in the network's list",
    "is a port of": "one switch: a second cable to another one",
    "is plugged in at": "one cable: a second one to another switch",
    "is cabled to": "one cable: a second one to another switch",
    "shares the network of": "one container's network for several: a network of their own",
}
"""How a thing is needed -> what is missing, and what would mend it."""
