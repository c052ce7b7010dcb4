"""Nothing is lost, and nothing bad gets in: what cannot stand is in quarantine, and only that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from infradb.model.catalog import BY_TABLE
from tests.importers.infrastructure_db.whole import Whole, read
from tests.importers.legacy_lab import DIRT, LAYOUTS, build

pytestmark = pytest.mark.parametrize("layout", LAYOUTS)


def assert_sound(whole: Whole, path: Path) -> None:
    """Check what must hold for every file, however dirty."""
    for key, each in whole.seen.items():
        kind = BY_TABLE[each.table]
        values = dict(each.values)
        assert kind.adapter.validate_python(values) == values, key
        assert not [f.name for f in kind.fields.values() if f.required and f.name not in values], key
        assert not set(values) - set(kind.claimable) - {f.name for f in kind.measured}, key
        for reference in kind.references:
            if reference.name in values:
                assert whole.seen[values[reference.name]].table == reference.references, (key, reference.name)
    whole.quarantined()
    with closing(sqlite3.connect(path)) as database:
        for table, counts in whole.report["tables"].items():
            rows = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            assert counts["read"] == rows, table
            assert counts["read"] == counts["imported"] + counts["merged"] + counts["quarantined"], table
            mine = [r for r in whole.rejected if r.key.startswith(f"{table}/")]
            assert counts["quarantined"] == len([r for r in mine if not r.field]), table
            assert counts["fields_quarantined"] == len([r for r in mine if r.field]), table


@pytest.mark.parametrize("kind", DIRT)
def test_each_kind_of_dirt_leaves_what_is_expected_in_quarantine(kind: str, layout: str, tmp_path: Path) -> None:
    lab = build(tmp_path / "old.db", layout=layout, dirt=[kind])
    whole = read(lab.path)
    assert whole.quarantined() == lab.expected[kind]
    assert_sound(whole, lab.path)


def test_a_clean_file_leaves_nothing_in_quarantine(layout: str, tmp_path: Path) -> None:
    lab = build(tmp_path / "old.db", layout=layout, scale=2)
    whole = read(lab.path)
    assert whole.rejected == []
    assert_sound(whole, lab.path)


def test_all_dirt_at_once_is_told_apart(layout: str, tmp_path: Path) -> None:
    lab = build(tmp_path / "old.db", layout=layout, scale=3, dirt=True)
    whole = read(lab.path)
    assert_sound(whole, lab.path)
    rows = {key for key, field in whole.quarantined() if not field}
    for kind, expected in lab.expected.items():
        for key, field in expected:
            assert (key, field) in whole.quarantined() or key in rows, kind


def test_reasons_are_for_people(layout: str, tmp_path: Path) -> None:
    lab = build(tmp_path / "old.db", layout=layout, dirt=["addresses", "bad_values", "malformed_json"])
    whole = read(lab.path)
    assert whole.reason("hosts/2", "management_ip") == "management_ip is not an IP address"
    assert (
        whole.reason("hosts/3", "status") == "status is none of active, stopped, maintenance, decommissioned, unknown"
    )
    assert whole.reason("hosts/3", "parent_host_id") == "parent_host_id names the row itself"
    assert whole.reason("network_interfaces/3", "vlan_id") == "vlan_id is not a whole number from 0 to 4095"
    assert whole.reason("docker_containers/1", "ports") == "ports is malformed JSON"
    outside = next(r.reason for r in whole.rejected if r.field == "network_id" and "10.99.0.7" in r.reason)
    assert outside == "network_id names networks/1, but 10.99.0.7 is not in 10.0.0.0/24"


VALUES: list[Any] = [
    *(None, "", " ", -1, 0, 1, 2**62, 1.5, 1e999, b"\xff\xfe", b"text", "a\0b", "x" * 300, "é" * 3, "true"),
    *("{", "[]", "{}", '["a"]', '[{"a": null}]', "null", '"a"', "NaN", '["\\u0000"]', '{"a": {"IPAddress": " "}}'),
    *("10.0.0.1", "10.0.0.0/24", "fe80::1%eth0", "00:11:22:33:44:55", "http://x/", "https://" + "x" * 300),
    *("2025-10-17 11:30:58", "2025-13-17 11:30:58", "0001-01-01", "TCP", "vm"),
]


@pytest.mark.parametrize("seed", range(25))
def test_whatever_stands_in_the_cells_the_rest_is_sound(layout: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    lab = build(tmp_path / "old.db", layout=layout, seed=seed, dirt=True)
    with closing(sqlite3.connect(lab.path)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        tables = list(lab.counts())
        for _ in range(400):
            table = random.choice(tables)
            columns = [r[1] for r in database.execute(f"PRAGMA table_info({table})") if r[1] != "id"]
            number = random.choice([n for (n,) in database.execute(f"SELECT id FROM {table}")] or [1])
            if random.random() < 0.1:
                database.execute(f"DELETE FROM {table} WHERE id = ?", (number,))
                continue
            try:
                column = random.choice(columns)
                database.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (random.choice(VALUES), number))
            except sqlite3.IntegrityError:
                pass  # NOT NULL and UNIQUE still hold
        database.commit()
    whole = read(lab.path)
    assert_sound(whole, lab.path)
    again = read(lab.path, whole.digests, whole.cursors, whole.quarantined())
    assert again.report == whole.report
