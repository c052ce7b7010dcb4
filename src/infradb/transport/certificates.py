"""Reads certificates: what a server shows for a name, and what a file holds. Never reads a private key."""

import socket
import ssl
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from infradb import clock
from infradb.errors import SourceMalformed, SourceRefused, SourceUnreachable
from infradb.model.services import Certificate

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_MOST_LINES = 1000
"""A certificate has about 40 lines; before it there may be a text about it."""


def shown_certificate(host: str, port: int, name: str | None, timeout_seconds: float) -> bytes:
    """Return the certificate (DER) that a server shows for a name, or without one, unverified.

    Only the handshake is made; nothing is sent. Raises `SourceUnreachable`, or `SourceRefused` where the server shows
    none for that name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    where = f"{name or 'no name'} at {host}:{port}"
    try:
        with (
            socket.create_connection((host, port), timeout_seconds) as plain,
            context.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            shown = wrapped.getpeercert(binary_form=True)
    except ssl.SSLError as error:
        hint = "does that port speak TLS, and has it a certificate for the name?"
        raise SourceRefused(f"{where}: {(error.reason or 'no TLS').replace('_', ' ').lower()}", hint=hint) from error
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or "no answer"
        raise SourceUnreachable(f"{where}: {said.lower()}", hint="is the port open from here?") from error
    if not shown:
        raise SourceRefused(f"{where}: no certificate is shown", hint="does that port speak TLS?")
    return shown


def first_certificate(path: Path) -> bytes:
    """Return the first certificate (DER) in a PEM file, which is the server's own (RFC 8446, 4.4.2).

    Reading ends with it, without a buffer, or where a private key begins. Raises `SourceUnreachable` or
    `SourceMalformed`.
    """
    try:
        if path.exists() and not path.is_file():
            raise _no_certificate(str(path))
        with path.open("rb", buffering=0) as file:
            lines = (file.readline(200).decode("ascii", "replace") for _ in range(_MOST_LINES))
            found = _first_block(lines)
    except OSError as error:
        hint = "give infradb the right to read it, not the key beside it"
        raise SourceUnreachable(f"the certificate {path} cannot be read: {error.strerror}", hint=hint) from error
    if found is None:
        raise _no_certificate(str(path))
    return found


def certificate_in(text: str) -> bytes:
    """Return the first certificate (DER) in PEM text; raise `SourceMalformed`."""
    found = _first_block(text.splitlines()[:_MOST_LINES])
    if found is None:
        raise _no_certificate("the text")
    return found


def understand(der: bytes, path: str | None = None) -> Certificate:
    """Return what a certificate (DER) says (RFC 5280); raise `SourceMalformed`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        read = x509.load_der_x509_certificate(der)
        names = _names(read)
        said: dict[str, Any] = {"path": path} if path else {}
        return described(
            read.fingerprint(SHA256()).hex(),
            _common_name(read.subject),
            names,
            _common_name(read.issuer) or read.issuer.rfc4514_string(),
            (read.not_valid_before_utc, read.not_valid_after_utc),
            **said,
        )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise _no_certificate(path or "the certificate that is shown") from error


def described(
    fingerprint: str, common_name: str, names: list[str], issuer: str, valid: tuple[datetime, datetime], **said: Any
) -> Certificate:
    """Return a certificate in the one form that all sources give it; raise `ValueError`."""
    known = sorted({name.lower() for name in names})
    return Certificate(
        fingerprint=fingerprint.lower().replace(":", ""),
        subject=(common_name or next(iter(known), "") or "without a name")[:255],
        names=known,
        issuer=issuer,
        not_before_at=clock.to_instant(valid[0]),
        not_after_at=clock.to_instant(valid[1]),
        **said,
    )


def _first_block(lines: Iterable[str]) -> bytes | None:
    """Return the first certificate; None where there is none before a private key."""
    block: list[str] = []
    for line in lines:
        text = line.strip()
        if "PRIVATE KEY" in text:
            return None
        if block or text == _BEGIN:
            block.append(text)
        if block and text == _END:
            try:
                return ssl.PEM_cert_to_DER_cert("\n".join(block))
            except ValueError:
                return None
    return None


def _names(certificate: Any) -> list[str]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(n.value) for n in found if isinstance(n, x509.DNSName | x509.IPAddress)]


def _common_name(name: Any) -> str:
    from cryptography.x509.oid import NameOID

    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return str(found[0].value)
    return ""


def _no_certificate(what: str) -> SourceMalformed:
    return SourceMalformed(
        f"{what} is no certificate", hint="a PEM file with the server's certificate first is expected"
    )
