"""Random worlds that change, and what their sources see of them; the same seed gives the same world."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from infradb.model.docker import DockerContainer, DockerContainerNetwork, DockerNetwork
from infradb.model.network import IpAddress, Network
from infradb.model.physical import Host, NetworkInterface
from infradb.model.proxmox import ProxmoxContainer
from infradb.model.services import Service
from infradb.observation import Answer, Observation, ScopeResult, observe
from tests.lab import answer, scope

NODES = ("pve1", "pve2")
ENGINES = ("docker1", "docker2")
SOURCES = ("proxmox", "docker", "list", *(f"local-{n}" for n in (*NODES, *ENGINES)))
INTERFACES = ("eth0", "eth1", "lan0", "wan0")


@dataclass(frozen=True)
class Guest:
    """A virtual machine as its hypervisor knows it."""

    vmid: int
    name: str
    uuid: str
    node: str
    running: bool = True


@dataclass(frozen=True)
class Box:
    """A container of an engine."""

    native_id: str
    name: str
    engine: str
    service: str = ""
    running: bool = True


@dataclass
class World:
    """What there is."""

    random: Random
    guests: dict[int, Guest] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    interfaces: dict[tuple[str, int], str] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    clones: bool = True
    _last: int = 0

    def __post_init__(self) -> None:
        for _ in range(30):
            self.change()

    def change(self) -> None:
        """Let one thing happen."""
        common = [self.add_guest, self.add_box, self.add_box]
        others = [
            self.add_guest, self.end_guest, self.move_guest, self.rename_guest, self.reuse_number, self.clone,
            self.add_box, self.end_box, self.recreate_box, self.swap_boxes, self.stop_box,
            self.add_interface, self.end_interface, self.swap_interfaces, self.more_memory,
        ]  # fmt: skip
        happenings = common + others
        self.random.choice(happenings)()

    def add_guest(self) -> None:
        vmid = self.random.choice([v for v in range(100, 110) if v not in self.guests] or [0])
        if vmid:
            self.guests[vmid] = Guest(vmid, f"vm{self._next()}", self._uuid(), self.random.choice(NODES))

    def end_guest(self) -> None:
        if self.guests:
            del self.guests[self._one(self.guests)]

    def move_guest(self) -> None:
        self._alter_guest(node=self.random.choice(NODES))

    def rename_guest(self) -> None:
        self._alter_guest(name=f"vm{self._next()}")

    def reuse_number(self) -> None:
        self._alter_guest(name=f"vm{self._next()}", uuid=self._uuid())

    def clone(self) -> None:
        vmid = self.random.choice([v for v in range(100, 110) if v not in self.guests] or [0])
        if self.clones and self.guests and vmid:
            self.guests[vmid] = replace(self.guests[self._one(self.guests)], vmid=vmid, running=False)

    def add_box(self) -> None:
        engine, number = self.random.choice(ENGINES), self._next()
        service = f"s{number}" if self.random.random() < 0.6 else ""
        box = Box(f"{number:04}" + "f" * 60, f"box{number}", engine, service)
        self.boxes[box.native_id] = box

    def end_box(self) -> None:
        if self.boxes:
            del self.boxes[self._one(self.boxes)]

    def recreate_box(self) -> None:
        if self.boxes:
            box = self.boxes.pop(self._one(self.boxes))
            new = replace(box, native_id=f"{self._next():04}" + "e" * 60)
            self.boxes[new.native_id] = new

    def swap_boxes(self) -> None:
        engine = self.random.choice(ENGINES)
        own = [b for b in self.boxes.values() if b.engine == engine and not b.service]
        if len(own) > 1:
            a, b = self.random.sample(own, 2)
            self.boxes[a.native_id], self.boxes[b.native_id] = replace(a, name=b.name), replace(b, name=a.name)

    def stop_box(self) -> None:
        if self.boxes:
            key = self._one(self.boxes)
            self.boxes[key] = replace(self.boxes[key], running=not self.boxes[key].running)

    def add_interface(self) -> None:
        machine = self.random.choice((*NODES, *ENGINES))
        names = {n for (m, _), n in self.interfaces.items() if m == machine}
        free = [n for n in INTERFACES if n not in names]
        if free:
            self.interfaces[machine, self._next()] = self.random.choice(free)

    def end_interface(self) -> None:
        if self.interfaces:
            del self.interfaces[self._one(self.interfaces)]

    def swap_interfaces(self) -> None:
        machine = self.random.choice((*NODES, *ENGINES))
        own = [k for k in self.interfaces if k[0] == machine]
        if len(own) > 1:
            a, b = self.random.sample(own, 2)
            self.interfaces[a], self.interfaces[b] = self.interfaces[b], self.interfaces[a]

    def more_memory(self) -> None:
        self.memory[self.random.choice((*NODES, *ENGINES))] = self.random.choice((8192, 16384))

    # --- what is seen of it -------------------------------------------------------------------------------------------

    def seen_by(self, source: str) -> list[ScopeResult]:
        """Return what a source sees now, everything complete."""
        if source == "proxmox":
            return self._proxmox()
        if source == "docker":
            return self._docker()
        return self._list() if source == "list" else self._local(source.removeprefix("local-"))

    def _proxmox(self) -> list[ScopeResult]:
        nodes = [observe(f"node/{n}", self._machine(n)) for n in NODES]
        own = {n: [self._guest(g) for g in self.guests.values() if g.node == n] for n in NODES}
        return [scope("nodes", *nodes), *(scope(n, *guests) for n, guests in own.items())]

    def _guest(self, guest: Guest) -> Answer:
        key, node = f"guest/{guest.vmid}", f"node/{guest.node}"
        said: dict[str, Any] = {
            "host_type": "vm",
            "vmid": guest.vmid,
            "smbios_uuid": guest.uuid,
            "parent_host_id": node,
        }
        host = Host(hostname=guest.name, status="active" if guest.running else "stopped", **said)
        place = ProxmoxContainer(
            host_id=key, proxmox_host_id=node, cluster="lab", vmid=guest.vmid, container_type="vm", start_order=1
        )
        nic = NetworkInterface(host_id=key, interface_name="net0", interface_type="virtual")
        return answer(observe(key, host), observe(f"{key}/place", place), observe(f"{key}/net0", nic))

    def _docker(self) -> list[ScopeResult]:
        found = []
        for name in ENGINES:
            host = observe(f"host/{name}", Host(hostname=name, docker_engine_id=f"E-{name}", is_docker_host=True))
            vrf = f"docker:{name}"
            bridge = DockerNetwork(docker_host_id=host.key, network_name="bridge", subnet="172.17.0.0/16")
            network = Network(network_name=f"bridge of {name}", cidr="172.17.0.0/16", vrf=vrf)
            at = answer(observe(f"{name}/bridge", bridge), observe(f"{name}/bridge/net", network))
            boxes = [self._box(b, host.key, vrf) for b in self.boxes.values() if b.engine == name]
            self.random.shuffle(boxes)
            found += [scope(f"{name}/engine", host), scope(f"{name}/networks", at), scope(f"{name}/boxes", *boxes)]
        return found

    def _box(self, box: Box, host: str, vrf: str) -> Answer:
        key = f"container/{box.native_id}"
        compose: dict[str, Any] = {}
        if box.service:
            compose = {"compose_project": "p", "compose_service": box.service, "compose_number": 1}
        said: list[Observation] = [
            observe(
                key,
                DockerContainer(
                    docker_host_id=host,
                    container_id=box.native_id,
                    container_name=box.name,
                    image="img",
                    status="running" if box.running else "exited",
                    **compose,
                ),
            )
        ]
        if box.running:
            number = int(box.native_id[:4])
            address = f"172.17.{number // 200}.{number % 200 + 2}"
            place = DockerContainerNetwork(
                docker_container_id=key, docker_network_id=f"{box.engine}/bridge", ip_address=address
            )
            ip = IpAddress(ip_address=address, vrf=vrf, network_id=f"{box.engine}/bridge/net", docker_container_id=key)
            service = Service(service_name=box.name, docker_container_id=key, protocol="tcp", port=80)
            said += [observe(f"{key}/b", place), observe(f"{key}/ip", ip), observe(f"{key}/80", service)]
        return answer(*said)

    def _local(self, name: str) -> list[ScopeResult]:
        lan = Network(network_name="10.0.0.0/24", cidr="10.0.0.0/24")
        nics = [
            observe(
                f"nic/{n}",
                NetworkInterface(
                    host_id="host", interface_name=i, parent_interface_id=f"nic/{n - 1}" if n % 2 else None
                ),
            )
            for (machine, n), i in self.interfaces.items()
            if machine == name
        ]
        self.random.shuffle(nics)
        ssh = Service(service_name="ssh", host_id="host", protocol="tcp", port=22, process="sshd")
        return [
            scope("host", observe("host", self._machine(name))),
            scope("nics", observe("lan", lan), *nics),
            scope("services", observe("tcp/22", ssh)),
        ]

    def _machine(self, name: str) -> Host:
        said: dict[str, Any] = {"docker_engine_id": f"E-{name}"} if name in ENGINES else {}
        return Host(
            hostname=name,
            smbios_uuid=f"m-{name}",
            host_type="physical",
            total_ram_mb=self.memory.get(name, 4096),
            **said,
        )

    def _list(self) -> list[ScopeResult]:
        hosts = [
            observe(f"hosts/{n}", Host(hostname=n, purpose=f"what {n} is for", total_ram_mb=1))
            for n in (*NODES, *ENGINES)
        ]
        ssh = [
            observe(
                f"services/{n}",
                Service(service_name=f"SSH {n}", host_id=f"hosts/{n}", protocol="tcp", port=22, criticality="high"),
            )
            for n in NODES
        ]
        lan = observe("networks/1", Network(network_name="LAN", cidr="10.0.0.0/24", security_zone="private"))
        return [scope("hosts", *hosts), scope("services", *ssh), scope("networks", lan)]

    def _alter_guest(self, **new: Any) -> None:
        if self.guests:
            vmid = self._one(self.guests)
            self.guests[vmid] = replace(self.guests[vmid], **new)

    def _one(self, things: dict[Any, Any]) -> Any:
        return self.random.choice(list(things))

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _uuid(self) -> str:
        return f"{self._next():08x}-1111-2222-3333-444444444444"


def spoiled(scopes: list[ScopeResult], random: Random) -> list[ScopeResult]:
    """Return scopes of which some could be read only in part, or not at all."""
    result = []
    for one in scopes:
        luck, answers = random.random(), list(one.answers)
        if luck < 0.15:
            kept = random.sample(answers, random.randint(0, len(answers)))
            result.append(scope(one.name, *kept, status="partial"))
        elif luck < 0.25:
            result.append(scope(one.name, status="failed"))
        else:
            result.append(one)
    return result
