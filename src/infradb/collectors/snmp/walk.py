"""Reads one device, table by table, through questions that somebody else sends; understands nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from infradb.collectors.snmp.failures import VIEW, Refusal
from infradb.collectors.snmp.tables import (
    ENTITY_DETAILS,
    ENTITY_KINDS,
    OLD_FDB,
    PARTS,
    SCALARS,
    SYSTEM,
    PartFacts,
    Table,
    Value,
)

VALUES_PER_ANSWER = 40
"""How many values one GETBULK asks for: what fits into 1,500 octets, so that nothing is cut."""
MOST_ROWS = 200_000
"""Rows of one table that are read; a device that has more, or an endless one, makes its scope partial."""
Ask = Callable[[str, Sequence[str], int], Awaitable[list[Any]]]
"""Sends one question: its name, OIDs, repetitions (0 for a GET); returns (OID, value) pairs, raises `Refusal`."""
Columns = dict[str, dict[str, Value]]
_CHASSIS, _STACK = 3, 11
_MOST_CHASSIS = 64
_TOO_BIG = 1


class DeviceReader:
    """One device while it is read."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
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
            pairs = await self._ask(call, oids, 0)
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
                return [_plain(p) for p in await self._ask(call, oids, repetitions)]
            except Refusal as refusal:
                if repetitions == 1 or not (refusal.status == _TOO_BIG or refusal.silent):
                    raise
                self.most_values = max(1, self.most_values // 8)


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
