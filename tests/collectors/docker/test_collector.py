"""The collector against a real engine: directly, over TCP, TLS and SSH, through proxies, and where things go wrong."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from infradb.collectors.docker import collector as module
from infradb.collectors.docker.client import EngineClient
from infradb.collectors.docker.collector import DockerCollector
from infradb.collectors.docker.settings import DockerSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.model import catalog
from infradb.observation import CollectionRun, Observation, ScopeResult
from tests import peers
from tests.collectors.docker.proxies import ENGINE, Proxy
from tests.peers import Lab, missing

SECRET = "hunter2-must-vanish"
SHOP = {"com.docker.compose.project": "shop", "com.docker.compose.service": "db"}


def collector(url: str = f"unix://{ENGINE}", **settings: Any) -> DockerCollector:
    return DockerCollector("docker", DockerSettings(url=url, volume_sizes=False, **settings))


def scope(run: CollectionRun, name: str) -> ScopeResult:
    return next(s for s in run.scopes if s.name == name)


def statuses(run: CollectionRun) -> dict[str, str]:
    return {s.name: s.status for s in run.scopes}


def said(run: CollectionRun) -> dict[str, Observation]:
    answers = [a for s in run.scopes for a in s.answers]
    return {one.key: one for a in answers for one in a.parse() if isinstance(one, Observation)}


@pytest.fixture(scope="module")
def shop(module_lab: Lab) -> Any:
    """A container with all that a description may hold."""
    network = module_lab.network()
    volume = module_lab.volume()
    return module_lab.run(
        ["sh", "-c", f"sleep 3600 # --password {SECRET}"],
        name=module_lab.name("shop"),
        labels={**SHOP, "com.docker.compose.container-number": "2", "app.token": SECRET},
        environment={"DB_PASSWORD": SECRET, "URL": f"redis://:{SECRET}@cache/0", "TZ": "UTC"},
        network=network.name,
        volumes={volume.name: {"bind": "/data", "mode": "ro"}},
        ports={"8080/tcp": ("127.0.0.1", None)},
        mem_limit="32m",
        nano_cpus=250_000_000,
        restart_policy={"Name": "unless-stopped"},
        healthcheck={"test": ["CMD", "true"], "interval": 500_000_000},
    )


class TestRealEngine:
    def test_everything_that_is_said_fits_its_type_and_refers_to_what_is_there(self, shop: Any) -> None:
        run = collector().collect()
        assert statuses(run) == dict.fromkeys(("engine", "networks", "volumes", "containers"), "complete")
        things = said(run)
        for one in things.values():
            kind = catalog.BY_TABLE[one.table]
            kind.adapter.validate_python(dict(one.values))
            for reference in kind.references:
                if (target := one.values.get(reference.name)) and shop.id in one.key:
                    assert target in things, (one.key, reference.name)

    def test_a_container_is_described_with_its_limits_and_its_project(self, shop: Any) -> None:
        values = said(collector().collect())[f"container/{shop.id}"].values
        assert values["container_name"] == shop.name
        assert (values["cpu_limit"], values["memory_limit_mb"]) == (0.25, 32)
        assert (values["compose_project"], values["compose_service"], values["compose_number"]) == ("shop", "db", 2)
        assert (values["status"], values["restart_policy"]) == ("running", "unless-stopped")
        assert values["environment_vars"]["TZ"] == "UTC"

    def test_no_secret_is_in_any_observation_nor_in_what_an_answer_holds(self, shop: Any) -> None:
        run = collector().collect()
        assert "***" in repr(said(run)[f"container/{shop.id}"])
        assert SECRET not in repr(list(said(run).values()))
        assert SECRET not in repr(run)  # the closures show what they hold

    def test_an_unchanged_engine_gives_the_same_digests(self, shop: Any) -> None:
        wait_until(lambda: health(shop) == "healthy")
        first, second = (
            {a.key: a.digest for s in collector().collect().scopes for a in s.answers if shop.id in a.key} for _ in "12"
        )
        assert first == second
        assert first

    def test_health_and_restarts_are_followed(self, lab_containers: Lab) -> None:
        sick = lab_containers.run(healthcheck={"test": ["CMD", "false"], "interval": 300_000_000, "retries": 1})
        wait_until(lambda: health(sick) == "unhealthy")
        crashing = lab_containers.run(
            ["sh", "-c", "exit 1"], restart_policy={"Name": "on-failure", "MaximumRetryCount": 1}
        )
        wait_until(lambda: restarts(crashing) == 1)
        run = collector().collect()
        assert said(run)[f"container/{sick.id}"].values["health_status"] == "unhealthy"
        measured = {k: v for a in scope(run, "containers").answers for k, v in a.measured.items()}
        assert measured[f"container/{crashing.id}"]["restart_count"] == 1

    def test_memory_in_use_is_measured_when_asked_for(self, shop: Any) -> None:
        run = collector(stats=True).collect()
        measured = next(a for a in scope(run, "containers").answers if shop.id in a.key).measured
        assert 0 <= measured[f"container/{shop.id}"]["used_memory_mb"] < 32

    def test_a_container_that_vanishes_meanwhile_is_simply_absent(
        self, shop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = EngineClient.containers
        monkeypatch.setattr(EngineClient, "containers", lambda self: [{"Id": "f" * 64}, *real(self)])
        found = scope(collector().collect(), "containers")
        assert (found.status, found.errors) == ("complete", ())
        assert any(shop.id in a.key for a in found.answers)

    def test_an_engine_on_this_machine_and_the_machine_are_one_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "read_machine_id_hash", lambda: "ab" * 32)
        monkeypatch.setattr(module, "inside_container", lambda: False)
        (host,) = next(iter(scope(collector().collect(), "engine").answers)).parse()
        assert isinstance(host, Observation)
        assert host.values["machine_id_hash"] == "ab" * 32
        monkeypatch.setattr(module, "inside_container", lambda: True)
        (host,) = next(iter(scope(collector().collect(), "engine").answers)).parse()
        assert isinstance(host, Observation)
        assert "machine_id_hash" not in host.values

    def test_every_right_is_proved(self, shop: Any) -> None:
        reader = collector(stats=True)
        diagnoses = reader.diagnose()
        assert all(d.ok for d in diagnoses), diagnoses
        assert {d.needs for d in diagnoses} >= set(reader.calls())

    @pytest.mark.long
    def test_two_hundred_containers_take_less_than_ten_seconds(self, lab_containers: Lab) -> None:
        for _ in range(200):
            lab_containers.client.api.create_container(lab_containers.image, "true", labels=lab_containers.labels)
        started = time.monotonic()
        run = collector().collect()
        assert time.monotonic() - started < 10
        assert len(list(scope(run, "containers").answers)) >= 200


class TestThroughTcp:
    def test_it_reads_the_same_and_only_by_the_documented_calls(self, shop: Any) -> None:
        with Proxy(rule=lambda method, call: None if method == "GET" else 403).running() as proxy:
            reader = collector(proxy.url)
            run = reader.collect()
            assert statuses(run) == dict.fromkeys(("engine", "networks", "volumes", "containers"), "complete")
            assert set(proxy.seen) <= set(reader.calls())
            assert "machine_id_hash" not in repr(said(run)[next(k for k in said(run) if k.startswith("engine/"))])

    def test_a_socket_proxy_that_allows_the_documented_calls_suffices(self, shop: Any) -> None:
        allowed = set(collector().calls())
        with Proxy(rule=lambda _, call: None if call in allowed else 403).running() as proxy:
            assert collector(proxy.url).collect().status == "complete"
            assert all(d.ok for d in collector(proxy.url).diagnose())

    @pytest.mark.parametrize(
        ("refused", "expected"),
        [
            ("GET /networks", {"networks": "failed", "containers": "partial"}),
            ("GET /volumes", {"volumes": "failed"}),
            ("GET /images/json", {}),
            ("GET /containers/json", {"containers": "failed"}),
            ("GET /containers/{id}/json", {"containers": "failed"}),
        ],
    )
    def test_a_refused_call_spoils_its_own_scope_only(self, shop: Any, refused: str, expected: dict[str, str]) -> None:
        with Proxy(rule=lambda _, call: 403 if call == refused else None).running() as proxy:
            run = collector(proxy.url).collect()
            assert statuses(run) == {
                **dict.fromkeys(("engine", "networks", "volumes", "containers"), "complete"),
                **expected,
            }
            assert any("HTTP 403" in error and "socket proxy" in error for error in run.errors)
            bad = [d for d in collector(proxy.url).diagnose() if not d.ok]
            assert bad[0].needs == refused
            assert {d.needs for d in bad} <= {refused, "GET /containers/{id}/json"}  # for which a list is needed
            assert "infradb sources calls" in bad[0].hint

    def test_addresses_are_left_out_where_the_networks_are_unknown(self, shop: Any) -> None:
        with Proxy(rule=lambda _, call: 403 if call == "GET /networks" else None).running() as proxy:
            things = said(collector(proxy.url).collect())
        assert f"container/{shop.id}" in things
        assert not any(one.table == "ip_addresses" for one in things.values())

    def test_one_container_that_cannot_be_read_leaves_the_others(self, shop: Any, lab_containers: Lab) -> None:
        lab_containers.run()
        count = iter(range(1000))

        def rule(_: str, call: str) -> int | None:
            return 500 if call == "GET /containers/{id}/json" and next(count) == 0 else None

        with Proxy(rule=rule).running() as proxy:
            found = scope(collector(proxy.url).collect(), "containers")
        assert found.status == "partial"
        assert len(list(found.answers)) >= 1
        assert "1 of " in found.errors[0]

    def test_sizes_that_are_refused_are_just_missing(self, shop: Any) -> None:
        with Proxy(rule=lambda _, call: 403 if call == "GET /system/df" else None).running() as proxy:
            run = DockerCollector("docker", DockerSettings(url=proxy.url)).collect()
            assert run.status == "complete"
            assert "GET /system/df" in proxy.seen

    def test_an_engine_that_may_not_say_who_it_is_is_refused_as_a_whole(self) -> None:
        with (
            Proxy(rule=lambda _, call: 403 if call == "GET /info" else None).running() as proxy,
            pytest.raises(SourceRefused, match="GET /info") as caught,
        ):
            collector(proxy.url).collect()
        assert "INFO=1" in caught.value.hint

    @pytest.mark.parametrize("calls", range(3))
    def test_an_engine_that_dies_before_it_says_who_it_is_is_unreachable(self, calls: int) -> None:
        with Proxy(dies_after=calls).running() as proxy, pytest.raises(SourceUnreachable) as caught:
            collector(proxy.url, timeout_seconds=5).collect()
        assert caught.value.hint

    @pytest.mark.parametrize("calls", range(3, 8))
    def test_an_engine_that_dies_half_way_never_says_that_things_are_absent(self, shop: Any, calls: int) -> None:
        with Proxy(dies_after=calls).running() as proxy:
            run = collector(proxy.url, timeout_seconds=5).collect()
        assert statuses(run)["engine"] == "complete"
        assert statuses(run)["containers"] in ("failed", "partial")
        assert all("broke off" in error or "could not be read" in error for error in run.errors)


class TestWhatGoesWrong:
    def test_a_missing_socket_is_told_with_what_to_do(self, tmp_path: Path) -> None:
        reader = collector(f"unix://{tmp_path}/docker.sock")
        with pytest.raises(SourceUnreachable, match="no engine's socket") as caught:
            reader.collect()
        assert "systemctl status docker" in caught.value.hint
        assert [d.ok for d in reader.diagnose()] == [False]

    def test_nobody_may_not_use_the_socket_and_learns_what_the_group_means(self) -> None:
        if os.geteuid() != 0:
            missing("nobody", "only root may become nobody")
        code = (
            "import os, docker, infradb.collectors.docker.collector as c\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            f"reader = c.DockerCollector('docker', c.DockerSettings(url='unix://{ENGINE}'))\n"
            "try:\n    reader.collect()\nexcept c.CollectionError as error:\n    print(error.code, error, error.hint)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        assert "source-refused" in done.stdout, done.stderr
        assert "usermod -aG docker" in done.stdout
        assert "become root" in done.stdout
        assert "Traceback" not in done.stderr

    def test_a_port_on_which_nothing_listens_is_told(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(SourceUnreachable, match="nothing listens there"):
            collector(f"tcp://127.0.0.1:{port}").collect()

    def test_a_server_that_is_no_engine_is_told(self, tmp_path: Path) -> None:
        hello = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        with serving(hello) as port, pytest.raises(SourceMalformed, match="no JSON"):
            collector(f"tcp://127.0.0.1:{port}").collect()

    def test_an_engine_that_never_answers_is_given_up(self) -> None:
        with serving(b"") as port, pytest.raises(SourceUnreachable, match=r"no answer in time|broke off"):
            collector(f"tcp://127.0.0.1:{port}", timeout_seconds=0.5).collect()

    @pytest.mark.parametrize(
        "url", ["ftp://x", "docker1", "unix://relative", "ssh://u:secret@h", "tcp://", "npipe:////./pipe/docker"]
    )
    def test_a_wrong_address_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"is none of|must not hold|names no"):
            DockerSettings(url=url)


class TestTls:
    def test_a_certificate_of_an_unknown_authority_is_not_accepted(self, tmp_path: Path) -> None:
        context = make_certificates(tmp_path)
        with Proxy().running(context) as proxy:
            url = proxy.url.replace("tcp", "https").replace("127.0.0.1", "localhost")
            with pytest.raises(SourceRefused, match="not trusted") as caught:
                collector(url).collect()
            assert "tls_ca" in caught.value.hint

    def test_the_named_authority_and_a_client_certificate_open_the_engine(self, tmp_path: Path) -> None:
        context = make_certificates(tmp_path, ask_for_ours=True)
        ours = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
        with Proxy().running(context) as proxy:
            url = proxy.url.replace("127.0.0.1", "localhost")
            assert collector(url, tls_ca=tmp_path / "ca.pem", **ours).collect().status == "complete"
            with pytest.raises((SourceRefused, SourceUnreachable)):
                collector(url, tls_ca=tmp_path / "ca.pem").collect()

    def test_plain_http_where_tls_is_spoken_is_told(self, tmp_path: Path) -> None:
        with Proxy().running(make_certificates(tmp_path)) as proxy, pytest.raises(SourceUnreachable):
            collector(proxy.url, timeout_seconds=3).collect()

    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SourceRefused, match="TLS file"):
            collector("https://localhost:1", tls_ca=tmp_path / "none.pem").collect()


class TestSsh:
    def test_it_reads_over_ssh_with_a_known_host_key_only(
        self, shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        with sshd(tmp_path) as port:
            reader = collector(f"ssh://{getpass.getuser()}@127.0.0.1:{port}")
            with pytest.raises(SourceRefused, match="SSH host key is not known"):
                reader.collect()
            note_host_key(tmp_path, port, "host")
            run = reader.collect()
            assert run.status == "complete"
            assert f"container/{shop.id}" in said(run)
            note_host_key(tmp_path, port, "client")
            with pytest.raises(SourceRefused, match="another one than the known one"):
                reader.collect()


class Watch:
    """A watch in a thread, and what it has yielded so far."""

    def __init__(self, reader: DockerCollector) -> None:
        self.reader = reader
        self.runs: list[CollectionRun] = []
        self.error: CollectionError | None = None
        self.thread = threading.Thread(target=self.follow)

    def follow(self) -> None:
        try:
            for run in self.reader.watch():
                self.runs.append(run)
        except CollectionError as error:
            self.error = error

    def __enter__(self) -> Watch:
        self.thread.start()
        wait_until(lambda: self.reader._watching is not None and bool(self.reader._watching._streams))
        time.sleep(0.3)
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def values(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for run in tuple(self.runs):
            if one := said(run).get(key):
                found = dict(one.values)
        return found

    def gone(self) -> set[str]:
        return {key for run in tuple(self.runs) for s in run.scopes for key in s.gone}


class TestEvents:
    def test_the_picture_is_current_within_two_seconds(self, lab_containers: Lab) -> None:
        with Watch(collector()) as watch:
            container = lab_containers.run()
            key = f"container/{container.id}"
            wait_until(lambda: watch.values(key).get("status") == "running", 2)
            container.pause()
            wait_until(lambda: watch.values(key).get("status") == "paused", 2)
            container.unpause()
            container.rename(f"{container.name}-renamed")
            wait_until(lambda: str(watch.values(key).get("container_name")).endswith("-renamed"), 2)
            container.kill()
            wait_until(lambda: watch.values(key).get("exit_code") == 137, 2)
            container.remove()
            wait_until(lambda: key in watch.gone(), 2)
        assert {s.status for run in watch.runs for s in run.scopes} == {"partial"}
        assert watch.error is None

    def test_networks_and_volumes_come_and_go(self, lab_containers: Lab) -> None:
        with Watch(collector()) as watch:
            container = lab_containers.run()
            network, volume = lab_containers.network(), lab_containers.volume()
            network.connect(container)
            wait_until(lambda: bool(watch.values(f"container/{container.id}/network/{network.name}")), 2)
            wait_until(lambda: bool(watch.values(f"volume/{volume.name}")), 2)
            network.disconnect(container)
            network.remove()
            volume.remove()
            wait_until(lambda: {f"network/{network.id}", f"volume/{volume.name}"} <= watch.gone(), 2)

    def test_many_events_make_few_runs(self, lab_containers: Lab) -> None:
        with Watch(collector()) as watch:
            for _ in range(10):
                lab_containers.client.api.create_container(lab_containers.image, "true", labels=lab_containers.labels)
            time.sleep(2)
        assert 1 <= len(watch.runs) <= 8

    def test_an_engine_that_goes_away_ends_the_watch_with_an_error(self, docker_client: object) -> None:
        watch = Watch(DockerCollector("docker"))
        with Proxy().running() as proxy:
            watch.reader = collector(proxy.url)
            watch.thread.start()
            wait_until(lambda: "GET /events" in proxy.seen and proxy.seen.count("GET /info") > 0)
            time.sleep(0.3)
        watch.thread.join(5)
        assert isinstance(watch.error, SourceUnreachable)


def wait_until(condition: Any, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def health(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"].get("Health", {}).get("Status"))


def restarts(container: Container) -> int:
    container.reload()
    return int(container.attrs["RestartCount"])


@contextmanager
def serving(answer: bytes) -> Iterator[int]:
    """A server that says the same whatever it is asked, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                if answer:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in connections:
            one.close()


