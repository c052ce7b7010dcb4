"""Reads the little YAML that infradb writes, to see that it is YAML: blocks by indentation, scalars as in JSON."""

from __future__ import annotations

import json
import re
from typing import Any

_PAIR = re.compile(r"""("(?:[^"\\]|\\.)*"|[A-Za-z_][\w.-]*):(?: (.*))?$""")


def read_yaml(text: str) -> Any:
    """Return what a YAML text of blocks says; raise `ValueError` where it is none."""
    lines = [(len(line) - len(line.lstrip(" ")), line.strip(" ")) for line in text.splitlines()]
    value, rest = _block(lines, lines[0][0])
    if rest:
        raise ValueError(f"left over: {rest[0]}")
    return value


def _block(lines: list[tuple[int, str]], indent: int) -> tuple[Any, list[tuple[int, str]]]:
    if lines[0][1].startswith("- "):
        return _list(lines, indent)
    if _PAIR.match(lines[0][1]):
        return _mapping(lines, indent)
    return json.loads(lines[0][1]), lines[1:]


def _list(lines: list[tuple[int, str]], indent: int) -> tuple[list[Any], list[tuple[int, str]]]:
    found = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        value, lines = _block([(indent + 2, lines[0][1][2:]), *lines[1:]], indent + 2)
        found.append(value)
    return found, lines


def _mapping(lines: list[tuple[int, str]], indent: int) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    found: dict[str, Any] = {}
    while lines and lines[0][0] == indent and (pair := _PAIR.match(lines[0][1])):
        name = json.loads(pair[1]) if pair[1].startswith('"') else pair[1]
        if name in found:
            raise ValueError(f"{name} is there twice")
        if pair[2] is None:
            found[name], lines = _block(lines[1:], lines[1][0])
        else:
            found[name], lines = json.loads(pair[2]), lines[1:]
    return found, lines
