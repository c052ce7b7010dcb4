"""Turns the answers of an AdGuard Home into records, networks and addresses (OpenAPI of AdGuard Home 0.107)."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from infradb import clock
from infradb.dns_names import Record, canonical_record
from infradb.errors import SourceMalformed
from infradb.leases import Lease, Subnet, lease, subnet
from infradb.understood import understood

_MAC = re.compile(r"^(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$")
_HINT = "is it AdGuard Home, in a version that infradb reads?"


def parse_rewrites(raw: Iterable[Any]) -> tuple[list[Record], tuple[str, ...]]:
    """Return the names that are answered otherwise; `A` and `AAAA` as answers only keep others from being changed."""
    return understood(raw, _rewrite, "rewrites")


def parse_networks(raw: Mapping[str, Any]) -> tuple[list[Subnet], tuple[str, ...]]:
    """Return the network that addresses are handed out in; nothing where the DHCP server is off."""
    if not isinstance(raw.get("enabled"), bool):
        raise SourceMalformed("the DHCP server's state is not there", hint=_HINT)
    if not raw["enabled"]:
        return [], ()
    return understood([raw.get("v4")], _subnet, "DHCP settings")


def parse_leases(raw: Mapping[str, Any]) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the leases that were handed out."""
    return understood(
        _list(raw, "leases"),
        lambda one: lease(one["ip"], one["mac"], one["hostname"], clock.to_moment(one["expires"]).timestamp()),
        "leases",
    )


def parse_reservations(raw: Mapping[str, Any]) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the static leases; nothing where the DHCP server is off."""
    if not raw["enabled"]:
        return [], ()
    return understood(
        _list(raw, "static_leases"),
        lambda one: lease(one["ip"], one["mac"], one["hostname"], allocation="reserved"),
        "static leases",
    )


def parse_clients(raw: Mapping[str, Any]) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the addresses of clients that somebody entered; those that were only seen come and go."""
    found, errors = understood(_list(raw, "clients"), _client, "clients")
    return [one for several in found for one in several], errors


def _rewrite(raw: Any) -> Record | None:
    name, answer = raw["domain"], raw["answer"]
    if raw.get("enabled") is False or answer in ("A", "AAAA") or answer == name:
        return None
    try:
        address = ipaddress.ip_address(answer)
    except ValueError:
        return canonical_record("", name, "CNAME", answer)
    return canonical_record("", name, "A" if address.version == 4 else "AAAA", answer)


def _subnet(v4: Any) -> Subnet | None:
    if not v4["range_start"]:
        return None
    cidr = f"{v4['range_start']}/{v4['subnet_mask']}"
    handed = [(v4["range_start"], v4["range_end"])]
    return subnet(cidr, handed, gateway=v4["gateway_ip"] or None, hands_out=True)


def _client(raw: Any) -> list[Lease]:
    addresses, macs = [], []
    for one in raw["ids"]:
        if _MAC.match(one):
            macs.append(one)
        elif "/" not in one:
            try:
                addresses.append(str(ipaddress.ip_address(one)))
            except ValueError:  # a client's ID (DoH, DoT)
                continue
    # Of several neither says which belongs to which. The name is a label, and a host's only where it looks like one.
    mac = macs[0] if len(macs) == 1 and len(addresses) == 1 else None
    return [lease(a, mac, raw["name"], allocation="seen") for a in addresses]


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    found = raw.get(name)
    if found is None and name in raw:  # Go writes an empty list as null
        return []
    if not isinstance(found, list):
        raise SourceMalformed(f"the answer holds no list of {name}", hint=_HINT)
    return found
