"""A real dnsmasq with real clients, its many files, and files that are not what they should be."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infradb import clock
from infradb.collectors.dnsmasq.collector import DnsmasqCollector
from infradb.collectors.dnsmasq.settings import DnsmasqSettings
from infradb.errors import SourceUnreachable
from infradb.leases import instant
from infradb.operations.absorb import Manner, absorb
from infradb.operations.databases import open_database
from infradb.store import runs
from tests.collectors.dhcp_lab import DhcpLab, dhcp_lab, program
from tests.collectors.told import digests, scope, told_by

CLIENTS = ((1, "02:00:00:00:00:01", "Laptop"), (2, "02:00:00:00:00:02", "phone"), (3, "02:00:00:00:00:03", "nas"))
MAIN = """port=0
interface=br0
bind-interfaces
no-resolv
no-hosts
user=root
log-facility=-
domain=lab.example
expand-hosts
dhcp-leasefile=FOLDER/leases
addn-hosts=FOLDER/hosts
dhcp-hostsfile=FOLDER/reserved
conf-dir=FOLDER/more,*.conf
conf-file=FOLDER/last # the end
"""
DHCP = """dhcp-range=set:lan,10.77.0.100,10.77.0.199,255.255.255.0,2h
dhcp-option=tag:lan,option:router,10.77.0.1
dhcp-option=option:dns-server,10.77.0.2,10.77.0.3
"""


def write(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "main.conf").write_text(MAIN.replace("FOLDER", str(folder)))
    (folder / "more" / "dhcp.conf").write_text(DHCP)
    (folder / "more" / "dhcp.conf.bak").write_text("dhcp-range=10.99.0.1,10.99.0.2,255.255.255.0\n")
    (folder / "last").write_text("address=/app.lab.example/10.77.0.5\ncname=www.lab.example,web.lab.example\n")
    (folder / "hosts").write_text("10.77.0.5 Web\n127.0.0.1 localhost\n")
    (folder / "reserved").write_text("# ours\n02:00:00:00:00:03,10.77.0.20,nas,infinite\n")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DhcpLab]:
    folder = tmp_path_factory.mktemp("dnsmasq")
    write(folder)
    with dhcp_lab(folder, f"dm{secrets.token_hex(2)}") as made:
        command = [program("dnsmasq"), "-k", "-C", f"{folder}/main.conf", f"--pid-file={folder}/pid"]
        log = folder / "server.log"
        made.serve(command, lambda: "started, version" in log.read_text(errors="replace"))
        made.lease(*CLIENTS)
        yield made


def collector(**settings: Any) -> DnsmasqCollector:
    return DnsmasqCollector("router", DnsmasqSettings.model_validate(settings))


@pytest.mark.long
def test_names_networks_reservations_and_leases_are_told(lab: DhcpLab) -> None:
    run = collector(configuration=f"{lab.folder}/main.conf").collect()
    assert run.status == "complete"
    found = told_by(run)
    assert found["network/10.77.0.0/24"] == {
        "network_name": "10.77.0.0/24",
        "cidr": "10.77.0.0/24",
        "dhcp_enabled": True,
        "dhcp_range_start": "10.77.0.100",
        "dhcp_range_end": "10.77.0.199",
        "gateway": "10.77.0.1",
        "dns_servers": ["10.77.0.2", "10.77.0.3"],
    }
    rows = {v["hostname"]: v for k, v in found.items() if k.startswith("address/")}
    assert {n: (r["allocation_type"], r["mac_address"]) for n, r in rows.items()} == {
        "laptop": ("dhcp", "02:00:00:00:00:01"),
        "phone": ("dhcp", "02:00:00:00:00:02"),
        "nas": ("reserved", "02:00:00:00:00:03"),
    }
    assert rows["laptop"]["last_seen_at"] < rows["laptop"]["lease_ends_at"]
    assert "lease_ends_at" not in rows["nas"]
    assert sorted(k for k in found if k.startswith("record/")) == [
        "record//*.app.lab.example/A/10.77.0.5",
        "record//app.lab.example/A/10.77.0.5",
        "record//web.lab.example/A/10.77.0.5",
        "record//www.lab.example/CNAME/web.lab.example",
    ]


def test_a_renewal_changes_measured_values_and_no_digest(lab: DhcpLab, tmp_path: Path) -> None:
    # A real renewal takes dnsmasq several seconds; what it does is that one number in one line.
    text = (lab.folder / "leases").read_text()
    later = "\n".join(
        " ".join([str(int(line.split()[0]) + 60), *line.split()[1:]]) if not line.startswith("0 ") else line
        for line in reversed(text.splitlines())
    )
    (tmp_path / "leases").write_text(later + "\n")
    runs = [
        collector(configuration=f"{lab.folder}/main.conf", leases=f"{folder}/leases").collect()
        for folder in (lab.folder, tmp_path)
    ]
    assert digests(runs[0]) == digests(runs[1])
    before, after = (next(v for v in told_by(r).values() if v.get("hostname") == "laptop") for r in runs)
    assert before["lease_ends_at"] < after["lease_ends_at"]
    assert before["last_seen_at"] < after["last_seen_at"]


def test_leases_that_ended_are_left_out_and_none_left_is_doubted(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text(
        "1600000000 02:00:00:00:00:01 10.77.0.100 old *\n9999999999 02:00:00:00:00:02 10.77.0.101 new *\n"
    )
    run = collector(configuration="", hosts="", leases=f"{tmp_path}/leases").collect()
    assert run.status == "complete"
    assert set(told_by(run)) == {"address/10.77.0.101"}
    (tmp_path / "leases").write_text("1600000000 02:00:00:00:00:01 10.77.0.100 old *\n")
    run = collector(configuration="", hosts="", leases=f"{tmp_path}/leases").collect()
    assert scope(run, "addresses").status == "failed"
    assert "clocks" in run.errors[0]


def test_a_dnsmasq_without_dhcp_needs_no_lease_file(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("address=/app.example/10.0.0.5\n")
    run = collector(configuration=f"{tmp_path}/conf", hosts="").collect()
    assert run.status == "complete"
    assert set(told_by(run)) == {"record//app.example/A/10.0.0.5", "record//*.app.example/A/10.0.0.5"}


def test_a_file_that_is_missing_makes_its_own_scopes_partial(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "reserved").unlink()
    (tmp_path / "leases").write_text("9999999999 02:00:00:00:00:02 10.77.0.101 new *\n")
    run = collector(configuration=f"{tmp_path}/main.conf").collect()
    assert {s.name: s.status for s in run.scopes} == {
        "networks": "partial",
        "addresses": "partial",
        "records": "complete",
    }
    assert run.errors[0].startswith(f"{tmp_path}/reserved is not there")
    (tmp_path / "hosts").unlink()
    run = collector(configuration=f"{tmp_path}/main.conf").collect()
    assert scope(run, "records").status == "partial"


@pytest.mark.parametrize("spoil", ["unlink", "mkfifo", "huge"])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, spoil: str) -> None:
    write(tmp_path)
    main = tmp_path / "main.conf"
    main.unlink()
    if spoil == "mkfifo":
        os.mkfifo(main)
    elif spoil == "huge":
        with main.open("wb") as file:
            file.truncate(100 * 2**20)
    run = collector(configuration=str(main), hosts=f"{tmp_path}/hosts").collect()
    assert scope(run, "networks").status == "failed"
    assert scope(run, "records").status == "partial"
    assert not any(s.gone for s in run.scopes)
    with pytest.raises(SourceUnreachable):
        collector(configuration="", hosts=f"{tmp_path}/none").collect()


def test_the_doctor_reads_each_file(lab: DhcpLab, tmp_path: Path) -> None:
    good, bad = collector(configuration=f"{lab.folder}/main.conf", hosts=str(tmp_path / "none")).diagnose()
    assert good.ok
    assert not bad.ok
    assert bad.hint


def test_a_renewed_lease_is_nothing_new_and_a_lost_one_is_missing_before_it_goes(tmp_path: Path) -> None:
    lines = [f"{{ends}} 02:00:00:00:00:0{n} 10.77.0.10{n} host{n} *\n" for n in range(1, 4)]
    (tmp_path / "conf").write_text(DHCP)
    one = collector(configuration=f"{tmp_path}/conf", hosts="", leases=f"{tmp_path}/leases")
    now = int(time.time()) + 7000

    def read(ends: int, text: list[str]) -> Mapping[str, int]:
        (tmp_path / "leases").write_text("".join(text).format(ends=ends))
        with database.write() as connection:
            return absorb(connection, one.collect(), Manner()).counts

    with closing(open_database(str(tmp_path / "lab.db"), create=True)) as database:
        with database.write() as connection:
            runs.add_source(connection, "router", "dnsmasq", clock.now(), declared=False, rank=50)
        assert read(now, lines)["created"] == 4
        again = read(now + 60, list(reversed(lines)))
        assert {n: again[n] for n in ("created", "updated", "retired", "missing")} == dict.fromkeys(
            ("created", "updated", "retired", "missing"), 0
        )
        with database.read() as connection:
            ends = connection.query("SELECT lease_ends_at FROM ip_addresses")
            assert {at for (at,) in ends} == {instant(now + 60)}
        lost = read(now + 60, lines[1:])
        assert (lost["missing"], lost["retired"]) == (1, 0)
        assert read(now + 60, lines)["revived"] == 0
