"""The collector against real sshd: on loopback, and on machines in network namespaces."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infradb.collectors.linux.parse import SCOPES
from infradb.collectors.linux.script import facts_script
from infradb.errors import CollectionError, SettingsError, SourceRefused, SourceUnreachable
from tests.collectors.ssh.peer import (
    USER,
    Keys,
    Lab,
    accepts,
    collector,
    digests,
    free_port,
    fresh_keys,
    inside,
    lab,
    sshd,
    statuses,
    things,
    wait_until,
)
from tests.peers import missing

ALL_FAILED = {"failed"}
READ_ONLY = ("unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh")


@pytest.fixture(scope="module")
def lab_keys() -> Iterator[Keys]:
    """The keys of the machines."""
    with fresh_keys() as made:
        yield made


@pytest.fixture(scope="module")
def machines(lab_keys: Keys) -> Iterator[Lab]:
    """Six machines in network namespaces."""
    with lab(lab_keys, 6) as made:
        yield made


@pytest.fixture
def keys() -> Iterator[Keys]:
    """Keys of one's own."""
    with fresh_keys() as made:
        yield made


class TestManyMachines:
    def test_each_has_its_own_scopes_and_keys(self, machines: Lab) -> None:
        run = machines.collect()
        assert run.status == "complete", run.errors
        assert [s.name for s in run.scopes] == [f"{a}/{name}" for a in machines.addresses for name in SCOPES]
        assert all(key.split("/")[0] in machines.addresses for key in things(run))

    def test_each_is_who_it_says_it_is(self, machines: Lab) -> None:
        run = machines.collect()
        for number, address in enumerate(machines.addresses, 1):
            host = things(run, f"{address}/host")[f"{address}/host"]
            assert (host["hostname"], host["os_version"]) == (f"lab{number}", str(number))
            assert host["management_ip"] == address
            assert host["ssh_host_key"] == machines.keys.fingerprint(f"h{number}")
            nic = things(run, f"{address}/interfaces")[f"{address}/interface/eth0"]
            assert (nic["mac_address"], nic["host_id"]) == (f"02:77:00:00:00:{number:02x}", f"{address}/host")
        assert len({v["machine_id_hash"] for v in things(run).values() if "machine_id_hash" in v}) == 6

    def test_one_login_and_one_command_a_machine_is_all(self, machines: Lab) -> None:
        run = machines.collect()
        assert {c.name: (c.times, c.failed) for c in run.calls} == {"SSH login": (6, 0), "sh -s TOKEN": (6, 0)}
        assert {c.name for c in run.calls} <= set(collector(machines.keys, machines.addresses).calls())

    def test_nothing_new_is_the_same_digests(self, machines: Lab) -> None:
        first, second = digests(machines.collect()), digests(machines.collect())
        lasting = {key for key in first if "/device/" not in key}
        assert {k: first[k] for k in lasting} == {k: second[k] for k in lasting}

    def test_one_that_fails_leaves_the_others_whole(self, machines: Lab) -> None:
        run = machines.collect([*machines.addresses[:2], "10.77.0.99"], connect_timeout_seconds=5)
        assert statuses(run, machines.addresses[0]) == statuses(run, machines.addresses[1]) == {"complete"}
        assert statuses(run, "10.77.0.99") == ALL_FAILED
        assert len(run.errors) == 1
        assert run.errors[0].startswith("10.77.0.99: ")

    def test_a_jump_host_is_logged_in_to_once_for_all(self, machines: Lab) -> None:
        run = machines.collect(machines.addresses[1:], jump=f"{USER}@{machines.addresses[0]}")
        assert run.status == "complete", run.errors
        assert next(c.times for c in run.calls if c.name == "SSH login") == 6
        with pytest.raises(SourceUnreachable, match=r"jump host 10\.77\.0\.99"):
            machines.collect(jump="10.77.0.99", connect_timeout_seconds=5)

    def test_behind_a_jump_host_keys_are_proved_as_well(self, machines: Lab, keys: Keys) -> None:
        known = Keys(keys.folder, dict(machines.keys.known))
        known.known[machines.addresses[1]] = machines.keys.public("h3")
        settings = {"key": machines.keys.client, "known_hosts": known.known_hosts, "jump": machines.addresses[0]}
        reader = collector(machines.keys, machines.addresses[1:4], **settings)
        run = inside(machines.hub, reader.collect)
        assert statuses(run, machines.addresses[1]) == ALL_FAILED
        assert "host key has changed" in run.errors[0]
        assert statuses(run, machines.addresses[3]) == {"complete"}

    def test_few_at_once_read_the_same(self, machines: Lab) -> None:
        assert machines.collect(parallel=1).status == "complete"

    def test_a_list_in_a_file_counts_as_it_stands_at_every_run(self, machines: Lab, tmp_path: Path) -> None:
        path = tmp_path / "hosts"
        path.write_text(f"# the lab\n{machines.addresses[0]}\n\n{USER}@{machines.addresses[1]}:22  # second\n")
        reader = collector(machines.keys, f"@{path},{machines.addresses[2]}")
        names = [s.name for s in inside(machines.hub, reader.collect).scopes if s.name.endswith("/host")]
        assert names == [f"{a}/host" for a in machines.addresses[:3]]
        path.write_text(f"{machines.addresses[4]}\n")
        names = [s.name for s in inside(machines.hub, reader.collect).scopes if s.name.endswith("/host")]
        assert names == [f"{machines.addresses[4]}/host", f"{machines.addresses[2]}/host"]

    def test_every_right_is_proved_for_each_machine(self, machines: Lab) -> None:
        reader = collector(machines.keys, [*machines.addresses[:2], "10.77.0.99"], connect_timeout_seconds=5)
        found = inside(machines.hub, reader.diagnose)
        logins = {d.needs: d.ok for d in found if "login" in d.needs}
        assert list(logins.values()) == [True, True, False]
        assert all(d.ok or d.hint for d in found)
        assert machines.keys.fingerprint("h1") in next(d.detail for d in found if d.needs.startswith("10.77.0.11"))


