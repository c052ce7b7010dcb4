"""Transfers zones with dnspython, and reads zone files; understands nothing of what is in them."""

import binascii
import socket
import time
from typing import Any, NamedTuple

from infradb.collectors.dns.settings import DnsSettings
from infradb.errors import CollectionError, SettingsError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.files import read_text

AXFR = "AXFR {zone}"
MOST_RECORDS = 2_000_000
_ALLOW = (
    "allow it there: BIND `allow-transfer { ADDRESS; };` or `{ key NAME; };`, Knot an `acl` with `action: transfer`,"
    " PowerDNS `allow-axfr-ips=ADDRESS` or the metadata TSIG-ALLOW-AXFR"
)


class RawRecord(NamedTuple):
    """One record as it was sent, its content in the form of zone files."""

    name: str
    type: str
    content: str
    ttl: int


class DnsClient:
    """Reads zones from one server, or from files; threads may share it."""

    def __init__(self, settings: DnsSettings, log: CallLog) -> None:
        self._settings = settings
        self._log = log

    def transfer(self, zone: str) -> list[RawRecord]:
        """Return every record of a zone (AXFR, RFC 5936). Raises `CollectionError`."""
        keys = self._keys()
        with self._log.recording(AXFR):
            return self._transfer(zone, keys)

    def file(self, path: str) -> str:
        """Return a zone file's text. Raises `CollectionError`."""
        return read_text(path, self._log)

    def _transfer(self, zone: str, keys: dict[str, Any]) -> list[RawRecord]:
        import dns.exception
        import dns.query

        settings, deadline = self._settings, time.monotonic() + self._settings.timeout_seconds
        where = f"the transfer of {zone} from {settings.server}"
        found: list[RawRecord] = []
        try:
            messages = dns.query.xfr(
                self._address(),
                zone,
                port=settings.port,
                lifetime=settings.timeout_seconds,
                relativize=False,
                **keys,
            )
            for message in messages:
                found += _records(message)
                if len(found) > MOST_RECORDS:
                    raise SourceMalformed(f"{where} has no end", hint="is it the right server, and the right zone?")
                if time.monotonic() > deadline:
                    raise dns.exception.Timeout
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            raise _failure(error, where) from error
        return found

    def _address(self) -> str:
        try:
            found = socket.getaddrinfo(self._settings.server, self._settings.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            hint = "check `server` of the source, or the DNS that infradb itself uses"
            raise SourceUnreachable(f"{self._settings.server}: the server's name is not known", hint=hint) from error
        return str(found[0][4][0])

    def _keys(self) -> dict[str, Any]:
        """Return the arguments that sign a transfer (TSIG, RFC 8945)."""
        if self._settings.tsig_secret is None:
            return {}
        import dns.exception
        import dns.name
        import dns.tsigkeyring

        try:
            ring = dns.tsigkeyring.from_text({str(self._settings.tsig_key): reveal(self._settings.tsig_secret)})
        except (binascii.Error, ValueError, dns.exception.DNSException) as error:
            hint = "it is the base64 text after `secret` in the server's key; `tsig-keygen NAME` makes one"
            raise SettingsError("the TSIG key's name or secret is none", hint=hint) from error
        return {"keyring": ring, "keyalgorithm": dns.name.from_text(self._settings.tsig_algorithm)}


def _records(message: Any) -> list[RawRecord]:
    import dns.rdatatype

    return [
        RawRecord(rrset.name.to_text(), dns.rdatatype.to_text(rrset.rdtype), rdata.to_text(), int(rrset.ttl))
        for rrset in message.answer
        for rdata in rrset
    ]


def _failure(error: Exception, where: str) -> CollectionError:
    import dns.exception
    import dns.query
    import dns.tsig
    import dns.xfr

    if isinstance(error, dns.xfr.TransferError):
        return _refusal(str(error), where)
    if isinstance(error, dns.tsig.PeerBadTime | dns.tsig.BadTime):
        return SourceRefused(f"{where}: the clocks differ too much for TSIG", hint="set both clocks right (NTP)")
    if isinstance(error, dns.tsig.PeerError | dns.tsig.BadKey | dns.tsig.BadSignature | dns.tsig.BadAlgorithm):
        hint = "check `tsig_key`, `tsig_secret` and `tsig_algorithm` against the server's key"
        return SourceRefused(f"{where}: the TSIG key is not the server's", hint=hint)
    if isinstance(error, dns.exception.Timeout | TimeoutError):
        hint = "`timeout_seconds` of the source says how long to wait; does a firewall drop TCP port 53?"
        return SourceUnreachable(f"{where} did not end in time", hint=hint)
    if isinstance(error, ConnectionRefusedError):
        return SourceUnreachable(f"{where}: nothing listens there", hint="does it run, and listen on TCP at `port`?")
    if isinstance(error, EOFError | OSError):
        return SourceUnreachable(f"{where} broke off", hint="the server's own log says why")
    return SourceMalformed(f"{where}: the answer is no zone ({type(error).__name__})", hint="is it a name server?")


def _refusal(said: str, where: str) -> CollectionError:
    if "NOTAUTH" in said:
        # BIND answers a key that it does not know in this way as well.
        hint = (
            "is the zone's name right, and the server one of its own name servers? If a key is set: is it known there?"
        )
        return SourceRefused(f"{where}: the server is not in charge of the zone (NOTAUTH)", hint=hint)
    if "REFUSED" in said:
        return SourceRefused(f"{where} is refused", hint=_ALLOW)
    return SourceUnreachable(f"{where} failed ({said})", hint="the server's own log says why")
