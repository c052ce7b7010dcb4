"""An identity of a machine that may be shown: its machine-id is confidential (machine-id(5)), a keyed hash is not."""

import hashlib
import hmac
import re
from pathlib import Path
from uuid import UUID

APPLICATION_ID = UUID("8f1d6b0e-53c7-4b0a-9a5e-2f4c7d19e6b3")
"""What the hash is bound to, so that no other program's hash of the same machine equals ours; never changes."""

_MACHINE_ID = re.compile(r"[0-9a-f]{32}")
_CONTAINER_CGROUP = re.compile(r"/(?:docker|lxc|libpod|kubepods|containerd|crio|podman)[-/.]|/machine-libpod")
_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")


def machine_id_hash(machine_id: str) -> str | None:
    """Return HMAC-SHA256(key: the 16 bytes of the machine-id, message: `APPLICATION_ID`) as 64 hexadecimal digits.

    The construction is that of sd_id128_get_machine_app_specific(3), not cut to 128 bits. None where the text is
    no machine-id, such as `uninitialized` in an image that was never booted.
    """
    text = machine_id.strip().lower().replace("-", "")
    if not _MACHINE_ID.fullmatch(text) or text == "0" * 32:
        return None
    return hmac.new(bytes.fromhex(text), APPLICATION_ID.bytes, hashlib.sha256).hexdigest()


def read_machine_id_hash(root: Path = Path("/")) -> str | None:
    """Return the hash of the machine below `root`; None where it has no machine-id that can be read."""
    for name in ("etc/machine-id", "var/lib/dbus/machine-id"):
        try:
            text = (root / name).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            continue
        if found := machine_id_hash(text):
            return found
    return None


def inside_container(root: Path = Path("/")) -> bool:
    """Tell whether this process runs in an application container, whose machine-id is not the machine's.

    Known by the marks that Docker and Podman leave, or by the name of the first process's control group. A full
    system container (LXC) that hides its outer group counts as a machine: it has a machine-id of its own.
    """
    if any((root / mark).exists() for mark in _CONTAINER_MARKS) and not _has_own_disk(root):
        return True
    try:
        groups = (root / "proc/1/cgroup").read_text("utf-8", "replace")
    except OSError:
        return False
    return bool(_CONTAINER_CGROUP.search(groups))


def _has_own_disk(root: Path) -> bool:
    """Tell whether the root is a whole file system on a device, which no engine gives to a container.

    Machines made from a container's image keep its mark (proc_pid_mountinfo(5): fields 4, 5 and the source).
    """
    try:
        lines = (root / "proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    mounts = [line.split() for line in lines]
    roots = [m for m in mounts if len(m) > 6 and m[4] == "/" and "-" in m]
    return bool(roots) and roots[-1][3] == "/" and roots[-1][roots[-1].index("-") + 2].startswith("/dev/")
