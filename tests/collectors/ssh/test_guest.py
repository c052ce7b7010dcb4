"""A virtual machine with firmware, disks and serial numbers of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infradb.machine_id import machine_id_hash
from infradb.observation import CollectionRun
from tests.collectors.ssh.guest import MAC, MACHINE_ID, UUID, guest
from tests.collectors.ssh.peer import Keys, collector, digests, fresh_keys, things

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def readings() -> Iterator[tuple[Keys, CollectionRun, CollectionRun]]:
    """Two readings of the machine, one after the other."""
    with fresh_keys() as keys, guest(keys) as port:
        keys.know("127.0.0.1", port, "guest")
        reader = collector(keys, f"root@127.0.0.1:{port}", timeout_seconds=120, connect_timeout_seconds=60)
        yield keys, reader.collect(), reader.collect()


def said(run: CollectionRun) -> dict[str, dict[str, object]]:
    """What is said, without the machine's name before each key."""
    return {key.partition("/")[2]: values for key, values in things(run).items()}


def test_it_is_who_its_firmware_and_its_system_say(readings: tuple[Keys, CollectionRun, CollectionRun]) -> None:
    keys, run, _ = readings
    assert run.status == "complete", run.errors
    host = said(run)["host"]
    assert (host["vendor"], host["model"], host["serial_number"]) == ("LabCo", "LabBox", "SN12345")
    assert host["smbios_uuid"] == UUID
    assert host["machine_id_hash"] == machine_id_hash(MACHINE_ID)
    assert host["ssh_host_key"] == keys.fingerprint("guest")
    assert (host["hostname"], host["host_type"], host["management_ip"]) == ("guest1", "vm", "10.0.2.15")
    assert (host["os_name"], host["os_version"]) == ("Debian GNU/Linux", "12")


def test_its_disks_are_its_own(readings: tuple[Keys, CollectionRun, CollectionRun]) -> None:
    devices = said(readings[1])
    disk = devices["device//dev/vda"]
    assert (disk["device_type"], disk["capacity_gb"], disk["serial_number"]) == ("disk", 0.067, "VDASER1")
    assert (disk["filesystem_type"], disk["mount_point"]) == ("ext4", "/data")
    nvme = devices["device//dev/nvme0n1"]
    assert (nvme["model"], nvme["serial_number"], nvme["smart_status"]) == ("QEMU NVMe Ctrl", "NVMESER1", "passed")


def test_its_card_is_a_card(readings: tuple[Keys, CollectionRun, CollectionRun]) -> None:
    card = said(readings[1])["interface/eth0"]
    assert (card["mac_address"], card["driver"], card["interface_type"]) == (MAC, "virtio_net", "physical")
    assert str(card["pci_slot"]).startswith("0000:00:")


def test_a_second_reading_says_nothing_new(readings: tuple[Keys, CollectionRun, CollectionRun]) -> None:
    _, first, second = readings
    assert digests(first) == digests(second)
