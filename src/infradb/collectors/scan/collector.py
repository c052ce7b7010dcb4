"""Joins probing and understanding: one run over the networks that the user named."""

import asyncio
import ipaddress
import itertools
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.scan import links, names, probes
from infradb.collectors.scan.links import Attachment, IpAddress
from infradb.collectors.scan.pace import Pace
from infradb.collectors.scan.parse import Found, found_answers, name_answers
from infradb.collectors.scan.settings import IpNetwork, ScanSettings
from infradb.errors import SettingsError
from infradb.observation import Answer, CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog

ICMP_HINT = (
    "let everybody send echo requests (sysctl net.ipv4.ping_group_range='0 2147483647'), or give infradb CAP_NET_RAW "
    "(systemd: AmbientCapabilities=CAP_NET_RAW)"
)
_IP_HINT = "install iproute2: without ip(8) nobody can tell which networks are on the link"
_AT_ONCE = 256
"""Addresses that are tried before the kernel's table is read: it keeps 1,024 neighbours and forgets others."""
_SETTLE_SECONDS = 9.0
"""How long the kernel may take to find out whether a neighbour is still there (arp(7): 5 s, then three tries)."""
GRANT = """No account is needed. Where infradb does not run as root, echo requests need one of two things here:

    sysctl -w net.ipv4.ping_group_range="0 2147483647"      # everybody may ping, as most distributions have it

or, in infradb's systemd unit:

    AmbientCapabilities=CAP_NET_RAW

Without either, addresses beyond the link are found only where they answer on a TCP port.
"""


@dataclass
class _Scan:
    """One network while it is scanned."""

    network: IpNetwork
    here: Sequence[Attachment]
    may_ping: bool = True
    found: Found = field(default_factory=Found)
    problems: list[str] = field(default_factory=list)

    def on_link(self, address: IpAddress) -> bool:
        """Tell whether an address is on a link where neighbours are asked for."""
        return any(a.asks and a.address.version == address.version and address in a.network for a in self.here)

    def packets(self, address: IpAddress) -> int:
        """Return how many packets one probe of an address may cost."""
        return probes.ASKED_BY_KERNEL if self.on_link(address) else 1


