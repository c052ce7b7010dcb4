"""Addresses and the networks that they lie in."""

from collections.abc import Iterator

from infradb.model.types import address_key
from infradb.quality.rule import Defect, Question, Rule

_NESTED = """\
networks o JOIN networks i ON i.vrf = o.vrf AND i.first_key >= o.first_key AND i.first_key <= o.last_key
 AND i.last_key <= o.last_key AND i.id <> o.id AND i.retired_at IS NULL AND o.retired_at IS NULL"""
"""Pairs of a network and one inside it, found through the index on address space and first address."""


def _ranges(question: Question) -> Iterator[tuple[int, str, str, str | None, str | None, bytes, bytes]]:
    sql = (
        "SELECT id, cidr, vrf, dhcp_range_start, dhcp_range_end, first_key, last_key FROM networks"
        " WHERE retired_at IS NULL AND (dhcp_range_start IS NOT NULL OR dhcp_range_end IS NOT NULL)"
    )
    yield from question.query(sql)


def _wrong_range(start: str | None, end: str | None, first: bytes, last: bytes) -> str:
    if start is None or end is None:
        return "has only one end"
    if not (first <= address_key(start) <= last and first <= address_key(end) <= last):
        return "reaches outside the network"
    return "ends before it starts" if address_key(start) > address_key(end) else ""


def _wrong_ranges(question: Question) -> Iterator[Defect]:
    for id_, cidr, _, start, end, first, last in _ranges(question):
        if problem := _wrong_range(start, end, first, last):
            yield Defect(id_, evidence={"cidr": cidr, "start": start or "?", "end": end or "?", "problem": problem})


def _static_in_range(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT id, ip_address FROM ip_addresses WHERE vrf = ? AND ip_key BETWEEN ? AND ? AND retired_at IS NULL"
        " AND allocation_type = 'static'"
    )
    for id_, _, vrf, start, end, first, last in _ranges(question):
        if start and end and not _wrong_range(start, end, first, last):
            for address_id, address in question.query(sql, (vrf, address_key(start), address_key(end))):
                yield Defect(address_id, other_id=id_, evidence={"address": address, "start": start, "end": end})


