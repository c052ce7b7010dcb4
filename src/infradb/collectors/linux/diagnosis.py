"""What a machine's facts would tell more about with another right or tool."""

from collections.abc import Sequence

from infradb.collectors import Diagnosis
from infradb.collectors.linux.freebsd import is_freebsd
from infradb.collectors.linux.parse_firewall import firewall_trouble
from infradb.collectors.linux.parse_services import lacks_processes
from infradb.collectors.linux.parse_system import is_container, machine_hash, virtualization
from infradb.collectors.linux.sections import Facts

_SHELL = ("hostname", "a POSIX shell that ends in time", "raise timeout_seconds; some program may hang")
_TOOLS = (
    _SHELL,
    ("ip-address", "ip with -j, for addresses, routes and kinds of links", "install iproute2; busybox' ip tells less"),
    ("lsblk", "lsblk, for disks with their serial numbers", "install util-linux; sysfs tells less"),
    ("ss", "ss, for listening sockets", "install iproute2; /proc/net tells nearly as much"),
    ("bridge-vlan", "bridge, for the VLANs of bridge ports", "install iproute2"),
)
_IN_BASE = "it is part of FreeBSD: say what it prints when it is run by hand"
_FREEBSD_TOOLS = (
    _SHELL,
    ("ifconfig", "ifconfig, for interfaces and addresses", _IN_BASE),
    ("netstat4", "netstat, for routes", _IN_BASE),
    ("sockstat", "sockstat, for listening sockets", _IN_BASE),
    ("geom-disk", "geom, for disks with their serial numbers", _IN_BASE),
)


def diagnose_facts(facts: Facts) -> Sequence[Diagnosis]:
    """Return what is there and what is missing, each with what it costs."""
    freebsd = is_freebsd(facts)
    found = [_tool(facts, *tool) for tool in (_FREEBSD_TOOLS if freebsd else _TOOLS)]
    if not freebsd:  # which shows sockets and serial numbers to everybody
        found.append(_root(facts))
    if "legacy-tables" in facts.sections:
        found.append(_packet_filter(facts))
    if facts.text("uid") == "0" and not freebsd and not is_container(facts):
        found.append(
            Diagnosis(
                needs="smartctl, for the health of disks",
                ok=facts.has("smart"),
                hint="" if facts.has("smart") else "install smartmontools; not needed without SATA or NVMe disks",
            )
        )
    found.append(_identity(facts))
    return found


def _tool(facts: Facts, section: str, needs: str, hint: str) -> Diagnosis:
    trouble = facts.trouble((section,))
    ok = facts.has(section) and not trouble
    return Diagnosis(needs=needs, ok=ok, detail="; ".join(trouble), hint="" if ok else hint)


def _root(facts: Facts) -> Diagnosis:
    if facts.text("uid") == "0":
        return Diagnosis(needs="root, for the processes of sockets, serial numbers and the health of disks", ok=True)
    missed = ["the machine's serial number and UUID", "the health of disks", "LVM's own view of its volumes"]
    if lacks_processes(facts):
        missed.insert(0, "the processes behind other users' sockets")
    return Diagnosis(
        needs="root, for the processes of sockets, serial numbers and the health of disks",
        ok=False,
        detail=f"runs as user {facts.text('uid')}",
        hint=f"run as root to learn {', '.join(missed)}; the rest is complete without",
    )


def _packet_filter(facts: Facts) -> Diagnosis:
    needs = "CAP_NET_ADMIN and nft or iptables, for the rules of the packet filter"
    told = [name for name in ("nft", "iptables", "iptables-legacy") if facts.has(name) and not facts.trouble((name,))]
    trouble = "; ".join(firewall_trouble(facts))
    if told and not trouble:
        missing = [] if facts.has("nft") else ["tables that only nft knows are not seen without it"]
        return Diagnosis(needs=needs, ok=True, detail="; ".join([f"told by {' and '.join(told)}", *missing]))
    return Diagnosis(needs=needs, ok=False, detail=trouble, hint="run as root, and install nftables or iptables there")


def _identity(facts: Facts) -> Diagnosis:
    kind = virtualization(facts) or "unknown"
    name = "kern.hostuuid" if is_freebsd(facts) else "/etc/machine-id"
    needs = f"{name}, by which the machine is known again"
    if machine_hash(facts):
        return Diagnosis(needs=needs, ok=True, detail=f"virtualization: {kind}")
    return Diagnosis(
        needs=needs,
        ok=False,
        detail=f"runs in {kind}; what an application container has for a machine-id is its image's",
        hint="where infradb runs in a container, run it on the machine itself; over SSH a host key says it as well",
    )
