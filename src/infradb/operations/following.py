"""Keeps the picture current: reads each source when it is due, follows those that tell events, tidies at night.

Every source has a thread of its own, so a slow or failing one holds up no other. All threads are daemons: a source
that hangs cannot keep the process from ending, and a transaction that did not commit was never there.
"""

import random
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from infradb import clock
from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import CollectionError, Conflict, InfradbError, NotFound
from infradb.observation import CollectionRun, ScopeResult
from infradb.operations import sources
from infradb.operations.absorb import Manner, RunReport
from infradb.operations.concluding import conclude
from infradb.operations.manual import expire
from infradb.operations.ordering import follow_order, note_silence
from infradb.redaction import redact_text
from infradb.settings import Settings
from infradb.store.database import Database
from infradb.store.turn import take_turn

LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_WATCH_PAUSE_SECONDS = 300.0
SETTLE_SECONDS = 0.3
"""Time that a watch gets to subscribe before the source is read whole, so that nothing falls between the two."""
LOOK_SECONDS = 10.0
"""Time between two looks for sources that another process added or removed."""
SHORTEST_JUDGING_PAUSE_SECONDS = 2.0
NIGHT_HOUR = 3


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told what: at the start every source's reading, later only what changed."""

    said: Callable[[str], None] = lambda _line: None
    begun: Callable[[str], None] = lambda _source: None
    done: Callable[[RunReport], None] = lambda _report: None
    debug: bool = False


def keep_turn(database: Database, url: str) -> Callable[[], None]:
    """Become the one process that keeps a database current, and return what ends that; raise `Conflict`."""
    give_back, said = take_turn(database, url)
    if give_back is None:
        raise Conflict(
            f"another `infradb up` keeps this database current{f' and serves {said}' if said else ''}",
            hint="use that one; `infradb serve --port N` serves the same database a second time",
        )
    return give_back


