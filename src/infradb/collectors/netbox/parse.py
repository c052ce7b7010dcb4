"""What NetBox's objects mean (NetBox REST API, 3.6 to 4.4). Pure.

NetBox holds what is meant to be. So nothing here says what runs: no status, no kind of machine, and of the hardware no
vendor beside a serial number, because `Dell` there and `Dell Inc.` in the firmware would be two machines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from infradb.model.network import IpAddress, Network
from infradb.model.physical import Host, NetworkInterface, Site
from infradb.model.services import Service
from infradb.observation import Answer, Observation, Rejected, answer_of, observed
from infradb.redaction import redact_text
from infradb.service_types import guess, guess_by_name

PARSER_VERSION = 1
"""Raised whenever the same objects are to be understood in another way."""

_INTERFACES = {"virtual": "virtual", "bridge": "bridge", "lag": "bond"}
_VIRTUAL_ROLES = ("anycast", "vip", "vrrp", "hsrp", "glbp", "carp")
_ALLOCATIONS = {"dhcp": "dhcp", "slaac": "dhcp", "reserved": "reserved"}

Raw = Mapping[str, Any]
Said = Iterator[Observation | Rejected]


def parse_rows(scope: str, rows: Iterable[Any]) -> tuple[list[Answer], tuple[str, ...]]:
    """Return what the objects of one list say, and what made no sense."""
    answers: dict[str, Answer] = {}
    unreadable = 0
    for row in rows:
        said = list(_PARSERS[scope](row)) if isinstance(row, Mapping) and _number(row.get("id")) is not None else []
        if not said:
            unreadable += 1
        else:
            answers.setdefault(said[0].key, answer_of(said, PARSER_VERSION, whole=True))
    ordered = sorted(answers.values(), key=_below) if scope.endswith("interfaces") else list(answers.values())
    errors = (
        (f"{unreadable} of the {scope} make no sense (is it a newer NetBox than infradb knows?)",) if unreadable else ()
    )
    return ordered, errors


def _below(answer: Answer) -> bool:
    """Tell whether an interface lies on another one, which has to come before it."""
    return any("parent_interface_id" in o.values for o in answer.parse() if isinstance(o, Observation))


def _site(row: Raw) -> Said:
    said = {
        "name": row.get("name"),
        "address": _words(row, "physical_address"),
        "notes": _words(row, "description", "comments"),
    }
    yield from _observed(f"site/{row['id']}", Site, said)


def _device(row: Raw) -> Said:
    rack, face = _name(row.get("rack")), row.get("position")
    model, serial = _of(row.get("device_type")), _words(row, "serial")
    where = [_name(row.get("location")), rack and f"rack {rack}", f"unit {face:g}" if _is_number(face) else None]
    said = {
        **_machine(row),
        "hostname": _hostname(row.get("name") or row.get("asset_tag")),
        "model": model.get("model"),
        "serial_number": serial,
        "vendor": None if serial else _name(model.get("manufacturer")),
        "asset_tag": row.get("asset_tag"),
        "location": ", ".join(str(w) for w in where if w),
        "site_id": _reference("site", row.get("site")),
    }
    yield from _observed(f"device/{row['id']}", Host, said)


def _virtual_machine(row: Raw) -> Said:
    cores, memory = row.get("vcpus"), _number(row.get("memory"))
    cores = float(cores) if isinstance(cores, int | float) else 0.0
    said = {
        **_machine(row),
        "hostname": _hostname(row.get("name")),
        "parent_host_id": _reference("device", row.get("device")),
        "cpu_cores": round(cores) if 0 < cores < 10**6 else None,
        "total_ram_mb": memory or None,
    }
    yield from _observed(f"vm/{row['id']}", Host, said)


def _machine(row: Raw) -> dict[str, Any]:
    address = _of(row.get("primary_ip") or row.get("primary_ip4") or row.get("primary_ip6")).get("address")
    return {
        "management_ip": address.split("/")[0] if isinstance(address, str) else None,
        "purpose": _name(row.get("role") or row.get("device_role")),
        "owner": _name(row.get("tenant")),
        "notes": _words(row, "description", "comments"),
        "tags": sorted(n for t in row["tags"] if (n := _name(t))) if isinstance(row.get("tags"), list) else None,
    }


def _interface(row: Raw) -> Said:
    speed, kind = _number(row.get("speed")), str(_value(row.get("type")) or "")
    of_vm = isinstance(row.get("virtual_machine"), Mapping)
    prefix = "vm-interface" if of_vm else "interface"
    mac = _of(row.get("primary_mac_address")).get("mac_address") or row.get("mac_address")
    below = row.get("lag") or row.get("parent")
    tagged = _value(row.get("mode")) in ("access", "tagged")
    kinds = {**_INTERFACES, "": None}
    said = {
        "host_id": _reference("vm", row.get("virtual_machine")) if of_vm else _reference("device", row.get("device")),
        "interface_name": row.get("name"),
        "interface_type": None if of_vm else "wifi" if kind.startswith("ieee802.11") else kinds.get(kind, "physical"),
        "mac_address": mac,
        "mtu": _number(row.get("mtu")),
        "speed_mbps": speed // 1000 if speed else None,
        "vlan_id": _of(row.get("untagged_vlan")).get("vid") if tagged else None,
        "parent_interface_id": _reference(prefix, below),
        "description": _words(row, "description"),
    }
    yield from _observed(f"{prefix}/{row['id']}", NetworkInterface, said)


def _prefix(row: Raw) -> Said:
    vlan = _of(row.get("vlan"))
    purpose = [_name(row.get("role")), _words(row, "description")]
    said = {
        "network_name": vlan.get("name") or row.get("prefix"),
        "cidr": row.get("prefix"),
        "vrf": _name(row.get("vrf")) or "default",
        "vlan_id": vlan.get("vid"),
        "purpose": ": ".join(str(p) for p in purpose if p),
        "notes": _words(row, "comments"),
    }
    yield from _observed(f"prefix/{row['id']}", Network, said)


def _address(row: Raw) -> Said:
    address, holder = row.get("address"), _of(row.get("assigned_object"))
    kind = str(row.get("assigned_object_type") or "")
    of_vm = kind == "virtualization.vminterface"
    role = str(_value(row.get("role")) or "")
    said = {
        "ip_address": address.split("/")[0] if isinstance(address, str) else None,
        "vrf": _name(row.get("vrf")) or "default",
        "allocation_type": "virtual"
        if role in _VIRTUAL_ROLES
        else _ALLOCATIONS.get(str(_value(row.get("status"))), "static"),
        "hostname": _words(row, "dns_name"),
        "purpose": _words(row, "description"),
        "notes": _words(row, "comments"),
    }
    if of_vm or kind == "dcim.interface":
        said["interface_id"] = _reference(
            "vm-interface" if of_vm else "interface", {"id": row.get("assigned_object_id")}
        )
        owner = ("vm", holder.get("virtual_machine")) if of_vm else ("device", holder.get("device"))
        said["host_id"] = _reference(*owner)
    yield from _observed(f"address/{row['id']}", IpAddress, said)


def _service(row: Raw) -> Said:
    """Yield one service per port; what it runs on is `parent` from 4.3 on, and a field of its own before."""
    kind = row.get("parent_object_type")
    parent = {"id": row.get("parent_object_id")}
    host = _reference("device", parent if kind == "dcim.device" else row.get("device"))
    host = host or _reference("vm", parent if kind == "virtualization.virtualmachine" else row.get("virtual_machine"))
    ports = [p for p in row["ports"] if isinstance(p, int)] if isinstance(row.get("ports"), list) else []
    name, protocol = row.get("name"), _value(row.get("protocol"))
    for port in dict.fromkeys(ports):
        said = {
            "service_name": f"{name}:{port}" if len(ports) > 1 else name,
            "service_type": (isinstance(name, str) and guess_by_name(name)) or guess(port, str(protocol)),
            "host_id": host,
            "protocol": protocol if protocol in ("tcp", "udp") else None,
            "port": port,
            "description": _words(row, "description", "comments"),
        }
        yield from _observed(f"service/{row['id']}/{port}", Service, said)


_PARSERS: Mapping[str, Callable[[Raw], Said]] = {
    "sites": _site,
    "devices": _device,
    "virtual-machines": _virtual_machine,
    "interfaces": _interface,
    "vm-interfaces": _interface,
    "prefixes": _prefix,
    "ip-addresses": _address,
    "services": _service,
}


def _observed(key: str, cls: Any, said: Mapping[str, Any]) -> Said:
    yield from observed(key, cls, {n: v for n, v in said.items() if v not in (None, "", [])})


def _of(value: Any) -> Raw:
    """Return a nested object; an empty one where there is none."""
    return value if isinstance(value, Mapping) else {}


def _value(value: Any) -> Any:
    """Return what a choice is: NetBox shows `{"value": …, "label": …}`."""
    return value.get("value") if isinstance(value, Mapping) else value


def _name(value: Any) -> str | None:
    name = _of(value).get("name")
    return name if isinstance(name, str) and name.strip() else None


def _hostname(value: Any) -> Any:
    return value.strip().split(".")[0] if isinstance(value, str) and not value.strip()[:1].isdigit() else value


def _words(row: Raw, *names: str) -> str | None:
    """Return the first of the fields that says something, without secrets."""
    return next((redact_text(v.strip()) for n in names if isinstance(v := row.get(n), str) and v.strip()), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _reference(kind: str, value: Any) -> str | None:
    number = _number(_of(value).get("id"))
    return None if number is None else f"{kind}/{number}"
