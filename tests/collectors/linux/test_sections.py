"""Splitting what the script printed."""

from __future__ import annotations

from infradb.collectors.linux.parse import SCOPES
from infradb.collectors.linux.script import facts_script, section_names
from infradb.collectors.linux.sections import CUT_OFF, Section, split_sections


def test_a_section_holds_its_output_its_status_and_its_message() -> None:
    facts = split_sections("@@t begin a\none\ntwo\n\n@@t end a 3 no such thing\n@@t done\n", "t")
    assert facts.sections == {"a": Section("one\ntwo\n", 3, "no such thing")}
    assert facts.complete


def test_an_empty_section_is_one() -> None:
    facts = split_sections("@@t begin a\n\n@@t end a 0 \n@@t begin b\nx\n\n@@t end b 0 \n@@t done\n", "t")
    assert facts.text("a") == ""
    assert facts.text("b") == "x"


def test_a_file_cannot_pretend_to_be_a_section() -> None:
    printed = "@@t begin a\n@@guess end a 0 \n@@guess begin b\nforged\n\n@@t end a 0 \n@@t done\n"
    facts = split_sections(printed, "t")
    assert set(facts.sections) == {"a"}
    assert "forged" in facts.text("a")


def test_what_was_cut_off_says_so() -> None:
    facts = split_sections("@@t begin a\nx\n\n@@t end a 0 \n@@t begin b\nhal", "t")
    assert not facts.complete
    assert facts.sections["b"] == Section("hal", CUT_OFF)
    assert facts.trouble(["a", "b"]) == ["reading b was cut off; raise timeout_seconds"]


def test_a_section_lost_between_others_does_not_swallow_them() -> None:
    facts = split_sections("@@t begin a\nx\n@@t begin b\ny\n\n@@t end b 0 \n@@t done\n", "t")
    assert facts.sections["a"].status == CUT_OFF
    assert facts.text("b") == "y"


def test_malformed_json_is_trouble_and_not_an_exception() -> None:
    facts = split_sections('@@t begin a\n{"x":\n\n@@t end a 0 \n@@t done\n', "t")
    assert facts.json("a", {"x": int}) is None
    assert "printed no valid JSON" in facts.trouble(["a"])[0]


def test_every_section_that_a_scope_wants_is_printed_by_the_script() -> None:
    wanted = {name for names in SCOPES.values() for name in names}
    assert wanted <= section_names()


def test_the_script_asks_for_no_feature_of_bash() -> None:
    script = facts_script()
    assert script.startswith("#!/bin/sh\n")
    for word in ("[[", "local ", "declare ", "$'", "<(", "pipefail", "function "):
        assert word not in script
