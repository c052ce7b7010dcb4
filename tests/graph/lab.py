"""One small lab whose every answer can be worked out by hand, as a source tells it.

router ── sw1 ── pve1, nas          pve1: 101 db1 (HA, disk on ceph), 102 app1 (disk on its own local-zfs)
   └───── sw2 ── pve1, pve2         pve2: 201 app2 (HA, but its disk is on pve2), 202 big (HA, but pve1 has no room)

app1 runs the containers web, db, bk and side; web keeps photos on the nas, bk its backups on 10.0.0.99, which
nobody knows. The service shop (web) needs pg (db1) and one of api (app2) and api2 (app1); api suffers without shop.
"""

from __future__ import annotations

from collections.abc import Iterator

from infradb.model.docker import DockerContainer, DockerContainerVolume
from infradb.model.network import IpAddress, Network, NetworkRoute
from infradb.model.physical import Host, Link, NetworkInterface, StorageDevice
from infradb.model.proxmox import GuestDisk, ProxmoxContainer, ProxmoxStorage
from infradb.model.services import Service, ServiceDependency
from infradb.observation import Observation, ScopeResult, observe
from tests.lab import scope

SWITCHES, NODES = ("router", "sw1", "sw2"), ("pve1", "pve2", "nas")
CABLES = (
    ("pve1/eth0", "sw1/p1"), ("pve1/eth1", "sw2/p1"), ("pve2/eth0", "sw2/p2"), ("nas/eth0", "sw1/p2"),
    ("router/lan", "sw1/p9"), ("router/lan2", "sw2/p9"), ("sw1/p10", "sw2/p10"),
)  # fmt: skip
ADDRESSES = {"router": "10.0.0.1", "nas": "10.0.0.5", "pve1": "10.0.0.11", "pve2": "10.0.0.12"}
# number, name, kind, node, memory in MiB, storage, asked of high availability, place in the order of start
GUESTS = (
    (101, "db1", "lxc", "pve1", 4096, "ceph", "started", None),
    (102, "app1", "vm", "pve1", 16384, "local-zfs", None, None),
    (201, "app2", "vm", "pve2", 8192, "local2", "started", None),
    (202, "big", "vm", "pve2", 49152, "ceph", "started", 1),
)
DISKS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("pve1", "/dev/nvme0n1", "disk", {}), ("pve1", "/dev/nvme1n1", "disk", {}),
    ("pve1", "rpool", "zfs", {"raid_level": "mirror", "raid_members": ["nvme0n1", "nvme1n1"], "mount_point": "/"}),
    ("nas", "/dev/sda", "disk", {}), ("nas", "/dev/sdb", "disk", {}), ("nas", "/dev/sdc", "disk", {}),
    ("nas", "tank", "zfs", {"raid_level": "raidz1", "raid_members": ["/dev/sda", "/dev/sdb", "/dev/sdc"],
                            "mount_point": "/mnt/tank"}),
    ("app1", "10.0.0.5:/mnt/tank/media", "nfs", {"mount_point": "/mnt/media"}),
    ("app1", "10.0.0.99:/b", "nfs", {"mount_point": "/mnt/backup"}),
)  # fmt: skip
CONTAINERS: dict[str, dict[str, object]] = {
    "web": {"compose_project": "shop", "compose_service": "web", "compose_number": 1,
            "labels": {"com.docker.compose.depends_on": "db:service_healthy:false"}},
    "db": {"compose_project": "shop", "compose_service": "db", "compose_number": 1},
    "bk": {},
    "side": {"network_mode": f"container:web{'0' * 61}"},
}  # fmt: skip
MOUNTS = {"web": "/mnt/media/photos", "bk": "/mnt/backup"}
# name, container or host, criticality, owner, unit
SERVICES = (
    ("shop", "container/web", "critical", "anna", None), ("shopdb", "container/db", "high", "anna", None),
    ("pg", "host/db1", "critical", "bert", "postgresql.service"), ("api", "host/app2", "critical", None, "api.service"),
    ("api2", "host/app1", "low", None, None), ("files", "host/nas", "high", None, "smbd.service"),
    ("batch", "host/big", "low", None, None),
)  # fmt: skip
NEEDS: tuple[tuple[str, str, str, str], ...] = (
    ("shop", "pg", "hard", ""), ("shop", "api", "hard", "api"), ("shop", "api2", "hard", "api"),
    ("api", "shop", "soft", ""), ("batch", "pg", "soft", ""),
)  # fmt: skip


