"""What a device says about itself: its name, its maker, and what identifies it."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from infradb.collectors.snmp.tables import SYSTEM, DeviceFacts
from infradb.collectors.snmp.values import is_own, mac, number, text
from infradb.model.physical import Host
from infradb.observation import Answer, Observation, digest_of
from infradb.redaction import redact_text

PARSER_VERSION = 1
_ENTERPRISE = re.compile(r"^1\.3\.6\.1\.4\.1\.(\d+)(?:\.|$)")
_VENDORS = {
    9: "Cisco", 11: "HP", 43: "3Com", 45: "Nortel", 171: "D-Link", 207: "Allied Telesis", 318: "APC", 343: "Intel",
    534: "Eaton", 674: "Dell", 789: "NetApp", 850: "Tripp Lite", 890: "Zyxel", 1588: "Brocade", 1916: "Extreme",
    1991: "Brocade", 2011: "Huawei", 2636: "Juniper", 3375: "F5", 3902: "ZTE", 4526: "Netgear", 4881: "Ruijie",
    6486: "Alcatel-Lucent", 6527: "Nokia", 6574: "Synology", 6876: "VMware", 11863: "TP-Link", 12356: "Fortinet",
    14823: "Aruba", 14988: "MikroTik", 24681: "QNAP", 25053: "Ruckus", 25461: "Palo Alto Networks", 25506: "H3C",
    29671: "Meraki", 30065: "Arista", 35265: "Eltex", 41112: "Ubiquiti", 47196: "HPE",
}  # fmt: skip
"""IANA's private enterprise numbers, of those whose devices are met most."""
_GENERAL = frozenset({311, 2021, 6876, 8072, 12325})
"""Agents of general operating systems, which run on anything: Windows, UCD, VMware, Net-SNMP, FreeBSD's bsnmpd."""
_FORWARDS = 0b0110
"""sysServices (RFC 3418): layer 2, layer 3."""
_SYSTEMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"Cisco NX-OS.*?Version ([^,\s]+)", "NX-OS"),
        (r"Cisco IOS.XE.*?Version ([^,\s]+)", "IOS XE"),
        (r"(?:Cisco IOS|Cisco Internetwork Operating System).*?Version ([^,\s]+)", "IOS"),
        (r"JUNOS (\d[\w.-]+)", "Junos"),
        (r"Arista Networks EOS version (\S+)", "EOS"),
        (r"RouterOS(?: (\d\S*))?", "RouterOS"),
        (r"Comware.*?Version (\d[\w.]*)", "Comware"),
        (r"ArubaOS.*?Version (\d[\w.]*)", "ArubaOS"),
        (r"IronWare.*?Version (\d\w[\w.]*)", "IronWare"),
        (r"^FreeBSD \S+ (\S+)", "FreeBSD"),
        (r"Software: Windows(?: \w+)? Version (\d[\w.]*)", "Windows"),
    )
)
"""What sysDescr looks like -> name of the operating system; the group is its version."""
_LINUX = re.compile(
    r"^Linux \S+ (?P<kernel>\S+) .*?(?P<architecture>x86_64|aarch64|armv\w+|i[3-6]86|mips\w*|ppc\w*|riscv64)?$"
)
_CHASSIS, _STACK = 3, 11
_MOST_MACS = 8
_JUNK = re.compile(
    r"^(|0+|n/?a|none|null|unknown|not (specified|available|applicable)|default.*|x{3,}|-+|\.+)$", re.IGNORECASE
)


def host_key(device: str) -> str:
    """Return the native key of a device."""
    return f"device/{device}"


def enterprise(facts: DeviceFacts) -> int | None:
    """Return the private enterprise number in sysObjectID."""
    match = _ENTERPRISE.match(str(facts.scalars.get("sysObjectID", "")))
    return int(match[1]) if match and len(match[1]) < 10 else None


def is_linux(facts: DeviceFacts) -> bool:
    """Tell whether a general Linux agent answers, whose interfaces are what Linux calls so."""
    return text(facts.scalars.get("sysDescr"), 1000).startswith("Linux ") and enterprise(facts) in _GENERAL


def short_name(said: Any) -> str:
    """Return a name without its domain; an address stays whole."""
    name = text(said)
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.split(".")[0] or name


