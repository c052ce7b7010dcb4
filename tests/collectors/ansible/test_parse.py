"""What Ansible's facts mean: a cache that ansible-core 2.19 really wrote, others by hand after its documentation."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.collectors.ansible.client import AnsibleClient, FactFile
from infradb.collectors.ansible.parse import gathered_at, parse_facts, read_facts
from infradb.collectors.ansible.settings import AnsibleSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.machine_id import machine_id_hash
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation
from infradb.transport.calls import CallLog
from tests.collectors.fuzzing import spoiled

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, Any] = orjson.loads((CASES / "expected.json").read_bytes())


def content_of(name: str) -> Any:
    (file,) = AnsibleClient(CASES, CallLog()).files([CASES / name])
    assert isinstance(file, FactFile)
    return file.content


def things(answer: Answer) -> dict[str, Observation]:
    said = [o for o in answer.parse() if isinstance(o, Observation)]
    for one in said:
        BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    assert len({o.key for o in said}) == len(said)
    return {o.key: o for o in said}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_machine_says_what_its_case_expects(name: str) -> None:
    case = EXPECTED[name]
    answer = parse_facts(read_facts(content_of(name), name), name)
    said = things(answer)
    text = re.sub(r"\$HASH\((\w+)\)", lambda m: str(machine_id_hash(m[1])), orjson.dumps(case["said"]).decode())
    assert answer.key == case["host"]
    for suffix, fields in orjson.loads(text).items():
        values = said[case["host"] + suffix].values
        assert {f: values.get(f, "unsaid") for f in fields} == fields
    assert [s for s in case["absent"] if case["host"] + s in said] == []
    assert "hunter2" not in repr(said)
    assert "0123456789abcdef0123456789abcdef" not in repr(answer)


def test_what_goes_on_by_itself_does_not_change_the_digest() -> None:
    facts = read_facts(content_of("s1_web1"), "web1")
    later = {
        **facts,
        "uptime_seconds": 9,
        "memory_mb": {"nocache": {"used": 1}},
        "date_time": {"epoch": "1800000000"},
        "interfaces": list(reversed(facts["interfaces"])),
        "mounts": [{**m, "size_available": 1} for m in facts["mounts"]],
    }
    one, two = parse_facts(facts, "web1"), parse_facts(later, "web1")
    assert one.digest == two.digest
    assert one.measured != two.measured
    assert parse_facts(facts, "web1", fresh=False).measured == {}


def test_an_application_container_says_no_machine_id() -> None:
    facts = {**read_facts(content_of("s1_web1"), "web1"), "mounts": []}
    host = things(parse_facts(facts, "web1"))["host/web1"].values
    assert {"machine_id_hash", "host_type"}.isdisjoint(host)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [("1795000000", 1_795_000_000), ("0", 5.0), ("9999999999", 5.0), ("x", 5.0), (None, 5.0), ([], 5.0)],
)
def test_a_clock_that_is_off_gives_way_to_the_time_of_the_file(epoch: Any, expected: float) -> None:
    assert gathered_at({"date_time": {"epoch": epoch}}, 5.0, 1_795_000_001) == expected


@pytest.mark.parametrize("content", [None, [], {}, "x", {"ansible_facts": {}}, {"__payload__": "{"}, {"hostname": 5}])
def test_what_holds_no_facts_is_told(content: Any) -> None:
    with pytest.raises(SourceMalformed) as raised:
        read_facts(content, "web1")
    assert raised.value.hint


@given(st.sampled_from(sorted(EXPECTED)).flatmap(lambda name: spoiled(read_facts(content_of(name), name))))
def test_spoiled_facts_raise_nothing_but_what_they_may(content: Any) -> None:
    with contextlib.suppress(CollectionError):
        facts = read_facts(content, "web1")
        gathered_at(facts, 0, 1_795_000_000)
        things(parse_facts(facts, "web1"))


@pytest.mark.parametrize("age", ["", "7", "x", "7 parsecs"])
def test_a_wrong_age_is_refused(age: str) -> None:
    with pytest.raises(ValueError, match="max_age"):
        AnsibleSettings(path=Path("x"), max_age=age)
