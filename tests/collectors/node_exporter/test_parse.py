"""What a node_exporter's metrics mean: recorded from version 1.5, and written by hand after its documentation."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.node_exporter.parse import parse_exporter
from infradb.collectors.node_exporter.settings import NodeExporterSettings
from infradb.errors import CollectionError
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation
from tests.collectors.fuzzing import spoiled_text

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, Any] = orjson.loads((CASES / "expected.json").read_bytes())
URL = "http://10.0.0.5:9100"
HOST = "exporter/10.0.0.5:9100"


def text_of(name: str) -> str:
    return (CASES / f"{name}.txt").read_text("utf-8")


def things(text: str) -> tuple[dict[str, Observation], tuple[str, ...]]:
    parts, errors = parse_exporter(text, URL)
    said = [o for answers in parts.values() for a in answers for o in a.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}, errors


@pytest.mark.parametrize("name", EXPECTED)
def test_a_machine_says_what_its_case_expects(name: str) -> None:
    said, errors = things(text_of(name))
    case = orjson.loads(orjson.dumps(EXPECTED[name]).decode().replace("$HOST", HOST))
    assert len(errors) == case["errors"], errors
    for suffix, fields in case["said"].items():
        values = said[HOST + suffix].values
        assert {f: values.get(f, "unsaid") for f in fields} == fields
    assert [s for s in case["absent"] if HOST + s in said] == []
    assert "hunter2" not in repr(said)


def test_a_container_that_shows_its_hosts_firmware_does_not_claim_it() -> None:
    host = things(text_of("bare_metal"))[0][HOST].values
    guest = things(text_of("lxc_guest"))[0][HOST].values
    assert host["smbios_uuid"]
    assert {"smbios_uuid", "serial_number", "mac_addresses"}.isdisjoint(guest)


def test_what_is_measured_does_not_change_the_digest() -> None:
    text = text_of("bare_metal")
    other = text.replace("MemAvailable_bytes 2.4e+10", "MemAvailable_bytes 1.4e+10").replace("4.2e+11", "3.2e+11")
    other = other.replace("node_boot_time_seconds 1.79e+09", "node_boot_time_seconds 1790000001")
    one, two = parse_exporter(text, URL)[0], parse_exporter(other, URL)[0]
    assert [a.digest for p in one.values() for a in p] == [a.digest for p in two.values() for a in p]
    assert one["host"][0].measured != two["host"][0].measured
    assert one["storage"][0].measured[f"{HOST}/device//dev/nvme0n1p2"] == {"used_gb": 80.0, "available_gb": 400.0}


def test_a_part_that_is_not_told_is_not_among_the_answers() -> None:
    text = "\n".join(line for line in text_of("bare_metal").splitlines() if "address_info" not in line)
    assert sorted(parse_exporter(text, URL)[0]) == ["host", "interfaces", "storage"]


@pytest.mark.parametrize("text", ["", "<html><body>Log in</body></html>", "up 1\n", "{", "node_uname_info 1"])
def test_what_is_no_node_exporter_is_told(text: str) -> None:
    with pytest.raises(CollectionError) as raised:
        parse_exporter(text, URL)
    assert raised.value.hint


@given(st.sampled_from(sorted(EXPECTED)).flatmap(lambda name: spoiled_text(text_of(name))))
def test_a_spoiled_page_raises_nothing_but_what_it_may(text: str) -> None:
    with contextlib.suppress(CollectionError):
        things(text)


@pytest.mark.parametrize("urls", ["", "ftp://x", "http://u:p@x:1", "http://a:1,http://a:1", "http://x:99999", "x"])
def test_a_wrong_address_is_refused(urls: str) -> None:
    with pytest.raises(ValueError, match=r"urls"):
        NodeExporterSettings.model_validate({"urls": urls})
