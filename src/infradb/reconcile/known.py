"""What the reconciler asks about the state before a run. The store answers; tests may too."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infradb.change import SourceOrder, StoredClaim


@dataclass(frozen=True, slots=True)
class Holder:
    """An entity that has an identifier."""

    entity_id: int
    retired: bool
    lapsed: bool = False
    """Whether the native key by which it was asked for was withdrawn."""


class Known(Protocol):
    """Questions in bulk, so that each costs one statement a batch."""

    sources: Mapping[int, SourceOrder]

    def preferred(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """Return the fields of a table that have an order of sources of their own, and the places in it."""
        ...

    def natives(self, source_id: int, keys: Collection[str]) -> dict[str, Holder]:
        """Return the entities that a source knows by native keys; `uid:…` finds any entity."""
        ...

    def holders(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Holder]]:
        """Return the entities that have hard keys (scheme, value)."""
        ...

    def identifiers(self, ids: Collection[int]) -> dict[int, dict[str, set[str]]]:
        """Return the hard keys of entities: id -> scheme -> values."""
        ...

    def apart(self, id_: int) -> set[int]:
        """Return the entities that a person keeps apart from one."""
        ...

    def named(
        self, table: str, fields: tuple[str, ...], keys: Collection[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], list[int]]:
        """Return the live rows whose fields have these values."""
        ...

    def former(
        self, table: str, fields: tuple[str, ...], keys: Collection[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], int]:
        """Return the last retired row whose fields have these values."""
        ...

    def claims(self, ids: Collection[int]) -> dict[int, list[StoredClaim]]:
        """Return all claims about entities, withdrawn ones too."""
        ...

    def parts(self, scope_id: int, answers: Collection[str]) -> dict[str, list[StoredClaim]]:
        """Return the claims that answers made about things besides their own."""
        ...

    def rows(self, table: str, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return rows as plain values (JSON decoded), with `retired_at`."""
        ...

    def tables(self, ids: Collection[int]) -> dict[int, str]:
        """Return the tables of entities."""
        ...

    def owned(self, ids: Collection[int], *, retired_with: bool = False) -> list[tuple[int, str, int]]:
        """Return (id, table, owner id) of the live rows that entities own, or of those retired with them."""
        ...

    def owners(self, ids: Collection[int]) -> dict[int, set[int]]:
        """Return the owners of entities."""
        ...
