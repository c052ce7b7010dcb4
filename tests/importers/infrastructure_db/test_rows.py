"""What each old row says in the new model."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infradb.importers.infrastructure_db.convert import Unfit, instant, ports
from infradb.model.types import canonical_instant
from tests.importers.infrastructure_db.whole import Whole, read
from tests.importers.legacy_lab import LAYOUTS, build


def changed(folder: Path, *statements: str, layout: str = "before") -> Whole:
    path = build(folder / f"{layout}.db", layout=layout).path
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return read(path)


def test_both_layouts_say_the_same(tmp_path: Path) -> None:
    before, after = (
        {layout: read(build(tmp_path / f"{layout}.db", layout=layout, scale=2, dirt=True).path) for layout in LAYOUTS}
    ).values()

    def said(whole: Whole) -> dict[str, Any]:
        alike: dict[str, Any] = {}
        for key, each in whole.seen.items():
            values = {name: value for name, value in each.values.items() if name != "custom"}
            name = f"{each.table}/{values['vmid']}" if each.table == "proxmox_containers" else key
            if each.table == "proxmox_containers":
                values.pop("template", None)  # the old table of LXC containers had none
            alike[name] = values
        return alike

    assert said(before) == said(after)


def test_a_host_keeps_what_was_written_about_it(tmp_path: Path) -> None:
    whole = changed(
        tmp_path,
        "UPDATE hosts SET hostname = ' pve2 ', created_at = '2024-02-29 10:00:00', updated_at = NULL WHERE id = 1",
        "UPDATE hosts SET notes = '' WHERE id = 1",
        "UPDATE hosts SET updated_at = '2024-03-01 10:00:00' WHERE id = 3",
    )
    values = whole.of("hosts")["hosts/1"]
    assert values["hostname"] == "pve2"
    assert values["custom"] == {"created_at": "2024-02-29T10:00:00.000Z"}
    assert "notes" not in values
    assert values["purpose"] == "lab"
    assert list(whole.value("hosts/2", "custom")) == ["created_at"], "it was never updated"
    assert whole.value("hosts/3", "custom")["updated_at"] == "2024-03-01T10:00:00.000Z"
    assert values["used_ram_mb"] >= 0


def test_a_docker_host_stays_one(tmp_path: Path) -> None:
    hosts = changed(tmp_path).of("hosts").values()
    assert {(h["host_type"], h.get("is_docker_host")) for h in hosts} == {
        ("physical", None), ("vm", None), ("lxc", None), ("docker_host", True)
    }  # fmt: skip


def test_a_stopped_container_has_exited(tmp_path: Path) -> None:
    whole = changed(tmp_path, "UPDATE docker_containers SET status = 'stopped' WHERE id = 1")
    assert whole.value("docker_containers/1", "status") == "exited"


class TestPorts:
    @pytest.mark.parametrize(
        ("written", "port"),
        [
            ("0.0.0.0:8080->80/tcp", (80, "tcp", "0.0.0.0", 8080)),
            ("[::]:53->5353/udp", (5353, "udp", "::", 53)),
            (":::53->53/udp", (53, "udp", "::", 53)),
            ("127.0.0.1:9000:9000", (9000, "tcp", "127.0.0.1", 9000)),
            ("8080:80", (80, "tcp", "0.0.0.0", 8080)),
            ("443/tcp", (443, "tcp")),
            ("443", (443, "tcp")),
        ],
    )  # fmt: skip
    def test_known_forms(self, written: str, port: tuple[Any, ...]) -> None:
        names = ("container_port", "protocol", "host_ip", "host_port")
        assert ports(f'["{written}"]') == [dict(zip(names, port, strict=False))]

    @pytest.mark.parametrize("written", ["70000/tcp", "8000-8001->80/tcp", "web", "999.0.0.1:80->80/tcp", "80->", ""])
    def test_unknown_forms(self, written: str) -> None:
        with pytest.raises(Unfit):
            ports(f'["{written}"]')


class TestContainerNetworks:
    def test_point_at_the_row_where_there_is_one(self, tmp_path: Path) -> None:
        whole = changed(tmp_path)
        places = [v for k, v in whole.of("docker_container_networks").items() if k.startswith("docker_containers/1/")]
        host = whole.value("docker_containers/1", "docker_host_id")
        found = [(p["docker_network_id"], whole.value(p["docker_network_id"], "network_name")) for p in places]
        assert ("docker_networks/2", "proxy") in found
        made = next(key for key, name in found if name != "proxy")
        assert made.startswith(f"docker_{host}/network/stack")
        assert whole.seen[made].values == {"docker_host_id": host, "network_name": made.rpartition("/")[2]}

    def test_are_made_once_and_before_who_is_in_them(self, tmp_path: Path) -> None:
        whole = changed(tmp_path)
        order = list(whole.seen)
        for key, place in whole.of("docker_container_networks").items():
            assert order.index(place["docker_network_id"]) < order.index(key)

    def test_keep_the_addresses_that_docker_inspect_shows(self, tmp_path: Path) -> None:
        shown = (
            '{"proxy": {"IPAddress": "172.20.0.9", "MacAddress": "02-42-AC-14-00-09", "Aliases": ["web"]}, "lan": null}'
        )
        whole = changed(tmp_path, f"UPDATE docker_containers SET networks = '{shown}' WHERE id = 1")
        assert whole.seen["docker_containers/1/network/proxy"].values == {
            "docker_container_id": "docker_containers/1",
            "docker_network_id": "docker_networks/2",
            "ip_address": "172.20.0.9",
            "mac_address": "02:42:ac:14:00:09",
            "aliases": ["web"],
        }
        assert "docker_containers/1/network/lan" in whole.seen

    def test_belong_to_no_container_that_is_gone(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            "UPDATE docker_containers SET docker_host_id = 999, networks = '[\"alone\"]' WHERE id = 1",
        )
        assert not [key for key in whole.seen if "alone" in key]


class TestGuests:
    def test_a_virtual_machine_has_nothing_of_a_container(self, tmp_path: Path) -> None:
        guests = [
            g
            for g in changed(tmp_path, layout="after").of("proxmox_containers").values()
            if g["container_type"] == "vm"
        ]
        for guest in guests:
            assert guest["nics"] == [{"model": "virtio", "bridge": "vmbr0"}]
            assert guest["disks"] == ["scsi1"]
            assert not {"unprivileged", "nesting", "keyctl"} & guest.keys()

    def test_the_cluster_is_the_node(self, tmp_path: Path) -> None:
        whole = changed(tmp_path)
        for guest in whole.of("proxmox_containers").values():
            assert guest["cluster"] == whole.value(guest["proxmox_host_id"], "hostname")

    def test_what_contradicts_the_type_goes_to_quarantine(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            "UPDATE proxmox_containers SET rootfs_storage = 'local', unprivileged = 0, network_config = '[]' "
            "WHERE id = 1 AND container_type = 'vm'",
            layout="after",
        )
        fields = {field for key, field in whole.quarantined() if key == "proxmox_containers/1"}
        assert fields == {"rootfs_storage", "unprivileged", "network_config"}

    def test_a_guest_whose_node_is_gone_cannot_stand(self, tmp_path: Path) -> None:
        whole = changed(tmp_path, "UPDATE virtual_machines SET proxmox_host_id = 999 WHERE id = 1")
        assert ("virtual_machines/1", "") in whole.quarantined()
        assert "proxmox_host_id names hosts/999, which is gone" in whole.reason("virtual_machines/1")


class TestServices:
    def test_a_health_check_url_becomes_a_check(self, tmp_path: Path) -> None:
        whole = changed(tmp_path)
        assert whole.seen["services/4/check"].values == {
            "service_id": "services/4", "check_type": "http", "target": "http://app4.lan/health", "interval_seconds": 30
        }  # fmt: skip
        assert whole.value("services/1", "custom")["health_check_interval"] == 30

    def test_the_old_verdict_is_kept_aside(self, tmp_path: Path) -> None:
        values = changed(tmp_path).of("services")["services/1"]
        assert "status" not in values
        assert values["custom"]["imported_status"] == "healthy"

    def test_one_in_a_container_has_no_host_of_its_own(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            "UPDATE services SET host_id = (SELECT docker_host_id FROM docker_containers WHERE id = 1) WHERE id = 1",
            "UPDATE services SET host_id = 1 WHERE id = 2",
        )
        assert whole.value("services/1", "docker_container_id")
        assert whole.value("services/1", "host_id") is None
        assert whole.quarantined() == {("services/2", "host_id")}

    def test_many_names_behind_one_port_stay_apart(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            "UPDATE services SET container_id = NULL, host_id = 1, protocol = 'tcp', port = 443 WHERE id IN (1, 2)",
            "UPDATE services SET protocol = 'TCP' WHERE id = 2",
        )
        assert [whole.value(f"services/{n}", "endpoint_name") for n in (1, 2, 3)] == ["app 1", "app 2", None]
        assert whole.value("services/2", "protocol") == "tcp"


def test_the_same_route_twice_is_said_twice(tmp_path: Path) -> None:
    lab = build(tmp_path / "old.db", dirt=["duplicate_route"])
    one, two = ({k: v for k, v in r.items() if k != "custom"} for r in read(lab.path).of("network_routes").values())
    assert one == two


def test_a_rule_is_known_by_what_it_matches(tmp_path: Path) -> None:
    whole = changed(tmp_path, "UPDATE firewall_rules SET rule_number = 7, description = 'moved' WHERE id = 1")
    again = changed(tmp_path, layout="after")
    assert whole.value("firewall_rules/1", "native_id") == again.value("firewall_rules/1", "native_id")
    assert whole.value("firewall_rules/1", "native_id") != whole.value("firewall_rules/2", "native_id")


class TestFilesThatGrew:
    def test_their_own_columns_become_custom(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            "ALTER TABLE hosts ADD COLUMN rack TEXT",
            "ALTER TABLE hosts ADD COLUMN ipmi_password TEXT",
            "ALTER TABLE health_checks ADD COLUMN region TEXT",
            "UPDATE hosts SET rack = 'B3', ipmi_password = 'Tr0ub4dor' WHERE id = 1",
        )
        custom = whole.value("hosts/1", "custom")
        assert (custom["rack"], custom["ipmi_password"]) == ("B3", "***")
        assert whole.report["ignored_columns"] == {"health_checks": ["region"]}

    def test_their_own_tables_are_named(self, tmp_path: Path) -> None:
        whole = changed(tmp_path, "CREATE TABLE cables (id)", "INSERT INTO cables VALUES (1), (2)")
        assert whole.report["ignored_tables"] == {"cables": 2}

    def test_missing_columns_and_tables_are_fine(self, tmp_path: Path) -> None:
        whole = changed(
            tmp_path,
            *(f"DROP VIEW v_{name}" for name in ("host_inventory", "docker_inventory", "network_topology")),
            *(f"DROP VIEW v_{name}" for name in ("service_dependencies", "recent_changes")),
            "ALTER TABLE hosts DROP COLUMN notes",
            "DROP TABLE network_routes",
        )  # fmt: skip
        assert whole.rejected == []
        assert "network_routes" not in whole.report["tables"]

    def test_a_missing_parent_table_is_as_if_all_of_it_were_gone(self, tmp_path: Path) -> None:
        whole = changed(tmp_path, "DROP TABLE networks")
        assert {field for _, field in whole.quarantined()} == {"network_id", "source_network_id"}


@pytest.mark.parametrize(
    "written", ["2025-10-17 11:30:58", "2025-10-17T11:30:58.25+02:00", "2025-10-17", "2025-10-17 11:30"]
)
def test_times_are_read_as_the_model_does(written: str) -> None:
    assert instant(written) == canonical_instant(written)
