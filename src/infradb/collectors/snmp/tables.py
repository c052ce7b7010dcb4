"""What is asked of a device, part by part, and the form in which the answers are kept.

Only columns that are understood are read: a switch answers a few thousand values a second, and its tables hold
counters that nobody needs here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Value = int | str
"""An answer: a number, or a text. Octets are a text of as many characters (latin-1), an OID and an address dotted."""

SCALARS: dict[str, str] = {
    # SNMPv2-MIB (RFC 3418)
    "sysDescr": "1.3.6.1.2.1.1.1.0",
    "sysObjectID": "1.3.6.1.2.1.1.2.0",
    "sysName": "1.3.6.1.2.1.1.5.0",
    "sysLocation": "1.3.6.1.2.1.1.6.0",
    "sysServices": "1.3.6.1.2.1.1.7.0",
    # What says that a part may be seen at all, where its tables are empty.
    "ipForwarding": "1.3.6.1.2.1.4.1.0",
    "dot1dBaseBridgeAddress": "1.3.6.1.2.1.17.1.1.0",
    "dot1dTpAgingTime": "1.3.6.1.2.1.17.4.2.0",
    "dot1qNumVlans": "1.3.6.1.2.1.17.7.1.1.4.0",
    "lldpLocChassisIdSubtype": "1.0.8802.1.1.2.1.3.1.0",
    "lldpLocChassisId": "1.0.8802.1.1.2.1.3.2.0",
}
"""What a device has once: name -> OID."""


class Table(NamedTuple):
    """Columns of one table, read side by side."""

    name: str
    """As its MIB calls it: `IF-MIB::ifTable`."""

    columns: Mapping[str, str]
    """Name -> OID."""


class Part(NamedTuple):
    """What makes one scope of a device."""

    name: str
    tables: tuple[Table, ...]
    witness: str = ""
    """The scalar that says that the part may be seen, though it is empty; empty where there always is something."""


def _table(name: str, entry: str, **columns: int) -> Table:
    return Table(name, {column: f"{entry}.{number}" for column, number in columns.items()})


ENTITY_KINDS = _table(
    "ENTITY-MIB::entPhysicalTable (kinds)", "1.3.6.1.2.1.47.1.1.1.1", entPhysicalContainedIn=4, entPhysicalClass=5
)
ENTITY_DETAILS = {
    "entPhysicalDescr": "1.3.6.1.2.1.47.1.1.1.1.2",
    "entPhysicalSoftwareRev": "1.3.6.1.2.1.47.1.1.1.1.10",
    "entPhysicalSerialNum": "1.3.6.1.2.1.47.1.1.1.1.11",
    "entPhysicalMfgName": "1.3.6.1.2.1.47.1.1.1.1.12",
    "entPhysicalModelName": "1.3.6.1.2.1.47.1.1.1.1.13",
}
"""Asked of chassis only (RFC 6933): a switch describes each of its fans and ports as well."""

SYSTEM = "system"
INTERFACES = Part(
    "interfaces",
    (
        _table(
            "IF-MIB::ifTable", "1.3.6.1.2.1.2.2.1",
            ifDescr=2, ifType=3, ifMtu=4, ifSpeed=5, ifPhysAddress=6, ifOperStatus=8,
        ),
        _table(
            "IF-MIB::ifXTable", "1.3.6.1.2.1.31.1.1.1", ifName=1, ifHighSpeed=15, ifConnectorPresent=17, ifAlias=18
        ),
        _table("IF-MIB::ifStackTable", "1.3.6.1.2.1.31.1.2.1", ifStackStatus=3),
    ),
)  # fmt: skip
ADDRESSES = Part(
    "addresses",
    (
        _table("IP-MIB::ipAddrTable", "1.3.6.1.2.1.4.20.1", ipAdEntIfIndex=2, ipAdEntNetMask=3),
        _table(
            "IP-MIB::ipAddressTable", "1.3.6.1.2.1.4.34.1",
            ipAddressIfIndex=3, ipAddressType=4, ipAddressPrefix=5, ipAddressOrigin=6,
        ),
    ),
)  # fmt: skip
ARP = Part(
    "arp",
    (
        _table(
            "IP-MIB::ipNetToMediaTable", "1.3.6.1.2.1.4.22.1", ipNetToMediaPhysAddress=2, ipNetToMediaType=4
        ),
        _table(
            "IP-MIB::ipNetToPhysicalTable", "1.3.6.1.2.1.4.35.1",
            ipNetToPhysicalPhysAddress=4, ipNetToPhysicalType=6, ipNetToPhysicalState=7,
        ),
    ),
    witness="ipForwarding",
)  # fmt: skip
BRIDGE_PORTS = Part(
    "ports", (_table("BRIDGE-MIB::dot1dBasePortTable", "1.3.6.1.2.1.17.1.4.1", dot1dBasePortIfIndex=2),)
)
"""No scope by itself: which interface each port of the bridge is."""
VLANS = Part(
    "vlans",
    (
        _table(
            "Q-BRIDGE-MIB::dot1qVlanCurrentTable", "1.3.6.1.2.1.17.7.1.4.2.1",
            dot1qVlanFdbId=3, dot1qVlanCurrentEgressPorts=4, dot1qVlanCurrentUntaggedPorts=5,
        ),
        _table(
            "Q-BRIDGE-MIB::dot1qVlanStaticTable", "1.3.6.1.2.1.17.7.1.4.3.1",
            dot1qVlanStaticName=1, dot1qVlanStaticEgressPorts=2, dot1qVlanStaticUntaggedPorts=4,
        ),
        _table("Q-BRIDGE-MIB::dot1qPortVlanTable", "1.3.6.1.2.1.17.7.1.4.5.1", dot1qPvid=1),
        _table("CISCO-VTP-MIB::vtpVlanTable", "1.3.6.1.4.1.9.9.46.1.3.1.1", vtpVlanType=3, vtpVlanName=4),
    ),
    witness="dot1qNumVlans",
)  # fmt: skip
OLD_FDB = "BRIDGE-MIB::dot1dTpFdbTable"
FDB = Part(
    "fdb",
    (
        _table(
            "Q-BRIDGE-MIB::dot1qTpFdbTable", "1.3.6.1.2.1.17.7.1.2.2.1", dot1qTpFdbPort=2, dot1qTpFdbStatus=3
        ),
        _table(OLD_FDB, "1.3.6.1.2.1.17.4.3.1", dot1dTpFdbPort=2, dot1dTpFdbStatus=3),
    ),
    witness="dot1dTpAgingTime",
)  # fmt: skip
LLDP = Part(
    "lldp",
    (
        _table(
            "LLDP-MIB::lldpLocPortTable", "1.0.8802.1.1.2.1.3.7.1",
            lldpLocPortIdSubtype=2, lldpLocPortId=3, lldpLocPortDesc=4,
        ),
        _table(
            "LLDP-MIB::lldpRemTable", "1.0.8802.1.1.2.1.4.1.1",
            lldpRemChassisIdSubtype=4, lldpRemChassisId=5, lldpRemPortIdSubtype=6, lldpRemPortId=7, lldpRemPortDesc=8,
            lldpRemSysName=9,
        ),
        _table("LLDP-MIB::lldpRemManAddrTable", "1.0.8802.1.1.2.1.4.2.1", lldpRemManAddrIfSubtype=3),
    ),
    witness="lldpLocChassisIdSubtype",
)  # fmt: skip
PARTS = (INTERFACES, ADDRESSES, ARP, BRIDGE_PORTS, VLANS, FDB, LLDP)
CALLS = (
    "GET SNMPv2-MIB::system",
    "GET ENTITY-MIB::entPhysicalEntry",
    f"GETBULK {ENTITY_KINDS.name}",
    *(f"GETBULK {table.name}" for part in PARTS for table in part.tables),
)


@dataclass(frozen=True)
class PartFacts:
    """What a device answered about one part."""

    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """Column -> index, dotted -> value."""

    error: str = ""
    """Why it could not be read whole; empty where it was."""


@dataclass(frozen=True)
class DeviceFacts:
    """What one device answered."""

    name: str
    """As the user wrote it in `hosts`."""

    address: str | None = None
    """IP address at which it was asked."""

    scalars: Mapping[str, Value] = field(default_factory=dict)
    """Name -> value of those that the device has."""

    parts: Mapping[str, PartFacts] = field(default_factory=dict)
    """Name of the part -> what it held; `system` holds what ENTITY-MIB says."""

    error: str = ""
    """Why the device itself could not be read; empty where it answered."""

    def part(self, name: str) -> PartFacts:
        """Return one part."""
        return self.parts.get(name) or PartFacts(error=f"{name} was not read")

    def column(self, part: str, name: str) -> Mapping[str, Value]:
        """Return one column: index -> value; empty where it was not read or is not there."""
        return self.part(part).columns.get(name, {})

    def told(self, part: Part) -> bool:
        """Tell whether the device shows a part at all: its rows, or that it has none."""
        return any(self.part(part.name).columns.values()) or part.witness in self.scalars

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a document: a recorded case."""
        parts = {name: {"columns": dict(p.columns), "error": p.error} for name, p in self.parts.items()}
        return {"name": self.name, "address": self.address, "scalars": dict(self.scalars), "parts": parts}


def facts_of(document: Any) -> DeviceFacts:
    """Return the facts in a document; what is none in it is left out."""
    document = document if isinstance(document, dict) else {}
    address = document.get("address")
    parts = document.get("parts")
    return DeviceFacts(
        name=str(document.get("name") or "device"),
        address=address if isinstance(address, str) else None,
        scalars=_values(document.get("scalars")),
        parts={str(name): _part(part) for name, part in parts.items()} if isinstance(parts, dict) else {},
    )


def _part(document: Any) -> PartFacts:
    columns = document.get("columns") if isinstance(document, dict) else None
    error = document.get("error") if isinstance(document, dict) else "the part is no part"
    if not isinstance(columns, dict):
        columns = {}
    return PartFacts({str(n): _values(c) for n, c in columns.items()}, str(error or ""))


def _values(document: Any) -> dict[str, Value]:
    found = document.items() if isinstance(document, dict) else ()
    return {str(n): v for n, v in found if isinstance(v, int | str) and not isinstance(v, bool)}
