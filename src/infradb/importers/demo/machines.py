"""The lab's machines: what stands in the rack, what runs on Proxmox, and one rented server."""

# Rows of data: one thing a line as far as it goes.
# ruff: noqa: E501

from typing import Any

from infradb.importers.demo.shapes import Disk, Guest, Machine, Nic

_DEBIAN: dict[str, Any] = {"os_name": "Debian GNU/Linux", "os_version": "13", "kernel": "6.12.48+deb13-amd64"}
_PVE: dict[str, Any] = {"os_name": "Debian GNU/Linux", "os_version": "13", "kernel": "6.14.11-4-pve"}
_ENGINE: dict[str, Any] = {**_DEBIAN, "is_docker_host": True, "docker_version": "28.5.1"}
_RACK = "Basement, rack A"


def _bridge(port: str, address: str, speed: int) -> tuple[Nic, ...]:
    return (
        Nic(port, "physical", speed=speed, more={"bridge_name": "vmbr0", "driver": "igc" if speed < 10000 else "i40e"}),
        Nic("vmbr0", "bridge", address, more={"bridge_ports": [port]}),
    )


def _engine(address: str) -> tuple[Nic, ...]:
    return (Nic("ens18", address=address, more={"driver": "virtio_net"}), Nic("docker0", "bridge"))


def _root(size_gb: int, used: float) -> tuple[Disk, ...]:
    return (
        Disk("/dev/sda", "disk", size_gb, more={"model": "QEMU HARDDISK"}),
        Disk("/dev/sda1", "partition", size_gb - 1, used, "/dev/sda", {"filesystem_type": "ext4", "mount_point": "/"}),
    )


def _share(name: str, used: float) -> Disk:
    return Disk(
        f"10.10.20.5:/mnt/tank/{name}",
        "nfs",
        21600,
        used,
        "",
        {"filesystem_type": "nfs4", "mount_point": f"/mnt/nas/{name}"},
    )


def _tank_disk(name: str, serial: str, smart: str = "passed") -> Disk:
    more = {"model": "WDC WD80EFPX-68C4ZN0", "serial_number": serial, "smart_status": smart}
    return Disk(f"/dev/{name}", "disk", 8002, more=more)


def _mirror(first: str, second: str, size_gb: int, used: float, model: str) -> tuple[Disk, ...]:
    return (
        Disk("/dev/nvme0n1", "disk", size_gb, more={"model": model, "serial_number": first, "smart_status": "passed"}),
        Disk("/dev/nvme1n1", "disk", size_gb, more={"model": model, "serial_number": second, "smart_status": "passed"}),
        Disk(
            "rpool", "zfs", size_gb - 2, used, "/dev/nvme0n1",
            {"raid_level": "mirror", "raid_members": ["nvme0n1", "nvme1n1"], "health_status": "online", "mount_point": "/"},
        ),
    )  # fmt: skip


