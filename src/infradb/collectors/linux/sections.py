"""Splits what the script printed into sections, and hands out their contents."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.linux.shapes import Misfit, Shape, fit

ABSENT = 127
"""Status of a section whose command is not installed."""

TIMED_OUT = 124
"""Status of a section whose command took too long."""

CUT_OFF = -1
"""Status of a section whose end never came: the whole script was ended."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: what a command printed, and how it ended."""

    output: str
    status: int = 0
    message: str = ""


@dataclass(slots=True)
class Facts:
    """The raw facts of one machine, and what about them went wrong."""

    sections: Mapping[str, Section]
    complete: bool = True
    """Whether the script reached its end."""

    malformed: dict[str, str] = field(default_factory=dict)
    """Section -> why its content made no sense; noted while parsing."""

    ending: str = "raise timeout_seconds"
    """What to do about an end before the end, or why it came."""

    host_key: str = ""
    """Fingerprint of the key that the machine showed when it was logged in to; empty for this machine."""

    asked_at: float | None = None
    """When the script was started by our own clock, in seconds since 1970; None where both have one clock."""

    def has(self, name: str) -> bool:
        """Tell whether the section was printed, by a command that is installed."""
        return name in self.sections and self.sections[name].status != ABSENT

    def text(self, name: str) -> str:
        """Return what the section holds, without white space around it; empty where there is none."""
        return self.sections[name].output.strip() if name in self.sections else ""

    def lines(self, name: str) -> list[str]:
        """Return the section's lines that are not empty."""
        if name not in self.sections:
            return []
        return [line for line in self.sections[name].output.split("\n") if line.strip()]

    def json(self, name: str, shape: Shape) -> Any:
        """Return what of the section's JSON has the shape; None where nothing has. What has not is noted."""
        if not (text := self.text(name)):
            return None
        try:
            found, misfits = fit(json.loads(text), shape)
        except (ValueError, RecursionError, Misfit) as error:
            if self.sections[name].status == 0:
                why = "another JSON than expected" if isinstance(error, Misfit) else f"no valid JSON ({error})"
                self.malformed[name] = f"printed {why}"
            return None
        if misfits:
            self.malformed[name] = f"printed values that make no sense: {', '.join(misfits[:3])}"
        return found

    def json_lines(self, name: str, shape: Shape) -> list[dict[str, Any]]:
        """Return the objects of a section that holds one JSON object a line; other lines are left out."""
        found = []
        for line in self.lines(name):
            try:
                found.append(fit(json.loads(line), shape)[0])
            except (ValueError, RecursionError, Misfit):
                continue
        return found

    def fields(self, name: str) -> dict[str, str]:
        """Return a section of lines `field TAB value`; the first value of a field counts."""
        found: dict[str, str] = {}
        for line in self.lines(name):
            label, _, value = line.partition("\t")
            if value.strip():
                found.setdefault(label, value.strip())
        return found

    def table(self, name: str) -> dict[str, dict[str, list[str]]]:
        """Return a section of lines `thing TAB field TAB value` as thing -> field -> values."""
        found: dict[str, dict[str, list[str]]] = {}
        for line in self.lines(name):
            thing, _, rest = line.partition("\t")
            label, _, value = rest.partition("\t")
            found.setdefault(thing, {}).setdefault(label, []).append(value)
        return found

    def trouble(self, names: Iterable[str]) -> list[str]:
        """Return a sentence for each of the sections that failed; a command that is not installed is no failure."""
        sentences = []
        for name in names:
            section = self.sections.get(name)
            if section is None:
                continue
            if section.status == TIMED_OUT:
                sentences.append(f"reading {name} took too long; try the command by hand, something may hang")
            elif section.status == CUT_OFF:
                sentences.append(f"reading {name} was cut off; {self.ending}")
            elif section.status not in (0, ABSENT):
                why = f": {section.message}" if section.message else ""
                sentences.append(f"reading {name} ended with status {section.status}{why}")
            elif name in self.malformed:
                sentences.append(f"{name} {self.malformed[name]}")
        return sentences


def split_sections(printed: str, token: str) -> Facts:
    """Return the sections of the script's output; one without an end counts as cut off.

    The output is gone through once: whoever prints it knows the token, and may print a million beginnings.
    """
    mark = re.compile(rf"^@@{re.escape(token)} (?:begin (\S+)|end (\S+) (\d{{1,6}}) (.*)|done)$", re.MULTILINE)
    sections: dict[str, Section] = {}
    name, start, done = "", 0, False
    printed = printed.replace("\0", "")  # which no database takes
    for said in mark.finditer(printed):
        begun, ended, status, message = said.groups()
        if ended and ended != name:
            continue
        if name:
            # Before an end stands a newline that is the script's.
            output = printed[start : max(said.start() - (1 if ended else 0), start)]
            sections[name] = Section(output, int(status) if ended else CUT_OFF, (message or "").strip()[:200])
        name, start, done = begun or "", said.end() + 1, begun is None and ended is None
    if name:
        sections[name] = Section(printed[start:], CUT_OFF)
    return Facts(sections, complete=done)