def make_certificates(folder: Path, *, ask_for_ours: bool = False) -> ssl.SSLContext:
    """An authority with one certificate, good for the server and for the client."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
        plain = serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    now = dt.datetime.now(dt.UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "cert")}
    for name, key in keys.items():
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["ca"].public_key()), critical=False)
        )
        certificate = builder.sign(keys["ca"], hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(pem(keys["cert"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if ask_for_ours:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def sshd(folder: Path) -> Iterator[int]:
    """A real SSH server of one's own on loopback, that lets the key in `folder`/.ssh/id in."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        peers.missing("sshd", "openssh-server is not installed, or the tests do not run as root")
    Path("/run/sshd").mkdir(exist_ok=True)
    home = folder / ".ssh"
    home.mkdir(mode=0o700)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    (home / "config").write_text(f"Host *\n  IdentityFile {home}/client\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "HostKey": str(home / "host"),
        "AuthorizedKeysFile": str(home / "client.pub"),
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "prohibit-password",
        "PidFile": "none",
    }
    flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    process = subprocess.Popen([program, "-D", "-f", "/dev/null", *flags], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


def accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def note_host_key(folder: Path, port: int, name: str) -> None:
    key = (folder / ".ssh" / f"{name}.pub").read_text()
    (folder / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
