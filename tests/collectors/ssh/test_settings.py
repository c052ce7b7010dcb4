"""How machines are named, and what settings are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infradb.collectors.linux.script import facts_script
from infradb.collectors.ssh.collector import SshCollector
from infradb.collectors.ssh.settings import SshSettings
from infradb.collectors.ssh.targets import Target, parse_target
from infradb.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "target", "name"),
    [
        ("web1", Target("web1"), "web1"),
        ("admin@Web1.LAN:22", Target("web1.lan", 22, "admin"), "web1.lan"),
        ("nas:2222", Target("nas", 2222), "nas:2222"),
        ("[2001:db8::5]", Target("2001:db8::5"), "2001:db8::5"),
        ("root@[2001:DB8::5]:2222", Target("2001:db8::5", 2222, "root"), "[2001:db8::5]:2222"),
        ("[fe80::1%eth0]", Target("fe80::1%eth0"), "fe80::1%eth0"),
    ],
)
def test_a_machine_is_named_by_where_it_is_and_not_by_who_logs_in(text: str, target: Target, name: str) -> None:
    assert parse_target(text) == target
    assert target.name == name


@pytest.mark.parametrize("text", ["", "a b", "web1:", "web1:0", "web1:70000", "a/b", "@", "2001:db8::5", "ssh://web1"])
def test_what_is_no_machine_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        parse_target(text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hosts": ""}, "at least 1"),
        ({"hosts": "web1,b c"}, "'b c' is no host"),
        ({"hosts": "web1,admin@web1:22"}, "names web1 twice"),
        ({"hosts": "web1", "jump": "a b"}, "is no host"),
        ({"hosts": "web1", "password": "hunter2"}, "must not be the secret itself"),
        ({"hosts": "web1", "key_passphrase": "env:X"}, "needs key"),
        ({"hosts": "web1", "parallel": 0}, "greater than or equal"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SshSettings.model_validate(settings)


def test_a_list_and_a_text_say_the_same() -> None:
    as_list = SshSettings.model_validate({"hosts": ["web1", "nas:2222"]})
    assert SshSettings.model_validate({"hosts": " web1, nas:2222 ,"}).targets() == as_list.targets()


def test_a_file_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    settings = SshSettings.model_validate({"hosts": f"web1,@{path}"})
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.targets()
    path.write_text("# all\nweb2\nweb 3\n")
    with pytest.raises(SettingsError, match="hosts:3: 'web 3' is no host"):
        settings.targets()
    path.write_text("web2\nweb1\n")
    with pytest.raises(SettingsError, match="web1 is there twice"):
        SshCollector("machines", settings).collect()


def test_the_lines_to_grant_are_the_ones_that_the_tests_prove() -> None:
    text = SshCollector.grant("machines")
    assert 'restrict,command="sudo -n /bin/sh /usr/local/lib/infradb/facts.sh ${SSH_ORIGINAL_COMMAND##* }" KEY' in text
    script = re.search(r"scp (\S+) root@HOST:facts.sh", text)
    assert script is not None
    assert Path(script[1]).read_text() == facts_script()
    assert "infradb ALL=(root) NOPASSWD: /bin/sh -s *, /usr/bin/sh -s *" in text
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in text