class TestHostKeys:
    def test_one_that_is_not_known_is_shown_with_what_to_do(self, keys: Keys) -> None:
        with sshd(keys) as port:
            with pytest.raises(SourceRefused, match="is not known") as raised:
                collector(keys, f"127.0.0.1:{port}").collect()
            assert keys.fingerprint("host") in str(raised.value)
            assert f"ssh-keyscan -p {port} 127.0.0.1" in raised.value.hint
            assert "ssh-keygen -lf" in raised.value.hint

    def test_one_that_has_changed_is_shown_beside_the_known_one(self, keys: Keys) -> None:
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "another")
            with pytest.raises(SourceRefused, match="has changed") as raised:
                collector(keys, f"127.0.0.1:{port}").collect()
            assert keys.fingerprint("host") in str(raised.value)
            assert keys.fingerprint("another") in str(raised.value)
            assert f"-R '[127.0.0.1]:{port}'" in raised.value.hint

    def test_a_known_key_of_another_kind_is_asked_for(self, keys: Keys) -> None:
        keys.make("rsa", "rsa")
        with sshd(
            keys, HostKeyAlgorithms="ssh-ed25519,rsa-sha2-512", Subsystem=f"none none\nHostKey {keys.folder}/rsa"
        ) as port:
            keys.know("127.0.0.1", port, "rsa")
            run = collector(keys, f"127.0.0.1:{port}").collect()
            name = f"127.0.0.1:{port}/host"
            assert things(run, name)[name]["ssh_host_key"] == keys.fingerprint("rsa")

    def test_a_new_key_of_another_kind_is_not_taken_for_the_known_one(self, keys: Keys) -> None:
        keys.make("rsa", "rsa")
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "rsa")
            with pytest.raises(SourceRefused, match="is not known") as raised:
                collector(keys, f"127.0.0.1:{port}").collect()
            assert keys.fingerprint("rsa") in str(raised.value)

    def test_a_revoked_key_is_refused(self, keys: Keys) -> None:
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "host")
            keys.known[f"@revoked [127.0.0.1]:{port}"] = keys.public("host")
            with pytest.raises(SourceRefused, match="revoked"):
                collector(keys, f"127.0.0.1:{port}").collect()

    def test_hashed_names_are_known_and_lines_without_sense_do_not_matter(self, keys: Keys) -> None:
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "host")
            reader = collector(keys, f"127.0.0.1:{port}")
            path = keys.known_hosts
            subprocess.run(["ssh-keygen", "-qHf", str(path)], check=True, capture_output=True)
            assert path.read_text().startswith("|1|")
            path.write_text("nonsense\n@what is this\n|1|x|y z\n" + path.read_text())
            assert reader.collect().status == "complete"

    def test_the_key_in_its_files_is_the_one_that_local_says_too(self, keys: Keys) -> None:
        files = [Path(f"/etc/ssh/ssh_host_{kind}_key") for kind in ("ed25519", "ecdsa")]
        if not all(f.exists() for f in files):
            missing("sshd", "this machine has no host keys of its own in /etc/ssh")
        shutil.copy(files[1], keys.folder / "own")
        shutil.copy(f"{files[1]}.pub", keys.folder / "own.pub")
        with sshd(keys, "own") as port:
            keys.know("127.0.0.1", port, "own")
            name = f"127.0.0.1:{port}/host"
            said = things(collector(keys, f"127.0.0.1:{port}").collect(), name)[name]["ssh_host_key"]
        shown = subprocess.run(["ssh-keygen", "-lf", f"{files[0]}.pub"], capture_output=True, text=True, check=True)
        assert said == shown.stdout.split()[1]


