"""What a run or its parts say, in the form in which tests compare it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infradb.observation import Answer, CollectionRun, Observation, ScopeResult

Told = dict[str, dict[str, Any]]


def told(answers: Iterable[Answer]) -> Told:
    """Native key -> what is said of it, measured values included."""
    found: Told = {}
    for answer in answers:
        for one in answer.parse():
            assert isinstance(one, Observation)
            found[one.key] = {**one.values, **answer.measured.get(one.key, {})}
    return found


def told_by(run: CollectionRun) -> Told:
    """The same of a whole run."""
    return told(answer for scope in run.scopes for answer in scope.answers)


def scope(run: CollectionRun, name: str) -> ScopeResult:
    return next(s for s in run.scopes if s.name == name)


def digests(run: CollectionRun) -> dict[str, int]:
    return {answer.key: answer.digest for one in run.scopes for answer in one.answers}
