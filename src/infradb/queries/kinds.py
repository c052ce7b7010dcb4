"""Which type a word means: a table's name, singular or plural, with `-` or `_`, or a short name."""

from difflib import get_close_matches

from infradb.errors import UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES, RECORDS
from infradb.model.describe import EntityType, RecordType
from infradb.store.views import VIEWS

VIEW_NAMES = tuple(v.name for v in VIEWS)
_GUESTS = {
    "lxc": "infradb list guests container_type=lxc",
    "lxcs": "infradb list guests container_type=lxc",
    "vm": "infradb list guests container_type=vm",
    "guest": "",
}


def _words() -> dict[str, str]:
    words: dict[str, str] = {}
    for entity_type in ENTITY_TYPES:
        for noun in (entity_type.table, *entity_type.short_names):
            words[noun] = entity_type.table
            words.setdefault(_singular(noun), entity_type.table)
    for table in RECORDS:
        words.setdefault(table, table)
        words.setdefault(_singular(table), table)
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
    if hint := _GUESTS.get(noun):
        raise UsageError(f"there is no kind {word!r}; guests of both kinds are in one table", hint=hint)
    near = get_close_matches(noun, WORDS, n=3)
    kinds = ", ".join(t.short_names[0] if t.short_names else t.table for t in ENTITY_TYPES)
    raise UsageError(
        f"there is no kind {word!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""), hint=f"kinds: {kinds}"
    )


def entity_type(word: str) -> EntityType:
    """Return the entity type that a word means; raise `UsageError` where it means none."""
    table = table_of(word)
    if table not in BY_TABLE:
        raise UsageError(f"{word!r} is no kind of thing that can be named or edited", hint="`infradb list` shows it")
    return BY_TABLE[table]


def record_type(table: str) -> RecordType | None:
    """Return the type of a table of records, or None."""
    return RECORDS.get(table)
