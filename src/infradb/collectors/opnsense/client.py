"""Reads the API and the configuration of one firewall; understands nothing."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infradb.collectors.opnsense.configuration import Node, read_configuration
from infradb.collectors.opnsense.endpoints import ENDPOINTS, WITHOUT_CONFIG, Endpoint
from infradb.collectors.opnsense.settings import OpnsenseSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import MOST_BYTES, HttpReader

PARALLEL = 4
"""Calls at a time: each starts a script on the firewall."""
_NOT_THERE = "(HTTP 404)"


@dataclass(slots=True)
class Readings:
    """What each call answered, or why it did not."""

    answers: dict[str, Any] = field(default_factory=dict)
    """Name of the endpoint -> its answer; rows where it lists some, a `Node` for the configuration."""
    failures: dict[str, CollectionError] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Endpoints that this firewall does not have."""
    short: dict[str, str] = field(default_factory=dict)
    """Endpoints that answered fewer rows than they have, in words."""

    def rows(self, name: str) -> Sequence[dict[str, Any]]:
        """Return the rows of an endpoint; none where it was not read."""
        found = self.answers.get(name)
        return found if isinstance(found, list) else ()

    def one(self, name: str) -> Mapping[str, Any]:
        """Return the answer of an endpoint that tells one thing; empty where it was not read."""
        found = self.answers.get(name)
        return found if isinstance(found, dict) else {}


class OpnsenseClient:
    """Speaks to one firewall, with GET alone."""

    def __init__(self, settings: OpnsenseSettings, log: CallLog) -> None:
        self._settings = settings
        self._http: HttpReader | None = None
        if settings.url:
            self._http = HttpReader(
                settings.url,
                basic=(reveal(settings.api_key or ""), reveal(settings.api_secret or "")),
                timeout_seconds=settings.timeout_seconds,
                fingerprint=settings.fingerprint,
                ca=settings.ca,
                parallel=PARALLEL,
                log=log,
            )

    def close(self) -> None:
        """End all connections."""
        if self._http:
            self._http.close()

    def read(self) -> Readings:
        """Return everything; raise `CollectionError` where not even the first call is answered."""
        found = Readings()
        if self._settings.path:
            found.answers["config"] = _file(self._settings.path)
            return found
        self._note(found, "system")
        if (error := found.failures.get("system")) and not is_missing_right(error):
            raise error
        wanted = [n for n in ENDPOINTS if n not in WITHOUT_CONFIG and n != "system"]
        if not self._settings.config:
            wanted.remove("config")
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="opnsense") as pool:
            list(pool.map(lambda name: self._note(found, name), wanted))
            if "config" not in found.answers:
                list(pool.map(lambda name: self._note(found, name), WITHOUT_CONFIG))
        if not found.answers:
            raise next(iter(found.failures.values()))
        return found

    def prove(self, name: str) -> str:
        """Make one call and return what came of it in words; raise `CollectionError`."""
        found = Readings()
        self._note(found, name)
        if name in found.failures:
            raise found.failures[name]
        if name in found.absent:
            return "not installed"
        answer = found.answers[name]
        return f"{len(answer)} rows" if isinstance(answer, list) else "answered"

    def _note(self, found: Readings, name: str) -> None:
        endpoint = ENDPOINTS[name]
        try:
            answer = self._ask(name, endpoint)
            rows = _rows(name, endpoint, answer)
        except CollectionError as error:
            if endpoint.optional and _NOT_THERE in str(error):
                found.absent.add(name)
            else:
                found.failures[name] = error
            return
        found.answers[name] = rows
        total = answer.get("total") if isinstance(answer, dict) else None
        if isinstance(rows, list) and isinstance(total, int) and total > len(rows):
            found.short[name] = f"GET {endpoint.path}: {len(rows)} of {total} rows were answered; read it again"

    def _ask(self, name: str, endpoint: Endpoint) -> Any:
        assert self._http is not None
        if endpoint.kind is str:
            text = self._http.text(endpoint.path)
            if not text.strip():
                raise SourceMalformed(
                    f"GET {endpoint.path}: the answer is empty",
                    hint="does System: Configuration: History list a backup? Saving any page makes one",
                )
            return read_configuration(text.encode(), f"GET {endpoint.path}")
        # Counters come with the rules, and in older versions those that are not in the new model.
        query = {"show_all": "1"} if name == "filter" else None
        return self._http.get(endpoint.path, endpoint.kind, query=query)


def is_missing_right(error: CollectionError) -> bool:
    """Tell whether a call was refused for want of a privilege, the credentials being right."""
    return isinstance(error, SourceRefused) and "(HTTP 403)" in str(error)


_LISTS = {"history": "items"}
_KEYS = {"system": "versions", "aliases": "aliases"}


def _rows(name: str, endpoint: Endpoint, answer: Any) -> Any:
    """Return the rows of an answer, or the answer itself where it tells one thing; raise `SourceMalformed`."""
    if endpoint.kind is str:
        return answer
    if name in _KEYS:
        if _KEYS[name] not in answer:
            raise _malformed(endpoint, f"has no {_KEYS[name]!r}")
        return answer
    rows = answer if endpoint.kind is list else answer.get(_LISTS.get(name, "rows"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _malformed(endpoint, "is no list of rows")
    return rows


def _malformed(endpoint: Endpoint, what: str) -> SourceMalformed:
    hint = "does an OPNsense firewall (25.1 or newer) answer there?"
    return SourceMalformed(f"GET {endpoint.path}: the answer {what}", hint=hint)


def _file(path: str) -> Node:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SourceUnreachable(
            f"{path} cannot be read: {error.strerror}", hint="check `path` of the source and the file's rights"
        ) from error
    if len(content) > MOST_BYTES:
        raise SourceMalformed(f"{path} is larger than {MOST_BYTES // 2**20} MiB", hint="is it a configuration?")
    return read_configuration(content, path)