class TestLoggingIn:
    def test_a_wrong_key_is_refused_with_what_to_do(self, keys: Keys) -> None:
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "host")
            with pytest.raises(SourceRefused, match="login as 'root' is refused") as raised:
                collector(keys, f"root@127.0.0.1:{port}", key=keys.make("other")).collect()
            assert "authorized_keys" in raised.value.hint

    def test_a_key_with_a_passphrase_needs_it(self, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
        keys.make("client", passphrase="open sesame")
        monkeypatch.setenv("INFRADB_TEST_PASSPHRASE", "open sesame")
        monkeypatch.setenv("INFRADB_TEST_WRONG", "close")
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "host")
            host = f"127.0.0.1:{port}"
            assert collector(keys, host, key_passphrase="env:INFRADB_TEST_PASSPHRASE").collect().status == "complete"
            for wrong in ({}, {"key_passphrase": "env:INFRADB_TEST_WRONG"}):
                with pytest.raises(SettingsError, match="cannot be used") as raised:
                    collector(keys, host, **wrong).collect()
                assert "key_passphrase" in raised.value.hint
                assert "close" not in str(raised.value)

    def test_a_key_that_is_missing_or_none_is_told(self, keys: Keys) -> None:
        (keys.folder / "noise").write_text("noise")
        for name, why in (("none", "cannot be read"), ("noise", "cannot be used")):
            with pytest.raises(SettingsError, match=why):
                collector(keys, "127.0.0.1", key=keys.folder / name).collect()

    def test_the_agent_logs_in_where_no_key_is_named(self, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
        agent = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(keys.folder / "agent")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until((keys.folder / "agent").exists)
            monkeypatch.setenv("SSH_AUTH_SOCK", str(keys.folder / "agent"))
            monkeypatch.setenv("HOME", str(keys.folder / "empty"))
            subprocess.run(["ssh-add", "-q", str(keys.client)], check=True)
            with sshd(keys) as port:
                keys.know("127.0.0.1", port, "host")
                assert collector(keys, f"127.0.0.1:{port}", key=None).collect().status == "complete"
        finally:
            agent.terminate()
            agent.wait(5)

    def test_the_keys_of_the_home_folder_log_in_where_nothing_is_named(
        self, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        monkeypatch.setenv("HOME", str(keys.folder))
        (keys.folder / ".ssh").mkdir()
        shutil.copy(keys.client, keys.folder / ".ssh/id_ed25519")
        with sshd(keys) as port:
            keys.know("127.0.0.1", port, "host")
            shutil.copy(keys.known_hosts, keys.folder / ".ssh/known_hosts")
            assert collector(keys, f"127.0.0.1:{port}", key=None, known_hosts=None).collect().status == "complete"

    def test_nothing_listens_and_no_such_name_are_told_apart(self, keys: Keys) -> None:
        with pytest.raises(SourceUnreachable, match="nothing listens there"):
            collector(keys, f"127.0.0.1:{free_port()}").collect()
        with pytest.raises(SourceUnreachable, match="name is not known"):
            collector(keys, "no-such-host.invalid").collect()

    def test_several_that_fail_are_named_together(self, keys: Keys) -> None:
        hosts = [f"127.0.0.{n}:{free_port()}" for n in range(1, 9)]
        with pytest.raises(CollectionError, match=r"none of 8 machines could be read.*127\.0\.0\.1.*and 3 more"):
            collector(keys, hosts).collect()

    def test_a_machine_under_two_names_is_read_as_one(self, keys: Keys) -> None:
        with sshd(keys, ListenAddress="127.0.0.1\nListenAddress 127.0.0.2") as port:
            wait_until(lambda: accepts("127.0.0.2", port))
            for host in ("127.0.0.1", "127.0.0.2"):
                keys.know(host, port, "host")
            run = collector(keys, [f"127.0.0.1:{port}", f"127.0.0.2:{port}"]).collect()
        assert statuses(run, f"127.0.0.1:{port}") == {"complete"}
        assert statuses(run, f"127.0.0.2:{port}") == ALL_FAILED
        assert "is the machine that is read as 127.0.0.1" in run.errors[0]


class TestRights:
    def test_an_account_without_rights_and_a_restricted_key_suffices(self, keys: Keys) -> None:
        with sshd(keys, restrict="restrict") as port:
            keys.know("127.0.0.1", port, "host")
            reader = collector(keys, f"nobody-infradb@127.0.0.1:{port}", user=None)
            with unprivileged("nobody-infradb"):
                run, found = reader.collect(), reader.diagnose()
        name = f"127.0.0.1:{port}"
        assert run.status == "complete", run.errors
        assert "serial_number" not in things(run, f"{name}/host")[f"{name}/host"]
        (root,) = [d for d in found if "root, for the processes" in d.needs]
        assert not root.ok
        assert "serial number" in root.hint

    def test_a_key_that_runs_nothing_but_the_script_reads_all_of_it(self, keys: Keys) -> None:
        script = keys.folder / "facts.sh"
        script.write_text(facts_script())
        forced = f'restrict,command="/bin/sh {script} ${{SSH_ORIGINAL_COMMAND##* }}"'
        with sshd(keys, restrict=forced) as port:
            keys.know("127.0.0.1", port, "host")
            assert collector(keys, f"127.0.0.1:{port}").collect().status == "complete"
            command = ["ssh", "-F", "none", "-p", str(port), "-i", str(keys.client), "-o", "BatchMode=yes"]
            command += ["-o", f"UserKnownHostsFile={keys.known_hosts}", "127.0.0.1", "echo x; $(id) `id` >/tmp/x"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, input="echo hunter2")
            assert done.stdout.startswith("@@")
            assert "hunter2" not in done.stdout

    def test_root_through_sudo_where_it_is_allowed_and_an_error_where_it_is_not(self, keys: Keys) -> None:
        if shutil.which("sudo") is None:
            missing("sudo", "not installed")
        rule = Path("/etc/sudoers.d/infradb-test")
        with sshd(keys, restrict="restrict") as port, unprivileged("sudo-infradb"):
            keys.know("127.0.0.1", port, "host")
            reader = collector(keys, f"sudo-infradb@127.0.0.1:{port}", sudo=True)
            with pytest.raises(SourceRefused, match="sudo is refused") as raised:
                reader.collect()
            assert "/bin/sh -s" in raised.value.hint
            try:
                rule.write_text("sudo-infradb ALL=(root) NOPASSWD: /bin/sh -s *, /usr/bin/sh -s *\n")
                rule.chmod(0o440)
                assert reader.collect().status == "complete"
                assert all(d.ok for d in reader.diagnose() if "root, for" in d.needs)
            finally:
                rule.unlink()

    def test_a_key_bound_to_the_script_as_root_reads_as_root_and_nothing_else(self, keys: Keys) -> None:
        if shutil.which("sudo") is None:
            missing("sudo", "not installed")
        folder, rule = Path("/usr/local/lib/infradb-test"), Path("/etc/sudoers.d/infradb-test-script")
        forced = f'restrict,command="sudo -n /bin/sh {folder}/facts.sh ${{SSH_ORIGINAL_COMMAND##* }}"'
        try:
            folder.mkdir()
            (folder / "facts.sh").write_text(facts_script())
            rule.write_text(f"script-infradb ALL=(root) NOPASSWD: /bin/sh {folder}/facts.sh *\n")
            rule.chmod(0o440)
            with sshd(keys, restrict=forced) as port, unprivileged("script-infradb"):
                keys.know("127.0.0.1", port, "host")
                reader = collector(keys, f"script-infradb@127.0.0.1:{port}")
                assert reader.collect().status == "complete"
                assert all(d.ok for d in reader.diagnose() if "root, for" in d.needs)
        finally:
            rule.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    def test_no_file_is_left_behind_because_none_is_written(self, keys: Keys) -> None:
        with sshd(keys, wrapper=READ_ONLY) as port:
            keys.know("127.0.0.1", port, "host")
            run = collector(keys, f"127.0.0.1:{port}").collect()
        assert run.status == "complete", run.errors


class unprivileged:
    """An account of its own for a test, without any right."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        command = ["useradd", "--system", "--shell", "/bin/sh", "--no-create-home", "--home-dir", "/"]
        command += ["--password", "*", self.name]
        if subprocess.run(command, capture_output=True, check=False).returncode not in (0, 9):
            missing("accounts", "the tests may not make one")

    def __exit__(self, *_: object) -> None:
        wait_until(
            lambda: subprocess.run(["userdel", self.name], capture_output=True, check=False).returncode in (0, 6)
        )