MACHINES: tuple[Machine, ...] = (
    Machine(
        "opnsense", "network_device", 8192, 4,
        {"vendor": "Protectli", "model": "VP2420", "serial_number": "VP2420-0K31B7", "os_name": "OPNsense", "os_version": "25.7.5",
         "kernel": "14.3-RELEASE-p4", "management_ip": "10.10.10.1", "purpose": "Firewall, router, DHCP and VPN",
         "criticality": "critical", "location": f"{_RACK}, unit 12", "purchased_at": "2023-11-06", "warranty_until": "2025-11-06"},
        (
            Nic("igc0", "physical", speed=1000, more={"description": "WAN, fibre modem", "driver": "igc"}),
            Nic("igc1", "physical", "10.10.10.1", 2500, more={"description": "LAN", "driver": "igc"}),
            Nic("igc1_vlan20", "vlan", "10.10.20.1", more={"parent": "igc1", "vlan_id": 20, "description": "Servers"}),
            Nic("wg0", "tunnel", mac=False, more={"mtu": 1420, "description": "WireGuard to vps1 and phones"}),
        ),
        (Disk("/dev/ada0", "disk", 128, 0.12, more={"model": "KINGSTON OM8PGP4128N", "smart_status": "passed"}),), 0.31,
    ),
    Machine(
        "sw-core", "network_device", 512, 1,
        {"vendor": "MikroTik", "model": "CRS326-24G-2S+RM", "serial_number": "HF90A4T7WQX", "os_name": "RouterOS", "os_version": "7.20.2",
         "management_ip": "10.10.10.2", "purpose": "Core switch", "criticality": "critical", "location": f"{_RACK}, unit 11"},
        (
            *(Nic(f"ether{n}", "physical", speed=1000, up=n < 7, more={"description": to}) for n, to in enumerate(
                ("opnsense", "nas", "pbs", "pi-dns", "ap-living", "sw-attic", "spare"), 1)),
            *(Nic(f"sfp-sfpplus{n}", "physical", speed=10000, more={"description": to}) for n, to in enumerate(("pve1", "pve2"), 1)),
            Nic("bridge", "bridge", "10.10.10.2", more={"bridge_ports": ["ether1", "ether2", "sfp-sfpplus1", "sfp-sfpplus2"]}),
        ), (), 0.22,
    ),
    Machine(
        "sw-attic", "network_device", None, None,
        {"vendor": "TP-Link", "model": "TL-SG108", "serial_number": "2219N7C004417", "purpose": "Unmanaged switch, attic office",
         "criticality": "low", "location": "Attic"},
        (Nic("port1", "physical", speed=1000, mac=False),),
    ),
    Machine(
        "ap-living", "network_device", 1024, 2,
        {"vendor": "Ubiquiti", "model": "U6-Pro", "serial_number": "E43883A1C90D", "os_name": "UniFi AP", "os_version": "6.7.31",
         "management_ip": "10.10.10.4", "purpose": "Wi-Fi, ground floor", "criticality": "medium", "location": "Living room, ceiling"},
        (Nic("eth0", "physical", "10.10.10.4", 1000), Nic("wifi0", "wifi"), Nic("wifi1", "wifi")), (), 0.47,
    ),
    Machine(
        "ups", "physical", None, None,
        {"vendor": "APC", "model": "Back-UPS Pro 1500", "serial_number": "3B1947X27610", "criticality": "high",
         "purpose": "Feeds the rack; USB to nas", "location": f"{_RACK}, floor", "purchased_at": "2022-04-19"},
    ),
    Machine(
        "pve1", "physical", 98304, 20,
        {**_PVE, "vendor": "Micro Computer (HK) Tech Limited", "model": "Venus Series MS-01", "serial_number": "MH13S01A2307",
         "cpu_model": "13th Gen Intel(R) Core(TM) i9-13900H", "management_ip": "10.10.10.11", "purpose": "Proxmox VE node",
         "criticality": "critical", "location": f"{_RACK}, unit 8", "purchased_at": "2024-02-12", "warranty_until": "2027-02-12"},
        _bridge("enp2s0f0np0", "10.10.10.11", 10000),
        _mirror("S6Z1NJ0W410221", "S6Z1NJ0W410237", 2000, 0.41, "Samsung SSD 990 PRO 2TB"), 0.66,
    ),
    Machine(
        "pve2", "physical", 65536, 12,
        {**_PVE, "vendor": "LENOVO", "model": "ThinkCentre M90q Gen 3", "serial_number": "PF4KZQ81",
         "cpu_model": "12th Gen Intel(R) Core(TM) i5-12500", "management_ip": "10.10.10.12", "purpose": "Proxmox VE node",
         "criticality": "high", "location": f"{_RACK}, unit 7", "purchased_at": "2023-09-28", "warranty_until": "2026-09-28"},
        _bridge("enp1s0f0", "10.10.10.12", 10000),
        _mirror("PHA42130011K", "PHA42130024M", 1000, 0.36, "INTEL SSDPEKNU010TZ"), 0.38,
    ),
    Machine(
        "nas", "physical", 32768, 8,
        {"vendor": "HPE", "model": "ProLiant MicroServer Gen10 Plus v2", "serial_number": "CZJ23104LX", "os_name": "TrueNAS SCALE",
         "os_version": "25.04.2.4", "kernel": "6.12.15-production+truenas", "cpu_model": "Intel(R) Xeon(R) E-2314 CPU @ 2.80GHz",
         "management_ip": "10.10.20.5", "purpose": "Files, media and backup target", "criticality": "critical",
         "location": f"{_RACK}, unit 4", "purchased_at": "2023-01-17", "warranty_until": "2026-01-16"},
        (Nic("eno1", "physical", "10.10.20.5", 1000, more={"driver": "igb"}), Nic("eno2", "physical", speed=1000, up=False)),
        (
            Disk("/dev/sde", "disk", 250, 0.09, more={"model": "Samsung SSD 870 EVO 250GB", "smart_status": "passed"}),
            _tank_disk("sda", "WD-RD1M4K2E"), _tank_disk("sdb", "WD-RD1M51XH"), _tank_disk("sdc", "WD-RD2A09PC"),
            _tank_disk("sdd", "WD-RD0J77VA", "failed"),
            Disk("tank", "zfs", 21600, 0.71, "/dev/sda", {"raid_level": "raidz1", "raid_members": ["sda", "sdb", "sdc", "sdd"],
                                                          "health_status": "online", "mount_point": "/mnt/tank"}),
        ), 0.74,
    ),
    Machine(
        "old-nas", "physical", 512, 1,
        {"vendor": "Synology", "model": "DS213j", "serial_number": "1390LXN004821", "os_name": "DSM", "os_version": "7.1.1",
         "status": "stopped", "purpose": "Replaced by nas", "criticality": "low", "location": "Basement, shelf",
         "end_of_support_at": "2025-06-01"},
        (Nic("eth0", "physical", "192.168.1.20", up=False),),
    ),
    Machine(
        "pbs", "physical", 16384, 4,
        {**_PVE, "vendor": "Intel(R) Client Systems", "model": "NUC11TNKi3", "serial_number": "G6TN1490021S", "management_ip": "10.10.20.6",
         "purpose": "Proxmox Backup Server", "criticality": "high", "location": "Attic", "purchased_at": "2022-08-03"},
        (Nic("enp88s0", "physical", "10.10.20.6", 2500, more={"driver": "igc"}),),
        (
            Disk("/dev/nvme0n1", "disk", 250, 0.14, more={"model": "WD Blue SN570 250GB", "smart_status": "passed"}),
            Disk("/dev/sda", "disk", 8002, 0.58, more={"model": "ST8000VN004-3CP101", "serial_number": "WSD7K0QX", "smart_status": "passed",
                                                       "filesystem_type": "xfs", "mount_point": "/mnt/datastore/main"}),
        ), 0.35,
    ),
    Machine(
        "pi-dns", "physical", 4096, 4,
        {"os_name": "Debian GNU/Linux", "os_version": "12", "kernel": "6.6.51+rpt-rpi-v8", "architecture": "aarch64",
         "vendor": "Raspberry Pi", "model": "Raspberry Pi 4 Model B Rev 1.4", "serial_number": "10000000a4f31c2e",
         "management_ip": "10.10.10.53", "purpose": "Second DNS resolver", "criticality": "high", "location": f"{_RACK}, shelf"},
        (Nic("eth0", "physical", "10.10.10.53", 1000, more={"driver": "bcmgenet"}),),
        (Disk("/dev/mmcblk0", "disk", 32, 0.27, more={"model": "SanDisk SL32G", "filesystem_type": "ext4", "mount_point": "/"}),), 0.18,
    ),
    Machine(
        "vps1", "cloud", 4096, 2,
        {**_ENGINE, "vendor": "Hetzner", "model": "vServer CX22", "management_ip": "203.0.113.24", "supplier": "Hetzner Online",
         "purpose": "Sees the lab from outside: monitoring, push, VPN control", "criticality": "medium", "location": "Nuremberg"},
        (Nic("eth0", "physical", "203.0.113.24", more={"driver": "virtio_net"}), Nic("docker0", "bridge"),
         Nic("wg0", "tunnel", mac=False, more={"mtu": 1420})),
        (Disk("/dev/sda", "disk", 40, 0.37, more={"filesystem_type": "ext4", "mount_point": "/"}),), 0.55,
    ),
    Machine(
        "docker1", "vm", 24576, 8,
        {**_ENGINE, "management_ip": "10.10.20.21", "purpose": "Applications", "criticality": "critical"},
        _engine("10.10.20.21"), (*_root(128, 0.52), _share("documents", 0.71), _share("cloud", 0.71)), 0.63,
    ),
    Machine(
        "docker2", "vm", 16384, 6,
        {**_ENGINE, "management_ip": "10.10.20.22", "purpose": "Photos and media", "criticality": "medium"},
        _engine("10.10.20.22"), (*_root(96, 0.68), _share("media", 0.71), _share("photos", 0.71)), 0.71,
    ),
    Machine(
        "docker3", "vm", 16384, 6,
        {**_ENGINE, "management_ip": "10.10.20.23", "purpose": "Monitoring and home automation", "criticality": "high"},
        _engine("10.10.20.23"), _root(96, 0.44), 0.58,
    ),
    Machine(
        "db1", "lxc", 8192, 4,
        {**_DEBIAN, "kernel": _PVE["kernel"], "management_ip": "10.10.20.31", "purpose": "Shared PostgreSQL", "criticality": "critical"},
        (Nic("eth0", address="10.10.20.31"),), (Disk("local-zfs:subvol-120-disk-0", "zfs", 64, 0.33, "", {"mount_point": "/"}),), 0.49,
    ),
    Machine(
        "mail", "lxc", 2048, 1,
        {**_DEBIAN, "kernel": _PVE["kernel"], "management_ip": "10.10.20.32", "purpose": "Relays mail of the lab", "criticality": "medium"},
        (Nic("eth0", address="10.10.20.32"),), (Disk("local-zfs:subvol-122-disk-0", "zfs", 16, 0.21, "", {"mount_point": "/"}),), 0.29,
    ),
    Machine(
        "unifi", "lxc", 4096, 2,
        {"os_name": "Ubuntu", "os_version": "24.04", "kernel": _PVE["kernel"], "management_ip": "10.10.10.33",
         "purpose": "UniFi Network controller", "criticality": "low"},
        (Nic("eth0", address="10.10.10.33"),), (Disk("local-zfs:subvol-212-disk-0", "zfs", 24, 0.41, "", {"mount_point": "/"}),), 0.61,
    ),
    Machine(
        "ci1", "lxc", 8192, 4,
        {**_DEBIAN, "kernel": _PVE["kernel"], "status": "stopped", "purpose": "Builds, started when needed", "criticality": "low"},
        (Nic("eth0", up=False),),
    ),
    Machine(
        "win11", "vm", 8192, 4,
        {"os_name": "Microsoft Windows 11 Pro", "os_version": "24H2", "status": "stopped", "purpose": "Tax software", "criticality": "low"},
        (Nic("Ethernet", up=False),),
    ),
    Machine(
        "tpl-debian13", "vm", 2048, 2,
        {**_DEBIAN, "status": "stopped", "purpose": "Template for new machines", "criticality": "low"},
        (Nic("ens18", up=False),),
    ),
    Machine(
        "lab1", "vm", 16384, 4,
        {**_PVE, "status": "stopped", "purpose": "Nested Proxmox VE for trying upgrades", "criticality": "low"},
        (Nic("ens18", up=False, more={"bridge_name": "vmbr0"}), Nic("vmbr0", "bridge", up=False, more={"bridge_ports": ["ens18"]})),
    ),
    Machine(
        "lab1-ct", "lxc", 1024, 1,
        {**_DEBIAN, "kernel": _PVE["kernel"], "purpose": "Guest of the nested node", "criticality": "low"},
        (Nic("eth0"),), (), 0.2,
    ),
)  # fmt: skip

