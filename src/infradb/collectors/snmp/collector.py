"""Joins asking and understanding: one run over the devices of one source."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.snmp.client import SnmpClient
from infradb.collectors.snmp.failures import VIEW
from infradb.collectors.snmp.grants import grant_text
from infradb.collectors.snmp.parse_addresses import address_answers, neighbour_answers
from infradb.collectors.snmp.parse_bridge import sighting_answers, sightings, vlan_answers
from infradb.collectors.snmp.parse_interfaces import Interfaces, interface_answers, read_interfaces
from infradb.collectors.snmp.parse_system import host_answer
from infradb.collectors.snmp.settings import SnmpSettings
from infradb.collectors.snmp.tables import (
    ADDRESSES,
    ARP,
    BRIDGE_PORTS,
    CALLS,
    FDB,
    INTERFACES,
    LLDP,
    SYSTEM,
    VLANS,
    DeviceFacts,
    Part,
)
from infradb.collectors.snmp.topology import Topology, fdb_links, lldp_answers, shared_devices, topology
from infradb.errors import SourceUnreachable
from infradb.observation import Answer, CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog


class SnmpCollector:
    """Reads switches, routers and whatever else speaks SNMP."""

    kind = "snmp"
    Settings = SnmpSettings

    def __init__(self, name: str, settings: SnmpSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to make a read-only user of SNMPv3 on a device."""
        return grant_text(name)

    def collect(self) -> CollectionRun:
        """Return what the devices show now, a scope per device and part.

        Raises `SourceUnreachable` where no device answered, `SettingsError` where a secret cannot be read.
        """
        started_at = clock.now()
        log = CallLog()
        devices = SnmpClient(self.settings, log).read_all()
        if all(d.error for d in devices):
            said = "; ".join(f"{d.name}: {d.error}" for d in devices[:3])
            hint = f"`infradb sources doctor {self.name}` proves each right"
            raise SourceUnreachable(f"no device answered: {said}", hint=hint)
        there = frozenset(d.name for d in devices)
        return CollectionRun(
            self.name,
            started_at,
            scopes_of(devices),
            calls=log.made(),
            has_scope=lambda scope: scope.rpartition("/")[0] in there,
        )

    def diagnose(self) -> Sequence[Diagnosis]:
        """Ask each device for everything, and say what it does not show."""
        return [d for facts in SnmpClient(self.settings, CallLog()).read_all() for d in _diagnoses(facts)]

    def calls(self) -> Sequence[str]:
        """Return every question that is asked; all are GET or GETBULK."""
        return CALLS


def scopes_of(devices: Sequence[DeviceFacts]) -> tuple[ScopeResult, ...]:
    """Return the scopes of a run: what all devices are first, then what hangs on them, then what joins them."""
    same = shared_devices(devices)
    read = [d for d in devices if not d.error and d.name not in same]
    interfaces = {d.name: read_interfaces(d) for d in read}
    at = topology([_unless_half(d) for d in devices if d.name not in same], interfaces)
    links = fdb_links(at)
    failed = [
        ScopeResult(f"{d.name}/{SYSTEM}", "failed", errors=(_as_sentence(d.name, d.error or _twice(same[d.name])),))
        for d in devices
        if d.error or d.name in same
    ]
    scopes = [s for d in read for s in (_system(d), _interfaces(d, interfaces[d.name]))]
    scopes += [_addresses(d, interfaces[d.name]) for d in read]
    for facts in read:
        scopes += _optional(facts, interfaces[facts.name], at, links.get(facts.name, []))
    return (*failed, *scopes)


def _unless_half(facts: DeviceFacts) -> DeviceFacts:
    """Return a device whose interfaces are not whole as one that was not read: nobody may be tied to half of them."""
    error = facts.part(INTERFACES.name).error
    return replace(facts, error=error) if error else facts


def _system(facts: DeviceFacts) -> ScopeResult:
    name = f"{facts.name}/{SYSTEM}"
    if error := facts.part(SYSTEM).error:
        return ScopeResult(name, "partial", [host_answer(facts)], (_as_sentence(facts.name, error),))
    return ScopeResult(name, "complete", [host_answer(facts)])


def _interfaces(facts: DeviceFacts, known: Interfaces) -> ScopeResult:
    if not known.names and not facts.part(INTERFACES.name).error:  # every device has an interface
        return _failed(facts, INTERFACES, f"shows no interfaces: {VIEW}")
    return _scope(facts, INTERFACES, lambda: interface_answers(facts, known))


