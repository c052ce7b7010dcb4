"""Recorded answers as data: `cases/*.json` beside the tests, each with where it is from and what it must say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def recorded(test_file: str) -> dict[str, dict[str, Any]]:
    """Name -> `source`, `raw`, `told`, `errors` of every case in the folder of a test module."""
    files = sorted((Path(test_file).parent / "cases").glob("*.json"))
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in files}
