"""How long does it take to read a thousand machines over SSH, and with how much memory?

The machines are one other process: an SSH server per address of loopback, each with its own host key, which answers
with the recorded output of a virtual machine, with a name, a machine-id, a UUID and an address of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.clocks import ROOT
from bench.figures import Figure, at_most, skipped

CASE = ROOT / "tests" / "collectors" / "linux" / "cases" / "debian_vm.json"
SECONDS, MEGABYTES = 60, 300
COLLECT = """
import json, sys, time
from infradb.collectors.ssh.collector import SshCollector
from infradb.collectors.ssh.settings import SshSettings
from infradb.operations.absorb import without_garbage_collector
folder = sys.argv[1]
settings = SshSettings(hosts=f"@{folder}/hosts", user="x", key=f"{folder}/client", known_hosts=f"{folder}/known_hosts")
began, busy = time.monotonic(), time.process_time()
with without_garbage_collector():  # as `discover` does
    run = SshCollector("bench", settings).collect()
took = {"seconds": time.monotonic() - began, "cpu": time.process_time() - busy}
things = sum(len(scope.answers) for scope in run.scopes)
complete = sum(scope.status == "complete" for scope in run.scopes)
peak = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")) / 1024
names = {a.parse()[0].values["hostname"] for s in run.scopes if s.name.endswith("/host") for a in s.answers}
print(json.dumps({**took, "things": things, "complete": complete, "names": len(names), "peak": peak}))
"""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return the time and the memory that reading the machines takes."""
    count = 100 if quick else 1_000
    question = f"reading {count:,} machines over SSH"
    with machines(folder, count):
        done = subprocess.run(
            [sys.executable, "-c", COLLECT, str(folder)], check=False, capture_output=True, text=True, cwd=ROOT
        )
    if done.returncode:
        return [skipped(question, (done.stderr.strip().splitlines() or ["it ended without a word"])[-1])]
    said = json.loads(done.stdout)
    if (said["complete"], said["names"]) != (count * 4, count):
        return [skipped(question, f"only {said['complete']} of {count * 4} scopes were complete")]
    what = f"{question}, {said['things']:,} things, {said['cpu']:.1f} CPU s"
    return [at_most(what, said["seconds"], SECONDS, "s"), at_most(f"{question}, memory", said["peak"], MEGABYTES, "MB")]


@contextmanager
def machines(folder: Path, count: int) -> Iterator[None]:
    """Run the servers in a process of their own until the measurement is over."""
    command = [sys.executable, __file__, str(folder), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the servers do not start"
            yield
        finally:
            process.terminate()


def output_of(number: int, token: str, sections: dict[str, Any]) -> str:
    """Return what the script prints on a machine of that number."""
    parts = []
    for name, said in sections.items():
        text = json.dumps(said["json"]) if "json" in said else "\n".join(said["lines"])
        end = f"{said.get('status', 0)} {said.get('message', '')}"
        parts.append(f"@@{token} begin {name}\n{text}\n\n@@{token} end {name} {end}\n")
    printed = "".join(parts) + f"@@{token} done\n"
    printed = re.sub(r"(?<=begin hostname\n).*", f"machine{number}", printed)
    printed = re.sub(r"(?<=begin machine-id\n).*", f"{number + 0xABC000:032x}", printed)
    printed = re.sub(r"(?<=boot_id\t).{8}", f"{number:08x}", printed)
    printed = re.sub(r"(?<=product_uuid\t).{8}", f"{number:08x}", printed)
    return printed.replace("192.0.2.", f"10.{number >> 8}.{number & 255}.")


async def serve(folder: Path, count: int) -> None:
    """Listen at 127.8.0.1 and up, and write the lists of hosts and of their keys."""
    import asyncssh

    sections = json.loads(CASE.read_text())["sections"]
    client = asyncssh.generate_private_key("ssh-ed25519")
    client.write_private_key(str(folder / "client"))
    known, hosts, port = [], [], 0

    class Server(asyncssh.SSHServer):
        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return key == client.convert_to_public()

    for number in range(1, count + 1):

        async def answer(process: Any, number: int = number) -> None:
            await process.stdin.read()
            process.stdout.write(output_of(number, process.command.split()[-1], sections))
            process.exit(0)

        address, key = f"127.8.{number >> 8}.{number & 255}", asyncssh.generate_private_key("ssh-ed25519")
        options: dict[str, Any] = {"server_factory": Server, "process_factory": answer, "server_host_keys": [key]}
        server = await asyncssh.listen(address, port, x509_trusted_certs=None, gss_host=None, **options)
        port = server.get_port()
        hosts.append(f"{address}:{port}\n")
        known.append(f"[{address}]:{port} {key.export_public_key().decode()}")
    (folder / "hosts").write_text("".join(hosts))
    (folder / "known_hosts").write_text("".join(known))
    print("ready", flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