class ScanCollector:
    """Tries the addresses of networks that the user named, and says which of them answer."""

    kind = "scan"
    Settings = ScanSettings

    def __init__(self, name: str, settings: ScanSettings) -> None:
        self.name = name
        self.settings = settings
        self._log = CallLog()
        self._pace = Pace(settings.rate_per_second)

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how echo requests may be sent without root."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return who answers now, a scope per network and one for their names.

        Raises `SettingsError` for a network of a container engine on this machine.
        """
        self._log = CallLog()
        started_at = clock.now()
        here = links.attachments(self._log)
        for network in self.settings.wanted:
            _refuse_docker(network, here)
        return CollectionRun(self.name, started_at, asyncio.run(self._scan_all(here)), calls=self._log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Say which methods work here and which right is missing; no address is tried."""
        here = links.attachments(self._log)
        found = [
            Diagnosis("ip(8)", ok=bool(here), detail=shutil.which("ip") or "not found", hint="" if here else _IP_HINT)
        ]
        if "icmp" in self.settings.methods:
            found += [_may_ping(v) for v in sorted({n.version for n in self.settings.wanted})]
        return [*found, *(self._reach(n, here) for n in self.settings.wanted)]

    def calls(self) -> Sequence[str]:
        """Return every kind of packet that is sent, and the programs that are run."""
        return (
            links.ADDRESSES,
            links.NEIGHBOURS,
            probes.ECHO,
            probes.NUDGE,
            probes.KNOCK,
            names.PTR,
            names.MDNS,
            names.NETBIOS,
        )

    async def _scan_all(self, here: Sequence[Attachment]) -> tuple[ScopeResult, ...]:
        scopes: list[ScopeResult] = []
        for network in self.settings.wanted:
            scopes += await self._scan(_Scan(network, [a for a in here if not a.is_docker]))
        return tuple(scopes)

    async def _scan(self, scan: _Scan) -> list[ScopeResult]:
        first = next(_addresses(scan.network))
        if not scan.on_link(first) and not probes.has_way(first):
            error = f"there is no way to {scan.network} from here: check the address, or this machine's routes"
            return [ScopeResult(str(scan.network), "failed", errors=(error,))]
        for chunk in _chunks(scan.network):
            await self._try(scan, chunk)
        mac, count = scan.found.drop_proxied()
        if count:
            scan.problems.append(f"{mac} answers for {count} addresses of others (proxy ARP); these were left out")
        alive = scan.found.alive()
        await self._ask_ports(scan, alive)
        answers = found_answers(scan.found, scan.network, scan.here, clock.now(), asked_ports=bool(self.settings.ports))
        own = {a.address for a in scan.here}
        if not set(alive) - own:
            scan.problems.append(self._why_nobody(scan))
        return [_scope(str(scan.network), answers, scan.problems), *await self._names(scan, alive)]

    async def _try(self, scan: _Scan, addresses: Sequence[IpAddress]) -> None:
        """Try some addresses by every method that can find more of them."""
        settings, found = self.settings, scan.found
        linked = [a for a in addresses if scan.on_link(a)] if "arp" in settings.methods else []
        pinged = await self._ping(scan, addresses)
        if linked and not pinged:
            await probes.nudge(linked, self._pace, self._log, settings.timeout_seconds)
        if linked:
            await self._read_neighbours(scan, linked)
        if "tcp" not in settings.methods:
            return
        silent = [a for a in addresses if a not in found.replied and a not in linked]
        pairs = list(itertools.product(silent, settings.knock))
        answered = await probes.connects(pairs, self._pace, self._log, settings.timeout_seconds, scan.packets)
        found.replied.update(address for address, _ in answered)

    async def _ping(self, scan: _Scan, addresses: Sequence[IpAddress]) -> bool:
        if "icmp" not in self.settings.methods or not scan.may_ping:
            return False
        try:
            replied = await probes.echo(
                addresses, scan.network.version, self._pace, self._log, self.settings.timeout_seconds, scan.on_link
            )
        except probes.NoRight:
            scan.may_ping = False
            if not all(scan.on_link(a) for a in addresses) or "arp" not in self.settings.methods:
                how = (
                    f"by TCP on {', '.join(map(str, self.settings.knock))}"
                    if "tcp" in self.settings.methods
                    else "no other way"
                )
                scan.problems.append(
                    f"echo requests may not be sent from here, so addresses were tried {how}: {ICMP_HINT}"
                )
            return False
        wanted = {str(a): a for a in addresses}
        scan.found.replied.update(wanted[said] for text in replied if (said := text.partition("%")[0]) in wanted)
        return True

    async def _read_neighbours(self, scan: _Scan, linked: Sequence[IpAddress]) -> None:
        """Note the hardware addresses that the kernel was told now; wait while it still finds out."""
        own = {a.address: a.mac for a in scan.here}
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            known = links.neighbours(self._log)
            undecided = 0
            for address in linked:
                neighbour = known.get(address)
                mac = own.get(address, neighbour.mac if neighbour else None)
                replied = address in scan.found.replied
                if mac and (replied or address in own or (neighbour and neighbour.state in links.SETTLED)):
                    scan.found.macs[address] = mac
                elif neighbour and neighbour.state in links.UNSETTLED and not replied:
                    undecided += 1
            if not undecided or time.monotonic() > deadline:
                return
            await asyncio.sleep(0.5)

    async def _ask_ports(self, scan: _Scan, alive: Sequence[IpAddress]) -> None:
        pairs = [(a, p) for p in self.settings.ports for a in alive]
        answered = await probes.connects(pairs, self._pace, self._log, self.settings.timeout_seconds, lambda _: 1)
        for (address, port), is_open in answered.items():
            if is_open:
                scan.found.ports.setdefault(address, []).append(port)

    async def _names(self, scan: _Scan, alive: Sequence[IpAddress]) -> list[ScopeResult]:
        settings = self.settings
        if not settings.names:
            return []
        said = await names.look_up(
            alive, settings.names, settings.resolver, self._pace, self._log, settings.timeout_seconds
        )
        problems = []
        if said.unanswered:
            server = settings.resolver or "the system's DNS server"
            problems.append(
                f"{server} did not answer {said.unanswered} questions: set `resolver`, or take ptr out of `names`"
            )
        return [_scope(f"{scan.network}/names", name_answers(said, alive), problems)]

    def _why_nobody(self, scan: _Scan) -> str:
        how = ", ".join(m for m in self.settings.methods if m != "icmp" or scan.may_ping)
        return (
            f"nobody but this machine answered in {scan.network} (tried: {how or 'nothing'}): is anything there, and "
            "does a firewall between let probes pass?"
        )

    def _reach(self, network: IpNetwork, here: Sequence[Attachment]) -> Diagnosis:
        first = next(_addresses(network))
        if docker := links.docker_overlap(network, here):
            hint = "leave it out: the Docker collector reads it"
            return Diagnosis(f"a way to {network}", ok=False, detail=f"it lies on {docker.device}", hint=hint)
        if near := next(
            (a for a in here if a.asks and a.address.version == network.version and first in a.network), None
        ):
            return Diagnosis(
                f"a way to {network}", ok=True, detail=f"on the link of {near.device}: hardware addresses are told"
            )
        if probes.has_way(first):
            return Diagnosis(f"a way to {network}", ok=True, detail="through a router: no hardware addresses")
        return Diagnosis(f"a way to {network}", ok=False, detail="no route", hint="check this machine's routes")


def _refuse_docker(network: IpNetwork, here: Sequence[Attachment]) -> None:
    if docker := links.docker_overlap(network, here):
        raise SettingsError(
            f"{network} lies on {docker.device}, a container engine's bridge on this machine",
            hint="leave it out of `networks`: the Docker collector reads what is there",
        )


def _may_ping(version: int) -> Diagnosis:
    needs = f"ICMP{'v6' if version == 6 else ''} echo requests"
    try:
        pinger = probes.Pinger(version)
    except probes.NoRight as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=ICMP_HINT)
    pinger.close()
    return Diagnosis(needs, ok=True, detail="by CAP_NET_RAW" if pinger.is_raw else "without privileges")


def _scope(name: str, answers: list[Answer], problems: Sequence[str]) -> ScopeResult:
    status: ScopeStatus = "partial" if problems else "complete"
    return ScopeResult(name, status, answers, tuple(problems))


def _addresses(network: IpNetwork) -> Iterator[IpAddress]:
    """Yield the addresses of a network that hosts may have; of a /31 or /32 all."""
    several = network.num_addresses > 2
    if isinstance(network, ipaddress.IPv4Network):
        yield from network.hosts() if several else network
    else:
        yield from network.hosts() if several else network


def _chunks(network: IpNetwork) -> Iterator[list[IpAddress]]:
    addresses = _addresses(network)
    while chunk := list(itertools.islice(addresses, _AT_ONCE)):
        yield chunk
