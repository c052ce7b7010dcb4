"""Who did it: only what one person named in a command of the last minutes is theirs."""

from __future__ import annotations

import pytest

from infradb.collectors.linux.actors import read_actors
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.sections import Facts, Section
from infradb.model.physical import NetworkInterface
from infradb.model.services import Service
from infradb.observation import observe
from tests.lab import scope

SERVICES = scope(
    "services",
    observe("web1/service/tcp/80", Service(service_name="nginx", host_id="h", unit="nginx.service", port=80)),
    observe("web1/service/tcp/22", Service(service_name="ssh", host_id="h", unit="ssh.service", port=22)),
    observe("web1/service/tcp/99", Service(service_name="x", host_id="h", port=99)),
)
LINKS = scope("interfaces", observe("web1/interface/eth1", NetworkInterface(host_id="h", interface_name="eth1")))


def actors(*lines: str) -> dict[str, str]:
    return read_actors(Facts({"sudo": Section("\n".join(lines))}), [SERVICES, LINKS])


def line(who: str, command: str) -> str:
    return f"     {who} : TTY=pts/0 ; PWD=/home/{who} ; USER=root ; COMMAND={command}"


def test_a_unit_that_one_person_restarted_is_theirs() -> None:
    assert actors(line("ann", "/usr/bin/systemctl restart nginx")) == {"web1/service/tcp/80": "ann"}
    assert actors(line("ann", "/usr/sbin/service ssh stop")) == {"web1/service/tcp/22": "ann"}
    assert actors(line("ann", "/usr/sbin/ip link set eth1 down")) == {"web1/interface/eth1": "ann"}


def test_the_line_of_sudo_1_9_13_without_a_terminal_is_understood() -> None:
    """As sudo itself sent it to the log; the journal keeps what follows `sudo: `."""
    recorded = "    root : PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx"
    assert actors(recorded) == {"web1/service/tcp/80": "root"}


def test_where_two_named_it_nobody_is_said() -> None:
    assert actors(line("ann", "/bin/systemctl stop nginx"), line("bob", "/bin/systemctl start nginx.service")) == {}


@pytest.mark.parametrize(
    "text",
    [
        line("ann", "/usr/bin/systemctl status nginx"),
        line("ann", "/usr/bin/apt install nginx"),
        line("ann", "/usr/bin/cat /etc/nginx/nginx.conf"),
        "pam_unix(sudo:session): session opened for user root(uid=0) by ann(uid=1000)",
        "ann : 3 incorrect password attempts ; TTY=pts/0 ; COMMAND=",
        "",
        "\x00\x00",
    ],
)
def test_what_changes_nothing_says_nothing(text: str) -> None:
    assert actors(text) == {}


def test_without_a_journal_nobody_is_said() -> None:
    assert read_actors(Facts({}), [SERVICES]) == {}
    assert parse_facts(Facts({})) != ()
