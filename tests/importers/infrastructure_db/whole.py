"""Reads a whole old file the way the reconciler does, for tests to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infradb.importers.infrastructure_db import OldChange, OldHealthCheck, collect
from infradb.observation import Observation, Rejected


@dataclass
class Whole:
    """Everything that one import says."""

    seen: dict[str, Observation]
    rejected: list[Rejected]
    statements: list[OldChange | OldHealthCheck]
    digests: dict[str, int]
    report: dict[str, Any]
    cursors: dict[str, str]

    def quarantined(self) -> set[tuple[str, str]]:
        keys = [(r.key, r.field) for r in self.rejected]
        assert len(keys) == len(set(keys)), "one entry for each row and field"
        return set(keys)

    def of(self, table: str) -> dict[str, Mapping[str, Any]]:
        return {key: each.values for key, each in self.seen.items() if each.table == table}

    def value(self, key: str, field: str) -> Any:
        return self.seen[key].values.get(field)

    def reason(self, key: str, field: str = "") -> str:
        return next(r.reason for r in self.rejected if (r.key, r.field) == (key, field))


def read(
    path: Path,
    known: Mapping[str, int] | None = None,
    cursors: Mapping[str, str] | None = None,
    quarantined: Iterable[tuple[str, str]] = (),
    merged: Mapping[str, int] | None = None,
) -> Whole:
    """Read everything; what has its `known` digest is not parsed, as on a second import."""
    seen: dict[str, Observation] = {}
    rejected: list[Rejected] = []
    digests: dict[str, int] = {}
    with collect(path, cursors=cursors, quarantined=quarantined) as found:
        for scope in found.run.scopes:
            for answer in scope.answers:
                if known is not None and known.get(answer.key) == answer.digest:
                    digests[answer.key] = answer.digest
                    continue
                said = answer.parse()
                assert said[0].key == answer.key, "the thing itself comes first"
                for each in said:
                    if isinstance(each, Rejected):
                        rejected.append(each)
                    else:
                        assert each.key not in seen, each.key
                        seen[each.key] = each
                        digests.setdefault(answer.key, answer.digest)
        statements: list[OldChange | OldHealthCheck] = []
        for rows in found.statements.values():
            for said_so in rows:
                if isinstance(said_so, Rejected):
                    rejected.append(said_so)
                else:
                    statements.append(said_so)
        return Whole(seen, rejected, statements, digests, found.report.finish(merged or {}), found.cursors)
