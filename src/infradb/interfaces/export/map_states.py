"""What the map says of a thing's state: a colour, a shape and a word, so that colour never stands alone."""

from dataclasses import dataclass
from typing import Literal

from infradb.interfaces.export import svg
from infradb.interfaces.export.map_tree import Row
from infradb.interfaces.export.svg import Rule

StateName = Literal["fine", "degraded", "down", "unknown", "stopped", "maintenance"]


@dataclass(frozen=True, slots=True)
class State:
    """A state and the word that the row itself has for it."""

    name: StateName
    word: str


MEANINGS: dict[StateName, str] = {
    "fine": "fine",
    "degraded": "degraded",
    "down": "down",
    "unknown": "unknown",
    "stopped": "stopped",
    "maintenance": "maintenance",
}
_COLOURS: dict[StateName, tuple[str, str]] = {
    "fine": svg.FINE,
    "degraded": svg.DEGRADED,
    "down": svg.DOWN,
    "unknown": svg.UNKNOWN,
    "stopped": svg.UNKNOWN,
    "maintenance": svg.ACCENT,
}
_SHAPES: dict[StateName, str] = {
    "fine": '<circle class="full" cx="6" cy="6" r="4.5"/>',
    "degraded": '<path class="full" d="M6 1L11.5 11H.5z"/>',
    "down": '<path class="line" d="M1.5 1.5h9v9h-9zM3.5 3.5l5 5m0-5l-5 5"/>',
    "unknown": '<circle class="line" cx="6" cy="6" r="4.2"/>',
    "stopped": '<path class="line" d="M1.5 6h9"/>',
    "maintenance": '<path class="line" d="M2 10l4.5-4.5M6 3a2.6 2.6 0 1 0 3-1.5L8.5 3.4 7 3z"/>',
}
_HOSTS: dict[str, StateName] = {
    "active": "fine",
    "stopped": "stopped",
    "maintenance": "maintenance",
    "decommissioned": "stopped",
}
_CONTAINERS: dict[str, StateName] = {
    "running": "fine",
    "created": "stopped",
    "paused": "stopped",
    "exited": "stopped",
    "removing": "stopped",
    "restarting": "degraded",
    "dead": "down",
}
_SERVICES: dict[str, StateName] = {"healthy": "fine", "degraded": "degraded", "down": "down"}

RULES: tuple[Rule, ...] = (
    Rule(".line", "fill:none;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round"),
    *(
        rule
        for name, pair in _COLOURS.items()
        for rule in (
            Rule(f".{name}.bar,.{name} .full", "", (("fill", pair),)),
            Rule(f".{name} .line,.{name}.outline", "", (("stroke", pair),)),
        )
    ),
)


def host_state(row: Row) -> State:
    """Return the state of a host."""
    word = str(row.get("status") or "unknown")
    return State(_HOSTS.get(word, "unknown"), word)


def container_state(row: Row) -> State:
    """Return the state of a container; one that ended by itself with an error is down, not just stopped."""
    word = str(row.get("status") or "unknown")
    health = row.get("health_status")
    if word == "running" and health in ("unhealthy", "starting"):
        return State("degraded", str(health))
    if word == "exited" and row.get("exit_code"):
        return State("down", f"exited {row['exit_code']}")
    return State(_CONTAINERS.get(word, "unknown"), word)


def service_state(row: Row) -> State:
    """Return the state of a service, which its checks gave it."""
    word = str(row.get("status") or "unknown")
    return State(_SERVICES.get(word, "unknown"), word)


def shape(name: StateName, x: float, y: float) -> str:
    """Return the shape of a state, 12 by 12."""
    return f'<g class="{name}" transform="translate({x:g} {y:g})">{_SHAPES[name]}</g>'
