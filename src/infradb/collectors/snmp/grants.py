"""What to paste on a device to make the least account that infradb needs."""

from collections.abc import Sequence

TREES: Sequence[tuple[str, str]] = (
    ("1.3.6.1.2.1.1", "system"),
    ("1.3.6.1.2.1.2", "interfaces"),
    ("1.3.6.1.2.1.4", "addresses, ARP"),
    ("1.3.6.1.2.1.17", "bridge, VLANs"),
    ("1.3.6.1.2.1.31", "interfaces, the newer table"),
    ("1.3.6.1.2.1.47", "chassis and serial number"),
    ("1.0.8802.1.1.2", "LLDP"),
)
"""Subtree -> what is read of it; Cisco's VLAN names (1.3.6.1.4.1.9.9.46.1.3.1) are the one private one."""


def grant_text(name: str) -> str:
    """Return the lines for Net-SNMP and for a switch, and the command that adds the source."""
    # Net-SNMP takes what follows on the line for the view's mask, so that each comment has its own.
    views = "\n".join(f"    # {what}\n    view infradb included .{oid}" for oid, what in TREES)
    return f"""On each device, a user of SNMPv3 that may read what infradb reads, and nothing else. Choose two passwords
of at least 8 characters and put them where AUTH and PRIV stand.

Net-SNMP (Linux, FreeBSD, many a NAS). Into /etc/snmp/snmpd.conf, then restart snmpd:

{views}
    createUser infradb SHA "AUTH" AES "PRIV"
    rouser infradb authpriv -V infradb

For LLDP on Linux also `master agentx` there, and lldpd started with -x.

Cisco IOS and what is like it:

    snmp-server view infradb iso included
    snmp-server group infradb v3 priv read infradb
    snmp-server user infradb infradb v3 auth sha AUTH priv aes 128 PRIV

HP ProCurve and ArubaOS-Switch:

    snmpv3 enable
    snmpv3 user infradb auth sha AUTH priv aes PRIV
    snmpv3 group operatorauth user infradb sec-model ver3

Other switches have a page for it, SNMP or SNMPv3: a user with read-only rights, security level authPriv, SHA and AES.
Where a device has SNMPv2c only: a read-only community of its own, and an access list that names this machine.

Then here, with the passwords in files that only infradb may read:

    infradb sources add snmp {name} hosts=sw1.lan,sw2.lan user=infradb auth_key=file:/PATH/auth priv_key=file:/PATH/priv
"""
