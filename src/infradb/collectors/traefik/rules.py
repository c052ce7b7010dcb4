"""Understands Traefik's rules: which names and paths they let through.

The grammar is that of Traefik 2 and 3 (doc.traefik.io, "Rules & Priority"): functions with quoted arguments, `&&`
before `||`, `!`, parentheses.
"""

import re

from infradb.collectors.reverse_proxy.matches import UNKNOWN, Match, Matches, both, either
from infradb.collectors.reverse_proxy.names import ANY, host_name, host_of_pattern, path_start

_TOKEN = re.compile(r"\s*(?:(&&|\|\||[!(),])|(\w+)|`([^`]*)`|\"((?:[^\"\\]|\\.)*)\")")
_DEEPEST = 50


def matches(rule: str) -> Matches:
    """Return the ways in which a rule lets something through; one that is not understood lets through anything.

    >>> matches("(Host(`a.lan`) || Host(`b.lan`)) && PathPrefix(`/x`)")
    (Match(hostname='a.lan', path='/x', exact=True), Match(hostname='b.lan', path='/x', exact=True))
    >>> matches("HostSNI(`db.lan`) && !ClientIP(`10.0.0.0/8`)")
    (Match(hostname='db.lan', path='', exact=False),)
    """
    try:
        reader = _Reader(_tokens(rule))
        found = reader.either(0)
        reader.end()
    except (ValueError, IndexError):
        return UNKNOWN
    return found


def _tokens(rule: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    text = rule.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if not token:
            raise ValueError("not a rule")
        position = token.end()
        if token[1] or token[2]:
            found.append(("sign" if token[1] else "word", token[1] or token[2]))
        else:
            quoted = token[4]
            found.append(("text", token[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)))
    return found


class _Reader:
    """Reads tokens by recursive descent; raises `ValueError` or `IndexError`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at = tokens, 0

    def either(self, depth: int) -> Matches:
        found = self._both(depth)
        while self._take("||"):
            found = either(found, self._both(depth))
        return found

    def end(self) -> None:
        if self.at != len(self.tokens):
            raise ValueError("more than a rule")

    def _both(self, depth: int) -> Matches:
        found = self._one(depth)
        while self._take("&&"):
            found = both(found, self._one(depth))
        return found

    def _one(self, depth: int) -> Matches:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if self._take("!"):
            self._one(depth + 1)
            return UNKNOWN
        if self._take("("):
            found = self.either(depth + 1)
            self._need(")")
            return found
        kind, name = self.tokens[self.at]
        if kind != "word":
            raise ValueError("no function")
        self.at += 1
        return _function(name, self._arguments())

    def _arguments(self) -> list[str]:
        self._need("(")
        found: list[str] = []
        while not self._take(")"):
            kind, value = self.tokens[self.at]
            if kind == "text":
                found.append(value)
            elif value != ",":
                raise ValueError("no argument")
            self.at += 1
        return found

    def _take(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"no {sign}")


def _function(name: str, arguments: list[str]) -> Matches:
    match name.lower():
        case "host" | "hostsni" | "hostheader":
            # Version 2 took `{sub:[a-z]+}.example.org` here as well.
            return tuple(_named(a, host_of_pattern(a) if "{" in a else host_name(a)) for a in arguments)
        case "hostregexp" | "hostsniregexp":
            return tuple(_named(a, host_of_pattern(a)) for a in arguments)
        case "pathprefix":
            return tuple(Match(path="", exact=False) if "{" in a else Match(path=path_start(a)) for a in arguments)
        case "path":
            return tuple(Match(path=a, exact=False) for a in arguments)
        case _:
            return UNKNOWN


def _named(text: str, name: str) -> Match:
    return Match(hostname=name, exact=name != ANY or text == ANY)
