"""A collection run as a file: JSON Lines that any program can write, for other sites and collectors of one's own.

    {"line": "run", "format": 1, "run": "0192…", "source": "branch", "kind": "ssh", "started_at": "2026-11-28T01:00Z"}
    {"line": "scope", "scope": "host", "status": "complete"}
    {"line": "answer", "key": "h", "observations": [{"key": "h", "table": "hosts", "values": {"hostname": "web1"}}]}
    {"line": "end", "answers": 1}

Answers belong to the scope above them. The last line says how many there were, so that half a file is no run. The
schema of a line is `docs/reference/run.schema.json`, made from the classes below.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infradb.errors import InvalidValue
from infradb.model.catalog import BY_TABLE
from infradb.model.types import Instant, Name, Text
from infradb.observation import Answer, Call, CollectionRun, Observation, Rejected, ScopeResult, digest_of
from infradb.redaction import redact_json

FORMAT: Literal[1] = 1
LONGEST_LINE = 16 * 2**20
_READER_VERSION = 1
"""Raised when the same file is to be understood anew."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RunLine(_Line):
    """The first line: whose run it is."""

    line: Literal["run"] = "run"
    """Kind of line."""

    format: Literal[1] = FORMAT
    """Version of this format."""

    run: UUID
    """Identifier of the run; the same run is taken in once, however often it is sent."""

    source: Name
    """Name of the source where it is taken in."""

    kind: Name
    """What collected it: a collector's name, or a word of your own."""

    declared: bool = False
    """Whether it holds what people typed; otherwise it observes."""

    started_at: Instant
    """When reading began."""


class ScopeLine(_Line):
    """What the answers below it enumerate."""

    line: Literal["scope"] = "scope"
    """Kind of line."""

    scope: Name
    """Name of the scope within the source; stable over runs."""

    status: Literal["complete", "partial", "failed"]
    """Complete: absence means absence. Partial: it only adds. Failed: it changes nothing."""

    errors: list[Text] = Field(default=[])
    """What failed, one sentence each, with what to do."""

    gone: list[Text] = Field(default=[])
    """Native keys of things whose end was positively seen."""


class SaidLine(BaseModel):
    """One thing as it was described."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    key: Text
    """What the source itself calls the thing; unique within the source."""

    table: Text
    """Table of the thing's type: hosts, docker_containers …"""

    values: dict[str, Any]
    """Field -> value (docs/reference/model.md); a reference holds the key of another observation of the source."""


class AnswerLine(_Line):
    """What is said about one thing and its parts."""

    line: Literal["answer"] = "answer"
    """Kind of line."""

    key: Text
    """Native key of the thing itself; the first observation has the same one."""

    observations: list[SaidLine]
    """The thing itself first, then its parts."""

    measured: dict[str, dict[str, Any]] = Field(default={})
    """Native key -> measured field -> value."""

    whole: bool = False
    """In a partial scope: it still is everything about its thing."""


class EndLine(_Line):
    """The last line: without it the file is half a run."""

    line: Literal["end"] = "end"
    """Kind of line."""

    answers: int = Field(ge=0)
    """How many answers the file holds."""

    actors: dict[str, str] = Field(default={})
    """Native key -> who caused its change, where that is known."""

    calls: list[tuple[str, int, int, int]] = Field(default=[])
    """Each kind of call that was made: call, times, failed, milliseconds."""


Line = Annotated[RunLine | ScopeLine | AnswerLine | EndLine, Field(discriminator="line")]
LINE: TypeAdapter[RunLine | ScopeLine | AnswerLine | EndLine] = TypeAdapter(Line)


def written(run: CollectionRun, identifier: UUID, kind: str, *, declared: bool) -> Iterator[bytes]:
    """Yield a run line by line."""
    yield _text(RunLine(run=identifier, source=run.source, kind=kind, declared=declared, started_at=run.started_at))
    count = 0
    for scope in run.scopes:
        yield _text(ScopeLine(scope=scope.name, status=scope.status, errors=list(scope.errors), gone=list(scope.gone)))
        for answer in scope.answers:
            count += 1
            said = [o for o in answer.parse() if isinstance(o, Observation)]
            listed = [{"key": o.key, "table": o.table, "values": dict(o.values)} for o in said]
            line: dict[str, Any] = {"line": "answer", "key": answer.key, "observations": listed}
            if answer.measured:
                line["measured"] = {k: dict(v) for k, v in answer.measured.items()}
            if answer.whole:
                line["whole"] = True
            yield orjson.dumps(line) + b"\n"
    yield _text(EndLine(answers=count, actors=dict(run.actors), calls=[tuple(c) for c in run.calls]))


