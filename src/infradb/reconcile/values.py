"""Which value wins, field by field, when several claims speak about one thing."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from infradb import clock
from infradb.change import SourceOrder
from infradb.model.describe import EntityType, FieldSpec
from infradb.reconcile.order import place

MISSING = object()
_NO_PREFERENCE: Mapping[str, Mapping[str, int]] = MappingProxyType({})
Said = tuple[SourceOrder, str, Mapping[str, Any]]
"""Source, native key, field -> value as said."""


def winners(
    entity_type: EntityType, claims: Iterable[Said], preferred: Mapping[str, Mapping[str, int]] = _NO_PREFERENCE
) -> dict[str, tuple[Any, SourceOrder]]:
    """Return field -> (value as said, source) of the winning claims.

    The order is total: by the field's class of source, then the field's own order where `preferred` has one, then
    rank, name and native key, so that the order in which sources are read makes no difference.
    """
    ranked = sorted(claims, key=lambda c: (c[0].order, c[1]))
    result: dict[str, tuple[Any, SourceOrder]] = {}
    for name, field in entity_type.claimable.items():
        best, best_class = None, 99
        own = preferred.get(name) if len(ranked) > 1 else None
        in_turn = _in_turn(ranked, own) if own else ranked
        for source, _, said in in_turn:
            value = said.get(name, MISSING)
            if value is not MISSING:
                class_ = source_class(field, source, value)
                if class_ < best_class:
                    best, best_class = (value, source), class_
        if best is not None:
            result[name] = best
    return result


def _in_turn(ranked: list[Said], places: Mapping[str, int]) -> list[Said]:
    """Return claims in a field's own order; sorting is stable, so that within one place the general order stays."""
    return sorted(ranked, key=lambda c: (c[0].silent, place(places, c[0])))


def source_class(field: FieldSpec, source: SourceOrder, value: Any) -> int:
    """Return the class of a source for a field and value; the lower one wins.

    People come first on what is theirs to say, observation on what runs, and elsewhere: what a person set here,
    then what is observed, then what was typed elsewhere.
    """
    if field.people_only and value in field.people_only:
        return 0 if source.declared else 3
    if field.follows_observation:
        return 1 if not source.declared else 2
    if field.people_first:
        return 0 if source.is_manual else 1 if source.declared else 2
    return 0 if source.is_manual else 2 if source.declared else 1


def unexpired(said: str, expires: str | None, now: str) -> dict[str, Any]:
    """Return what a stored claim says at `now`: fields whose time ran out are left out."""
    values: dict[str, Any] = orjson.loads(said)
    if expires:
        until = orjson.loads(expires)
        return {name: value for name, value in values.items() if until.get(name, "9") > now}
    return values


def differences(
    entity_type: EntityType, row: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (old, new) values of the fields that change."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name, field in entity_type.claimable.items():
        was = row.get(name)
        now = wanted.get(name, field.default if not field.required else was)
        if was != now and not _within_tolerance(field, was, now):
            old[name], new[name] = was, now
    return old, new


def past_dead_band(field: FieldSpec, was: Any, now: Any) -> bool:
    """Tell whether a measured value differs enough from the stored one to be written."""
    if was == now or now is None:
        return False
    if was is None or not isinstance(now, int | float) or isinstance(now, bool):
        return True
    return bool(abs(now - was) > abs(was) * (field.dead_band or 0))


def change_type(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what an update means: a start, a stop, a restart, a migration, or just an update."""
    running = {"docker_containers": "running", "hosts": "active"}.get(table)
    if running and "status" in new:
        if new["status"] == running and old.get("status") not in (None, "unknown"):
            return "start"
        if old.get("status") == running and new["status"] in ("exited", "dead", "stopped", "created"):
            return "stop"
    if table == "docker_containers" and {"started_at"} == set(new):
        return "restart"
    if table == "proxmox_containers" and old.get("proxmox_host_id") and "proxmox_host_id" in new:
        return "migrate"
    return "update"


def _within_tolerance(field: FieldSpec, was: Any, now: Any) -> bool:
    if not field.tolerance_seconds or was is None or now is None:
        return False
    return abs((clock.to_moment(was) - clock.to_moment(now)).total_seconds()) <= field.tolerance_seconds
