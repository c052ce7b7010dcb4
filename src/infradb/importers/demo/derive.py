"""Identifiers and measured values that the lab's data leaves out."""

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import NAMESPACE_DNS, uuid5

from infradb import clock

_VENDORS = {
    "Protectli": "64:62:66",
    "MikroTik": "48:a9:8a",
    "TP-Link": "5c:62:8b",
    "Ubiquiti": "e4:38:83",
    "LENOVO": "88:a4:c2",
    "HPE": "94:40:c9",
    "Synology": "00:11:32",
    "Raspberry Pi": "dc:a6:32",
    "Hetzner": "96:00:02",
}
_OTHER_VENDOR, _PROXMOX = "58:47:ca", "bc:24:11"
_FIRST_START = datetime(2026, 10, 1, tzinfo=UTC)


def hexadecimal(name: str, length: int = 64) -> str:
    """Return hexadecimal digits that stand for a name."""
    return sha256(name.encode()).hexdigest()[:length]


def mac(name: str, vendor: str | None) -> str:
    """Return a hardware address in the range of its maker, of Proxmox where nobody made it."""
    prefix = _VENDORS.get(vendor, _OTHER_VENDOR) if vendor else _PROXMOX
    digits = hexadecimal(f"mac {name}", 6)
    return ":".join((prefix, digits[:2], digits[2:4], digits[4:]))


def uuid(name: str) -> str:
    """Return a UUID that stands for a name."""
    return str(uuid5(NAMESPACE_DNS, f"{name}.kestrel.example"))


def start_of(name: str) -> str:
    """Return the instant in October 2026 at which a thing was started; it stays when the lab is read again."""
    seconds = int(hexadecimal(f"start {name}", 6), 16) % (28 * 86400)
    return clock.to_instant(_FIRST_START + timedelta(seconds=seconds))


class Meter:
    """Measured values around a usual level; equal seeds measure equal values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - invented values keep no secret

    def share(self, total: float, usual: float) -> float:
        """Return the usual share of a total, a few percent more or less."""
        return total * min(0.97, usual * self._random.uniform(0.95, 1.05))

    def pick(self, low: int, high: int) -> int:
        """Return a whole number between two others."""
        return self._random.randint(low, high)
