"""Proxmox VE's API as a peer: fakepve, served over TLS on loopback from a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from fakepve import FakePve  # type: ignore[import-untyped]
from fakepve.certs import make_cert  # type: ignore[import-untyped]

from infradb.collectors.proxmox.collector import ProxmoxCollector
from infradb.collectors.proxmox.settings import ProxmoxSettings

TOKEN = "infradb@pve!read"
SECRET = "5c1f6a86-0b6e-4f4c-9b7e-3f2d1a0c9e8d"
EVERY_RIGHT = ("Datastore.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit")
UUID = "4c4c4544-0042-3310-8054-b4c04f4d31{:02x}"


class Pve(FakePve):  # type: ignore[misc]
    """fakepve, with recorded answers in the place of its placeholders: disks, HA, SDN, the task log."""

    recorded: dict[str, Any]

    async def _generic(self, request: web.Request) -> web.StreamResponse:
        await super()._generic(request)  # checks rights and names first
        path = request.path.removeprefix("/api2/json")
        return web.json_response({"data": self.recorded.get(path, EMPTY.get(path.rsplit("/", 1)[-1]))})


EMPTY: dict[str, Any] = {"status": {}, "config": {}}
"""What a path ends with -> what is there where nothing was recorded; else an empty list."""


@dataclass
class Peer:
    """One fake cluster that listens."""

    pve: Pve
    url: str
    fingerprint: str
    ca: str
    loop: asyncio.AbstractEventLoop

    def collector(self, **settings: Any) -> ProxmoxCollector:
        """A collector of this cluster."""
        given = {"url": self.url, "token_id": TOKEN, "token_secret": "env:PVE_SECRET", "fingerprint": self.fingerprint}
        return ProxmoxCollector("lab", ProxmoxSettings.model_validate({**given, **settings}))

    def do(self, coroutine: Any) -> Any:
        """Run a coroutine of the fake's, such as a migration."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def grant(self, *privileges: str, path: str = "/") -> None:
        """Give the token rights on a path."""
        self.pve.grant(TOKEN, path, *privileges)


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop that all fakes of the process share: connections close some time after their server."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="fakepve", daemon=True).start()
    return loop


@contextlib.contextmanager
def serving(pve: Pve) -> Iterator[Peer]:
    """Serve a fake cluster until the block ends."""

    def wait(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(30)

    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_cert(folder, hosts=("127.0.0.1",))[:2]
        wait(pve.start(certificate, key))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(certificate).read_text(encoding="utf-8"))).hexdigest()
        fingerprint = ":".join(digest[i : i + 2] for i in range(0, 64, 2)).upper()
        try:
            yield Peer(pve, pve.url, fingerprint, certificate, _loop())
        finally:
            wait(pve.stop())


def fake() -> Pve:
    """A fake cluster without guests whose token has every right that infradb asks for."""
    pve = Pve(host="127.0.0.1", port=0)
    pve.recorded = {}
    pve.apitokens[TOKEN] = SECRET
    pve.grant(TOKEN, "/", *EVERY_RIGHT)
    return pve


def lab() -> Pve:
    """Two nodes with virtual machines and containers as people have them."""
    pve = fake()
    pve.cluster_name = "kestrel"
    pve.add_node("pve2")
    agent = {
        "interfaces": [
            {"name": "lo", "hardware-address": "00:00:00:00:00:00",
             "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}]},
            {"name": "ens18", "hardware-address": "bc:24:11:00:01:01",
             "ip-addresses": [{"ip-address": "10.0.20.21", "ip-address-type": "ipv4", "prefix": 24},
                              {"ip-address": "fe80::be24:11ff:fe00:101", "ip-address-type": "ipv6", "prefix": 64}]},
            {"name": "docker0", "hardware-address": "02:42:ac:11:00:01",
             "ip-addresses": [{"ip-address": "172.17.0.1", "ip-address-type": "ipv4", "prefix": 16}]},
        ]
    }  # fmt: skip
    web = pve.add_vm(
        101, "web", node="pve1", status="running",
        config={"memory": "4096", "cores": 2, "sockets": 2, "ostype": "l26", "boot": "order=scsi0;ide2",
                "scsi0": "local-lvm:vm-101-disk-0,iothread=1,size=32G",
                "scsi1": "local-lvm:vm-101-disk-1,backup=0,size=1T",
                "ide2": "none,media=cdrom", "net0": "virtio=BC:24:11:00:01:01,bridge=vmbr0,firewall=1,tag=20",
                "smbios1": f"uuid={UUID.format(1)}", "agent": "1", "onboot": 1, "startup": "order=3,up=30",
                "tags": "criticality-high;docker", "description": "Shop\n\ninfradb.owner: ann\npassword=hunter2"},
    )  # fmt: skip
    web.agent = agent
    pve.add_vm(
        102,
        "win11",
        node="pve2",
        config={"memory": "8192", "cores": 4, "ostype": "win11", "net0": "e1000=BC:24:11:00:01:02,bridge=vmbr0"},
    )
    pve.add_vm(
        900, "tpl", node="pve1", template=True, config={"scsi0": "local-lvm:base-900-disk-0,size=8G", "template": 1}
    )
    pve.add_ct(
        201, "db1", node="pve2", status="running",
        config={"hostname": "db1", "memory": 2048, "cores": 2, "ostype": "debian", "unprivileged": 1, "arch": "amd64",
                "rootfs": "local-lvm:vm-201-disk-0,size=16G", "features": "nesting=1,keyctl=1",
                "mp0": "/mnt/bulk,mp=/srv/bulk", "net0":
                "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:02:01,ip=10.0.20.31/24,gw=10.0.20.1,tag=20,type=veth"},
    )  # fmt: skip
    return pve