def read(lines: Iterable[bytes]) -> tuple[RunLine, CollectionRun]:
    """Return whose run it is, and the run; raise `InvalidValue` that names the line, or that the end is missing.

    Secrets are taken out here as well: what others collected passed somebody else's rules. A value that its field does
    not take goes to quarantine with its reason, the rest of the thing is taken in.
    """
    head: RunLine | None = None
    scopes: list[tuple[ScopeLine, list[Answer]]] = []
    for number, text in enumerate(lines, 1):
        line = _parsed(text, number)
        if isinstance(line, RunLine) == (head is not None):
            raise _wrong(number, "the first line, and no other, says whose run it is")
        if isinstance(line, RunLine):
            head = line
        elif isinstance(line, ScopeLine):
            scopes.append((line, []))
        elif isinstance(line, EndLine):
            assert head is not None
            return head, _run(head, scopes, line, number)
        elif not scopes:
            raise _wrong(number, "an answer belongs to a scope, and none was named above it")
        else:
            scopes[-1][1].append(_answer(line, number))
    hint = "collect it again, or send it again: nothing of it was taken in"
    raise InvalidValue('the run breaks off before its last line, {"line": "end", …}', hint=hint)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line."""
    found = LINE.json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A line of an infradb run", **found}


def _run(head: RunLine, scopes: Sequence[tuple[ScopeLine, list[Answer]]], end: EndLine, number: int) -> CollectionRun:
    count = sum(len(answers) for _, answers in scopes)
    if count != end.answers:
        raise _wrong(number, f"{end.answers} answers were announced, and {count} are there")
    names = [line.scope for line, _ in scopes]
    if twice := {n for n in names if names.count(n) > 1}:
        raise _wrong(number, f"the scope {min(twice)!r} is there twice")
    results = tuple(
        ScopeResult(line.scope, line.status, tuple(answers), tuple(line.errors), tuple(line.gone))
        for line, answers in scopes
    )
    return CollectionRun(head.source, head.started_at, results, end.actors, tuple(Call(*c) for c in end.calls))


def _answer(line: AnswerLine, number: int) -> Answer:
    if not line.observations or line.observations[0].key != line.key:
        raise _wrong(number, "the first observation of an answer has the answer's key")
    said = [entry for one in line.observations for entry in _said(one, number)]
    raw = [[o.key, o.table, o.values] for o in line.observations]
    return Answer(line.key, digest_of(raw, _READER_VERSION), lambda: said, line.measured, line.whole)


def _said(one: SaidLine, number: int) -> Iterator[Observation | Rejected]:
    """Yield what was said about a thing as its type takes it, and what it does not take."""
    if one.table not in BY_TABLE:
        raise _wrong(number, f"there is no table {one.table!r}: {', '.join(BY_TABLE)}")
    entity_type = BY_TABLE[one.table]
    values = dict(one.values)
    for _ in range(len(values) + 1):
        try:
            valid = entity_type.adapter.validate_python(values)
        except ValidationError as error:
            wrong = {str(e["loc"][0]): str(e["msg"]) for e in error.errors() if e["loc"]}
            for field, why in wrong.items():
                yield Rejected(one.key, why, redact_json(values.pop(field, None)), field)
            continue
        plain = {n for n in valid if not entity_type.fields[n].references and not entity_type.fields[n].choices}
        yield Observation(one.key, one.table, {n: redact_json(v) if n in plain else v for n, v in valid.items()})
        return


def _parsed(text: bytes, number: int) -> RunLine | ScopeLine | AnswerLine | EndLine:
    if len(text) > LONGEST_LINE:
        raise _wrong(number, f"it is longer than {LONGEST_LINE // 2**20} MiB")
    try:
        return LINE.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _wrong(number, f"{place} {first['msg']}".strip()) from error


def _wrong(number: int, why: str) -> InvalidValue:
    hint = "docs/reference/run.schema.json says what a line holds; nothing of it was taken in"
    return InvalidValue(f"line {number} of the run: {why}", hint=hint)


def _text(line: _Line) -> bytes:
    return line.model_dump_json(exclude_defaults=False).encode() + b"\n"
