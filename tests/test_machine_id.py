"""One installed system has one hash, and nobody gets its machine-id from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infradb.machine_id import inside_container, machine_id_hash, read_machine_id_hash

ID = "0123456789abcdef0123456789abcdef"


def test_the_hash_never_changes() -> None:
    assert machine_id_hash(ID) == "027dca1cd5a4b67b2845164ab18b7f7a80126feb3ebb5900fcf646c9bd5dc41f"
    assert machine_id_hash(f" {ID.upper()}\n") == machine_id_hash(ID)


@pytest.mark.parametrize("text", ["", "uninitialized", "0" * 32, ID[:31], "g" * 32])
def test_what_is_no_machine_id_has_no_hash(text: str) -> None:
    assert machine_id_hash(text) is None


def test_it_is_read_where_systemd_or_else_dbus_keeps_it(tmp_path: Path) -> None:
    assert read_machine_id_hash(tmp_path) is None
    (tmp_path / "var/lib/dbus").mkdir(parents=True)
    (tmp_path / "var/lib/dbus/machine-id").write_text(ID)
    assert read_machine_id_hash(tmp_path) == machine_id_hash(ID)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text("uninitialized\n")
    assert read_machine_id_hash(tmp_path) == machine_id_hash(ID)


@pytest.mark.parametrize(
    ("name", "content", "inside"),
    [
        (".dockerenv", "", True),
        ("run/.containerenv", "", True),
        ("proc/1/cgroup", "4:memory:/docker/0123456789ab\n0::/\n", True),
        ("proc/1/cgroup", "0::/kubepods.slice/x\n", True),
        ("proc/1/cgroup", "0::/init.scope\n", False),
        ("proc/1/status", "", False),
    ],
)
def test_a_container_is_known_by_its_marks(tmp_path: Path, name: str, content: str, inside: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert inside_container(tmp_path) is inside
