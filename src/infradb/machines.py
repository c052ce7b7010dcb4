"""What machines show about themselves, in the one form in which it is compared, and what of it stands for nothing."""

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Iterable

from infradb.redaction import redact_text

_JUNK = re.compile(
    r"^(to be filled.*|default ?string|none|null|n/?a|not (specified|applicable|available|set|present)|unknown|invalid|"
    r"empty|oem|o\.e\.m\.?|standard|undefined|chassis.*|base ?board.*|system (serial number|product name|manufacturer|"
    r"name|version|sku)|sku|type1\w*|0?123456789\w*|x{3,}|\.+|-+|0+|f+)?$",
    re.IGNORECASE,
)
_JUNK_UUIDS = {
    # Boards whose maker left what the firmware's vendor gave as an example.
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
}
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_DOCKER_BRIDGE = re.compile(r"^(docker0|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-podman\d+)$")
# Docker, CNI and LXD roll hexadecimal dice; Proxmox's veth101i0 names its guest, veth0 is a person's.
_CONTAINER_END = re.compile(r"^(veth[0-9a-f]{7,8}|cali[0-9a-f]{11})$")
_PARTITION = re.compile(r"^/dev/(?:[shv]d[a-z]+\d+|xvd[a-z]+\d+|(?:nvme\d+n\d+|mmcblk\d+)p\d+)$")
_KINDS_OF_FILE_SYSTEMS = {
    **dict.fromkeys(("nfs", "nfs4"), "nfs"),
    **dict.fromkeys(("cifs", "smb3", "smbfs"), "smb"),
    "zfs": "zfs",
    "btrfs": "btrfs",
    "fuse.mergerfs": "mergerfs",
}
_CREDENTIALS = re.compile(r"^(//|\w+://)[^/@]+@")
_OWN_SPACE = [ipaddress.ip_network(n) for n in ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")]


def is_junk(text: str) -> bool:
    """Tell whether firmware says nothing with it: `To Be Filled By O.E.M.`, `Default string`, `0` …

    >>> [is_junk(text) for text in ("To be filled by O.E.M.", "0", "None", "PF3X9K2L")]
    [True, True, True, False]
    """
    return bool(_JUNK.match(text.strip()))


def smbios_uuid(text: str) -> str | None:
    """Return a system UUID in lower case; None where it is none, or one that many boards share."""
    uuid = text.strip().lower()
    good = _UUID.match(uuid) and len(set(uuid.replace("-", ""))) > 2 and uuid not in _JUNK_UUIDS
    return uuid if good else None


def ssh_fingerprint(lines: Iterable[str], shown: str | None = None) -> str | None:
    """Return the SHA-256 fingerprint of the best public host key (`ssh-ed25519 AAAA…`), as ssh-keygen(1) prints it.

    What a machine has `shown` at login counts, unless it is one of the keys in its files: then the best of those, so
    that a machine that is read here and from elsewhere says one key.
    """
    keys: dict[str, str] = {}
    for line in lines:
        kind, _, rest = line.partition(" ")
        try:
            blob = base64.b64decode(rest.split(" ")[0], validate=True)
        except (binascii.Error, ValueError):
            continue
        if blob:
            digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
            keys.setdefault(kind.split("-sha2")[0], f"SHA256:{digest}")
    if shown and shown not in keys.values():
        return shown
    return next((keys[kind] for kind in ("ssh-ed25519", "ecdsa", "ssh-rsa") if kind in keys), None)


def is_docker_bridge(name: str) -> bool:
    """Tell whether a bridge bears a name that Docker or Podman gives to its own."""
    return bool(_DOCKER_BRIDGE.match(name))


def is_container_end(name: str) -> bool:
    """Tell whether an interface bears a name that engines give to the outer end of a container's veth pair."""
    return bool(_CONTAINER_END.match(name))


def is_own_space(address: str) -> bool:
    """Tell whether an address means something else on every machine, loopback and link-local, or is none at all."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return True
    return any(ip.version == net.version and ip in net for net in _OWN_SPACE)


def mount_source(text: str) -> str:
    """Return what is mounted without the name and password in it.

    >>> mount_source("//ann:hunter2@nas/media")
    '//***@nas/media'
    """
    return redact_text(_CREDENTIALS.sub(r"\1***@", text))


def storage_kind(device: str, filesystem: str) -> str:
    """Return the type of storage device that a mounted source is, as far as its name and file system tell.

    >>> [storage_kind(*mount) for mount in (("/dev/sda1", "ext4"), ("nas:/media", "nfs4"), ("/dev/vdb", "xfs"))]
    ['partition', 'nfs', 'disk']
    """
    if kind := _KINDS_OF_FILE_SYSTEMS.get(filesystem):
        return kind
    if device.startswith(("/dev/mapper/", "/dev/dm-")):
        return "lvm"
    if device.startswith("/dev/loop"):
        return "loop"
    if device.startswith("/dev/md"):
        return "raid"
    return "partition" if _PARTITION.match(device) else "disk" if device.startswith("/dev/") else "other"
