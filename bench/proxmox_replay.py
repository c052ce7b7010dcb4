"""A cluster of any size that answers in Proxmox VE's shape, over TLS, from answers made beforehand.

`python -m bench.proxmox_replay NODES GUESTS [firewall]` prints its address and its certificate's fingerprint.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import sys
import tempfile
from typing import Any

import orjson
from fakepve.certs import make_cert

RIGHTS = ("Datastore.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit")
GIB = 2**30
_TASKS = 3
Answers = dict[str, bytes]


def answers(nodes: int, guests: int, *, firewall: bool = False) -> Answers:
    """Return path -> answer of a cluster in which people have what people have.

    Three in five guests are virtual machines, four in five run, two in three of those have an agent, one in ten has a
    snapshot. Every interface has the firewall flag, as the web interface sets it; with `firewall` the datacenter's is
    on and one guest in ten has one of its own.
    """
    names = [f"pve{n:02}" for n in range(1, nodes + 1)]
    everywhere = {
        "/access/permissions": {"/": dict.fromkeys(RIGHTS, 1)},
        "/version": {"version": "9.0.10", "release": "9.0", "repoid": "replay"},
        "/cluster/status": [
            {"type": "cluster", "name": "replay", "quorate": 1, "nodes": nodes},
            *({"type": "node", "name": n, "online": 1, "ip": f"10.0.10.{i}"} for i, n in enumerate(names, 1)),
        ],
        "/cluster/tasks": [],
        "/storage": [{"storage": s, "content": "images,rootdir"} for s in ("local-zfs", "ceph")],
        "/cluster/ha/resources": [{"sid": f"vm:{v}", "state": "started"} for v in range(100, 100 + guests, 20)],
        "/cluster/ha/rules": [],
        "/cluster/sdn/zones": [{"zone": "lan", "type": "vlan"}],
        "/cluster/sdn/vnets": [{"vnet": f"net{n}", "zone": "lan", "tag": n} for n in range(10)],
        **{f"/cluster/sdn/vnets/net{n}/subnets": [{"cidr": f"10.{100 + n}.0.0/24"}] for n in range(10)},
        **{f"/cluster/sdn/vnets/net{n}/firewall/rules": [] for n in range(10)},
        "/cluster/firewall/options": {"enable": int(firewall)},
        "/cluster/firewall/rules": [_rule(n) for n in range(20)],
        "/cluster/firewall/groups": [{"group": "web"}],
        "/cluster/firewall/groups/web": [_rule(n) for n in range(5)],
        "/cluster/firewall/aliases": [{"name": f"a{n}", "cidr": f"10.9.{n}.0/24"} for n in range(20)],
        "/cluster/firewall/ipset": [{"name": "admins"}],
        "/cluster/firewall/ipset/admins": [{"cidr": "10.0.10.5"}],
    }
    found: dict[str, Any] = dict(everywhere)
    resources = [{"type": "node", "node": n, "status": "online", "mem": 64 * GIB, "maxmem": 256 * GIB} for n in names]
    for name in names:
        found |= _node(name)
        resources += [_storage("local-zfs", name, 0), _storage("ceph", name, 1)]
    for number in range(guests):
        entry, own = _guest(100 + number, names[number % nodes], filtered=firewall and number % 10 == 0)
        resources.append(entry)
        found |= own
    found["/cluster/resources"] = resources
    return {path: orjson.dumps({"data": data}) for path, data in found.items()}


def _rule(number: int) -> dict[str, Any]:
    return {"pos": number, "type": "in", "action": "ACCEPT", "proto": "tcp", "dport": str(8000 + number), "enable": 1}


def _storage(name: str, node: str, shared: int) -> dict[str, Any]:
    return {"type": "storage", "storage": name, "node": node, "shared": shared, "status": "available",
            "plugintype": "rbd" if shared else "zfspool", "content": "images,rootdir",
            "disk": 2**40, "maxdisk": 2**42}  # fmt: skip


def _node(name: str) -> dict[str, Any]:
    base, number = f"/nodes/{name}", int(name[3:])
    disks = [{"devpath": f"/dev/nvme{n}n1", "model": "Samsung_SSD_990", "serial": f"S{name}{n}", "size": 2 * 10**12,
              "health": "PASSED"} for n in range(4)]  # fmt: skip
    tasks = [{"upid": f"UPID:{name}:{n}:", "type": "vzdump", "id": "", "starttime": 1760000000 - n * 86400,
              "endtime": 1760003600 - n * 86400, "status": "OK"} for n in range(_TASKS)]  # fmt: skip
    log = [{"n": n, "t": "INFO: status = running"} for n in range(2000)]
    return {
        f"{base}/status": {"pveversion": "pve-manager/9.0.10/x", "cpuinfo": {"cpus": 64, "model": "AMD EPYC"},
                           "memory": {"total": 256 * GIB, "used": 64 * GIB}},
        f"{base}/config": {},
        f"{base}/network": [{"iface": "eno1", "type": "eth", "active": 1},
                            {"iface": "vmbr0", "type": "bridge", "bridge_ports": "eno1", "active": 1,
                             "cidr": f"10.0.10.{number}/24", "gateway": "10.0.10.254"}],
        f"{base}/disks/list": disks,
        f"{base}/disks/zfs": [{"name": "rpool", "size": 2**42, "alloc": 2**41, "free": 2**41, "health": "ONLINE"}],
        f"{base}/firewall/options": {},
        f"{base}/firewall/rules": [_rule(n) for n in range(5)],
        f"{base}/tasks": tasks,
        **{f"{base}/tasks/{t['upid']}/log": log for t in tasks},
    }  # fmt: skip


def _guest(vmid: int, node: str, *, filtered: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    vm, runs = vmid % 5 < 3, vmid % 10 != 7 and vmid % 10 != 3
    kind, mac = "qemu" if vm else "lxc", f"BC:24:11:{vmid >> 16 & 255:02X}:{vmid >> 8 & 255:02X}:{vmid & 255:02X}"
    address, base = f"10.{vmid >> 8 & 255}.{vmid & 255}.5", f"/nodes/{node}/{kind}/{vmid}"
    entry = {"type": kind, "vmid": vmid, "node": node, "name": f"guest{vmid}", "template": 0, "mem": GIB,
             "maxmem": 4 * GIB, "maxcpu": 4,
             "status": "running" if runs else "stopped", "pool": "prod", "tags": "a;b"}  # fmt: skip
    own = {f"{base}/config": _vm(vmid, mac) if vm else _container(vmid, mac)}
    if vmid % 10 == 1:
        own[f"{base}/config"] |= {"parent": "before"}
        own[f"{base}/snapshot"] = [{"name": "before", "snaptime": 1}, {"name": "current", "parent": "before"}]
    ips = [{"ip-address": address, "ip-address-type": "ipv4", "prefix": 24}]
    if not vm:
        own[f"{base}/interfaces"] = [{"name": "eth0", "hardware-address": mac.lower(), "ip-addresses": ips}]
    elif vmid % 3:
        own[f"{base}/config"] |= {"agent": "1"}
        nics = [
            {"name": "lo", "ip-addresses": []},
            {"name": "ens18", "hardware-address": mac.lower(), "ip-addresses": ips},
        ]
        own[f"{base}/agent/network-get-interfaces"] = {"result": nics}
        own[f"{base}/agent/get-osinfo"] = {
            "result": {"name": "Debian GNU/Linux", "version-id": "13", "machine": "x86_64"}
        }
    own[f"{base}/firewall/options"] = {"enable": int(filtered)}
    own[f"{base}/firewall/rules"] = [_rule(n) for n in range(10)] if filtered else []
    own[f"{base}/firewall/aliases"] = own[f"{base}/firewall/ipset"] = []
    return entry, own


def _vm(vmid: int, mac: str) -> dict[str, Any]:
    return {"name": f"guest{vmid}", "memory": "4096", "cores": 2, "sockets": 2, "ostype": "l26",
            "boot": "order=scsi0;net0", "scsi0": f"local-zfs:vm-{vmid}-disk-0,iothread=1,size=32G",
            "scsi1": f"ceph:vm-{vmid}-disk-1,size=100G",
            "net0": f"virtio={mac},bridge=vmbr0,firewall=1,tag={vmid % 10 + 10}", "onboot": 1, "tags": "a;b",
            "smbios1": f"uuid=4c4c4544-0042-3310-8054-b4c0{vmid:08x}", "description": "Notes\ninfradb.owner: ann",
            "digest": f"{vmid:040x}", "scsihw": "virtio-scsi-single",
            "vmgenid": f"{vmid:08x}-0000-4000-8000-000000000000"}  # fmt: skip


def _container(vmid: int, mac: str) -> dict[str, Any]:
    return {"hostname": f"guest{vmid}", "memory": 2048, "cores": 2, "ostype": "debian", "arch": "amd64",
            "unprivileged": 1, "rootfs": f"local-zfs:subvol-{vmid}-disk-0,size=8G",
            "mp0": f"ceph:vm-{vmid}-disk-1,mp=/srv,size=50G",
            "net0": f"name=eth0,bridge=vmbr0,firewall=1,hwaddr={mac},ip=dhcp,tag={vmid % 10 + 10},type=veth",
            "features": "nesting=1", "digest": f"{vmid:040x}"}  # fmt: skip


class _Connection(asyncio.Protocol):
    """One kept-alive connection; requests have no bodies, and come one after the other."""

    def __init__(self, found: Answers) -> None:
        self.found, self.rest = found, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there whole."""
        self.rest += data
        while b"\r\n\r\n" in self.rest:
            request, _, self.rest = self.rest.partition(b"\r\n\r\n")
            path = request.split(b" ", 2)[1].decode().partition("?")[0].removeprefix("/api2/json").replace("%3A", ":")
            body = self.found.get(path)
            status = b"200 OK" if body is not None else b"501 Method not implemented"
            body = body if body is not None else b'{"data":null}'
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self.transport.write(head + body)


async def serve(found: Answers) -> None:
    """Answer on a port of loopback until the process ends; say where."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key, der = make_cert(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(found), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    print(f"https://127.0.0.1:{port} {hashlib.sha256(der).hexdigest()}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(answers(int(sys.argv[1]), int(sys.argv[2]), firewall="firewall" in sys.argv)))
