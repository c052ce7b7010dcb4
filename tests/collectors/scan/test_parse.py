"""What programs and answers say, recorded and spoiled, and what of it is told."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.scan.links import parse_attachments, parse_neighbours
from infradb.collectors.scan.names import clean, mdns_name, mdns_question, netbios_name, netbios_question
from infradb.collectors.scan.parse import MOST_PER_MAC, Found, found_answers, vendor_of
from infradb.observation import Observation
from tests.collectors.fuzzing import spoiled

CASE: dict[str, Any] = json.loads((Path(__file__).with_name("cases") / "link.json").read_text(encoding="utf-8"))


def test_the_kernel_says_which_networks_are_on_the_link() -> None:
    found = {a.device: a for a in parse_attachments(CASE["address"]) if a.network.version == 4}
    assert str(found["br0"].network) == "10.88.0.0/26"
    assert found["br0"].asks
    assert not found["lo"].asks


def test_only_neighbours_that_answered_have_a_hardware_address() -> None:
    found = parse_neighbours(CASE["neighbour"])
    assert found[ipaddress.ip_address("10.88.0.12")].mac == "00:16:3e:88:00:03"
    failed = {n.mac for n in found.values() if n.state in ("FAILED", "INCOMPLETE")}
    assert failed <= {None}


def test_names_are_read_from_what_addresses_answer() -> None:
    assert netbios_name(bytes.fromhex(CASE["netbios"])) == "fileserver"
    assert mdns_name(bytes.fromhex(CASE["mdns"])) == "printer.local"


def test_questions_have_the_form_of_their_standards() -> None:
    assert netbios_question()[12:46] == b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0"
    assert len(netbios_question()) == 50
    question = mdns_question(ipaddress.ip_address("10.88.0.13"))
    assert question[-4:] == b"\x00\x0c\x80\x01"  # PTR, IN, to the asker alone


@given(spoiled(CASE["address"]), spoiled(CASE["neighbour"]))
def test_spoiled_answers_of_the_kernel_never_raise(addresses: Any, neighbours: Any) -> None:
    parse_attachments(addresses)
    parse_neighbours(neighbours)


@given(st.data())
def test_spoiled_answers_about_names_never_raise_and_give_usable_names(data: st.DataObject) -> None:
    for kind, read in (("netbios", netbios_name), ("mdns", mdns_name)):
        octets = bytearray.fromhex(CASE[kind])
        for _ in range(data.draw(st.integers(0, 6))):
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
        name = read(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
        assert name is None or clean(name) == name


@pytest.mark.parametrize("name", ["", ".", "a b", "<script>", "x" * 254, "näme", "a\x00b"])
def test_what_nobody_could_call_a_host_by_is_no_name(name: str) -> None:
    assert clean(name) is None


def test_an_address_that_one_hardware_address_claims_for_all_is_left_out() -> None:
    proxied = [ipaddress.ip_address(f"10.88.0.{n + 1}") for n in range(MOST_PER_MAC + 4)]
    found = Found(replied={proxied[0]}, macs=dict.fromkeys(proxied, "00:16:3e:00:00:01"))
    assert found.drop_proxied() == ("00:16:3e:00:00:01", MOST_PER_MAC + 3)
    assert found.alive() == [proxied[0]]


def test_the_vendor_is_whom_the_registry_names_and_nobody_for_made_up_addresses() -> None:
    assert vendor_of("bc:24:11:00:00:01") == "Proxmox Server Solutions GmbH"
    assert vendor_of("52:54:00:00:00:01") is None


@pytest.mark.parametrize(("asked", "expected"), [(True, {"open_ports": ["tcp/22", "tcp/443"]}), (False, {})])
def test_ports_are_told_only_where_they_were_asked_for(asked: bool, expected: dict[str, Any]) -> None:
    address, network = ipaddress.ip_address("10.88.0.11"), ipaddress.ip_network("10.88.0.0/26")
    found = Found(replied={address}, ports={address: [443, 22]})
    (answer,) = found_answers(found, network, (), "2026-01-01T00:00:00.000Z", asked_ports=asked)
    (said,) = answer.parse()
    assert isinstance(said, Observation)
    assert said.values == {"ip_address": "10.88.0.11", **expected}
