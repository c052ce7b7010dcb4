"""Answers one kind of question about names, in the namespace of a test's host: `responder.py KIND ADDRESS NAME`."""

from __future__ import annotations

import socket
import struct
import sys

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rrset


def answer_dns(octets: bytes, asked_for: str, name: str) -> bytes:
    """Answer a PTR question: of one address with a name, of others that there is none."""
    question = dns.message.from_wire(octets)
    reply = dns.message.make_response(question)
    if question.question[0].name.to_text().rstrip(".") == asked_for:
        reply.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "PTR", f"{name}."))
    else:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


def answer_mdns(octets: bytes, asked_for: str, name: str) -> bytes | None:
    """Answer as a responder does to one that asks from another port than 5353 (RFC 6762, 6.7)."""
    question = dns.message.from_wire(octets)
    if question.question[0].name.to_text().rstrip(".") != asked_for:
        return None
    reply = dns.message.Message(question.id)
    reply.flags = dns.flags.QR | dns.flags.AA
    reply.answer.append(dns.rrset.from_text(question.question[0].name, 10, "IN", "PTR", f"{name}."))
    return reply.to_wire()


def answer_netbios(octets: bytes, _asked_for: str, name: str) -> bytes:
    """Answer a node status request: a group, then the workstation (RFC 1002, 4.2.18)."""
    names = [(b"WORKGROUP", 0x00, 0x8400), (name.upper().encode(), 0x00, 0x0400), (name.upper().encode(), 0x20, 0x0400)]
    body = bytes([len(names)]) + b"".join(n.ljust(15) + bytes([kind]) + struct.pack("!H", f) for n, kind, f in names)
    body += bytes.fromhex("00163e880004") + bytes(40)
    header = octets[:2] + struct.pack("!5H", 0x8400, 0, 1, 0, 0)
    return header + octets[12:46] + struct.pack("!2HIH", 0x21, 1, 0, len(body)) + body


KINDS = {"dns": (53, answer_dns), "mdns": (5353, answer_mdns), "netbios": (137, answer_netbios)}

if __name__ == "__main__":
    kind, address, called = sys.argv[1:4]
    port, answer = KINDS[kind]
    reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", port))
        print("ready", flush=True)
        while True:
            datagram, peer = server.recvfrom(4096)
            if (reply := answer(datagram, reverse, called)) is not None:
                server.sendto(reply, peer)
