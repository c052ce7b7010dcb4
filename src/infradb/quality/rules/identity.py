"""What the reconciler could not settle while it took in a run. It notes these; here they are described and closed."""

import orjson

from infradb.model.catalog import BY_TABLE
from infradb.model.describe import EntityType
from infradb.quality.rule import Question, Rule
from infradb.reconcile.identity import hard_keys
from infradb.store.findings import StoredFinding, claimed_entity
from infradb.store.merging import are_kept_apart


def _of_a_source(question: Question, finding: StoredFinding) -> bool:
    """Tell whether the finding's source is still read; its runs close what is over."""
    names = [n for (n,) in question.query("SELECT name FROM sources WHERE enabled")]
    return any(finding.subject.startswith(f"{name}:") for name in names)


def _unplaced(question: Question, finding: StoredFinding) -> bool:
    source, _, key = finding.subject.partition(":")
    return _of_a_source(question, finding) and claimed_entity(question.connection, source, key) is None


def _ambiguous(question: Question, finding: StoredFinding) -> bool:
    """Tell whether a thing may still be another: it was not placed, or a live candidate has its name still."""
    if not _of_a_source(question, finding):
        return False
    source, _, key = finding.subject.partition(":")
    placed = claimed_entity(question.connection, source, key)
    if placed is None:
        return True
    rivals = [
        id_
        for id_ in finding.evidence.get("candidates", ())
        if id_ != placed and not are_kept_apart(question.connection, placed, id_)
    ]
    kinds = question.query("SELECT kind FROM entities WHERE id = ? AND retired_at IS NULL", (placed,))
    if not kinds or not rivals:
        return False
    own = _name(question, BY_TABLE[kinds[0][0]], placed)
    return any(_name(question, BY_TABLE[kinds[0][0]], rival) == own for rival in rivals)


def _name(question: Question, entity_type: EntityType, id_: int) -> tuple[object, ...] | None:
    """Return what a live thing is called where adoption looks; None where it is retired."""
    fields = (entity_type.adopted_by or entity_type.natural_keys[0]).fields
    sql = f"SELECT {', '.join(fields)} FROM {entity_type.table} WHERE id = ? AND retired_at IS NULL"  # noqa: S608
    return next(iter(question.query(sql, (id_,))), None)


def _colliding(question: Question, finding: StoredFinding) -> bool:
    """Tell whether sources still say one identifier of several live things."""
    table, _, pair = finding.subject.partition(":")
    scheme, _, value = pair.partition(":")
    sql = (
        "SELECT DISTINCT e.id, c.said FROM identifiers i JOIN entities e ON e.id = i.entity_id AND e.retired_at IS NULL"
        " JOIN claims c ON c.entity_id = e.id AND c.withdrawn_at IS NULL WHERE i.scheme = ? AND i.value = ?"
    )
    said = [(id_, orjson.loads(text)) for id_, text in _texts(question, sql, (scheme, value))]
    return len({id_ for id_, values in said if (scheme, value) in hard_keys(BY_TABLE[table], values)}) > 1


def _name_taken(question: Question, finding: StoredFinding) -> bool:
    """Tell whether a thing still goes without a name that is said of it, and that another live one has."""
    table, _, rest = finding.subject.partition(":")
    id_, _, field = rest.partition(":")
    value = finding.evidence.get("value")
    own = question.query(f"SELECT {field} FROM {table} WHERE id = ? AND retired_at IS NULL", (int(id_),))  # noqa: S608  names from the model
    if not own or own[0][0] == value:
        return False
    said = question.query("SELECT said FROM claims WHERE entity_id = ? AND withdrawn_at IS NULL", (int(id_),))
    return any(orjson.loads(text).get(field) == value for (text,) in said)


def _texts(question: Question, sql: str, values: tuple[str, str]) -> list[tuple[int, str]]:
    return [(int(id_), str(text)) for id_, text in question.query(sql, values)]


RULES = (
    Rule(
        "identity-conflict",
        "high",
        "Something that was seen may be any of several known things",
        "infradb never guesses: where two identifiers point at two things, or two things have the name, it does nothing"
        " by itself. What was seen is either left out or kept as a thing of its own until a person decides.",
        "`infradb merge A B` where the candidates are one; otherwise correct the name or the identifier that two of"
        " them share, and read the source again.",
        standing=_ambiguous,
    ),
    Rule(
        "identifier-collision",
        "medium",
        "Several live things show one identifier",
        "An identifier that two machines have identifies neither, so it is no longer used for them, and they are told"
        " apart by weaker signs. Mostly a guest was cloned and not made unique.",
        "Make the clone unique: `rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup`, new SSH host"
        " keys, a new SMBIOS UUID. If both are one machine: `infradb merge A B`.",
        standing=_colliding,
    ),
    Rule(
        "mass-change-brake",
        "high",
        "Suddenly a lot was gone, and was kept",
        "Half an engine's containers vanish rarely; a token that lost its rights, or a page of a listing that was lost,"
        " looks the same. So nothing of it was retired. It closes with the next complete run that finds them again.",
        "Look at the source. If they are really gone: `infradb discover SOURCE --allow-retire`.",
        standing=_of_a_source,
    ),
    Rule(
        "name-taken",
        "medium",
        "Two things are said to have a name that only one can have",
        "Two containers of one engine, or two interfaces of one host, cannot share a name, yet the sources say so:"
        " one of them read before the other one was renamed, or two entries of an old list are one thing.",
        "Read the sources again; if both are one, `infradb merge A B`; otherwise correct the one that is wrong.",
        standing=_name_taken,
    ),
    Rule(
        "unplaced-observation",
        "low",
        "Something was seen whose owner is unknown",
        "It names something that its source did not tell about: an interface of a host that was not read, a mount of a"
        " volume that was not listed. It is left out, and tried again with every run.",
        "Mostly a right is missing: `infradb sources doctor SOURCE`. It closes once it found its place, or is gone.",
        standing=_unplaced,
    ),
)
