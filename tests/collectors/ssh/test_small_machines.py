"""A machine that has busybox and dropbear and nothing else, as OpenWrt's do."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collectors.ssh.peer import (
    SYSTEM_PATH,
    Keys,
    accepts,
    collector,
    copy_program,
    fresh_keys,
    things,
    wait_until,
)
from tests.peers import missing


@pytest.fixture(scope="module")
def router() -> Iterator[tuple[Keys, int]]:
    """Dropbear on loopback in a root of its own, where busybox is every program; the keys, and its port."""
    for name in ("busybox", "dropbear"):
        if shutil.which(name, path=SYSTEM_PATH) is None or os.geteuid() != 0:
            missing(name, "not installed, or the tests do not run as root")
    with fresh_keys() as keys:
        root = keys.folder / "root"
        _make_root(root, keys)
        port = next(p for p in range(21000, 30000) if not accepts("127.0.0.1", p))  # what is higher is no service
        mounts = " && ".join(f"mount --rbind /{name} {root}/{name}" for name in ("proc", "sys", "dev"))
        start = f"{mounts} && exec chroot {root} /bin/dropbear -F -s -R -P '' -p 127.0.0.1:{port} -r /etc/dropbear/key"
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", start],
            env={"PATH": SYSTEM_PATH},
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: accepts("127.0.0.1", port))
            yield keys, port
        finally:
            process.terminate()
            process.wait(10)


def _make_root(root: Path, keys: Keys) -> None:
    for name in ("etc/dropbear", "root/.ssh", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    for name in ("busybox", "dropbear"):
        copy_program(name, root, "bin")
    with contextlib.chdir(root):
        for applet in subprocess.run(
            ["bin/busybox", "--list"], capture_output=True, text=True, check=True
        ).stdout.split():
            with contextlib.suppress(FileExistsError):
                Path("bin", applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/ash\n")
    (root / "etc/shells").write_text("/bin/ash\n")
    (root / "etc/os-release").write_text('NAME="OpenWrt"\nVERSION_ID="23.05.5"\n')
    (root / "root/.ssh/authorized_keys").write_text(keys.public("client") + "\n")
    (root / "root/.profile").write_text("echo 'BusyBox built-in shell (ash)'\n")
    for path in (root, root / "root", root / "root/.ssh"):
        path.chmod(0o700)
    (root / "root/.ssh/authorized_keys").chmod(0o600)
    key = str(root / "etc/dropbear/key")
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", key], check=True, capture_output=True)


def _public(keys: Keys) -> tuple[str, str]:
    """The router's public key and its fingerprint, as its own dropbearkey tells them."""
    command = ["dropbearkey", "-y", "-f", str(keys.folder / "root/etc/dropbear/key")]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    key = next(line for line in lines if line.startswith("ssh-ed25519"))
    return key, next(line.split()[-1] for line in lines if line.startswith("Fingerprint"))


def test_a_router_with_nothing_but_busybox_tells_what_it_has(router: tuple[Keys, int]) -> None:
    keys, port = router
    key, fingerprint = _public(keys)
    keys.known[f"[127.0.0.1]:{port}"] = key
    run = collector(keys, f"root@127.0.0.1:{port}").collect()
    assert run.status == "complete", run.errors
    name = f"127.0.0.1:{port}"
    host = things(run, f"{name}/host")[f"{name}/host"]
    assert (host["os_name"], host["os_version"]) == ("OpenWrt", "23.05.5")
    assert host["ssh_host_key"].removeprefix("SHA256:") == fingerprint.removeprefix("SHA256:").rstrip("=")
    assert "machine_id_hash" not in host
    assert host["kernel"] == os.uname().release
    links = things(run, f"{name}/interfaces")
    assert links[f"{name}/interface/lo"]["interface_type"] == "loopback"
    spaces = {v["vrf"] for v in links.values() if v.get("ip_address") == "127.0.0.1"}
    # Without a machine-id the host key tells its loopback from that of every other machine called OpenWrt.
    assert spaces != {f"host:{host['hostname']}"}
    services = things(run, f"{name}/services")
    assert services[f"{name}/service/tcp/{port}"]["process"] == "dropbear"


def test_what_it_lacks_is_told_and_makes_nothing_partial(router: tuple[Keys, int]) -> None:
    keys, port = router
    keys.known[f"[127.0.0.1]:{port}"] = _public(keys)[0]
    found = collector(keys, f"root@127.0.0.1:{port}").diagnose()
    lacking = {d.needs.partition(": ")[2].split(",")[0] for d in found if not d.ok}
    assert {"ss", "lsblk", "ip with -j"} <= lacking
    assert all(d.hint for d in found if not d.ok)
