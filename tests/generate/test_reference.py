"""What the reference pages are made of."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from infradb.generate.model_reference import model_reference
from infradb.generate.reference import attribute_docs, one_line, table_of
from infradb.settings import Settings


@dataclass
class Lamp:
    """A lamp."""

    colour: str = "red"
    """What it shines
    in."""

    watts: int = 5


def test_the_text_below_an_attribute_is_its_documentation() -> None:
    assert attribute_docs(Lamp) == {"colour": "What it shines in."}


def test_every_setting_is_documented() -> None:
    assert list(attribute_docs(Settings)) == [f.name for f in fields(Settings)]


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    assert table_of(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x&#124;y | z |"


def test_text_becomes_one_line() -> None:
    assert one_line(" a\n   b ") == "a b"


@pytest.mark.parametrize(
    "line",
    [
        "- Grace before it is retired: 1 hour",
        "- Identified by, strongest first: container_id",
        "| `docker_host_id` | → [hosts](#hosts) | Host whose engine runs it. **required** **owner** |",
        "| `used_ram_mb` | integer | Memory in use in MiB, without caches. **measured** |",
        "| `purpose` | text | What it is there for. **people** |",
        "| `vmid` | integer from 1 to 999999999 | Number of the guest on its hypervisor. |",
    ],
)
def test_the_model_is_described_in_words(line: str) -> None:
    assert line in model_reference().splitlines()