_VM: dict[str, Any] = {"vm_type": "qemu", "os_type": "l26"}
_CT: dict[str, Any] = {
    "os_type": "debian",
    "os_template": "debian-13-standard_13.1-2_amd64.tar.zst",
    "unprivileged": True,
}

GUESTS: tuple[Guest, ...] = (
    Guest("docker1", "pve1", 101, "vm", 128, start_order=3, more=_VM),
    Guest("docker2", "pve1", 102, "vm", 96, start_order=4, more=_VM),
    Guest("win11", "pve1", 110, "vm", 120, auto_start=False, backup=None, more={"vm_type": "qemu", "os_type": "win11"}),
    Guest("db1", "pve1", 120, "lxc", 64, start_order=1, more={**_CT, "nesting": True, "keyctl": False}),
    Guest("mail", "pve1", 122, "lxc", 16, start_order=2, more={**_CT, "nesting": True, "keyctl": False}),
    Guest("tpl-debian13", "pve1", 900, "vm", 16, auto_start=False, backup=None, more={**_VM, "template": True}),
    Guest("lab1", "pve2", 202, "vm", 64, auto_start=False, backup=None, more=_VM),
    Guest("docker3", "pve2", 201, "vm", 96, start_order=1, backup="failed: no space left on device", more=_VM),
    Guest("ci1", "pve2", 211, "lxc", 32, auto_start=False, backup=None, more={**_CT, "nesting": True, "keyctl": True}),
    Guest(
        "unifi", "pve2", 212, "lxc", 24, start_order=2,
        more={"os_type": "ubuntu", "os_template": "ubuntu-24.04-standard_24.04-2_amd64.tar.zst", "unprivileged": True,
              "nesting": False, "keyctl": False},
    ),
    Guest("lab1-ct", "lab1", 100, "lxc", 8, "local-lvm", auto_start=False, backup=None, more=_CT),
)  # fmt: skip
CLUSTERS: dict[str, str] = {"pve1": "kestrel", "pve2": "kestrel", "lab1": "lab1"}

TAGS: dict[str, list[str]] = {
    "pve1": ["proxmox", "rack-a"], "pve2": ["proxmox", "rack-a"], "nas": ["storage", "rack-a"], "opnsense": ["network", "rack-a"],
    "sw-core": ["network", "rack-a"], "pbs": ["backup"], "docker1": ["docker", "apps"], "docker2": ["docker", "media"],
    "docker3": ["docker", "home"], "vps1": ["docker", "outside"], "db1": ["database"], "lab1": ["lab"], "lab1-ct": ["lab"],
}  # fmt: skip
SITES: dict[str, dict[str, str]] = {
    "house": {"name": "Kestrel house", "address": "4 Mill Lane"},
    "nuremberg": {"name": "Hetzner Nuremberg", "notes": "Rented"},
}