RULES = (
    Rule(
        "address-outside-network",
        "medium",
        "An address lies outside its network",
        "The address was noted in a network that cannot hold it: after a renumbering, or by a typing error. Free"
        " addresses and firewall rules are then reckoned from the wrong network.",
        "Set the right network (`infradb set ADDRESS network=…`), or retire the address where it is a leftover.",
        "{thing} is listed in {network}, which does not contain it",
        sql="""\
SELECT a.id AS entity_id, n.id AS other_id, n.cidr AS network
FROM ip_addresses a JOIN networks n ON n.id = a.network_id
WHERE a.retired_at IS NULL AND n.retired_at IS NULL
  AND (a.ip_key < n.first_key OR a.ip_key > n.last_key OR a.vrf <> n.vrf)""",
    ),
    Rule(
        "address-not-assignable",
        "medium",
        "Something has the address of a network itself, or its broadcast address",
        "Packets to the first address of an IPv4 network are dropped by many systems, and those to the last one go to"
        " everybody. Mostly the prefix length of an interface is wrong.",
        "Give it another address, or correct the prefix length of its interface.",
        "{thing} is the {which} of {network}, yet {other} has it",
        sql="""\
SELECT a.id AS entity_id, coalesce(a.host_id, a.docker_container_id) AS other_id, n.cidr AS network,
       CASE WHEN a.ip_key = n.first_key THEN 'network address' ELSE 'broadcast address' END AS which
FROM ip_addresses a JOIN networks n ON n.id = a.network_id
WHERE a.retired_at IS NULL AND n.retired_at IS NULL AND coalesce(a.host_id, a.docker_container_id) IS NOT NULL
  AND (a.ip_key = n.first_key OR a.ip_key = n.last_key)
  AND n.cidr NOT LIKE '%:%' AND n.cidr NOT LIKE '%/31' AND n.cidr NOT LIKE '%/32'""",
    ),
    Rule(
        "address-holder-mismatch",
        "medium",
        "An address names a host and an interface of another host",
        "Host and interface of an address come from different sources, and contradict each other: the address moved, or"
        " two machines use it.",
        "`infradb why ADDRESS` shows which source says what; read the stale one again, or correct it.",
        "{thing} is said to be on {other}, but its interface belongs to {interface_host}",
        sql="""\
SELECT a.id AS entity_id, a.host_id AS other_id, h.hostname AS interface_host
FROM ip_addresses a JOIN network_interfaces i ON i.id = a.interface_id JOIN hosts h ON h.id = i.host_id
WHERE a.retired_at IS NULL AND i.retired_at IS NULL AND a.host_id <> i.host_id""",
    ),
    Rule(
        "address-in-larger-network",
        "low",
        "An address is listed in a network although a smaller known one contains it",
        "One interface was configured with another prefix length than its neighbours: it takes for neighbours machines"
        " that are behind a router, or the other way round, and reaches only some of them.",
        "Make the prefix lengths equal on all machines of the network; where only the note here is wrong, set its"
        " network.",
        "{thing} is listed in {listed_in}, but lies in {lies_in}",
        sql=f"""\
SELECT a.id AS entity_id, i.id AS other_id, o.cidr AS listed_in, i.cidr AS lies_in
FROM {_NESTED}
JOIN ip_addresses a ON a.network_id = o.id AND a.ip_key >= i.first_key AND a.ip_key <= i.last_key
WHERE a.retired_at IS NULL
ORDER BY a.id, i.first_key DESC, i.last_key""",  # noqa: S608  no values in it
    ),
    Rule(
        "overlapping-networks",
        "medium",
        "Two networks of one address space overlap, and both are in use",
        "A network may lie inside a larger one that only sums it up: a plan, or a route. But where things have"
        " addresses directly in both, the same address may mean two machines, and routers choose one of them. Reported"
        " are networks of one address space of which one contains the other, where both hold addresses that somebody"
        " has, unless the inner one names the outer one, or one inside it, as its parent network.",
        "Renumber one of them. If they are meant so, say so: `infradb set INNER parent_network=OUTER`. If they never"
        " meet, give one an address space of its own: `vrf=…`.",
        "{network} lies inside {larger}, and both hold addresses",
        sql=f"""\
WITH used AS (
  SELECT DISTINCT network_id AS id FROM ip_addresses
  WHERE retired_at IS NULL AND coalesce(host_id, interface_id, docker_container_id) IS NOT NULL)
SELECT i.id AS entity_id, o.id AS other_id, i.cidr AS network, o.cidr AS larger, i.vrf
FROM {_NESTED}
WHERE i.id IN (SELECT id FROM used) AND o.id IN (SELECT id FROM used)
  AND NOT EXISTS (SELECT 1 FROM networks p WHERE p.id = i.parent_network_id AND p.vrf = o.vrf
                  AND p.first_key >= o.first_key AND p.last_key <= o.last_key)""",  # noqa: S608  no values in it
    ),
    Rule(
        "dhcp-range-wrong",
        "medium",
        "A DHCP range does not fit its network",
        "Addresses handed out outside the network reach nobody, and a range that ends before it starts hands out none.",
        "Correct the range on the DHCP server, or what is noted of it here.",
        "the DHCP range {start} to {end} of {thing} ({cidr}) {problem}",
        check=_wrong_ranges,
    ),
    Rule(
        "dhcp-over-static",
        "medium",
        "A static address lies inside a DHCP range",
        "The server may hand the address out to another machine while its holder is off; then both fail at random.",
        "Move the address out of the range, shrink the range, or make it a reservation on the DHCP server and set"
        " `allocation_type=reserved`.",
        "{thing} is static, but {other} hands out {start} to {end}",
        check=_static_in_range,
    ),
)