def own_macs(facts: DeviceFacts) -> list[str]:
    """Return the hardware addresses that stand for the device: of its bridge, its LLDP chassis and its hardware ports.

    Ports of a switch are many and named after one base address, so that of a large one only the lowest are said.
    """
    types, connectors = facts.column("interfaces", "ifType"), facts.column("interfaces", "ifConnectorPresent")
    addresses = facts.column("interfaces", "ifPhysAddress")
    ports = {
        found
        for at, address in addresses.items()
        if types.get(at) in (6, 62, 69, 117) and connectors.get(at, 1) == 1 and (found := mac(address))
    }
    base = [mac(facts.scalars.get("dot1dBaseBridgeAddress")), chassis_mac(facts)]
    kept = [m for m in (*base, *sorted(ports)[:_MOST_MACS]) if m is not None and is_own(m)]
    return sorted(set(kept))


def chassis_mac(facts: DeviceFacts) -> str | None:
    """Return the hardware address by which the device announces itself in LLDP (IEEE 802.1AB, 8.5.2)."""
    return mac(facts.scalars.get("lldpLocChassisId")) if facts.scalars.get("lldpLocChassisIdSubtype") == 4 else None


def host_answer(facts: DeviceFacts) -> Answer:
    """Return what a device says about itself."""
    key, values = host_key(facts.name), host_values(facts)
    host = Observation(key, Host.table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (host,))


def host_values(facts: DeviceFacts) -> dict[str, Any]:
    """Return the values of the host; what is not known is not among them."""
    described = text(facts.scalars.get("sysDescr"), 1000)
    values: dict[str, Any] = {
        "hostname": short_name(facts.scalars.get("sysName")) or facts.name,
        "status": "active",
        "host_type": _host_type(facts),
        "management_ip": _management_ip(facts),
        "location": redact_text(text(facts.scalars.get("sysLocation"))) or None,
        "mac_addresses": own_macs(facts) or None,
        "vendor": _VENDORS.get(enterprise(facts) or 0) if enterprise(facts) not in _GENERAL else None,
        **_hardware(facts),
        **_system(described),
    }
    return {name: value for name, value in values.items() if value is not None}


def _host_type(facts: DeviceFacts) -> str | None:
    """Return `network_device` for what forwards and is no general computer; None where that is not sure."""
    services = number(facts.scalars.get("sysServices"), 127)
    maker = enterprise(facts)
    if maker is None or maker in _GENERAL or services is None or not services & _FORWARDS:
        return None
    return "network_device"


def _management_ip(facts: DeviceFacts) -> str | None:
    try:
        address = ipaddress.ip_address(facts.address or "")
    except ValueError:
        return None
    return None if address.is_loopback or address.is_link_local else str(address)


def _system(described: str) -> dict[str, str]:
    if match := _LINUX.match(described):
        return {name: value for name, value in match.groupdict().items() if value}
    for pattern, name in _SYSTEMS:
        if match := pattern.search(described):
            return {"os_name": name, **({"os_version": match[1]} if match[1] else {})}
    return {}


def _hardware(facts: DeviceFacts) -> dict[str, str]:
    """Return what ENTITY-MIB says of the chassis; of a stack only what all of its chassis have in common."""
    kinds = facts.column(SYSTEM, "entPhysicalClass")
    inside = facts.column(SYSTEM, "entPhysicalContainedIn")
    stacks = {at for at, kind in kinds.items() if kind == _STACK}
    chassis = [at for at, kind in kinds.items() if kind == _CHASSIS]
    outer = [at for at in chassis if str(inside.get(at, 0)) in {"0", *stacks}] or chassis
    if not outer:
        return {}
    found = {
        "vendor": _common(facts.column(SYSTEM, "entPhysicalMfgName"), outer),
        "model": _common(facts.column(SYSTEM, "entPhysicalModelName"), outer)
        or _common(facts.column(SYSTEM, "entPhysicalDescr"), outer),
        "serial_number": _common(facts.column(SYSTEM, "entPhysicalSerialNum"), outer),
        "os_version": _common(facts.column(SYSTEM, "entPhysicalSoftwareRev"), outer),
    }
    return {name: value for name, value in found.items() if value}


def _common(column: Mapping[str, Any], indexes: Iterable[str]) -> str:
    """Return what all of these have in common; empty where they differ or say nothing."""
    said = {text(column.get(at)) for at in indexes}
    value = said.pop() if len(said) == 1 else ""
    return "" if _JUNK.match(value) else value
