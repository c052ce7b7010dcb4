"""Turns zones as the API shows them into records (PowerDNS Authoritative Server 4.7, HTTP API)."""

from collections.abc import Iterator, Mapping
from typing import Any

from infradb.dns_names import Record, canonical_name, canonical_record
from infradb.errors import SourceMalformed
from infradb.understood import understood


def zone_id(raw: Any) -> tuple[str, str]:
    """Return a listed zone's id and name; raise `ValueError`, `KeyError` or `TypeError` where it is no zone."""
    return str(raw["id"]), canonical_name(raw["name"])


def parse_zone(raw: Mapping[str, Any]) -> tuple[list[Record], tuple[str, ...]]:
    """Return a zone's records without the disabled ones, and a sentence where some could not be understood."""
    try:
        zone = canonical_name(raw["name"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SourceMalformed("a zone has no name", hint="is it the API of an authoritative server?") from error
    return understood(_records(raw), lambda r: _record(zone, *r), f"records of {zone}")


def _records(raw: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    sets = raw.get("rrsets")
    for of_name in sets if isinstance(sets, list) else [None]:
        records = of_name.get("records") if isinstance(of_name, dict) else None
        for record in records if isinstance(records, list) else [None]:
            yield of_name, record


def _record(zone: str, of_name: Any, record: Any) -> Record | None:
    if record["disabled"]:
        return None
    ttl = of_name["ttl"]
    return canonical_record(zone, of_name["name"], of_name["type"], record["content"], ttl)