def _addresses(facts: DeviceFacts, known: Interfaces) -> ScopeResult:
    part = facts.part(ADDRESSES.name)
    if not any(part.columns.values()) and not part.error:
        return _failed(facts, ADDRESSES, f"shows none of its addresses, and was asked at one: {VIEW}")
    return _scope(facts, ADDRESSES, lambda: address_answers(facts, known))


def _optional(facts: DeviceFacts, known: Interfaces, at: Topology, links: Sequence[Answer]) -> list[ScopeResult]:
    """Return the scopes of parts that not every device has; one that does not show a part has no scope for it."""
    found, placeless = sightings(facts, known)
    ports, vlans = facts.part(BRIDGE_PORTS.name).error, facts.part(VLANS.name).error
    homeless = f"{placeless} addresses are behind ports of which {facts.name} does not say which interface they are"
    parts: tuple[tuple[Part, Callable[[], Sequence[Answer]], str, str], ...] = (
        (ARP, partial(neighbour_answers, facts, known), "", ""),
        (VLANS, partial(vlan_answers, facts, known), ports, ""),
        (LLDP, partial(lldp_answers, facts.name, at), ports, ""),
        (FDB, lambda: [*sighting_answers(found, known), *links], ports or vlans, homeless if placeless else ""),
    )
    told = [p for p in parts if facts.told(p[0]) or facts.part(p[0].name).error]
    return [_scope(facts, part, read, needed, problem) for part, read, needed, problem in told]


def _scope(
    facts: DeviceFacts, part: Part, read: Callable[[], Sequence[Answer]], needed: str = "", problem: str = ""
) -> ScopeResult:
    """Return a scope. Its answers are told only where all is there that they are made of.

    `needed` is what failed of other parts. Rows of ARP and forwarding tables stand by themselves, so that half of them
    is a partial scope; what an interface is called comes from two tables, and half of those would be other interfaces.
    """
    beneath = facts.part(INTERFACES.name).error
    missing = needed or (beneath if part is not INTERFACES else "")
    error = facts.part(part.name).error
    if missing:
        return _failed(facts, part, f"what it hangs on could not be read: {missing}")
    if error and part not in (ARP, FDB):
        return _failed(facts, part, error)
    answers = list(read())
    if not (error or problem):
        return ScopeResult(f"{facts.name}/{part.name}", "complete", answers)
    status: ScopeStatus = "partial" if answers else "failed"
    return ScopeResult(f"{facts.name}/{part.name}", status, answers, (_as_sentence(facts.name, error or problem),))


def _failed(facts: DeviceFacts, part: Part, error: str) -> ScopeResult:
    return ScopeResult(f"{facts.name}/{part.name}", "failed", errors=(_as_sentence(facts.name, error),))


def _as_sentence(device: str, error: str) -> str:
    return error if error.startswith(device) or f" {device} " in error else f"{device}: {error}"


def _twice(other: str) -> str:
    return f"is the same device as {other} (same chassis, same name): leave one of the two out of `hosts`"


def _diagnoses(facts: DeviceFacts) -> list[Diagnosis]:
    if facts.error:
        hint = "`infradb sources add snmp` shows how to make the account"
        return [Diagnosis(f"an answer of {facts.name}", ok=False, detail=facts.error, hint=hint)]
    found = [Diagnosis(f"an answer of {facts.name}", ok=True, detail=str(facts.scalars.get("sysName", "")))]
    known = read_interfaces(facts)
    for part in (INTERFACES, ADDRESSES, ARP, VLANS, FDB, LLDP):
        held = facts.part(part.name)
        rows = max((len(c) for c in held.columns.values()), default=0)
        needs = f"{facts.name}: {part.tables[0].name}"
        if held.error:
            found.append(Diagnosis(needs, ok=False, detail=held.error, hint=VIEW))
        elif rows or facts.told(part):
            found.append(Diagnosis(needs, ok=True, detail=f"{rows} rows"))
        elif part in (INTERFACES, ADDRESSES):
            found.append(Diagnosis(needs, ok=False, detail="nothing is shown", hint=VIEW))
        else:
            found.append(Diagnosis(needs, ok=True, detail="not shown: the device has no such table, or hides it"))
    if facts.column(FDB.name, "dot1qTpFdbPort") and not known.ports:
        detail = "the forwarding table names ports, and nothing says which interfaces these are"
        found.append(Diagnosis(f"{facts.name}: {BRIDGE_PORTS.tables[0].name}", ok=False, detail=detail, hint=VIEW))
    return found
