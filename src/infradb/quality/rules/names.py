"""Names in the DNS against each other and against what has the addresses; what DHCP servers hand out."""

import ipaddress
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from infradb.model.types import address_key
from infradb.quality.rule import Defect, Question, Rule

_ENDS_IN_NAME = ("CNAME", "MX", "NS", "SRV")
_LONGEST_CHAIN = 8
_SHOWN = 3


@dataclass(slots=True)
class _Dns:
    """All records that are known, as one who asks would find them: of all servers together."""

    rows: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    """(id, name, type, content, zone)"""
    zones: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    addresses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    aliases: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    delegated: set[str] = field(default_factory=set)
    """Names below which another server answers, whose zone is not known."""

    def knows(self, name: str) -> bool:
        """Tell whether a name lies in a known zone, so that its absence means something."""
        for part in _upwards(name):
            if part in self.zones:
                return True
            if part in self.delegated:
                return False
        return False

    def owner(self, name: str) -> str | None:
        """Return the name whose records answer, aliases followed and wildcards minded (RFC 4592); None for none."""
        for _ in range(_LONGEST_CHAIN):
            if name not in self.names:
                name = next((w for part in _upwards(name) if (w := f"*.{part}") in self.names), "")
            if name not in self.aliases:
                break
            name = self.aliases[name]
        return name if name in self.names else None

    def resolve(self, name: str) -> set[str]:
        """Return the addresses that a name leads to."""
        return self.addresses.get(self.owner(name) or "", set())


def _upwards(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]


def _read(question: Question) -> _Dns:
    dns = _Dns()
    sql = "SELECT id, record_name, record_type, content, zone FROM dns_records WHERE retired_at IS NULL ORDER BY id"
    for row in question.query(sql):
        _, name, kind, content, zone = row
        dns.rows.append(row)
        dns.names.add(name)
        if zone:
            dns.zones.add(zone)
        if kind in ("A", "AAAA"):
            dns.addresses[name].add(content)
        elif kind == "CNAME":
            dns.aliases[name] = content
        elif kind == "PTR":
            dns.pointers[name].add(content)
        elif kind == "NS" and name != zone:
            dns.delegated.add(name)
    return dns


def _without_reverse(question: Question) -> Iterator[Defect]:
    dns = _read(question)
    named: dict[str, list[tuple[int, str]]] = {}
    for id_, name, kind, content, zone in dns.rows:
        if kind in ("A", "AAAA") and zone and not name.startswith("*."):
            named.setdefault(content, []).append((id_, name))
    for address, records in named.items():
        reverse = ipaddress.ip_address(address).reverse_pointer
        # A part of a network may be delegated by an alias (RFC 2317): then only its own zone can tell.
        target = dns.aliases.get(reverse, reverse)
        if dns.knows(target) and not dns.pointers.get(dns.owner(reverse) or ""):
            yield Defect(records[0][0], address, evidence={"address": address, "names": _some(n for _, n in records)})


def _disagreeing(question: Question) -> Iterator[Defect]:
    dns = _read(question)
    for id_, name, kind, content, _ in dns.rows:
        address = _address_of(name) if kind == "PTR" else None
        if address is None or not dns.knows(content):
            continue
        found = dns.resolve(content)
        if address not in found:
            said = f"leads to {_some(sorted(found))}" if found else "leads to no address"
            yield Defect(id_, content, evidence={"address": address, "name": content, "said": said})


def _leading_nowhere(question: Question) -> Iterator[Defect]:
    dns = _read(question)
    for id_, name, kind, content, _ in dns.rows:
        target = content.rpartition(" ")[2] if kind in _ENDS_IN_NAME else "."
        if target != "." and dns.knows(target) and dns.owner(target) is None:
            yield Defect(id_, content, evidence={"name": name, "type": kind, "target": target})


def _of_another_host(question: Question) -> Iterator[Defect]:
    dns = _read(question)
    hosts: dict[str, list[int]] = defaultdict(list)
    for id_, hostname in question.query("SELECT id, hostname FROM hosts WHERE retired_at IS NULL"):
        hosts[hostname.lower().partition(".")[0]].append(id_)
    holders: dict[str, int] = {}
    addressed: set[int] = set()
    sql = (
        "SELECT ip_address, host_id, allocation_type FROM ip_addresses"
        " WHERE vrf = 'default' AND retired_at IS NULL AND host_id IS NOT NULL"
    )
    for address, host_id, allocation in question.query(sql):
        addressed.add(host_id)
        if allocation != "virtual":
            holders[address] = host_id
    # Users reach what is behind a proxy by its name and the proxy's address: that is meant so.
    proxied = {name for (name,) in question.query("SELECT hostname FROM proxy_routes WHERE retired_at IS NULL")}
    for id_, name, kind, content, _ in dns.rows:
        own = hosts.get(name.partition(".")[0], []) if kind in ("A", "AAAA") else []
        if len(own) != 1 or own[0] not in addressed or name in proxied or holders.get(content, own[0]) == own[0]:
            continue
        if not any(holders.get(a) == own[0] for a in dns.addresses[name]):
            evidence = {"name": name, "address": content, "host_id": own[0]}
            yield Defect(id_, content, other_id=holders[content], evidence=evidence)


