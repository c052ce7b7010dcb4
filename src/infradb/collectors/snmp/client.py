"""Asks devices over SNMP; understands nothing. Only GET and GETBULK are ever sent.

pysnmp's engine is driven by its own interface, not by its `hlapi`: nothing of a MIB is loaded, which saves a second.
"""

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from infradb.collectors.snmp.failures import VIEW, Refusal, status_refusal, wordless
from infradb.collectors.snmp.settings import Place, SnmpSettings
from infradb.collectors.snmp.tables import (
    ENTITY_DETAILS,
    ENTITY_KINDS,
    OLD_FDB,
    PARTS,
    SCALARS,
    SYSTEM,
    DeviceFacts,
    PartFacts,
    Table,
    Value,
)
from infradb.errors import SettingsError
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal

VALUES_PER_ANSWER = 40
"""How many values one GETBULK asks for: what fits into 1,500 octets, so that nothing is cut."""
MOST_ROWS = 200_000
"""Rows of one table that are read; a device that has more, or an endless one, makes its scope partial."""
_CHASSIS, _STACK = 3, 11
_MOST_CHASSIS = 64
_TOO_BIG = 1
Columns = dict[str, dict[str, Value]]


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
            device = _Device(self, f"d{number}", time.monotonic() + self.settings.device_seconds)
            self._point(device.target, address, family)
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

    async def ask(self, target: str, call: str, oids: Sequence[str], repetitions: int, deadline: float) -> list[Any]:
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


class _Device:
    """One device while it is read."""

    def __init__(self, client: SnmpClient, target: str, deadline: float) -> None:
        self.client, self.target, self.deadline = client, target, deadline
        self.most_values = VALUES_PER_ANSWER
        self._gone = ""

    async def scalars(self) -> dict[str, Value]:
        """Return what the device has once; raise `Refusal` where it does not answer."""
        names = {oid: name for name, oid in SCALARS.items()}
        found: dict[str, Value] = {}
        for oid, value in await self._get("GET SNMPv2-MIB::system", list(SCALARS.values())):
            if oid in names:
                found[names[oid]] = value
        if not found.keys() & {"sysDescr", "sysObjectID", "sysName"}:
            raise Refusal(f"it answers, and shows nothing of itself (SNMPv2-MIB::system); {VIEW}", status=16)
        return found

    async def parts(self) -> dict[str, PartFacts]:
        """Return every part; one that cannot be read says why, and the others are read nevertheless."""
        found = {SYSTEM: await self._entities()}
        for part in PARTS:
            columns: Columns = {}
            error = self._gone
            for table in part.tables:
                # The older forwarding table has the same entries, without their VLAN.
                if error or (table.name == OLD_FDB and columns.get("dot1qTpFdbPort")):
                    break
                error = await self._table(table, columns)
            found[part.name] = PartFacts(columns, error)
        return found

    async def _entities(self) -> PartFacts:
        columns: Columns = {}
        if error := await self._table(ENTITY_KINDS, columns):
            return PartFacts(columns, error)
        kinds = columns["entPhysicalClass"]
        chassis = [index for index, kind in kinds.items() if kind in (_CHASSIS, _STACK)][:_MOST_CHASSIS]
        names = {oid: name for name, oid in ENTITY_DETAILS.items()}
        kept: Columns = {name: {i: v for i, v in column.items() if i in chassis} for name, column in columns.items()}
        for index in chassis:
            try:
                pairs = await self._get("GET ENTITY-MIB::entPhysicalEntry", [f"{oid}.{index}" for oid in names])
            except Refusal as refusal:
                return PartFacts(kept, f"{ENTITY_KINDS.name}: {refusal}")
            for oid, value in pairs:
                entry, _, at = oid.rpartition(".")
                if at == index and entry in names:
                    kept.setdefault(names[entry], {})[index] = value
        return PartFacts(kept)

    async def _table(self, table: Table, columns: Columns) -> str:
        """Read the columns of a table into `columns`; return why they are not whole, empty where they are."""
        began = {name: columns.setdefault(name, {}) for name in table.columns}
        try:
            await self._walk(table, began)
        except Refusal as refusal:
            if refusal.silent and not await self._answers():
                self._gone = f"it stopped answering at {table.name}: {refusal}"
            return f"{table.name}: {refusal}"
        return ""

    async def _answers(self) -> bool:
        """Tell whether the device still answers at all, so that a dead one is not asked for everything else."""
        try:
            await self._get("GET SNMPv2-MIB::system", [SCALARS["sysObjectID"]])
        except Refusal as refusal:
            return not refusal.silent
        return True

    async def _walk(self, table: Table, columns: Mapping[str, dict[str, Value]]) -> None:
        """Read columns side by side, each until it ends."""
        at = dict(table.columns)
        while at:
            names = list(at)
            pairs = await self._bulk(f"GETBULK {table.name}", [at[n] for n in names])
            if not pairs:
                return
            ended: set[str] = set()
            for place, (oid, value) in enumerate(pairs):
                name = names[place % len(names)]
                if name in ended:
                    continue
                start = f"{table.columns[name]}."
                if value is None or not oid.startswith(start):
                    ended.add(name)
                    continue
                if not _later(oid, at[name]):
                    raise Refusal(f"the answers go round in circles at {oid}, a fault of the device")
                columns[name][oid[len(start) :]] = value
                at[name] = oid
            at = {n: oid for n, oid in at.items() if n not in ended}
            if any(len(columns[n]) > MOST_ROWS for n in names):
                raise Refusal(f"it has more than {MOST_ROWS} rows; infradb stops there")

    async def _get(self, call: str, oids: Sequence[str]) -> list[tuple[str, Value]]:
        try:
            pairs = await self.client.ask(self.target, call, oids, 0, self.deadline)
        except Refusal as refusal:
            if refusal.status != _TOO_BIG or len(oids) == 1:
                raise
            half = len(oids) // 2
            return [*await self._get(call, oids[:half]), *await self._get(call, oids[half:])]
        return [(oid, value) for oid, value in map(_plain, pairs) if value is not None]

    async def _bulk(self, call: str, oids: Sequence[str]) -> list[tuple[str, Value | None]]:
        """Ask for the next values; an agent that answers only smaller questions is asked those from then on."""
        while True:
            repetitions = max(1, self.most_values // len(oids))
            try:
                return [_plain(p) for p in await self.client.ask(self.target, call, oids, repetitions, self.deadline)]
            except Refusal as refusal:
                if repetitions == 1 or not (refusal.status == _TOO_BIG or refusal.silent):
                    raise
                self.most_values = max(1, self.most_values // 8)


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


def _plain(pair: Any) -> tuple[str, Value | None]:
    """Return an OID and a value as the collector keeps them; None where the device has no such value."""
    from pyasn1.type import univ
    from pysnmp.proto import rfc1902

    name, value = pair
    oid = ".".join(map(str, tuple(name)))
    if isinstance(value, univ.Null):  # noSuchObject, noSuchInstance and endOfMibView are kinds of it (RFC 3416, 3)
        return oid, None
    if isinstance(value, rfc1902.IpAddress):
        return oid, ".".join(map(str, bytes(value)))
    if isinstance(value, univ.OctetString):
        return oid, bytes(value).decode("latin-1")
    if isinstance(value, univ.ObjectIdentifier):
        return oid, ".".join(map(str, tuple(value)))
    return oid, int(value) if isinstance(value, univ.Integer) else None


def _later(oid: str, before: str) -> bool:
    return [int(n) for n in oid.split(".")] > [int(n) for n in before.split(".")]
