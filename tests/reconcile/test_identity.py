"""What makes two things one, decided on plain values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.model.catalog import BY_TABLE
from infradb.reconcile.identity import JUNK, compatible, contradicts, hard_keys

HOSTS = BY_TABLE["hosts"]


def keys(**said: Any) -> list[tuple[str, str]]:
    return hard_keys(HOSTS, {"hostname": "h", **said})


def held(**said: Any) -> dict[str, set[str]]:
    return {scheme: {value} for scheme, value in keys(**said)}


def test_the_strongest_comes_first() -> None:
    found = keys(docker_engine_id="E", machine_id_hash="M", smbios_uuid="U", vendor="V", serial_number="S")
    assert [s for s, _ in found] == ["smbios_uuid", "vendor+serial_number", "machine_id_hash", "docker_engine_id"]


@pytest.mark.parametrize("serial", sorted(JUNK))
def test_junk_is_no_identifier_however_it_is_written(serial: str) -> None:
    for written in (serial, serial.upper(), f" {serial} "):
        assert keys(vendor="V", serial_number=written) == []
        assert keys(smbios_uuid=written) == []


@given(st.uuids())
def test_a_uuid_is_the_same_in_either_byte_order(uuid: Any) -> None:
    swapped = type(uuid)(bytes_le=uuid.bytes)
    assert keys(smbios_uuid=str(uuid)) == keys(smbios_uuid=str(swapped).upper())


def test_a_serial_number_without_its_vendor_is_no_identifier() -> None:
    assert keys(serial_number="S") == []


def test_two_values_of_an_exclusive_identifier_contradict() -> None:
    assert contradicts(HOSTS, keys(smbios_uuid="a"), held(smbios_uuid="b"))
    assert contradicts(HOSTS, keys(machine_id_hash="a"), held(machine_id_hash="b"))


def test_two_values_of_another_do_not() -> None:
    assert not contradicts(HOSTS, keys(ssh_host_key="a"), held(ssh_host_key="b"))


def test_a_stronger_one_that_agrees_forgives_a_weaker_one() -> None:
    """A machine that was installed anew has another machine-id."""
    old, new = {"smbios_uuid": "u", "machine_id_hash": "a"}, {"smbios_uuid": "u", "machine_id_hash": "b"}
    assert not contradicts(HOSTS, keys(**new), held(**old))


def test_a_weaker_one_that_agrees_does_not_forgive_a_stronger_one() -> None:
    old, new = {"smbios_uuid": "u", "machine_id_hash": "a"}, {"smbios_uuid": "w", "machine_id_hash": "a"}
    assert contradicts(HOSTS, keys(**new), held(**old))


def test_nothing_known_contradicts_nothing() -> None:
    assert not contradicts(HOSTS, keys(smbios_uuid="a"), {})
    assert not contradicts(HOSTS, [], held(smbios_uuid="b"))


@pytest.mark.parametrize(
    ("observed", "row", "expected"),
    [
        ({"host_type": "vm"}, {"host_type": "vm"}, True),
        ({"host_type": "vm"}, {"host_type": None}, True),
        ({"host_type": "vm"}, {"host_type": "docker_host"}, True),
        ({"host_type": "vm"}, {"host_type": "lxc"}, False),
        ({"vmid": 1}, {"vmid": 2}, False),
        ({"vmid": 1}, {}, True),
    ],
)
def test_kinds_and_numbers_forbid_adoption_both_ways(observed: Any, row: Any, expected: bool) -> None:
    assert compatible("hosts", observed, row) is expected
    assert compatible("hosts", row, observed) is expected


@pytest.mark.parametrize("length", [12, 64])
def test_a_container_id_is_compared_by_its_first_12_digits(length: int) -> None:
    found = hard_keys(BY_TABLE["docker_containers"], {"container_id": ("0123456789ab" + "c" * 52)[:length]})
    assert found == [("container_id", "0123456789ab")]