def _unknown_addresses(question: Question) -> Iterator[Defect]:
    """Yield names in networks that are looked at, since somebody is known to have addresses there."""
    sql = "SELECT ip_address, ip_key, coalesce(host_id, interface_id) FROM ip_addresses WHERE vrf = 'default'"
    rows = question.query(sql)
    known = {address for address, _, _ in rows}
    held = sorted(_number(key) for _, key, holder in rows if holder is not None)
    sql = "SELECT first_key, last_key, gateway FROM networks WHERE vrf = 'default' AND retired_at IS NULL"
    networks, gateways = _Networks(), set()
    for first, last, gateway in question.query(sql):
        networks.add(_number(first), _number(last))
        gateways.add(gateway)
    seen: set[str] = set()
    for id_, name, kind, content, _ in _read(question).rows:
        if kind not in ("A", "AAAA") or content in known or content in gateways or content in seen:
            continue
        # The smallest network counts: a plan of everything is looked at nowhere.
        inside = networks.smallest(_number(address_key(content)))
        if inside and bisect_right(held, inside[1]) > bisect_left(held, inside[0]):
            seen.add(content)
            yield Defect(id_, content, evidence={"name": name, "address": content})


class _Networks:
    """Networks by their size, so that finding the smallest around an address looks at each size once."""

    def __init__(self) -> None:
        self._by_bits: dict[int, set[int]] = {}

    def add(self, first: int, last: int) -> None:
        bits = (last - first + 1).bit_length() - 1
        self._by_bits.setdefault(bits, set()).add(first >> bits)

    def smallest(self, address: int) -> tuple[int, int] | None:
        for bits in sorted(self._by_bits):
            if (start := address >> bits) in self._by_bits[bits]:
                return start << bits, ((start + 1) << bits) - 1
        return None


def _number(key: bytes) -> int:
    return int.from_bytes(bytes(key), "big")


def _leased_to_another(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT a.id, m.mac_address FROM ip_addresses a JOIN network_interfaces i ON i.id = a.interface_id"
        " JOIN network_interfaces m ON m.host_id = i.host_id"
        " WHERE a.retired_at IS NULL AND i.retired_at IS NULL AND m.retired_at IS NULL AND m.mac_address IS NOT NULL"
    )
    own: dict[int, set[str]] = defaultdict(set)
    for id_, mac in question.query(sql):
        own[id_].add(mac)
    leased: dict[int, dict[str, str]] = defaultdict(dict)
    for id_, source, said in _claims(question, "ip_addresses", "allocation_type"):
        if said.get("allocation_type") in ("dhcp", "reserved") and said.get("mac_address"):
            leased[id_].setdefault(str(said["mac_address"]), source)
    for id_, by_mac in leased.items():
        strangers = {mac: source for mac, source in by_mac.items() if mac not in own[id_]}
        if own[id_] and strangers:
            mac, server = next(iter(strangers.items()))
            yield Defect(id_, evidence={"mac": mac, "server": server, "holder": "another machine"})
        elif len(set(by_mac.values())) > 1 and len(strangers) > 1:
            (mac, server), (other, its) = list(strangers.items())[:2]
            yield Defect(id_, evidence={"mac": mac, "server": server, "holder": f"{other}, by {its}"})


def _two_servers(question: Question) -> Iterator[Defect]:
    said_of: dict[int, list[tuple[str, dict[str, object]]]] = defaultdict(list)
    for id_, source, said in _claims(question, "networks", "dhcp_enabled"):
        if said.get("dhcp_enabled"):
            said_of[id_].append((source, said))
    for id_, servers in said_of.items():
        for n, (source, said) in enumerate(servers):
            for other, its in servers[n + 1 :]:
                if source != other and (wrong := [_WORDS[f] for f in _WORDS if _differ(said.get(f), its.get(f))]):
                    evidence = {"one": source, "two": other, "what": " and ".join(dict.fromkeys(wrong))}
                    yield Defect(id_, f"{source}/{other}", evidence=evidence)


_WORDS = {"dhcp_range_start": "range", "dhcp_range_end": "range", "gateway": "gateway"}


def _differ(one: object, two: object) -> bool:
    return one is not None and two is not None and one != two


