"""Recorded machines as data: what the script printed, and what is to be understood of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import Facts, Section
from infradb.observation import Observation, ScopeResult

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One machine: its sections, and the expected scopes."""

    name: str
    title: str
    complete: bool
    sections: dict[str, Any]
    expected: dict[str, Any]

    def facts(self, **replaced: Section | None) -> Facts:
        """The facts as the script printed them; `replaced` sections differ, those that are None are missing."""
        sections = {name: _section(said) for name, said in self.sections.items()}
        for name, section in replaced.items():
            sections.pop(name.replace("_", "-"), None)
            if section is not None:
                sections[name.replace("_", "-")] = section
        return Facts(sections, complete=self.complete)


def _section(said: dict[str, Any]) -> Section:
    output = json.dumps(said["json"]) if "json" in said else "\n".join(said["lines"])
    return Section(output + "\n", said.get("status", 0), said.get("message", ""))


def load(name: str) -> Case:
    """The case of that name."""
    said = json.loads((FOLDER / f"{name}.json").read_text())
    return Case(name, said["title"], said["complete"], said["sections"], said["expected"])


NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def observations(scope: ScopeResult) -> dict[str, Observation]:
    """What the scope's answers say, by key."""
    found: dict[str, Observation] = {}
    for answer in scope.answers:
        for said in answer.parse():
            assert isinstance(said, Observation)
            assert said.key not in found, f"{said.key} is said twice"
            found[said.key] = said
    return found


def understood(facts: Facts) -> dict[str, Any]:
    """Scope -> status, errors, things and measured values, in the shape of a case's `expected`."""
    return {
        scope.name: {
            "status": scope.status,
            "errors": list(scope.errors),
            "things": {key: dict(said.values) for key, said in observations(scope).items()},
            "measured": {key: dict(values) for answer in scope.answers for key, values in answer.measured.items()},
        }
        for scope in parse_facts(facts)
    }
