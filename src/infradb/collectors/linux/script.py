"""The shell script that reads the facts, and what it calls."""

import re
from importlib.resources import files


def facts_script() -> str:
    """Return the text of the script: for the standard input of `sh -s TOKEN` on the machine itself."""
    return files(__package__).joinpath("facts.sh").read_text(encoding="utf-8")


COMMANDS: tuple[str, ...] = (
    "id -u",
    "uname -s -r -m",
    "lscpu",
    "systemd-detect-virt",
    "ip -j -d address show",
    "ip -j route show table all",
    "bridge -j vlan show",
    "lsblk -J -b -p",
    "df -P -k MOUNTPOINT…",
    "lvs --reportformat json",
    "zpool list",
    "zpool status -P -L",
    "zfs list -d 0",
    "smartctl --json=c -H -n standby DISK",
    "ss -tulpne",
    "systemctl show --property=Id,Listen,Triggers *.socket",
    "journalctl -q --no-pager -o cat -n 200 --since=-10min _COMM=sudo",
    "docker info --format {{.ID}}",
    "sysctl -n NAME",
    "kenv -q smbios.NAME",
    "ifconfig -a",
    "netstat -rnW",
    "sockstat -46l",
    "geom disk list",
    "opnsense-version -v",
    "nft -j list ruleset",
    "iptables-save -c",
    "ip6tables-save -c",
    "iptables-legacy-save -c",
    "ip6tables-legacy-save -c",
    "ipset save",
)
"""Programs that the script runs where they are installed; none of them writes."""

FILES: tuple[str, ...] = (
    "/etc/os-release",
    "/etc/machine-id",
    "/etc/ssh/ssh_host_*_key.pub",
    "/etc/{platform,version}",
    "/conf/sshd/ssh_host_*_key.pub",
    "/etc/ufw/{user,user6}.rules",
    "/proc/1/cgroup",
    "/proc/1/environ",
    "/proc/1/stat",
    "/proc/PID/{comm,exe,cgroup,cmdline,fd}",
    "/proc/{cpuinfo,mdstat,meminfo,stat,uptime}",
    "/proc/net/{ip_tables_names,ip6_tables_names}",
    "/proc/net/{tcp,tcp6,udp,udp6,unix,vlan/config}",
    "/proc/self/{cgroup,mountinfo,mounts}",
    "/proc/sys/kernel/{hostname,random/boot_id}",
    "/proc/sys/net/ipv4/ip_local_port_range",
    "/proc/device-tree/{model,serial-number}",
    "/run/systemd/container",
    "/var/db/dhclient.leases.*",
    "/var/lib/docker/engine-id",
    "/sys/block",
    "/sys/class/dmi/id",
    "/sys/class/net",
    "/sys/fs/btrfs",
)
"""Files that the script reads; of process environments only the variable `container` of process 1."""


def section_names() -> frozenset[str]:
    """Return the names of all sections that the script can print."""
    return frozenset(re.findall(r"\bsection ([a-z][a-z0-9-]*) ", facts_script()))