def _claims(question: Question, table: str, field_name: str) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Yield what each observing source says of things of a type, where it says a field at all."""
    sql = (
        "SELECT c.entity_id, s.name, c.said FROM claims c JOIN entities e ON e.id = c.entity_id"
        " JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id"
        " WHERE e.kind = ? AND e.retired_at IS NULL AND c.withdrawn_at IS NULL AND c.missing_since IS NULL"
        " AND NOT s.declared AND s.enabled AND c.said LIKE ? ORDER BY c.id"
    )
    for id_, name, said in question.query(sql, (table, f'%"{field_name}"%')):
        yield id_, name, orjson.loads(said)


def _address_of(reverse: str) -> str | None:
    """Return the address that a name of a reverse zone stands for (RFC 1035, 3.5; RFC 3596, 2.5)."""
    labels = reverse.split(".")
    try:
        if reverse.endswith(".in-addr.arpa") and len(labels) == 6:
            return str(ipaddress.ip_address(".".join(reversed(labels[:4]))))
        if reverse.endswith(".ip6.arpa") and len(labels) == 34:
            digits = "".join(reversed(labels[:32]))
            return str(ipaddress.ip_address(":".join(digits[i : i + 4] for i in range(0, 32, 4))))
    except ValueError:
        return None
    return None


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


RULES = (
    Rule(
        "forward-without-reverse",
        "low",
        "A name leads to an address that leads back to no name",
        "Logs, mail servers and SSH look up who an address is, and get no answer. Reported only where the reverse zone"
        " is known, so that its silence means something; an address counts once, whatever its names.",
        "Add a PTR record to the reverse zone, for the name that the machine calls itself.",
        "{names} leads to {address}, which leads back to no name",
        check=_without_reverse,
    ),
    Rule(
        "reverse-disagrees",
        "medium",
        "An address leads to a name that does not lead back to it",
        "Whoever checks both ways (mail servers, NFS, sudo by host) takes the address for somebody else's. Mostly a"
        " machine was renamed or renumbered in one zone only. Reported only where the name's zone is known.",
        "Correct the PTR record, or the name's address.",
        "{address} leads to {name}, which {said}",
        check=_disagreeing,
    ),
    Rule(
        "record-leads-nowhere",
        "medium",
        "An alias, a mail or name server, or a service leads to a name that does not exist",
        "Whoever uses it gets no answer. If the name is free for others to take, they answer in its place. Reported"
        " only where the name's zone is known; what is delegated to servers that are not read is left out.",
        "Correct or remove the record, or add the name that it leads to.",
        "{type} of {name} leads to {target}, which does not exist",
        check=_leading_nowhere,
    ),
    Rule(
        "name-of-retired-address",
        "medium",
        "A name leads to an address that nobody has any more",
        "What had it was retired. Users run into a time-out; and the next machine that gets the address is taken for"
        " the old one. Addresses that are handed out come and go, and are left out.",
        "Remove the record, or correct its address.",
        "{name} leads to {address}, which nobody has any more",
        sql="""\
SELECT r.id AS entity_id, r.record_name AS name, r.content AS address, max(a.id) AS other_id
FROM dns_records r JOIN ip_addresses a ON a.ip_address = r.content AND a.vrf = 'default'
WHERE r.retired_at IS NULL AND r.record_type IN ('A', 'AAAA')
GROUP BY r.id, r.record_name, r.content
HAVING count(*) = count(a.retired_at)
   AND count(*) = sum(CASE WHEN a.allocation_type = 'dhcp' THEN 0 ELSE 1 END)""",
    ),
    Rule(
        "name-of-unknown-address",
        "info",
        "A name leads to an address in a known network that nobody is known to have",
        "Either a machine is not in the database, so that nobody knows what breaks when it dies; or the record is a"
        " leftover. Reported in networks in which some machines are known; an address counts once.",
        "Add the machine as a source or by hand (`infradb add ips ip_address=… host=…`), or remove the record.",
        "{name} leads to {address}, which nobody is known to have",
        check=_unknown_addresses,
    ),
    Rule(
        "name-of-another-host",
        "low",
        "A name that is a host's leads to another host",
        "There is one host of this name, and the name leads to a machine that is called otherwise: users and scripts"
        " reach the wrong one. Names that a proxy is known to serve are left out, as are shared addresses.",
        "Correct the record; waive it where the name is meant to lead elsewhere.",
        "{name} leads to {address}, which is {other}'s and not that of the host of this name",
        check=_of_another_host,
    ),
    Rule(
        "address-leased-to-another",
        "high",
        "A DHCP server hands out an address that another machine has",
        "Both use the address, and both fail at random. One of them was set by hand, or two servers hand out the same"
        " addresses. Known are the hardware addresses of the host that has it, and what each server leases it to.",
        "Give the one that was set by hand another address, or make it a reservation on the server; let one server"
        " alone hand out addresses of a range.",
        "{thing} is leased to {mac} by {server}, but {holder} has it",
        check=_leased_to_another,
    ),
    Rule(
        "two-dhcp-servers",
        "medium",
        "Two DHCP servers hand out different things in one network",
        "Clients take whatever answers first, so that some get a gateway or an address of the wrong one: a router that"
        " somebody plugged in, or a server that was replaced and not stopped. Two sources that say the same are taken"
        " for one server, or for a pair that knows of each other.",
        "Stop one of them; waive it where they share the network on purpose.",
        "{one} and {two} both hand out addresses in {thing}, with another {what}",
        check=_two_servers,
    ),
)
