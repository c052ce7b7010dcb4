"""Agents on loopback that answer as badly as devices do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

Oid = tuple[int, ...]
SYSTEM = {
    (1, 3, 6, 1, 2, 1, 1, 1, 0): v2c.OctetString("a device"),
    (1, 3, 6, 1, 2, 1, 1, 2, 0): v2c.ObjectIdentifier((1, 3, 6, 1, 4, 1, 9, 1, 1)),
    (1, 3, 6, 1, 2, 1, 1, 5, 0): v2c.OctetString("bad"),
}
IF_DESCR = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)


def _answer(datagram: bytes, reply: Callable[[Any, list[Any]], list[Any] | int]) -> bytes:
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    asked = v2c.apiMessage.get_pdu(message)
    pdu = v2c.GetResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, v2c.apiPDU.get_request_id(asked))
    pairs = v2c.apiPDU.get_varbinds(asked)
    said = reply(asked, pairs)
    if isinstance(said, int):
        v2c.apiPDU.set_error_status(pdu, said)
        said = pairs
    v2c.apiPDU.set_varbinds(pdu, said)
    v2c.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


def _is_get(asked: Any) -> bool:
    return isinstance(asked, v2c.GetRequestPDU)


def _scalars(pairs: list[Any]) -> list[Any]:
    return [(oid, SYSTEM.get(tuple(oid), v2c.NoSuchObject(""))) for oid, _ in pairs]


def endless(asked: Any, pairs: list[Any]) -> list[Any]:
    """Every table goes on for ever."""
    if _is_get(asked):
        return _scalars(pairs)
    rows = int(v2c.apiBulkPDU.get_max_repetitions(asked))
    starts = [tuple(oid) for oid, _ in pairs]
    lasts = [(*s, 0) if len(s) < 12 else s for s in starts]
    return [((*last[:-1], last[-1] + n + 1), v2c.Integer(1)) for n in range(rows) for last in lasts]


def circular(asked: Any, pairs: list[Any]) -> list[Any]:
    """The same row comes again and again."""
    return _scalars(pairs) if _is_get(asked) else [((*IF_DESCR, 1), v2c.OctetString("eth0")) for _ in pairs * 2]


def refusing(asked: Any, pairs: list[Any]) -> list[Any] | int:
    """Nothing but the system may be read: authorizationError."""
    return _scalars(pairs) if _is_get(asked) else 16


def failing(asked: Any, pairs: list[Any]) -> list[Any] | int:
    """The device fails inside: genErr."""
    return _scalars(pairs) if _is_get(asked) else 5


def small(asked: Any, pairs: list[Any]) -> list[Any] | int:
    """Whatever asks for more than one row is too big; there is one interface."""
    if _is_get(asked):
        return _scalars(pairs)
    if v2c.apiBulkPDU.get_max_repetitions(asked) > 1:
        return 1
    one = {(*IF_DESCR, 1): v2c.OctetString("eth0")}
    return [
        ((*tuple(oid), 1), one[*tuple(oid), 1]) if (*tuple(oid), 1) in one else (oid, v2c.EndOfMibView(""))
        for oid, _ in pairs
    ]


def mute_tables(asked: Any, pairs: list[Any]) -> list[Any]:
    """The system is answered, a table never."""
    if not _is_get(asked):
        raise TimeoutError
    return _scalars(pairs)


def wrong_types(asked: Any, pairs: list[Any]) -> list[Any]:
    """Numbers where texts belong, and texts where numbers belong."""
    if _is_get(asked):
        return [(oid, v2c.Integer(5)) for oid, _ in pairs]
    return [
        ((*tuple(oid), 1), v2c.OctetString("x")) if len(oid) < 12 else (oid, v2c.EndOfMibView("")) for oid, _ in pairs
    ]


@contextlib.contextmanager
def agent(reply: Callable[[Any, list[Any]], list[Any] | int] | bytes) -> Iterator[str]:
    """Yield HOST:PORT of an agent that answers so; octets are sent as they are."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                datagram, peer = server.recvfrom(65535)
                server.sendto(reply if isinstance(reply, bytes) else _answer(datagram, reply), peer)
            except TimeoutError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        server.close()
