"""Real agents: snmpd and lldpd around a bridge, and recorded switches that snmpsim plays."""

from __future__ import annotations

import bz2
import contextlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from infradb.collectors.snmp.collector import SnmpCollector
from infradb.collectors.snmp.tables import ENTITY_DETAILS, ENTITY_KINDS, PARTS, SCALARS
from tests.collectors.namespaces import Wiring, inside, wiring
from tests.peers import missing

AUTH, PRIV = "correct-horse", "battery-staple"
SWITCH, ROUTER, QUIET = "10.77.0.1", "10.77.0.11", "10.77.0.13"
"""Addresses of the switch, of a host with snmpd and lldpd, and of one with snmpd alone; 10.77.0.12 has lldpd alone."""
MACS = {name: f"00:16:3e:77:00:{n:02x}" for n, name in enumerate(("switch", "router", "lldp-only", "quiet"), 1)}
# What is asked for; the rest of a recording would only be indexed.
ASKED = tuple(
    sorted(
        [oid.encode() for oid in (*SCALARS.values(), *ENTITY_DETAILS.values())]
        + [f"{oid}.".encode() for part in PARTS for table in part.tables for oid in table.columns.values()]
        + [f"{oid}.".encode() for oid in ENTITY_KINDS.columns.values()]
    )
)
RECORDED_COMMUNITY = "public"


def grant_lines() -> str:
    """The lines that `grant` says for Net-SNMP, with passwords in the place of AUTH and PRIV."""
    lines = re.findall(r"^    ((?:view|createUser|rouser) .*)$", SnmpCollector.grant("lab"), re.MULTILINE)
    return "\n".join(lines).replace("AUTH", AUTH).replace("PRIV", PRIV)


def _snmpd(made: Wiring, folder: Path, namespace: str, name: str, extra: str = "") -> None:
    own = folder / name
    own.mkdir(mode=0o711)
    settings = own / "snmpd.conf"
    settings.write_text(
        f"{grant_lines()}\nrocommunity public\n"
        "view small included .1.3.6.1.2.1.1\nview small included .1.3.6.1.2.1.17\nrocommunity narrow default -V small\n"
        f"sysName {name}.lab.example\nsysLocation rack 7\nsysServices 72\n"
        f"master agentx\nagentXSocket {own}/agentx\n{extra}"
    )
    settings.chmod(0o600)
    environment = f"SNMP_PERSISTENT_DIR={own}"
    command = [
        "snmpd",
        "-f",
        "-Lf",
        str(own / "snmpd.log"),
        "-C",
        "-c",
        str(settings),
        "-p",
        str(own / "pid"),
        "udp:161",
    ]
    made.start(namespace, ["env", environment, *command], own / "log")


def _lldpd(made: Wiring, folder: Path, namespace: str, name: str, *, agent: bool) -> None:
    own = folder / f"{name}-lldpd"
    own.mkdir()
    (own / "lldpd.conf").write_text(f'configure system hostname "{name}.lab.example"\nconfigure lldp tx-interval 1\n')
    # Every lldpd wants /run for itself; a namespace of mounts gives it one.
    script = 'mount -t tmpfs none /run && shift && exec "$@"'
    options = ["-u", f"{own}/socket", "-O", f"{own}/lldpd.conf", "-I", "eth0,v*", "-C", "eth0,v*"]
    agentx = ["-X", f"{folder}/{name}/agentx"] if agent else []
    command = ["unshare", "--mount", "sh", "-c", script, "sh", "-", "lldpd", "-d", *options, *agentx]
    made.start(namespace, command, own / "log")


