"""A real ISC dhcpd with real clients, and files that are not what they should be."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infradb.collectors.isc_dhcp.collector import IscDhcpCollector
from infradb.collectors.isc_dhcp.settings import IscDhcpSettings
from infradb.errors import CollectionError, SourceMalformed, SourceUnreachable
from tests.collectors.dhcp_lab import DhcpLab, dhcp_lab, program
from tests.collectors.told import digests, scope, told_by

CLIENTS = ((1, "02:00:00:00:00:01", "Laptop"), (2, "02:00:00:00:00:02", "phone"), (3, "02:00:00:00:00:03", "nas"))
HOSTS = 'host nas { hardware ethernet 02:00:00:00:00:03; fixed-address 10.77.0.20; }\ninclude "FOLDER/more";\n'
SUBNETS = """option domain-name-servers 10.77.0.2, 10.77.0.3;
default-lease-time LASTS; max-lease-time LASTS; min-lease-time LASTS; authoritative; dhcp-cache-threshold 0;
include "FOLDER/hosts";
subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.100 10.77.0.199; option routers 10.77.0.1; }
"""


def start(lab: DhcpLab, lasts: int) -> None:
    folder = str(lab.folder)
    (lab.folder / "dhcpd.leases").touch()
    (lab.folder / "hosts").write_text(HOSTS.replace("FOLDER", folder))
    (lab.folder / "more").write_text(
        "host printer { hardware ethernet 02:00:00:00:00:09; fixed-address 10.77.0.21; }\n"
    )
    (lab.folder / "dhcpd.conf").write_text(SUBNETS.replace("FOLDER", folder).replace("LASTS", str(lasts)))
    command = [
        program("dhcpd"), "-4", "-f", "-d", "-cf", f"{folder}/dhcpd.conf", "-lf", f"{folder}/dhcpd.leases",
        "-pf", f"{folder}/dhcpd.pid", "br0",
    ]  # fmt: skip
    log = lab.folder / "server.log"
    lab.serve(command, lambda: "Server starting service" in log.read_text(errors="replace"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DhcpLab]:
    with dhcp_lab(tmp_path_factory.mktemp("dhcpd"), f"isc{secrets.token_hex(2)}") as made:
        start(made, 3600)
        made.lease(*CLIENTS)
        yield made


def collector(folder: Path, **settings: Any) -> IscDhcpCollector:
    paths = {"leases": f"{folder}/dhcpd.leases", "configuration": f"{folder}/dhcpd.conf"}
    return IscDhcpCollector("dhcpd", IscDhcpSettings.model_validate({**paths, **settings}))


def test_networks_hosts_and_leases_are_told(lab: DhcpLab) -> None:
    run = collector(lab.folder).collect()
    assert run.status == "complete"
    found = told_by(run)
    network = found["network/10.77.0.0/24"]
    assert (network["dhcp_range_start"], network["dhcp_range_end"]) == ("10.77.0.100", "10.77.0.199")
    assert (network["gateway"], network["dns_servers"]) == ("10.77.0.1", ["10.77.0.2", "10.77.0.3"])
    rows = {v["hostname"]: v for k, v in found.items() if k.startswith("address/")}
    assert {n: (r["allocation_type"], r["mac_address"]) for n, r in rows.items()} == {
        "laptop": ("dhcp", "02:00:00:00:00:01"),
        "phone": ("dhcp", "02:00:00:00:00:02"),
        "nas": ("reserved", "02:00:00:00:00:03"),
        "printer": ("reserved", "02:00:00:00:00:09"),
    }
    assert rows["laptop"]["lease_ends_at"] > run.started_at > "2026"
    assert {r["network_id"] for r in rows.values()} == {"network/10.77.0.0/24"}


def test_a_renewal_changes_measured_values_and_no_digest(lab: DhcpLab) -> None:
    one = collector(lab.folder)
    before = one.collect()
    time.sleep(1.1)
    lab.lease(CLIENTS[0])
    after = one.collect()
    assert digests(after) == digests(before)
    laptop = [next(v for v in told_by(r).values() if v.get("hostname") == "laptop") for r in (before, after)]
    assert laptop[0]["last_seen_at"] < laptop[1]["last_seen_at"]


def test_a_lease_that_was_given_back_is_gone(lab: DhcpLab) -> None:
    one = collector(lab.folder)
    (address,) = [k for k, v in told_by(one.collect()).items() if v.get("hostname") == "phone"]
    lab.release(2)
    deadline = time.monotonic() + 5
    while address not in scope(run := one.collect(), "addresses").gone:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert address not in told_by(run)


@pytest.mark.long
def test_a_lease_that_ended_is_no_address_in_use(tmp_path: Path) -> None:
    with dhcp_lab(tmp_path, f"isc{secrets.token_hex(2)}") as lab:
        start(lab, 4)
        lab.lease(*CLIENTS)
        lab.stop(1)  # it would renew
        lab.stop(2)
        one = collector(tmp_path)
        deadline = time.monotonic() + 20
        while len(scope(run := one.collect(), "addresses").gone) != 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert [v["hostname"] for k, v in told_by(run).items() if k.startswith("address/")] == ["nas", "printer"]


def test_one_file_that_cannot_be_read_leaves_the_other_whole(lab: DhcpLab, tmp_path: Path) -> None:
    run = collector(lab.folder, configuration=str(tmp_path / "none")).collect()
    assert scope(run, "networks").status == "failed"
    assert scope(run, "addresses").status == "partial"
    assert "is not there" in run.errors[0]
    run = collector(lab.folder, leases=str(tmp_path / "none")).collect()
    assert scope(run, "networks").status == "complete"
    assert scope(run, "addresses").status == "partial"
    with pytest.raises(SourceUnreachable):
        collector(tmp_path).collect()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "<html><body>no; { } </body></html>",
        "authoring-byte-order little-endian;\nlease 10.0.0.1 {\n starts 3 2026/11/25",
        'authoring-byte-order little-endian;\nlease 10.0.0.1 {\n uid "half',
        "lease { " * 200,
        "\x00" * 1000,
    ],
)
def test_a_lease_file_that_is_none_or_half_of_one_retires_nothing(lab: DhcpLab, tmp_path: Path, text: str) -> None:
    (tmp_path / "leases").write_text(text)
    run = collector(lab.folder, leases=str(tmp_path / "leases")).collect()
    assert scope(run, "addresses").status == "partial"
    assert not scope(run, "addresses").gone
    with pytest.raises(CollectionError) as raised:
        collector(tmp_path, leases=str(tmp_path / "leases"), configuration="").collect()
    assert raised.value.hint


def test_a_configuration_that_includes_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "dhcpd.conf").write_text(f'include "{tmp_path}/dhcpd.conf";\n')
    with pytest.raises(SourceMalformed, match="again"):
        collector(tmp_path, leases="").collect()


def test_the_doctor_reads_both_files(lab: DhcpLab, tmp_path: Path) -> None:
    assert [d.ok for d in collector(lab.folder).diagnose()] == [True, True]
    bad = collector(lab.folder, leases=str(tmp_path)).diagnose()[1]
    assert not bad.ok
    assert bad.hint
