"""Records of the DNS in the one form in which all sources of them are compared."""

import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from infradb.model.network import DnsRecord
from infradb.model.types import canonical_address
from infradb.observation import Answer, Observation, digest_of, observe
from infradb.redaction import redact_text

READ_TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT"})
"""Types that are kept. A SOA's serial changes with everything, and signatures (RFC 4034) by themselves."""
PARSER_VERSION = 1
_LONGEST = 255
_MOST_TTL = 2**31 - 1  # RFC 2181, 8
_NAME_FIELDS = {"CNAME": 1, "NS": 1, "PTR": 1, "MX": 2, "SRV": 4}
"""Fields of each type that ends in a name (RFC 1035, 3.3; RFC 2782); those before it are numbers."""
_LABEL = re.compile(r"[^\s.\"'\x00-\x1f]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)', re.DOTALL)


class Record(NamedTuple):
    """One record of a zone, or a name that a server answers by itself."""

    zone: str
    name: str
    type: str
    content: str
    ttl: int | None = None


def canonical_name(text: str) -> str:
    """Return a name in lower case without the last dot; raise `ValueError` where it is none.

    >>> canonical_name("Web.Lab.Example.")
    'web.lab.example'
    """
    name = text.strip().lower()
    if name == ".":
        return name
    name = name.removesuffix(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("not a name")
    return name


def canonical_record(zone: str, name: str, kind: str, content: str, ttl: int | None = None) -> Record | None:
    """Return a record in canonical form; None where it is of no kept type, or answers a challenge.

    `content` is in the form of zone files (RFC 1035, 5) with absolute names. Raises `ValueError`.

    >>> canonical_record("lab.example.", "Mail.lab.example.", "MX", "10 MX1.lab.example.", 60)
    Record(zone='lab.example', name='mail.lab.example', type='MX', content='10 mx1.lab.example', ttl=60)
    """
    kind, owner = kind.upper(), canonical_name(name)
    # What a certificate authority asked for is another one with each renewal (RFC 8555, 8.4).
    if kind not in READ_TYPES or owner.startswith("_acme-challenge."):
        return None
    if ttl is not None and not (type(ttl) is int and 0 <= ttl <= _MOST_TTL):
        raise ValueError("not a time to live")
    said = _content(kind, content)
    if len(said) > _LONGEST:
        raise ValueError("longer than any name")
    return Record(canonical_name(zone) if zone else "", owner, kind, said, ttl)


def record_answers(server: str, records: Iterable[Record]) -> list[Answer]:
    """Return an answer for each record; one that is said twice counts once, with the longest time to live."""
    found: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: r.ttl or 0):
        found[f"record/{record.zone}/{record.name}/{record.type}/{record.content}"] = record
    return [
        Answer(key, digest_of((server, *record), PARSER_VERSION), partial(_observed, key, server, record))
        for key, record in sorted(found.items())
    ]


def _observed(key: str, server: str, record: Record) -> list[Observation]:
    said = {} if record.ttl is None else {"ttl_seconds": record.ttl}
    row = DnsRecord(
        record_name=record.name,
        record_type=record.type,
        content=record.content,
        zone=record.zone,
        server=server,
        **said,
    )
    return [observe(key, row)]


def _content(kind: str, content: str) -> str:
    if kind in ("A", "AAAA"):
        address = canonical_address(content)
        if (":" in address) is not (kind == "AAAA"):
            raise ValueError("an address of the other family")
        return address
    if kind == "TXT":
        return _text(content)
    fields = content.split()
    if len(fields) != _NAME_FIELDS[kind]:
        raise ValueError("not as many fields as its type has")
    return " ".join([*(str(int(field)) for field in fields[:-1]), canonical_name(fields[-1])])


def _text(content: str) -> str:
    """Return a TXT record as one string in quotes, its secrets redacted; a long one is cut and told apart by a hash."""
    parts = [quoted or bare for quoted, bare in _QUOTED.findall(content)]
    text = redact_text(_CONTROL.sub("", "".join(parts)))
    if len(text) > _LONGEST - 2:
        text = f"{text[:230]}… {sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f'"{text}"'
