"""Turns what was transferred, or a zone file's text, into records."""

import re
from collections.abc import Iterable
from pathlib import PurePath

from infradb.collectors.dns.client import RawRecord
from infradb.dns_names import Record, canonical_name, canonical_record
from infradb.errors import SourceMalformed
from infradb.understood import understood

_ORIGIN = re.compile(r"^\$ORIGIN\s+(\S+)\.\s*(?:;.*)?$", re.MULTILINE | re.IGNORECASE)
_SOA_OWNER = re.compile(r"^([^\s;$@]\S*)\.\s[^;\n]*\bSOA\b", re.MULTILINE | re.IGNORECASE)
_FILE_NAME = re.compile(r"^db\.(.+)$|^(.+)\.(?:zone|db)$")


def parse_zone(zone: str, raw: Iterable[RawRecord]) -> tuple[list[Record], tuple[str, ...]]:
    """Return the records of a zone, and a sentence where some could not be understood."""
    return understood(raw, lambda r: canonical_record(zone, r.name, r.type, r.content, r.ttl), f"records of {zone}")


def parse_file(zone: str, text: str, path: str) -> tuple[list[Record], tuple[str, ...]]:
    """Return the records of a zone file (RFC 1035, 5); raise `SourceMalformed`."""
    import dns.exception
    import dns.rdatatype
    import dns.zone

    try:
        read = dns.zone.from_text(text, origin=f"{zone}.", relativize=False, check_origin=False, allow_include=False)
        raw = [
            RawRecord(name.to_text(), dns.rdatatype.to_text(rdata.rdtype), rdata.to_text(), ttl)
            for name, ttl, rdata in read.iterate_rdatas()
        ]
    except (dns.exception.DNSException, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        # What dnspython says holds the line's number, and no more of it than a word.
        hint = "`named-checkzone ZONE FILE` shows what is wrong; $INCLUDE is not followed"
        raise SourceMalformed(f"{path} is no zone file of {zone}: {str(error)[:120]}", hint=hint) from error
    return parse_zone(zone, raw)


def origin_of(text: str, path: str) -> str:
    """Return a file's zone: its first $ORIGIN, the owner of its SOA, or its name `db.ZONE`, `ZONE.zone`.

    Raises `SourceMalformed` where none of them tells.
    """
    found = _ORIGIN.search(text) or _SOA_OWNER.search(text)
    named = _FILE_NAME.match(PurePath(path).name)
    candidate = found[1] if found else (named[1] or named[2]) if named else ""
    try:
        return canonical_name(candidate)
    except ValueError as error:
        hint = "set `zones` of the source to the files' zones, in the same order"
        raise SourceMalformed(f"{path} does not say which zone it is", hint=hint) from error
