"""A process that works on a database until something happens to it: `python -m tests.operations.bad_day`."""

from __future__ import annotations

import sys

from infradb.errors import InfradbError
from infradb.observation import Answer
from infradb.operations import care
from infradb.store.schema import open_database
from tests.operations.care_lab import container, host, take_in


def lab(size: int, version: int = 0) -> list[Answer]:
    """A lab of `size` hosts and containers; some differ from version to version."""
    hosts = [host(f"h{n}", notes=f"version {version if n % 3 == 0 else 0} " + "x" * 200) for n in range(size)]
    return [host(), *hosts, *(container(f"c{n}", image_tag=str(version if n % 2 else 0)) for n in range(size))]


def main(url: str, size: int, versions: int, name: str = "lab") -> None:
    """Take in one version after the other, and say what happened."""
    database = open_database(url, create=True)
    for version in range(versions):
        print(f"begin {version}", flush=True)
        try:
            take_in(database, lab(size, version), name)
        except InfradbError as error:
            print(f"{type(error).__name__}: {error} -> {error.hint}", flush=True)
            break
        print(f"done {version}", flush=True)
    print(f"verified {care.verify_all(database).rows}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
