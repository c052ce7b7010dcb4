"""Sources that do what a test tells them, so that following can be watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Queue

from pydantic import BaseModel

from infradb import clock
from infradb.errors import SourceUnreachable
from infradb.model.physical import Host
from infradb.observation import Answer, CollectionRun, ScopeResult, digest_of, observe


@dataclass
class Script:
    """What one source answers."""

    hosts: list[str] = field(default_factory=lambda: ["one"])
    fails_with: Callable[[], Exception] | None = None
    takes_seconds: float = 0.0
    read: int = 0
    watched: int = 0
    reading: threading.Event = field(default_factory=threading.Event)
    events: Queue[list[str] | None] = field(default_factory=Queue)


SCRIPTS: dict[str, Script] = {}


def away() -> Exception:
    """The engine is not there."""
    return SourceUnreachable("nobody answers", hint="switch it on")


class Scripted:
    """Reads a script."""

    class Settings(BaseModel):
        """Has none."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self.script = name, SCRIPTS[name]

    def collect(self) -> CollectionRun:
        """Answers with every host of the script."""
        started_at = clock.now()
        self.script.reading.set()
        time.sleep(self.script.takes_seconds)
        self.script.read += 1
        if self.script.fails_with:
            raise self.script.fails_with()
        answers = [_answer(self.name, h) for h in self.script.hosts]
        return CollectionRun(self.name, started_at, (ScopeResult("all", "complete", answers),))


class ScriptedWatcher(Scripted):
    """Follows a script's events as well."""

    def watch(self) -> Iterator[CollectionRun]:
        """Yields a run per list of hosts; None ends it with an error."""
        self.script.watched += 1
        if self.script.fails_with:
            raise self.script.fails_with()
        while True:
            hosts = self.script.events.get()
            if hosts is None:
                raise SourceUnreachable("the stream ended")
            answers = [_answer(self.name, h) for h in hosts]
            yield CollectionRun(self.name, clock.now(), (ScopeResult("all", "partial", answers),))


def _answer(source: str, host: str) -> Answer:
    observed = observe(f"{source}/{host}", Host(hostname=host, machine_id_hash=f"{source}-{host}"))
    return Answer(observed.key, digest_of(host, 1), lambda: [observed])