class Follower:
    """Keeps a database current until it is stopped."""

    def __init__(self, database: Database, settings: Settings, told: Told, *, at_once: bool = True) -> None:
        self.database, self.settings, self.told = database, settings, told
        self.interval_seconds = max(1.0, clock.parse_duration(settings.interval))
        self.first_round = threading.Event()
        """Set when every source was read once and the findings follow from that."""
        self.ended = threading.Event()
        self.reading: set[str] = set()
        self._at_once = at_once
        self._awaited: set[str] = set()
        self._readers: dict[str, _Reader] = {}
        self._look = threading.Event()
        self._all_read = threading.Event()
        self._changed = threading.Event()
        self._writing = threading.Lock()

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._look_for_sources(first=True)
        for work in (self._keep_looking, self._keep_judging, self._keep_tidy):
            _start(work, work.__name__.strip("_"))

    def stop(self, seconds: float) -> None:
        """End: nothing new begins, and what is being written gets some seconds to be finished."""
        self.ended.set()
        for waited in (self._look, self._all_read, self._changed):
            waited.set()
        for reader in list(self._readers.values()):
            reader.end()
        if self._writing.acquire(timeout=seconds):
            self._writing.release()

    def look_again(self) -> None:
        """Look for new sources now."""
        self._look.set()

    def take_in(self, run: CollectionRun) -> RunReport | None:
        """Take a run in, one at a time; None where the end has come."""
        with self._writing:
            if self.ended.is_set():
                return None
            expire(self.database)
            report = sources.take_in(self.database, run, Manner())
            if report.changed:
                conclude(self.database)
        if report.changed or report.braked:
            self._changed.set()
        return report

    def safely(self, job: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Do a background job; whatever goes wrong is told in words, and the next one has its chance."""
        try:
            job()
        except Exception as error:  # noqa: BLE001  (one job's mistake must not end the others)
            if self.told.debug:
                self.told.said(traceback.format_exc())
            said = str(error) if isinstance(error, InfradbError) else f"{type(error).__name__}: {error}"
            hint = f" ({error.hint})" if isinstance(error, InfradbError) and error.hint else ""
            failed(redact_text(said + hint))

    def was_read(self, name: str) -> None:
        """Note that a source had its first reading."""
        self._awaited.discard(name)
        if not self._awaited:
            self._all_read.set()

    def _keep_looking(self) -> None:
        while not self.ended.is_set():
            self._look.wait(LOOK_SECONDS)
            self._look.clear()
            self.safely(
                lambda: self._look_for_sources(first=False), lambda why: self.told.said(f"looking for sources: {why}")
            )

    def _look_for_sources(self, *, first: bool) -> None:
        if first:
            follow_order(self.database, self.settings)
        note_silence(self.database, self.settings)
        with self.database.read() as connection:
            there = [e.name for e in sources.entries(connection) if e.enabled and e.kind in COLLECTORS]
        if self.ended.is_set():
            return
        for name in self._readers.keys() - set(there):
            self._readers.pop(name).end()
        fresh = [name for name in there if name not in self._readers]
        if first:
            self._awaited = set(fresh)
            if not fresh or not self._at_once:
                self._all_read.set()
        for name in fresh:
            # Spread over the interval, so that not all sources are read in the same second for ever.
            pause = 0.0 if self._at_once or not first else random.uniform(0.0, self.interval_seconds)  # noqa: S311
            self._readers[name] = _Reader(self, name)
            self._readers[name].start(pause)

    def _keep_judging(self) -> None:
        """Ask the rules after the first round, then whenever something changed, with pauses as long as it takes."""
        self._all_read.wait()
        while not self.ended.is_set():
            self._changed.clear()
            began = time.monotonic()
            self.safely(self._judge, lambda why: self.told.said(f"asking the rules failed: {why}"))
            self.first_round.set()
            self.ended.wait(max(SHORTEST_JUDGING_PAUSE_SECONDS, 10.0 * (time.monotonic() - began)))
            self._changed.wait()

    def _judge(self) -> None:
        from infradb.operations import findings

        findings.refresh(self.database, self.settings)

    def _keep_tidy(self) -> None:
        due = next_night(datetime.now().astimezone())
        while not self.ended.wait(30.0):
            # Looked at every half minute: a machine that slept or whose clock was set still gets its night.
            if datetime.now().astimezone() >= due:
                self.safely(self._tidy, lambda why: self.told.said(f"the nightly tidying failed: {why}"))
                due = next_night(datetime.now().astimezone())

    def _tidy(self) -> None:
        from infradb.operations import care

        care.nightly(self.database, self.settings)


class _Reader:
    """One source: read when due, followed where it tells its events."""

    def __init__(self, follower: Follower, name: str) -> None:
        self.follower, self.name = follower, name
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._whole = threading.Lock()
        """A reading and a batch of events never overlap: the older one could undo the newer."""
        self._failures = 0
        self._errors: tuple[str, ...] | None = None
        self._watcher: object = None

    def start(self, pause: float) -> None:
        """Begin to watch and to read."""
        watches = hasattr(collector_class(self._entry().kind), "watch")
        if watches:
            _start(self._keep_watching, f"watch-{self.name}")
        _start(lambda: self._keep_reading(pause + (SETTLE_SECONDS if watches else 0.0)), f"read-{self.name}")

    def end(self) -> None:
        """Begin nothing any more."""
        self._ended.set()
        self._wake.set()
        close = getattr(self._watcher, "close", None)
        if close:
            # In a thread: closing a connection to a dead machine may take its time.
            _start(close, f"close-{self.name}")

    def _entry(self) -> sources.SourceEntry:
        with self.follower.database.read() as connection:
            return sources.entry(connection, self.name)

    def _keep_reading(self, pause: float) -> None:
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            if self._ended.is_set():
                return
            began = time.monotonic()
            self.follower.reading.add(self.name)
            self.follower.safely(self._read, self._failed)
            self.follower.reading.discard(self.name)
            self.follower.was_read(self.name)
            pause = max(0.0, began + self._pause() - time.monotonic())

    def _read(self) -> None:
        first = self._errors is None
        if first:
            self.follower.told.begun(self.name)
        with self._whole:
            report = self.follower.take_in(sources.collect(self._entry()))
        if report:
            self._note(report, first=first)

    def _failed(self, why: str) -> None:
        """Record a reading that failed by a mistake of ours or of the database, as a run where that is possible."""
        run = CollectionRun(self.name, clock.now(), (ScopeResult("source", "failed", errors=(why,)),))
        first = self._errors is None
        try:
            report = self.follower.take_in(run)
        except InfradbError:
            report = None
        if report:
            self._note(report, first=first)
        elif not self._ended.is_set():
            self._failures += 1
            self._errors = (why,)
            self.follower.told.said(f"{self.name} could not be taken in: {why}")

    def _note(self, report: RunReport, *, first: bool) -> None:
        """Tell what is new; that all is as it was is not."""
        failed, before = report.status == "failed", self._failures > 0
        self._failures = self._failures + 1 if failed else 0
        said = self.follower.told.said
        if first:
            self.follower.told.done(report)
        elif failed and not before:
            said(f"{self.name} cannot be read: {'; '.join(report.errors)}")
        elif before and not failed:
            said(f"{self.name} can be read again")
        elif report.status == "partial" and report.errors != self._errors:
            said(f"{self.name} is read in part: {'; '.join(report.errors)}")
        self._errors = report.errors
        if report.changed and not first:
            said(f"{self.name}: {changes_in_words(report)}")

    def _pause(self) -> float:
        """Return the time to the next reading: the interval, doubled with each failure, up to an hour."""
        pause = self.follower.interval_seconds
        if self._failures:
            pause = min(pause * 2.0 ** min(self._failures - 1, 20), max(pause, LONGEST_PAUSE_SECONDS))
        return pause * random.uniform(0.9, 1.0)  # noqa: S311

    def _keep_watching(self) -> None:
        pause, began = 1.0, 0.0
        while not self._ended.is_set():
            began, again = time.monotonic(), began > 0.0
            # What happened while nobody watched is found by reading the source whole, once the watch stands.
            reread = threading.Timer(SETTLE_SECONDS, self._wake.set)
            if again:
                reread.start()
            self.follower.safely(self._watch, lambda why: self.follower.told.said(f"{self.name}, following: {why}"))
            reread.cancel()
            lasted = time.monotonic() - began
            pause = 1.0 if lasted > LONGEST_WATCH_PAUSE_SECONDS else min(pause * 2.0, LONGEST_WATCH_PAUSE_SECONDS)
            self._ended.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311

    def _watch(self) -> None:
        try:
            entry = self._entry()
            self._watcher = watcher = sources.make(entry.kind, entry.name, entry.settings)
            for run in watcher.watch():
                if self._ended.is_set():
                    return
                with self._whole:
                    report = self.follower.take_in(run)
                if report and report.changed:
                    self.follower.told.said(f"{self.name}: {changes_in_words(report)}")
        except (CollectionError, NotFound):
            # That the source is away is told by a reading; while readings fail, they keep their own pauses.
            if not self._failures:
                self._wake.set()


def changes_in_words(report: RunReport) -> str:
    """Return what a run changed: `2 new, 1 gone`."""
    words = {"created": "new", "revived": "back", "updated": "changed", "retired": "gone"}
    return ", ".join(f"{report.counts[n]} {word}" for n, word in words.items() if report.counts[n])


def next_night(moment: datetime) -> datetime:
    """Return the next time between 3 and 4 o'clock, not the same minute everywhere."""
    night = moment.replace(hour=NIGHT_HOUR, minute=random.randrange(60), second=0, microsecond=0)  # noqa: S311
    return night if night > moment else night + timedelta(days=1)


def _start(work: Callable[[], object], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()