@contextlib.contextmanager
def lab() -> Iterator[Wiring]:
    """Yield a bridge with three hosts; what they announce was heard, and what they sent was learned."""
    for program in ("snmpd", "lldpd", "snmpbulkwalk"):
        if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            missing(program, "not installed")
    # lldpd's own user has to get through to the sockets.
    with wiring() as made, tempfile.TemporaryDirectory(prefix="infradb-snmp-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        switch = made.switch("switch", f"{SWITCH}/24", MACS["switch"])
        hosts = {}
        for n, name in enumerate(("router", "lldp-only", "quiet"), 1):
            hosts[name] = made.host(
                name, switch, f"v{n}", f"10.77.0.{10 + n}/24", MACS[name], f"00:16:3e:77:01:{n:02x}"
            )
        agent = Path(__file__).with_name("bridge_agent.py")
        _snmpd(made, folder, switch, "switch", f"pass_persist .1.3.6.1.2.1.17 {sys.executable} {agent} br0\n")
        _snmpd(made, folder, hosts["router"], "router")
        _snmpd(made, folder, hosts["quiet"], "quiet")
        _wait(
            lambda: (folder / "switch/agentx").exists() and (folder / "router/agentx").exists(), "snmpd's AgentX socket"
        )
        _lldpd(made, folder, switch, "switch", agent=True)
        _lldpd(made, folder, hosts["router"], "router", agent=True)
        _lldpd(made, folder, hosts["lldp-only"], "lldp-only", agent=False)
        for name in hosts.values():
            _quiet("ip", "netns", "exec", name, "ping", "-c", "1", "-W", "1", SWITCH)
        _wait(lambda: _rows(switch, "1.0.8802.1.1.2.1.4.1.1.5") >= 2, "two LLDP neighbours of the switch")
        _wait(lambda: _rows(hosts["router"], "1.0.8802.1.1.2.1.4.1.1.5") >= 1, "an LLDP neighbour of the router")
        _wait(lambda: _rows(switch, "1.3.6.1.2.1.17.4.3.1.2") >= 3, "three addresses in the bridge's table")
        yield made


def _rows(namespace: str, oid: str) -> int:
    walk = [
        "ip",
        "netns",
        "exec",
        namespace,
        "snmpbulkwalk",
        "-v2c",
        "-c",
        "public",
        "-t",
        "1",
        "-On",
        "127.0.0.1",
        oid,
    ]
    done = subprocess.run(walk, capture_output=True, text=True, check=False)
    return done.stdout.count(f".{oid}.")


def _quiet(*command: str) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _wait(reached: object, what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not reached():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not there after {seconds:g} s")
        time.sleep(0.3)


@contextlib.contextmanager
def recorded(folder: Path, devices: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Play recorded devices (name -> file in snmpsim-data); yield name -> HOST:PORT, each with one community."""
    program, spec = (
        shutil.which("snmpsim-command-responder", path=str(Path(sys.executable).parent)),
        find_spec("snmpsim_data"),
    )
    if program is None or spec is None or spec.origin is None:
        missing("snmpsim", "snmpsim and snmpsim-data are not installed")
    data = Path(spec.origin).parent / "data"
    places, command = {}, [program, f"--cache-dir={folder}/cache", "--process-user=root", "--process-group=root"]
    for name, file in devices.items():
        own = folder / name
        own.mkdir()
        lines = bz2.decompress((data / file).read_bytes()).splitlines(keepends=True)
        kept = b"".join(line for line in lines if line.startswith(ASKED))
        (own / f"{RECORDED_COMMUNITY}.snmprec").write_bytes(kept)
        places[name] = f"127.0.0.1:{_free_port()}"
        command += ["--v3-engine-id=auto", f"--data-dir={own}", f"--agent-udpv4-endpoint={places[name]}"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for place in places.values():
            _wait(lambda place=place: _answers(place), "snmpsim")
        yield places
    finally:
        process.terminate()
        process.wait(10)


def _answers(place: str) -> bool:
    get = ["snmpget", "-v2c", "-c", RECORDED_COMMUNITY, "-t", "1", "-r", "0", place, "1.3.6.1.2.1.1.2.0"]
    return subprocess.run(get, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


__all__ = ["inside", "lab", "recorded"]
