"""Asks for the names of addresses that answered: the DNS, or the address itself by mDNS and NetBIOS."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.scan.links import IpAddress
from infradb.collectors.scan.pace import Pace
from infradb.transport.calls import CallLog

PTR, MDNS, NETBIOS = "DNS PTR", "mDNS PTR (to the address itself)", "NetBIOS node status"
_MDNS_PORT, _NETBIOS_PORT = 5353, 137
_UNICAST_WANTED = 0x8000
_NODE_STATUS, _INTERNET = 0x21, 1
_WORKSTATION, _GROUP = 0x00, 0x8000
_TRIES = 2


@dataclass
class Names:
    """What addresses are called, by who said so."""

    found: dict[str, dict[IpAddress, str]] = field(default_factory=lambda: {"ptr": {}, "mdns": {}, "netbios": {}})
    unanswered: int = 0
    """How many times the DNS server did not answer, so that it is not known whether there is a name."""

    def best(self, address: IpAddress) -> str | None:
        """Return the name of an address: the DNS's, else what it calls itself."""
        return next((names[address] for names in self.found.values() if address in names), None)


async def look_up(
    addresses: Sequence[IpAddress], wanted: Sequence[str], resolver: str | None, pace: Pace, log: CallLog, wait: float
) -> Names:
    """Return the names of addresses."""
    names = Names()
    dns = _resolver(resolver, wait)

    async def one(address: IpAddress) -> None:
        if "ptr" in wanted:
            await _from_dns(names, address, dns, pace, log)
        if "mdns" in wanted and (
            name := await _asked(address, _MDNS_PORT, mdns_question(address), pace, log, MDNS, wait, mdns_name)
        ):
            names.found["mdns"][address] = name
        if (
            "netbios" in wanted
            and address.version == 4
            and (
                name := await _asked(address, _NETBIOS_PORT, netbios_question(), pace, log, NETBIOS, wait, netbios_name)
            )
        ):
            names.found["netbios"][address] = name

    for start in range(0, len(addresses), 64):
        await asyncio.gather(*(one(a) for a in addresses[start : start + 64]))
    return names


def mdns_question(address: IpAddress) -> bytes:
    """Return the question for the name of an address, to be answered to the asker alone (RFC 6762, 5.5)."""
    import dns.message
    import dns.name
    import dns.rdataclass
    import dns.rdatatype

    message = dns.message.make_query(address.reverse_pointer + ".", dns.rdatatype.PTR, flags=0)
    message.question[0].rdclass = dns.rdataclass.RdataClass(_UNICAST_WANTED | _INTERNET)
    return message.to_wire()


def mdns_name(octets: bytes) -> str | None:
    """Return the name in an answer of mDNS."""
    import dns.exception
    import dns.message
    import dns.rdatatype

    try:
        message = dns.message.from_wire(octets, ignore_trailing=True)
        targets = [r.target.to_text() for s in message.answer if s.rdtype == dns.rdatatype.PTR for r in s]
    except (dns.exception.DNSException, ValueError, AttributeError, struct.error):
        return None
    return clean(targets[0]) if targets else None


def netbios_question() -> bytes:
    """Return the question for all names of a node (RFC 1002, 4.2.17): its name is `*`, padded with zeros."""
    encoded = "".join(chr(0x41 + (b >> 4)) + chr(0x41 + (b & 15)) for b in b"*" + bytes(15))
    header = struct.pack("!6H", 0x4E42, 0, 1, 0, 0, 0)
    return header + b"\x20" + encoded.encode() + b"\0" + struct.pack("!2H", _NODE_STATUS, _INTERNET)


def netbios_name(octets: bytes) -> str | None:
    """Return the name of the workstation in a node status response (RFC 1002, 4.2.18)."""
    at = 12 + 34 + 10  # header, name of the question, type, class, time to live, length
    if len(octets) <= at or octets[6:8] != b"\0\x01":
        return None
    for n in range(octets[at]):
        entry = octets[at + 1 + 18 * n : at + 19 + 18 * n]
        if len(entry) < 18:
            return None
        (flags,) = struct.unpack("!H", entry[16:18])
        if entry[15] == _WORKSTATION and not flags & _GROUP:
            return clean(entry[:15].decode("ascii", "replace").rstrip("\0 ").lower())
    return None


def clean(name: str) -> str | None:
    """Return a name without its last dot; None where it is not one that anybody could call a host by."""
    kept = name.strip().rstrip(".")
    usable = 0 < len(kept) <= 253 and all(c.isascii() and (c.isalnum() or c in "-_.") for c in kept)
    return kept if usable else None


def _resolver(server: str | None, wait: float) -> Any:
    import dns.asyncresolver
    import dns.resolver

    try:
        resolver = dns.asyncresolver.Resolver(configure=server is None)
    except dns.resolver.NoResolverConfiguration:
        return None
    if server is not None:
        resolver.nameservers = [server]
    resolver.timeout, resolver.lifetime = max(wait, 1), max(wait, 1) * 2
    return resolver


async def _from_dns(names: Names, address: IpAddress, resolver: Any, pace: Pace, log: CallLog) -> None:
    import dns.exception
    import dns.resolver

    await pace.turn()
    with _noting(log, PTR) as note:
        if resolver is None:
            names.unanswered += 1
            return
        try:
            answer = await resolver.resolve(address.reverse_pointer + ".", "PTR")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            note.ok = True  # an answer: there is none
            return
        except (dns.exception.DNSException, OSError):
            names.unanswered += 1
            return
        note.ok = True
        targets = sorted(name for r in answer if (name := clean(r.target.to_text())))
        if targets:
            names.found["ptr"][address] = targets[0]


class _noting:
    """Notes a call with whether it went well."""

    def __init__(self, log: CallLog, name: str) -> None:
        self.log, self.name, self.ok = log, name, False

    def __enter__(self) -> "_noting":
        self._began = asyncio.get_running_loop().time()
        return self

    def __exit__(self, *_: object) -> None:
        self.log.record(self.name, asyncio.get_running_loop().time() - self._began, failed=not self.ok)


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.octets: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.octets.done():
            self.octets.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.octets.done():
            self.octets.set_result(None)  # nothing listens there


async def _asked(
    address: IpAddress,
    port: int,
    question: bytes,
    pace: Pace,
    log: CallLog,
    call: str,
    wait: float,
    understand: Callable[[bytes], str | None],
) -> str | None:
    """Ask an address by a datagram, twice where the first is lost; return the name in its answer."""
    for _ in range(_TRIES):
        await pace.turn()
        with _noting(log, call) as note:
            try:
                loop = asyncio.get_running_loop()
                transport, protocol = await loop.create_datagram_endpoint(_Answer, remote_addr=(str(address), port))
            except OSError:
                return None
            try:
                transport.sendto(question)
                async with asyncio.timeout(wait):
                    octets = await protocol.octets
            except TimeoutError:
                continue
            finally:
                transport.close()
            note.ok = octets is not None
            return understand(octets) if octets else None
    return None
