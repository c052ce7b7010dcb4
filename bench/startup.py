"""How long do small commands take as whole processes, with compiled bytecode?"""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path

import infradb
from bench.clocks import ROOT, process_milliseconds
from bench.figures import Figure, at_most

INFRADB = str(Path(sys.executable).with_name("infradb"))


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what starting costs."""
    compileall.compile_dir(str(Path(infradb.__file__).parent), quiet=2)
    lab = str(folder / "demo.db")
    subprocess.run([INFRADB, "demo", "--load", lab], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    runs = 5 if quick else 15
    commands = (
        ("--help", (INFRADB, "--help"), 150),
        ("list hosts", (INFRADB, "--database", lab, "list", "hosts"), 400),
    )
    figures = []
    for name, command, limit in commands:
        wall, cpu = process_milliseconds(runs, command)
        figures.append(at_most(f"`infradb {name}`, CPU time of the whole process", cpu, limit, "ms", 0))
        figures.append(at_most(f"`infradb {name}`, time of the whole process", wall, limit, "ms", 0))
    return figures
