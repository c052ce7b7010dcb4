"""Understands conditions: which names and paths they let through (configuration manual 2.6, 7: "Using ACLs")."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from infradb.collectors.haproxy.configuration import Section
from infradb.collectors.reverse_proxy.matches import ANYTHING, UNKNOWN, Match, Matches, both, either
from infradb.collectors.reverse_proxy.names import ANY, host_name, host_of_pattern, path_start

Lookup = Callable[[str], str | None]
"""Returns the text of a file that the configuration names."""

NAME = re.compile(
    r"^(?:(?:req\.)?f?hdr(?:_(?P<how>\w+))?\(host(?:,-?\d+)?\)|(?:ssl_fc_sni|req\.ssl_sni|req_ssl_sni)(?:_(?P<sni>\w+))?)$",
    re.IGNORECASE,
)
_PATH = re.compile(r"^path(?:_(?P<how>\w+))?$")
_MAP = re.compile(r"^map(?:_(?P<how>\w+))?\((?P<file>[^,()]+)(?:,(?P<default>[^()]*))?\)$")
_FLAGS = {"-i": 0, "-n": 0, "-u": 1, "-M": 0, "-m": 1, "-f": 1}
"""Flag of an ACL -> how many words it takes."""


def named(section: Section, lookup: Lookup) -> dict[str, Matches]:
    """Return what each ACL of a section lets through; several lines of one name are alternatives."""
    found: dict[str, Matches] = {}
    for words in section.all("acl"):
        if len(words) > 1:
            one = criterion(words[1:], lookup)
            found[words[0]] = either(found[words[0]], one) if words[0] in found else one
    return found


def condition(words: Sequence[str], acls: Mapping[str, Matches], lookup: Lookup) -> Matches:
    """Return what passes where `if` or `unless` and the words after it hold.

    >>> condition(["if", "a", "x", "||", "b"], {"a": (Match("a.lan"),), "x": (Match(path="/x"),)}, lambda _: None)
    (Match(hostname='a.lan', path='/x', exact=True), Match(hostname='*', path='', exact=False))
    """
    if not words:
        return ANYTHING
    if words[0] != "if":
        return UNKNOWN
    found: Matches = ()
    term: Matches | None = None
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word in ("||", "or"):
            found, term = either(found, UNKNOWN if term is None else term), None
            continue
        one: Matches
        if word in ("{", "!{"):
            end = rest.index("}") if "}" in rest else len(rest)
            one = criterion(rest[:end], lookup) if word == "{" else UNKNOWN
            del rest[: end + 1]
        else:
            one = acls.get(word, UNKNOWN)
        term = one if term is None else both(term, one)
    return either(found, UNKNOWN if term is None else term)


def criterion(words: Sequence[str], lookup: Lookup) -> Matches:
    """Return what a criterion with its values lets through."""
    if not words:
        return UNKNOWN
    base = (
        words[0].split(",")[0] if not words[0].startswith(("hdr", "req.hdr", "fhdr", "req.fhdr")) else _head(words[0])
    )
    how, values = "", []
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "--":
            values += rest
            break
        if word not in _FLAGS:
            values.append(word)
        elif _FLAGS[word] and rest:
            value = rest.pop(0)
            how = value if word == "-m" else how
            values += _listed(lookup(value)) if word == "-f" else []
    if found := NAME.match(base):
        return _either(_host(v, how or found["how"] or found["sni"] or "str") for v in values)
    if found := _PATH.match(base):
        return _either(_path(v, how or found["how"] or "str") for v in values)
    return UNKNOWN


def mapped(expression: str, lookup: Lookup) -> list[tuple[Match, str]] | None:
    """Return name and backend of each line of the map in `%[req.hdr(host),lower,map(FILE,DEFAULT)]`.

    None where the expression is another one, or the file cannot be read.
    """
    inner = expression.removeprefix("%[").removesuffix("]")
    base = _head(inner)
    converters = [c for c in re.findall(r",(\w+(?:\([^()]*\))?)", inner[len(base) :]) if not c.startswith("lower")]
    said = _MAP.match(converters[-1]) if converters else None
    if not NAME.match(base) or not said or any(not c.startswith(("map", "field", "regsub")) for c in converters):
        return None
    text = lookup(said["file"])
    if text is None:
        return None
    pairs = [line.split(None, 1) for line in _listed(text)]
    found = [(_host(p[0], said["how"] or "str"), p[1].strip()) for p in pairs if len(p) == 2]
    return found + ([(Match(), said["default"])] if said["default"] else [])


def _head(text: str) -> str:
    """Return a fetch without its converters; commas inside its parentheses are its own."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            return text[:at]
    return text


def _listed(text: str | None) -> list[str]:
    lines = (line.strip() for line in (text or "").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _either(found: Iterable[Match]) -> Matches:
    result: Matches = ()
    for one in found:
        result = either(result, (one,))
    return result or UNKNOWN


def _host(value: str, how: str) -> Match:
    if how == "str":
        return Match(hostname=host_name(value))
    if how == "end" and value.startswith("."):
        return Match(hostname=host_name(value))
    if how == "reg":
        name = host_of_pattern(value)
        return Match(hostname=name, exact=name != ANY and value.startswith("^") and value.endswith("$"))
    return Match(hostname=host_name(value) if how in ("dom", "end") else ANY, exact=False)


def _path(value: str, how: str) -> Match:
    if how == "beg":
        return Match(path=path_start(value))
    return Match(path=value if how == "str" else "", exact=False)
