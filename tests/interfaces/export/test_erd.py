"""The ER diagram names everything, and each form of it is what its readers take."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from infradb.errors import UsageError
from infradb.interfaces.export.erd import ErdFormat, Statistics, erd
from infradb.interfaces.export.erd_layout import BLOCKS, WIDTH, Diagram, lay_out
from infradb.interfaces.export.erd_tables import tables
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, RECORD_TYPES, RECORDS
from tests import peers

TYPES = (*ENTITY_TYPES, *RECORD_TYPES)
STATISTICS = Statistics(
    rows={"hosts": 23, "docker_containers": 80, "services": 77, "networks": 2, "claims": 1_234_567},
    tables=39,
    views=7,
    database_bytes=428 * 1024,
    generated="2026-01-29",
)
FORMATS: tuple[ErdFormat, ...] = ("ascii", "mermaid", "dot", "svg")
GOES_UP, GOES_LEFT, GOES_RIGHT = "│├┤┘└┴", "─┬┴┐┘┤", "─┬┴┌└├"


@pytest.fixture(scope="module")
def diagram() -> Diagram:
    return lay_out(tables(STATISTICS))


class TestAllForms:
    @pytest.mark.parametrize("form", FORMATS)
    def test_every_table_is_named(self, form: ErdFormat) -> None:
        text = erd(STATISTICS, form).lower()
        assert not [t.table for t in TYPES if t.table not in text]

    @pytest.mark.parametrize("form", FORMATS)
    def test_figures_are_told(self, form: ErdFormat) -> None:
        text = erd(STATISTICS, form)
        assert "428KB" in text
        assert "2026-01-29" in text

    @pytest.mark.parametrize("form", FORMATS)
    def test_an_empty_database_has_a_diagram_too(self, form: ErdFormat) -> None:
        assert "hosts" in erd(Statistics(), form).lower()

    def test_another_form_is_refused(self) -> None:
        with pytest.raises(UsageError, match="png"):
            erd(STATISTICS, "png")  # type: ignore[arg-type]


class TestLayout:
    def test_every_table_has_one_box(self, diagram: Diagram) -> None:
        assert sorted(box.table.name for box in diagram.boxes) == sorted((*BY_TABLE, *RECORDS))

    def test_places_are_kept_for_tables_that_exist(self) -> None:
        placed = [name for _, rows in BLOCKS for row in rows for name in row]
        assert len(placed) == len(set(placed))
        assert set(placed) <= {*BY_TABLE, *RECORDS}

    def test_a_table_without_a_place_stands_in_the_last_block(self) -> None:
        known = tables(STATISTICS)
        drawn = lay_out({**known, "racks": replace(known["sites"], name="racks")})
        assert drawn.headings[-1][1] == "OTHERS"
        assert drawn.boxes[-1].table.name == "racks"

    def test_boxes_do_not_touch(self, diagram: Diagram) -> None:
        taken: set[tuple[int, int]] = set()
        for box in diagram.boxes:
            cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.bottom + 1)}
            assert not cells & taken
            taken |= cells

    def test_lines_pass_through_no_box(self, diagram: Diagram) -> None:
        inside = {
            (x, y)
            for box in diagram.boxes
            for x in range(box.x, box.x + box.width)
            for y in range(box.y, box.bottom)  # the lower border is where lines leave
        }
        for line in diagram.lines:
            cells = {(x, y) for x in range(line.x1, line.x2 + 1) for y in range(line.y1, line.y2 + 1)}
            assert not cells & inside, line

    def test_lines_of_two_nets_cross_but_never_share_a_way(self, diagram: Diagram) -> None:
        used: dict[tuple[int, int, bool], str] = {}
        for line in diagram.lines:
            upright = line.x1 == line.x2
            for x in range(line.x1, line.x2 + 1):
                for y in range(line.y1, line.y2 + 1):
                    assert used.setdefault((x, y, upright), line.net) == line.net

    def test_every_reference_has_an_arrow(self, diagram: Diagram) -> None:
        boxes = {box.table.name: box for box in diagram.boxes}
        for described in TYPES:
            for field in described.references:
                if field.references in boxes and field.references != described.table:
                    box = boxes[described.table]
                    heads = [a for a in diagram.arrows if a[0] == field.references and a[2] == box.y - 1]
                    assert any(box.x < x < box.x + box.width for _, x, _ in heads), f"{described.table}.{field.name}"


class TestAscii:
    def test_it_fits(self) -> None:
        lines = erd(STATISTICS).splitlines()
        assert max(map(len, lines)) <= WIDTH
        assert not [line for line in lines if line != line.rstrip()]

    def test_every_border_goes_on(self) -> None:
        lines = erd(STATISTICS).split("\nLegend")[0].splitlines()
        width = max(map(len, lines))
        grid = [line.ljust(width) for line in lines]
        for y, line in enumerate(grid):
            for x, glyph in enumerate(line):
                place = f"line {y + 1}, column {x + 1}: {glyph}"
                if glyph in "┌┐├┤┬":
                    assert grid[y + 1][x] in f"{GOES_UP}▼", place
                if glyph in "┌└├┬┴":
                    assert line[x + 1] in f"{GOES_LEFT}│", place
                if glyph in "┐┘┤┬┴":
                    assert line[x - 1] in f"{GOES_RIGHT}│", place

    def test_boxes_are_aligned(self, diagram: Diagram) -> None:
        lines = erd(STATISTICS).splitlines()
        offset = next(n for n, line in enumerate(lines) if line.startswith("── "))
        for box in diagram.boxes:
            for y in range(box.y, box.bottom + 1):
                piece = lines[y + offset][box.x : box.x + box.width]
                assert len(piece) == box.width
                ends = "│┌├└", "│┐┤┘"
                assert piece[0] in ends[0], piece
                assert piece[-1] in ends[1], piece

    def test_keys_are_marked(self) -> None:
        text = erd(STATISTICS)
        assert "│ parent_host_id (FK) ↺ │" in text
        assert re.search(r"│ HOSTS +23 │", text)
        assert re.search(r"│ service_id \(PK, FK\) +│", text)

    def test_statistics_are_the_seeds(self) -> None:
        text = erd(STATISTICS)
        assert "Table Statistics (as of 2026-01-29)" in text
        assert "│ docker_containers       │ 80        │" in text
        for label, value in (("TOTAL TABLES", "39"), ("TOTAL VIEWS", "7"), ("DATABASE SIZE", "428KB")):
            assert re.search(rf"│ {label} +│ {value} +│", text)


class TestMermaid:
    def test_every_line_is_one_that_its_grammar_has(self) -> None:
        first, *lines = erd(STATISTICS, "mermaid").splitlines()
        grammar = re.compile(
            r'    (%% .*|\w+ \{|\}|    [a-z]+ \w+( (PK|FK|PK, FK))?|\w+ (\|\||\|o)--o\{ \w+ : "\w+")',
        )
        assert first == "erDiagram"
        assert not [line for line in lines if not grammar.fullmatch(line)]

    def test_a_reference_that_may_be_missing_says_so(self) -> None:
        text = erd(STATISTICS, "mermaid")
        assert 'hosts ||--o{ network_interfaces : "host_id"' in text
        assert 'hosts |o--o{ hosts : "parent_host_id"' in text


class TestDot:
    def test_graphviz_draws_it(self) -> None:
        program = shutil.which("dot")
        if program is None:
            peers.missing("graphviz", "the program dot is not installed")
        drawn = subprocess.run(
            [program, "-Tsvg"], input=erd(STATISTICS, "dot"), capture_output=True, text=True, check=True, timeout=60
        )
        assert drawn.stderr == ""
        titles = {e.text for e in ET.fromstring(drawn.stdout).iter("{http://www.w3.org/2000/svg}title")}
        assert titles >= {t.table for t in TYPES}
        assert "hosts->docker_containers:docker_host_id" in titles


class TestSvg:
    def test_it_stands_alone(self) -> None:
        text = erd(STATISTICS, "svg")
        root = ET.fromstring(text)
        tags = {element.tag.split("}")[1] for element in root.iter()}
        assert not tags & {"script", "image", "foreignObject", "a"}
        assert "url(" not in text
        assert "prefers-color-scheme:dark" in text
        assert root.find("{http://www.w3.org/2000/svg}title") is not None

    def test_text_is_escaped(self) -> None:
        text = erd(Statistics(generated="<today> & \x00"), "svg")
        assert "&lt;today&gt; &amp; �" in text
        ET.fromstring(text)
