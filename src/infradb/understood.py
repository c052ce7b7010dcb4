"""Takes apart lists of which some entries may be anything: what is understood is kept, the rest becomes a sentence."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from infradb.errors import InfradbError
from infradb.observation import Answer, ScopeStatus
from infradb.redaction import redact_text

_WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What entries of another form than expected raise in the functions that read them."""
T = TypeVar("T")


def understood(entries: Iterable[Any], read: Callable[[Any], T | None], what: str) -> tuple[list[T], tuple[str, ...]]:
    """Return what `read` makes of each entry, and a sentence where some of them could not be read.

    `read` returns None for what is left out on purpose. `what` is the entries' plural.

    >>> understood(["1", "", "x"], lambda e: int(e) if e else None, "numbers")[0]
    [1]
    """
    found: list[T] = []
    count, wrong, first = 0, 0, ""
    for entry in entries:
        count += 1
        try:
            one = read(entry)
        except _WRONG:
            wrong += 1
            first = first or redact_text(str(entry)[:300])[:80]
        else:
            if one is not None:
                found.append(one)
    if not wrong:
        return found, ()
    said = f"{wrong} of {count} {what} could not be understood, the first is {first!r}"
    return found, (f"{said}: is the program's version one that infradb reads?",)


def in_words(error: InfradbError) -> str:
    """Return an error as one sentence with what to do, as the errors of a scope are."""
    return f"{error} ({error.hint})" if error.hint else str(error)


def status_of(answers: Sequence[Answer], errors: Sequence[str]) -> ScopeStatus:
    """Return what absence means in a scope with these answers and errors."""
    return "complete" if not errors else "partial" if answers else "failed"
