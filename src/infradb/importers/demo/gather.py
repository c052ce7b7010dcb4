"""Collects entities into answers, and sets their measured values apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from infradb.model.catalog import BY_CLASS
from infradb.model.entity import Entity
from infradb.observation import Answer, Observation, digest_of, observe

_VERSION = 1
"""Of the lab's data: a higher one has every answer taken in anew."""

Part = tuple[str, Entity]


class Gathered:
    """The answers of the lab, in the order in which they were told."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def tell(self, *parts: Part) -> None:
        """Add one answer: the thing itself first, then what belongs to it."""
        observations = [observe(key, entity) for key, entity in parts]
        measured = {o.key: values for o, (_, e) in zip(observations, parts, strict=True) if (values := _measured(o, e))}
        said = [[o.key, _without(o.values, measured.get(o.key, {}))] for o in observations]
        self.answers.append(Answer(parts[0][0], digest_of(said, _VERSION), _Parsed(observations), measured))


class _Parsed:
    """Gives back observations that were made beforehand: the lab has no raw form."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self._observations = observations

    def __call__(self) -> Sequence[Observation]:
        return self._observations


def _measured(observation: Observation, entity: Entity) -> dict[str, Any]:
    names = {f.name for f in BY_CLASS[type(entity)].measured}
    return {name: value for name, value in observation.values.items() if name in names}


def _without(values: Mapping[str, Any], left_out: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in left_out}
