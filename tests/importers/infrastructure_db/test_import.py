"""A whole import: secrets, history, a second time, and how much memory it takes."""

from __future__ import annotations

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from infradb.importers.infrastructure_db import OldChange, OldHealthCheck, collect
from infradb.importers.infrastructure_db.report import Report
from tests.importers.infrastructure_db.whole import read
from tests.importers.legacy_lab import LAYOUTS, SECRET, build


@pytest.mark.parametrize("layout", LAYOUTS)
class TestSecrets:
    def test_are_in_nothing_that_leaves_the_importer(self, layout: str, tmp_path: Path) -> None:
        lab = build(tmp_path / "old.db", layout=layout, dirt=["passwords", "malformed_json"])
        assert SECRET in lab.path.read_bytes().decode("latin-1")
        whole = read(lab.path)
        assert SECRET not in repr(whole)
        assert "***" in repr(whole)

    def test_are_not_in_a_digest_either(self, layout: str, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db", layout=layout, dirt=["passwords"]).path
        before = read(path).digests
        with closing(sqlite3.connect(path)) as database:
            database.execute(
                "UPDATE docker_containers SET environment_vars = replace(environment_vars, ?, 'hunter2')", (SECRET,)
            )
            database.execute("UPDATE hosts SET notes = replace(notes, ?, 'hunter2')", (SECRET,))
            database.commit()
        assert read(path).digests == before


class TestStatements:
    def test_history_comes_along(self, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db").path
        changes = [s for s in read(path).statements if isinstance(s, OldChange)]
        assert changes[1] == OldChange(
            2, "docker_container", 2, "docker_containers/2", "update", "2025-02-02T11:30:58.000Z", "system",
            "automation", {"status": "active"}, {"status": "stopped"}, "nightly",
        )  # fmt: skip
        assert [c.native_key for c in changes[2:4]] == ["services/3", None]

    def test_health_checks_come_along(self, tmp_path: Path) -> None:
        checks = [s for s in read(build(tmp_path / "old.db").path).statements if isinstance(s, OldHealthCheck)]
        assert checks[0] == OldHealthCheck(
            1, "services/1", "2025-01-01T10:00:00.000Z", "healthy", 0, 200, None, "ok", "automated"
        )  # fmt: skip

    def test_they_are_read_once(self, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db", dirt=["service_gone", "malformed_json"]).path
        first = read(path)
        again = read(path, first.digests, first.cursors, first.quarantined())
        assert again.statements == []
        assert again.report == first.report
        with closing(sqlite3.connect(path)) as database:
            database.execute("INSERT INTO health_checks (service_id, status) VALUES (2, 'down')")
            database.commit()
        more = read(path, first.digests, first.cursors, first.quarantined())
        assert len(more.statements) == 1
        assert more.report["tables"]["health_checks"]["read"] == first.report["tables"]["health_checks"]["read"] + 1


class TestSecondImport:
    def test_parses_nothing_that_it_knows(self, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db", scale=2, dirt=True).path
        first = read(path)
        again = read(path, first.digests, first.cursors, first.quarantined())
        assert again.seen == {}
        assert again.report == first.report

    def test_takes_in_what_was_mended(self, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db", dirt=["host_gone", "addresses"]).path
        first = read(path)
        (gone,) = {r.reason for r in first.rejected if r.key.startswith("docker_volumes/")}
        number = gone.split("hosts/")[1].split(",")[0]
        with closing(sqlite3.connect(path)) as database:
            database.execute("INSERT INTO hosts (id, hostname, host_type) VALUES (?, 'back', 'docker_host')", (number,))
            database.execute("UPDATE hosts SET management_ip = '10.9.0.2' WHERE id = 2")
            database.commit()
        again = read(path, first.digests, first.cursors, first.quarantined())
        assert {key for key, field in again.quarantined() if field == ""} == {
            key for key, field in first.quarantined() if key.startswith(("networks/", "network_routes/")) and not field
        } | {r.key for r in first.rejected if r.reason == "ip_address is not an IP address"}
        assert again.report["tables"]["hosts"]["fields_quarantined"] == 0
        assert again.report["tables"]["services"]["fields_quarantined"] == 0, "a parent that is back is another answer"

    def test_sees_that_a_network_was_moved_away_from_its_addresses(self, tmp_path: Path) -> None:
        path = build(tmp_path / "old.db").path
        first = read(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE networks SET cidr = '10.77.0.0/24' WHERE id = 1")
            database.commit()
        again = read(path, first.digests, first.cursors)
        assert {key for key, field in again.quarantined() if field == "network_id"} == set(first.of("ip_addresses"))


class TestReport:
    def test_merged_rows_are_not_imported_ones(self, tmp_path: Path) -> None:
        report = read(build(tmp_path / "old.db", dirt=["duplicate_route"]).path, merged={"network_routes": 1}).report
        assert report["tables"]["network_routes"] == {
            "read": 2, "imported": 1, "merged": 1, "quarantined": 0, "fields_quarantined": 0
        }  # fmt: skip

    def test_it_never_says_more_than_was_read(self) -> None:
        report = Report({}, ())
        report.begin("hosts").read = 1
        assert report.finish({"hosts": 2})["tables"]["hosts"]["merged"] == 1

    def test_reading_and_parsing_twice_counts_once(self, tmp_path: Path) -> None:
        with collect(build(tmp_path / "old.db", dirt=True).path) as found:
            for _ in range(2):
                for scope in found.run.scopes:
                    for answer in scope.answers:
                        assert answer.parse() == answer.parse()
                twice = found.report.finish({})
        once = read(tmp_path / "old.db").report
        entities = {name: counts for name, counts in once["tables"].items() if name in twice["tables"]}
        assert twice["tables"] == entities


def test_scopes_are_partial_and_parents_come_first(tmp_path: Path) -> None:
    with collect(build(tmp_path / "old.db").path, "shelf") as found:
        names = [scope.name for scope in found.run.scopes]
        assert found.run.source == "shelf"
        assert {scope.status for scope in found.run.scopes} == {"partial"}
        assert names.index("hosts") < names.index("docker_networks") < names.index("docker_containers.networks")
        assert names.index("docker_containers.networks") < names.index("docker_containers") < names.index("services")


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = build(tmp_path / "old.db", scale=40).path
    tracemalloc.start()
    try:
        with collect(path) as found:
            parsed = sum(len(answer.parse()) for scope in found.run.scopes for answer in scope.answers)
            parsed += sum(1 for rows in found.statements.values() for _ in rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert parsed > 20_000
    assert peak < 12_000_000
