"""Which type a word means: a table's name, singular or plural, with `-` or `_`, or a short name."""

from difflib import get_close_matches

from infradb.errors import UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, RECORDS
from infradb.model.describe import EntityType, RecordType
from infradb.store.views import VIEWS

VIEW_NAMES = tuple(v.name for v in VIEWS)
_NARROWED = {
    "vm": "container_type=vm",
    "vms": "container_type=vm",
    "lxc": "container_type=lxc",
    "lxcs": "container_type=lxc",
}
"""Words for a part of the guests, and the condition that makes it."""
_RECORD_NAMES = {"runs": "discovery_runs", "changes": "infrastructure_changes"}


_FIRST = ("hosts", "proxmox_containers", "docker_containers", "services", "networks", "ip_addresses")
KIND_ORDER = {table: n for n, table in enumerate(dict.fromkeys((*_FIRST, *BY_TABLE)))}
"""Table -> its place among the kinds, those that people ask for first."""


def _words() -> dict[str, str]:
    words: dict[str, str] = {}
    for entity_type in ENTITY_TYPES:
        for noun in (entity_type.table, *entity_type.short_names):
            words[noun] = entity_type.table
            words.setdefault(_singular(noun), entity_type.table)
    for table in RECORDS:
        words.setdefault(table, table)
        words.setdefault(_singular(table), table)
    for noun, table in _RECORD_NAMES.items():
        words.setdefault(noun, table)
        words.setdefault(_singular(noun), table)
    words.update(dict.fromkeys(_NARROWED, "proxmox_containers"))
    for view in VIEW_NAMES:
        words[view] = view
        words.setdefault(view.removeprefix("v_"), view)
    return words


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith("sses"):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


WORDS = _words()


def table_of(word: str) -> str:
    """Return the table or view that a word means; raise `UsageError` with what comes near."""
    noun = word.strip().lower().replace("-", "_")
    if noun in WORDS:
        return WORDS[noun]
    near = get_close_matches(noun, WORDS, n=3)
    kinds = ", ".join(t.short_names[0] if t.short_names and "_" in t.table else t.table for t in ENTITY_TYPES)
    raise UsageError(
        f"there is no kind {word!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""), hint=f"kinds: {kinds}"
    )


def entity_type(word: str) -> EntityType:
    """Return the entity type that a word means; raise `UsageError` where it means none."""
    table = table_of(word)
    if table not in BY_TABLE:
        raise UsageError(f"{word!r} is no kind of thing that can be named or edited", hint="`infradb list` shows it")
    return BY_TABLE[table]


def narrowed(word: str) -> tuple[str, ...]:
    """Return the conditions that a word says besides the table: `vms` are the guests that are virtual machines."""
    condition = _NARROWED.get(word.strip().lower())
    return (condition,) if condition else ()


def record_type(table: str) -> RecordType | None:
    """Return the type of a table of records, or None."""
    return RECORDS.get(table)
