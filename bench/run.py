"""Measures what infradb promises to keep to, beside the floor, in one run, and prints a table: `make bench`."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import engine, graph, growth, history, import_legacy, proxmox, rescan, ssh, startup
from bench.figures import Figure, table

PARTS = {
    "import": import_legacy.measure,
    "rescan": rescan.measure,
    "growth": growth.measure,
    "history": history.measure,
    "graph": graph.measure,
    "startup": startup.measure,
    "engine": engine.measure,
    "ssh": ssh.measure,
    "proxmox": proxmox.measure,
}


def main() -> int:
    """Measure, print, and return 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="at a small scale: shows that it runs, not how well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in given.parts or PARTS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="infradb-bench-") as folder:
            figures += PARTS[name](Path(folder), quick=given.quick)
        gc.collect()
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(json.dumps([f.as_json() for f in figures], indent=2) if given.json else table(figures))
    return int(any(f.met is False for f in figures))


if __name__ == "__main__":
    sys.exit(main())
