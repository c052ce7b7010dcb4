"""A virtual machine with its own firmware, disks and serial numbers: QEMU without acceleration, Debian's cloud kernel.

Its root is made of this machine's own programs and is the initial RAM file system, so that nothing is installed. The
kernel's package is fetched once and kept in `INFRADB_TEST_CACHE`, else in the XDG cache folder.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.collectors.ssh.peer import SYSTEM_PATH, Keys, copy_program, free_port, wait_until
from tests.peers import missing

UUID = "5a1c7d1e-1111-4222-8333-0123456789ab"
MACHINE_ID = "0f0e0d0c0b0a09080706050403020100"
MAC = "bc:24:11:aa:bb:cc"
MODULES = ("virtio_pci", "virtio_net", "virtio_blk", "crc32c_generic", "ext4", "tcp_diag", "udp_diag")
PROGRAMS = ("sshd", "dash", "ip", "bridge", "ss", "lsblk", "smartctl")
TOOLS = ("qemu-system-x86_64", "busybox", "cpio", "mkfs.ext4", "dpkg-deb", "apt-get", *PROGRAMS)
SECONDS_TO_BOOT = 180
INIT = """#!/bin/busybox sh
busybox mkdir -p /proc /sys /dev /run/sshd /tmp /data
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox --install -s /bin 2>/dev/null
for module in $(cat /modules.list); do insmod "/modules/$module"; done
hostname guest1
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
mount -t ext4 /dev/vda /data
/usr/sbin/sshd -D -f /etc/sshd_config &
while :; do sleep 1000; done
"""


@contextlib.contextmanager
def guest(keys: Keys) -> Iterator[int]:
    """The running machine, which lets the client's key in as root; the port of loopback that leads to its sshd."""
    if absent := [name for name in TOOLS if shutil.which(name, path=SYSTEM_PATH) is None]:
        missing("QEMU guest", f"{', '.join(absent)} not installed")
    kernel, modules = _kernel()
    folder, port = keys.folder, free_port()
    _make_root(folder / "root", keys, modules)
    _pack(folder / "root", folder / "initrd.gz")
    for name, size in (("vda", 64), ("nvme", 32)):
        with (folder / f"{name}.img").open("wb") as image:
            image.truncate(size * 2**20)
    subprocess.run(["mkfs.ext4", "-q", str(folder / "vda.img")], check=True, env={"PATH": SYSTEM_PATH})
    process = subprocess.Popen(_command(folder, kernel, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _greets(port) or process.poll() is not None, SECONDS_TO_BOOT)
        assert process.poll() is None, "the machine does not start"
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _command(folder: Path, kernel: Path, port: int) -> list[str]:
    system = f"type=1,manufacturer=LabCo,product=LabBox,version=2,serial=SN12345,uuid={UUID}"
    return [
        *("qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "1", "-m", "512", "-nographic"),
        *("-serial", f"file:{folder}/console", "-monitor", "none", "-no-reboot", "-uuid", UUID, "-smbios", system),
        *("-kernel", str(kernel), "-initrd", str(folder / "initrd.gz"), "-append", "console=ttyS0 quiet panic=1"),
        *("-drive", f"file={folder}/vda.img,format=raw,if=none,id=d0"),
        *("-device", "virtio-blk-pci,drive=d0,serial=VDASER1"),
        *("-drive", f"file={folder}/nvme.img,format=raw,if=none,id=d1", "-device", "nvme,drive=d1,serial=NVMESER1"),
        *("-netdev", f"user,id=n0,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", f"virtio-net-pci,netdev=n0,mac={MAC}"),
    ]


def _greets(port: int) -> bool:
    """Whether sshd answers; QEMU itself accepts connections long before."""
    command = ["ssh-keyscan", "-T", "2", "-t", "ed25519", "-p", str(port), "127.0.0.1"]
    return b"ssh-ed25519" in subprocess.run(command, capture_output=True, check=False).stdout


def _kernel() -> tuple[Path, list[Path]]:
    """The kernel, and the modules that the machine needs in the order in which they are loaded."""
    base = os.environ.get("INFRADB_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(base) / "infradb-test-kernel"
    if not list(cache.glob("boot/vmlinuz-*")):
        _fetch_kernel(cache)
    kernel = next(cache.glob("boot/vmlinuz-*"))
    tree = cache / "lib/modules" / kernel.name.removeprefix("vmlinuz-")
    needs = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        path, _, below = line.partition(":")
        needs[path] = below.split()
    by_name = {Path(path).stem.replace("-", "_"): path for path in needs}
    ordered: dict[str, None] = {}
    for name in MODULES:
        if name in by_name:  # else it is built in
            ordered |= dict.fromkeys([*reversed(needs[by_name[name]]), by_name[name]])
    return kernel, [tree / path for path in ordered]


def _fetch_kernel(cache: Path) -> None:
    work = cache.with_name(f"{cache.name}-{os.getpid()}")
    work.mkdir(parents=True)
    try:
        told = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True, check=True
        )
        name = re.search(r"Depends: (linux-image-\S+)", told.stdout)
        if name is None:
            missing("QEMU guest", "apt knows no linux-image-cloud-amd64")
        subprocess.run(["apt-get", "download", name[1]], cwd=work, check=True, capture_output=True, timeout=300)
        subprocess.run(["dpkg-deb", "-x", str(next(work.glob("*.deb"))), str(work)], check=True)
        version = next(work.glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
        subprocess.run(["busybox", "depmod", "-b", str(work), version], check=True, capture_output=True)
        with contextlib.suppress(OSError):  # somebody else was quicker
            work.rename(cache)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, StopIteration) as error:
        missing("QEMU guest", f"the kernel's package cannot be had: {error}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make_root(root: Path, keys: Keys, modules: list[Path]) -> None:
    for name in ("etc", "root/.ssh", "modules", "var/empty"):
        (root / name).mkdir(parents=True)
    for name in ("busybox", *PROGRAMS):
        copy_program(name, root, "usr/sbin" if name == "sshd" else "bin")
    (root / "bin/sh").symlink_to("dash")
    for path in modules:
        shutil.copy(path, root / "modules")
    files = {
        "init": INIT,
        "modules.list": "".join(f"{path.name}\n" for path in modules),
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\n",
        "etc/group": "root:x:0:\nnogroup:x:65534:\n",
        "etc/machine-id": f"{MACHINE_ID}\n",
        "etc/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
        "etc/sshd_config": "UsePAM no\nStrictModes no\nHostKey /etc/hostkey\nPidFile none\nPermitRootLogin yes\n",
        "etc/hostkey": keys.make("guest").read_text(),
        "root/.ssh/authorized_keys": keys.public("client") + "\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "init").chmod(0o755)
    (root / "etc/hostkey").chmod(0o600)


def _pack(root: Path, into: Path) -> None:
    names = "\n".join(str(path.relative_to(root)) for path in [root, *sorted(root.rglob("*"))])
    packed = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"],
        input=names.encode(),
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    into.write_bytes(gzip.compress(packed, 1))
