"""What the rows of a packet filter decide is what the kernel does: every port is knocked at, and both are compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collectors.linux.evaluation import Filter, Packet
from tests.collectors.linux.test_firewall import inside, needs, of, read, said
from tests.peers import missing, run_ip

SERVER, FRIEND, STRANGER = "10.99.1.1", "10.99.1.2", "10.99.1.77"
PORTS = (22, 80, 81, 443, 2222, 5000, 8000, 8005, 8081, 9000)

LISTEN = """
import socket, sys, time
held = []
for port in map(int, sys.argv[1:]):
    one = socket.socket(); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("0.0.0.0", port)); one.listen(64); held.append(one)
print("ready", flush=True)
time.sleep(60)
"""
KNOCK = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def knock(job):
    source, port = job
    one = socket.socket(); one.settimeout(1.0); one.bind((source, 0))
    try:
        one.connect(("10.99.1.1", port)); return "allow"
    except ConnectionRefusedError: return "reject"
    except OSError as error: return "deny" if "timed out" in str(error) else "reject"
    finally: one.close()
jobs = [(source, int(port)) for source in sys.argv[1].split(",") for port in sys.argv[2].split(",")]
with ThreadPoolExecutor(40) as pool: print(json.dumps([[s, p, v] for (s, p), v in zip(jobs, pool.map(knock, jobs))]))
"""

NFT = """
table inet guard {
  set friends { type ipv4_addr; flags interval; elements = { 10.99.1.0/28 }; }
  map doors { type inet_service : verdict; elements = { 443 : accept, 9000 : jump late }; }
  chain late { ip saddr @friends return; reject with tcp reset; }
  chain strangers { tcp dport 8000-8004 accept; tcp dport 8005 reject with tcp reset; }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    tcp dport vmap @doors
    ip saddr != @friends goto strangers
    tcp dport { 22, 80, 8081 } accept
    iifname "vb*" tcp dport != 5000 limit rate 100/second accept
  }
  chain pre {
    type nat hook prerouting priority dstnat;
    tcp dport 81 redirect to :8081
    ip saddr 10.99.1.2 tcp dport 2222 dnat ip to 10.99.1.1:22
  }
}
"""
IPTABLES = """
{run} -P INPUT DROP
{run} -N web; {run} -N other
{run} -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
{run} -A INPUT -i lo -j ACCEPT
{run} -A INPUT -p tcp -m multiport --dports 80,443,8000:8005 -j web
{run} -A INPUT ! -s 10.99.1.0/28 -g other
{run} -A INPUT -p tcp --dport 22 -m limit --limit 100/s -j ACCEPT
{run} -A INPUT -p tcp -m iprange --src-range 10.99.1.2-10.99.1.3 --dport 8081 -j ACCEPT
{run} -A web -s 10.99.1.77 -p tcp --dport 443 -j REJECT --reject-with tcp-reset
{run} -A web -p tcp --dport 8005 -j RETURN
{run} -A web -j ACCEPT
{run} -A other -p tcp --dport 5000 -j ACCEPT
{run} -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 8081
{run} -t nat -A PREROUTING -s 10.99.1.2 -p tcp --dport 2222 -j DNAT --to-destination 10.99.1.1:22
"""


@pytest.fixture
def pair(netns: str) -> Iterator[tuple[str, str]]:
    """A client's namespace and a server's, joined by a cable; the server listens on every port."""
    needs("nft")
    other = f"{netns}-b"
    try:
        run_ip("netns", "add", other)
    except RuntimeError as error:
        missing("netns", str(error))
    listener = None
    try:
        run_ip("-n", netns, "link", "add", "va", "type", "veth", "peer", "name", "vb0", "netns", other)
        run_ip("-n", netns, "address", "add", f"{FRIEND}/24", "dev", "va")
        run_ip("-n", netns, "address", "add", f"{STRANGER}/24", "dev", "va")
        run_ip("-n", other, "address", "add", f"{SERVER}/24", "dev", "vb0")
        for namespace, link in ((netns, "va"), (other, "vb0"), (other, "lo")):
            run_ip("-n", namespace, "link", "set", link, "up")
        listener = subprocess.Popen(
            ["ip", "netns", "exec", other, sys.executable, "-c", LISTEN, *map(str, PORTS)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        yield netns, other
    finally:
        if listener is not None:
            listener.kill()
            listener.communicate()
        run_ip("netns", "del", other)


def knocked(client: str) -> dict[tuple[str, int], str]:
    """What became of a connection from each source to each port."""
    arguments = [sys.executable, "-c", KNOCK, f"{FRIEND},{STRANGER}", ",".join(map(str, PORTS))]
    done = subprocess.run(["ip", "netns", "exec", client, *arguments], capture_output=True, text=True, check=True)
    return {(source, port): verdict for source, port, verdict in json.loads(done.stdout)}


def decided(rows: dict[str, dict[str, object]]) -> dict[tuple[str, int], str]:
    """What the rows say of the same connections."""
    sets = {(r["zone"], r["alias_name"]): r.get("content") for r in rows.values() if "alias_name" in r}
    rules = [row for row in rows.values() if "rule_number" in row]
    machine = Filter(rules, sets, [SERVER])  # type: ignore[arg-type]
    return {
        (source, port): machine.incoming(Packet("vb0", source, SERVER, port))
        for source in (FRIEND, STRANGER)
        for port in PORTS
    }


@pytest.mark.long
class TestTheKernelDoesWhatTheRowsDecide:
    def test_of_nft(self, pair: tuple[str, str], tmp_path: Path) -> None:
        client, server = pair
        rules = tmp_path / "rules.nft"
        rules.write_text(
            NFT.replace("; ", ";\n").replace("{ ip saddr", "{\nip saddr").replace("{ tcp dport 8", "{\ntcp dport 8")
        )
        inside(server, f"nft -f {rules}")
        happened = knocked(client)
        assert decided(said(of(server))) == happened
        assert set(happened.values()) == {"allow", "deny", "reject"}

    @pytest.mark.parametrize("kind", ["nft", "legacy"])
    def test_of_iptables(self, pair: tuple[str, str], kind: str) -> None:
        client, server = pair
        needs(f"iptables-{kind}")
        inside(server, IPTABLES.format(run=f"iptables-{kind}"))
        happened = knocked(client)
        assert decided(said(of(server))) == happened
        assert set(happened.values()) == {"allow", "deny", "reject"}

    def test_of_ufw(self, pair: tuple[str, str], tmp_path: Path) -> None:
        client, server = pair
        needs("ufw", "unshare")
        etc = tmp_path / "ufw"
        shutil.copytree("/etc/ufw", etc)
        script = (
            "ufw allow 22/tcp; ufw reject from 10.99.1.77 to any port 443 proto tcp; ufw allow 443,80/tcp;"
            " ufw allow from 10.99.1.0/28 to any port 8000:8010 proto tcp; ufw deny 9000; ufw --force enable"
        )
        inside(server, f"unshare --mount sh -ec 'mount --bind {etc} /etc/ufw; {script}'")
        happened = knocked(client)
        own = f"ip netns exec {server} unshare --mount sh -c 'mount --bind {etc} /etc/ufw && exec sh \"$@\"' sh"
        assert decided(said(read(own))) == happened
        assert set(happened.values()) == {"allow", "deny", "reject"}