def whole_lab() -> ScopeResult:
    """Return the lab, parents before children."""
    return scope("lab", *_machines(), *_guests(), *_network(), *_software())


def _machines() -> Iterator[Observation]:
    for n, name in enumerate((*SWITCHES, *NODES)):
        kind = "network_device" if name in SWITCHES else "physical"
        installed = {"total_ram_mb": 65536} if name.startswith("pve") else {}
        yield observe(
            f"host/{name}", Host(hostname=name, host_type=kind, vendor="Acme", serial_number=f"S{n}", **installed)
        )
    for number, name, kind, _, memory, *_ in GUESTS:
        yield observe(
            f"host/{name}",
            Host(hostname=name, host_type=kind, total_ram_mb=memory, status="active", machine_id_hash=f"m{number}"),
        )
    for host, name, kind, more in DISKS:
        device = StorageDevice(host_id=f"host/{host}", device_name=name, device_type=kind, **more)
        yield observe(f"disk/{host}/{name}", device)


def _guests() -> Iterator[Observation]:
    for name, node, kind in (("local-zfs", "pve1", "zfspool"), ("local2", "pve2", "dir"), ("ceph", "", "rbd")):
        where = {"host_id": f"host/{node}"} if node else {}
        shown = ProxmoxStorage(cluster="lab", node=node, storage_name=name, storage_type=kind, shared=not node, **where)
        yield observe(f"storage/{name}", shown)
    for number, name, kind, node, _, storage, ha, order in GUESTS:
        said = {n: v for n, v in {"ha_state": ha, "start_order": order}.items() if v is not None}
        place = ProxmoxContainer(
            host_id=f"host/{name}",
            proxmox_host_id=f"host/{node}",
            cluster="lab",
            vmid=number,
            container_type=kind,
            **said,
        )
        yield observe(f"guest/{number}", place)
        disk = GuestDisk(
            proxmox_container_id=f"guest/{number}", disk_name="scsi0", proxmox_storage_id=f"storage/{storage}"
        )
        yield observe(f"guest/{number}/disk", disk)


def _network() -> Iterator[Observation]:
    for end in dict.fromkeys(end for cable in CABLES for end in cable):
        host, _, name = end.partition("/")
        nic = NetworkInterface(host_id=f"host/{host}", interface_name=name, interface_type="physical")
        yield observe(f"nic/{end}", nic)
    for a, b in CABLES:
        yield observe(f"link/{a}", Link(interface_a_id=f"nic/{a}", interface_b_id=f"nic/{b}"))
    yield observe("net", Network(network_name="lan", cidr="10.0.0.0/24", dns_servers=["10.0.0.1", "10.0.0.12"]))
    for host, address in ADDRESSES.items():
        yield observe(f"ip/{address}", IpAddress(ip_address=address, host_id=f"host/{host}", network_id="net"))
    for host in (*NODES, "app1"):
        known = {"gateway_ip": "10.0.0.1", "gateway_host_id": "host/router"}
        gateway = known if host != "app1" else {"gateway_ip": "10.0.0.254"}
        yield observe(f"route/{host}", NetworkRoute(host_id=f"host/{host}", destination_network="default", **gateway))


def _software() -> Iterator[Observation]:
    for name, more in CONTAINERS.items():
        values = {"docker_host_id": "host/app1", "container_name": name, "image": "x", "status": "running", **more}
        yield observe(f"container/{name}", DockerContainer(container_id=f"{name:0<64}", **values))
    for name, path in MOUNTS.items():
        mount = DockerContainerVolume(docker_container_id=f"container/{name}", mount_path="/data", host_path=path)
        yield observe(f"mount/{name}", mount)
    for port, (name, place, criticality, owner, unit) in enumerate(SERVICES, 1000):
        where = {"docker_container_id" if place.startswith("container/") else "host_id": place}
        said = {n: v for n, v in {"owner": owner, "unit": unit, "criticality": criticality}.items() if v}
        yield observe(f"service/{name}", Service(service_name=name, protocol="tcp", port=port, **where, **said))
    for dependent, dependency, kind, group in NEEDS:
        more = {"redundancy_group": group, "redundancy_rule": "any"} if group else {}
        ends = {"dependent_service_id": f"service/{dependent}", "dependency_service_id": f"service/{dependency}"}
        yield observe(f"need/{dependent}/{dependency}", ServiceDependency(dependency_type=kind, **ends, **more))
