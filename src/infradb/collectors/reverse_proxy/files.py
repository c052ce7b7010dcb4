"""Reads the certificate files that a proxy names."""

from collections.abc import Iterable
from pathlib import Path

from infradb.errors import CollectionError
from infradb.model.services import Certificate
from infradb.transport.certificates import first_certificate, understand


def read_certificates(paths: Iterable[Path]) -> tuple[dict[Path, Certificate], list[str]]:
    """Return the certificate in each file, and what could not be read; no private key is read."""
    found: dict[Path, Certificate] = {}
    problems: list[str] = []
    for path in sorted(set(paths)):
        try:
            found[path] = understand(first_certificate(path), str(path))
        except CollectionError as error:
            problems.append(f"{error} ({error.hint})")
    return found, problems
