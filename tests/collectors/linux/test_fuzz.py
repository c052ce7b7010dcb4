"""What broken, foreign or hostile machines may print: it costs its own scope, and nothing is ever raised."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import Facts, Section, split_sections
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation
from tests.collectors.fuzzing import spoiled, spoiled_text
from tests.collectors.linux.recorded import NAMES, load

TOKEN = "0123456789abcdef"
CASES = [load(name) for name in NAMES]
IN_JSON = [(case, name) for case in CASES for name, said in case.sections.items() if "json" in said]
IN_TEXT = [(case, name) for case in CASES for name, said in case.sections.items() if any(said.get("lines", ()))]
often = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def sound(facts: Facts) -> None:
    """Says that what is understood of the facts can be taken in as it is."""
    seen: set[str] = set()
    wanted: set[str] = set()
    for scope in parse_facts(facts, "web1/"):
        assert scope.name.startswith("web1/")
        assert (scope.status == "complete") == (not scope.errors)
        for answer in scope.answers:
            for said in answer.parse():
                assert isinstance(said, Observation)
                assert said.key.startswith("web1/")
                assert said.key not in seen
                seen.add(said.key)
                kind = BY_TABLE[said.table]
                kind.adapter.validate_python(dict(said.values))
                assert "\\u0000" not in json.dumps(dict(said.values), allow_nan=False)
                json.dumps(dict(said.values), ensure_ascii=False).encode()
                wanted |= {said.values[f.name] for f in kind.references if said.values.get(f.name) is not None}
            for values in answer.measured.values():
                assert all(value >= 0 for value in values.values())
    assert wanted <= {*seen, "web1/host"}
    diagnose_facts(facts)


@given(st.data())
@often
def test_json_of_any_other_shape_is_never_an_exception(data: st.DataObject) -> None:
    case, name = data.draw(st.sampled_from(IN_JSON), label="section")
    document: Any = data.draw(spoiled(case.sections[name]["json"]))
    sound(case.facts(**{name: Section(json.dumps(document), 0)}))


@given(st.data())
@often
def test_text_of_any_other_shape_is_never_an_exception(data: st.DataObject) -> None:
    case, name = data.draw(st.sampled_from(IN_TEXT), label="section")
    text = data.draw(spoiled_text("\n".join(case.sections[name]["lines"]) + "\n"))
    text = text.replace("\0", "")  # as `split_sections` leaves none
    sound(case.facts(**{name: Section(text, data.draw(st.sampled_from([0, 1, 124, -1])))}))


@given(st.data())
@often
def test_output_that_is_cut_or_mixed_up_is_never_an_exception(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    printed = data.draw(spoiled_text(printed_by(case.facts())))
    sound(split_sections(printed, TOKEN))


@given(st.binary(max_size=500), st.text(max_size=500))
def test_noise_is_four_failed_scopes(noise: bytes, text: str) -> None:
    for printed in (noise.decode("utf-8", "replace"), text):
        assert {scope.status for scope in parse_facts(split_sections(printed, TOKEN))} == {"failed"}


def printed_by(facts: Facts) -> str:
    """The output of the script that gives these facts."""
    parts = [
        f"@@{TOKEN} begin {name}\n{said.output}\n@@{TOKEN} end {name} {max(said.status, 0)} {said.message}\n"
        for name, said in facts.sections.items()
    ]
    return "".join(parts) + f"@@{TOKEN} done\n"
