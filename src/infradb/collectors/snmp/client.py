"""Asks devices over SNMP; understands nothing. Only GET and GETBULK are ever sent.

pysnmp's engine is driven by its own interface, not by its `hlapi`: nothing of a MIB is loaded, which saves a second.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from infradb.collectors.snmp.failures import Refusal, status_refusal, wordless
from infradb.collectors.snmp.settings import Place, SnmpSettings
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.walk import DeviceReader
from infradb.errors import SettingsError
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal


class SnmpClient:
    """One SNMP engine for all devices of one run; every question has its time."""

    def __init__(self, settings: SnmpSettings, log: CallLog) -> None:
        self.settings, self.log = settings, log
        self._engine: Any = None
        self._secrets = {
            name: reveal(reference)
            for name in ("community", "auth_key", "priv_key")
            if (reference := getattr(settings, name))
        }
        for name in ("auth_key", "priv_key"):
            if 0 < len(self._secrets.get(name, "")) < 8:
                raise SettingsError(f"{name} is shorter than 8 characters", hint="SNMPv3 takes none that is (RFC 3414)")

    def read_all(self) -> list[DeviceFacts]:
        """Return what each device answers, `parallel` at a time, in the order of `hosts`."""
        return asyncio.run(self._read_all(whole=True))

    def read_scalars(self) -> list[DeviceFacts]:
        """Return only what each device has once."""
        return asyncio.run(self._read_all(whole=False))

    async def _read_all(self, *, whole: bool) -> list[DeviceFacts]:
        self._open()
        try:
            slots = asyncio.Semaphore(self.settings.parallel)
            return await asyncio.gather(*(self._device(n, p, slots, whole) for n, p in enumerate(self.settings.places)))
        finally:
            self._engine.close_dispatcher()
            await asyncio.sleep(0)  # lets the closed sockets go

    async def _device(self, number: int, place: Place, slots: asyncio.Semaphore, whole: bool) -> DeviceFacts:
        async with slots:
            try:
                address, family = await _resolve(place)
            except Refusal as refusal:
                return DeviceFacts(place.name, error=str(refusal))
            target, deadline = f"d{number}", time.monotonic() + self.settings.device_seconds
            self._point(target, address, family)
            device = DeviceReader(partial(self._ask, target, deadline))
            shown = str(address[0]).partition("%")[0]
            try:
                scalars = await device.scalars()
            except Refusal as refusal:
                return DeviceFacts(place.name, shown, error=str(refusal))
            parts = await device.parts() if whole else {}
            return DeviceFacts(place.name, shown, scalars, parts)

    def _open(self) -> None:
        from pysnmp.carrier.asyncio.dgram import udp, udp6
        from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
        from pysnmp.entity import config
        from pysnmp.entity.engine import SnmpEngine

        # What is no SNMP raises in the loop, where nobody could catch it; the question then stays unanswered.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        self._engine = SnmpEngine()
        self._engine.register_transport_dispatcher(AsyncioDispatcher())
        for transport, domain in (
            (udp.UdpAsyncioTransport, udp.DOMAIN_NAME),
            (udp6.Udp6AsyncioTransport, udp6.DOMAIN_NAME),
        ):
            config.add_transport(self._engine, domain, transport().open_client_mode())
        if self.settings.user is None:
            config.add_v1_system(self._engine, "account", self._secrets["community"])
            config.add_target_parameters(self._engine, "how", "account", "noAuthNoPriv", 1)
            return
        auth, priv = _protocols(config, self.settings)
        secrets = self._secrets
        level = "authPriv" if "priv_key" in secrets else "authNoPriv" if "auth_key" in secrets else "noAuthNoPriv"
        config.add_v3_user(
            self._engine, self.settings.user, auth, secrets.get("auth_key"), priv, secrets.get("priv_key")
        )
        config.add_target_parameters(self._engine, "how", self.settings.user, level)

    def _point(self, target: str, address: Any, family: int) -> None:
        from pysnmp.carrier.asyncio.dgram import udp, udp6
        from pysnmp.entity import config

        domain = udp6.DOMAIN_NAME if family == socket.AF_INET6 else udp.DOMAIN_NAME
        ticks = max(1, round(self.settings.timeout_seconds * 100))
        config.add_target_address(self._engine, target, domain, address, "how", ticks, self.settings.retries)

    async def _ask(self, target: str, deadline: float, call: str, oids: Sequence[str], repetitions: int) -> list[Any]:
        """Return (OID, value) pairs of one GET, or of one GETBULK where there are repetitions; raise `Refusal`."""
        from pysnmp.entity.rfc3413 import cmdgen
        from pysnmp.proto import rfc1902

        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def note(
            _engine: Any, _handle: Any, indication: Any, status: Any, index: Any, pairs: Any, _context: Any
        ) -> None:
            if not answer.done():
                answer.set_result((indication, int(status or 0), int(index or 0), pairs))

        asked = [(rfc1902.ObjectName(oid), rfc1902.Null("")) for oid in oids]
        context = self.settings.context.encode()
        with self.log.recording(call):
            if repetitions:
                generator = cmdgen.BulkCommandGenerator()
                generator.send_varbinds(self._engine, target, None, context, 0, repetitions, asked, note)
            else:
                cmdgen.GetCommandGenerator().send_varbinds(self._engine, target, None, context, asked, note)
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(0, deadline - time.monotonic())):
                    indication, status, _, pairs = await answer
            except TimeoutError as error:
                seconds = f"{self.settings.device_seconds:g}"
                hint = "`device_seconds` of the source says how long one device may take"
                raise Refusal(f"the device took longer than {seconds} s ({hint})") from error
            if indication:
                raise wordless(indication, self.settings)
            if status:
                raise status_refusal(status, self.settings)
        return list(pairs)


async def _resolve(place: Place) -> tuple[Any, int]:
    """Return a device's socket address and its family."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        hint = "check `hosts` of the source, or the DNS"
        raise Refusal(f"the name {place.host} is not known ({hint})") from error
    family, _, _, _, address = found[0]
    return (address[:2] if family == socket.AF_INET else address), family


def _protocols(config: Any, settings: SnmpSettings) -> tuple[Any, Any]:
    auth = {
        "md5": config.USM_AUTH_HMAC96_MD5,
        "sha": config.USM_AUTH_HMAC96_SHA,
        "sha224": config.USM_AUTH_HMAC128_SHA224,
        "sha256": config.USM_AUTH_HMAC192_SHA256,
        "sha384": config.USM_AUTH_HMAC256_SHA384,
        "sha512": config.USM_AUTH_HMAC384_SHA512,
    }
    priv = {
        "des": config.USM_PRIV_CBC56_DES,
        "aes": config.USM_PRIV_CFB128_AES,
        "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
        "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
        "aes192-cisco": config.USM_PRIV_CFB192_AES,
        "aes256-cisco": config.USM_PRIV_CFB256_AES,
    }
    return (
        auth[settings.auth_protocol] if settings.auth_key else config.USM_AUTH_NONE,
        priv[settings.priv_protocol] if settings.priv_key else config.USM_PRIV_NONE,
    )
