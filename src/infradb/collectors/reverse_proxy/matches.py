"""What a rule lets through, as alternatives of a name and the beginning of a path."""

from dataclasses import dataclass
from itertools import product

from infradb.collectors.reverse_proxy.names import ANY

MOST = 500
"""Alternatives of one rule that are told apart."""


@dataclass(frozen=True, slots=True)
class Match:
    """One way in which a rule lets something through."""

    hostname: str = ANY
    """Name, wildcard, or `*`."""

    path: str = ""
    """Beginning of the path."""

    exact: bool = True
    """Whether name and path say everything that has to hold."""


ANYTHING = (Match(),)
UNKNOWN = (Match(exact=False),)
"""What a rule that is not understood lets through."""

Matches = tuple[Match, ...]


def either(one: Matches, other: Matches) -> Matches:
    """Return what passes by one of two rules.

    >>> either((Match("a.lan"),), (Match("b.lan"),))
    (Match(hostname='a.lan', path='', exact=True), Match(hostname='b.lan', path='', exact=True))
    """
    found = tuple(dict.fromkeys((*one, *other)))
    return found if len(found) <= MOST else UNKNOWN


def both(one: Matches, other: Matches) -> Matches:
    """Return what passes by two rules together.

    >>> both((Match("a.lan"),), (Match(path="/x"),))
    (Match(hostname='a.lan', path='/x', exact=True),)
    """
    if len(one) * len(other) > MOST:
        return UNKNOWN
    return tuple(dict.fromkeys(_joined(a, b) for a, b in product(one, other)))


def _joined(one: Match, other: Match) -> Match:
    names = {m.hostname for m in (one, other)} - {ANY}
    paths = {m.path for m in (one, other)} - {""}
    exact = one.exact and other.exact and len(names) < 2 and len(paths) < 2
    return Match(one.hostname if one.hostname != ANY else other.hostname, one.path or other.path, exact)
