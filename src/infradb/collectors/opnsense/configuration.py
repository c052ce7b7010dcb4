"""Reads config.xml into plain nodes, and leaves out every secret before anything else sees it.

Of the file only the parts below are built at all: no users, no certificates, no VPN. Within them, what is named like a
secret is dropped (the passwords of virtual addresses, keys for dynamic DNS). Parts as OPNsense 24.7 to 26.7 write
them (opnsense/core, models' `mount`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers import expat

from infradb.errors import SourceMalformed
from infradb.secret_names import Verdict, name_verdict

Node = dict[str, Any]
"""Child's name -> list of children; `@uuid` and `#text` are its own."""

_PARTS = frozenset(
    {
        "system/hostname", "system/domain", "system/timezone", "system/dnsserver", "interfaces", "vlans", "laggs",
        "bridges", "ifgroups", "virtualip", "gateways", "staticroutes", "filter", "nat", "dhcpd", "dhcpdv6", "dnsmasq",
        "unbound", "revision", "OPNsense/Firewall", "OPNsense/Kea", "OPNsense/unboundplus", "OPNsense/Gateways",
    }
)  # fmt: skip
_PARENTS = frozenset(part.split("/")[0] for part in _PARTS if "/" in part)
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?")
_DEEPEST = 40
_MOST_NODES = 2_000_000
_ENCRYPTED = b"BEGIN config.xml"


def read_configuration(content: bytes, where: str) -> Node:
    """Return the parts of a configuration; raise `SourceMalformed` where it is none."""
    if _ENCRYPTED in content[:200]:
        raise SourceMalformed(f"{where} is encrypted", hint="save the configuration without encrypting it")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        hint = "is it the whole configuration of an OPNsense firewall?"
        raise SourceMalformed(f"{where} is no XML that can be read: {error}", hint=hint) from error
    if reader.root != "opnsense":
        named = f"<{reader.root}>" if reader.root else "nothing"
        raise SourceMalformed(
            f"{where} holds {named[:40]} in the place of <opnsense>", hint="only configurations of OPNsense are read"
        )
    return reader.top


def nodes(node: Mapping[str, Any], path: str) -> Iterator[Node]:
    """Yield every node at a path below another: `nat/rule`."""
    name, _, rest = path.partition("/")
    for child in node.get(name, ()):
        if rest:
            yield from nodes(child, rest)
        else:
            yield child


def said(node: Mapping[str, Any], path: str) -> str:
    """Return the text at a path; empty where there is none."""
    return next((str(found.get("#text", "")).strip() for found in nodes(node, path)), "")


def leaves(node: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts right below a node."""
    return {n: said(node, n) for n in node if not n.startswith(("@", "#"))}


def has(node: Mapping[str, Any], path: str) -> bool:
    """Tell whether a switch is on: the element is there and says neither 0 nor no."""
    return any(str(found.get("#text", "")).strip().lower() not in ("0", "no") for found in nodes(node, path))


def seconds(value: object) -> float:
    """Return a time as OPNsense notes it, in seconds since 1970; 0 where it is none."""
    text = str(value)
    return float(text) if _SECONDS.fullmatch(text) else 0


class _Reader:
    def __init__(self) -> None:
        self.root = ""
        self.top: Node = {}
        self._open: list[Node | None] = []
        self._path: list[str] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._count += 1
        if len(self._path) > _DEEPEST or self._count > _MOST_NODES:
            raise ValueError("it is nested too deep or too large")
        if len(self._path) == 1:
            self.root = name
            self._open.append(self.top)
            return
        above = self._open[-1]
        if above is None or not self._wanted():
            self._open.append(None)
            return
        node: Node = {"@uuid": attributes["uuid"]} if "uuid" in attributes else {}
        above.setdefault(name, []).append(node)
        self._open.append(node)

    def text(self, text: str) -> None:
        node = self._open[-1] if self._open else None
        if node is not None:
            node["#text"] = node.get("#text", "") + text

    def end(self, name: str) -> None:
        node = self._open.pop()
        self._path.pop()
        if node is not None and _is_secret(name, node) and self._open and self._open[-1] is not None:
            self._open[-1][name].pop()

    def refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def _wanted(self) -> bool:
        if len(self._path) == 2:
            return self._path[1] in _PARTS or self._path[1] in _PARENTS
        return self._path[1] in _PARTS or "/".join(self._path[1:3]) in _PARTS


def _is_secret(name: str, node: Node) -> bool:
    if name == "pass":  # of a port forward: whether packets pass without a rule
        return str(node.get("#text", "")).strip() not in ("", "pass", "rule")
    if name == "geoip":  # its address holds a licence
        return True
    return "#text" in node and (name.lower().endswith("key") or name_verdict(name) is not Verdict.HARMLESS)
