"""Joins reading and understanding: one run over one engine, or one per batch of its events."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.docker.client import EngineClient, Vanished
from infradb.collectors.docker.engine import (
    Engine,
    engine_answer,
    images_by_id,
    network_answer,
    network_facts,
    volume_answer,
)
from infradb.collectors.docker.events import Batch, batches
from infradb.collectors.docker.failures import MALFORMED, missing_key
from infradb.collectors.docker.parse import container_answer
from infradb.collectors.docker.settings import DockerSettings
from infradb.errors import CollectionError, SourceUnreachable
from infradb.machine_id import inside_container, read_machine_id_hash
from infradb.observation import Answer, CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog

_GIVE_UP_AFTER = 3
"""Containers that an engine may leave unanswered before the others are not asked for any more."""
_LONGEST_NAME = 253


GRANT = """Whoever may use an engine's socket may become root there. So let a filtering proxy stand in front of
it, which passes GET on nine paths and nothing else, and give its address to the source (url=tcp://HOST:2375):

    docker run -d --name infradb-proxy --restart unless-stopped -p 127.0.0.1:2375:2375 \\
      -e INFO=1 -e CONTAINERS=1 -e IMAGES=1 -e NETWORKS=1 -e VOLUMES=1 -e SYSTEM=1 \\
      -v /var/run/docker.sock:/var/run/docker.sock:ro tecnativa/docker-socket-proxy

or log in over SSH (url=ssh://infradb@HOST) with an account of its own in the group docker there:

    sudo useradd --create-home --groups docker infradb
"""


class DockerCollector:
    """Reads one Docker engine, and follows its events."""

    kind = "docker"
    Settings = DockerSettings

    def __init__(self, name: str, settings: DockerSettings | None = None) -> None:
        self.name = name
        self.settings = settings or DockerSettings()
        self._watching: EngineClient | None = None
        self._closed = threading.Event()

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to reach an engine without making its reader root."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what the engine shows now; raise `CollectionError` where it does not even say who it is."""
        started_at = clock.now()
        with EngineClient(self.settings) as client:
            engine, engine_scope = self._engine(client)
            engine, networks = self._networks(client, engine)
            volumes = self._volumes(client, engine, sizes=self.settings.volume_sizes)
            engine, problems = self._images(client, engine)
            containers = self._containers(client, engine, problems)
            scopes = (engine_scope, networks, volumes, containers)
            return CollectionRun(self.name, started_at, scopes, calls=client.log.made())

    def watch(self) -> Iterator[CollectionRun]:
        """Yield a run per batch of events, all scopes partial, until closed.

        Raises `CollectionError` when the engine goes away. What happened before the first call is not told:
        collect once after the watch began.
        """
        self._closed.clear()
        with EngineClient(self.settings) as client:
            self._watching = client
            try:
                stream = client.events()
                engine, _ = self._engine(client)
                for batch in batches(stream, self._closed):
                    engine, run = self._run_of_batch(client, engine, batch)
                    yield run
            finally:
                self._watching = None
        if not self._closed.is_set():
            message = f"GET /events at {self.settings.url}: the stream ended"
            raise SourceUnreachable(message, hint="did the engine stop or restart? `journalctl -u docker` tells")

    def close(self) -> None:
        """End a watch; may be called from another thread."""
        self._closed.set()
        if client := self._watching:
            client.close()

    def calls(self) -> Sequence[str]:
        """Return every call that is made; all are GET."""
        optional = [
            *(["GET /system/df"] if self.settings.volume_sizes else []),
            *(["GET /containers/{id}/stats"] if self.settings.stats else []),
        ]
        always = ["GET /version", "GET /info", "GET /networks", "GET /volumes", "GET /images/json"]
        return [*always, "GET /containers/json", "GET /containers/{id}/json", *optional, "GET /events"]

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once, and say what came of it."""
        try:
            client = EngineClient(self.settings)
        except CollectionError as error:
            return [Diagnosis(f"a connection to {self.settings.url}", ok=False, detail=str(error), hint=error.hint)]
        with client:
            found = [Diagnosis(f"a connection to {self.settings.url}", ok=True)]
            return found + [_proof(needs, call) for needs, call in self._proofs(client)]

    def _proofs(self, client: EngineClient) -> Iterator[tuple[str, Callable[[], str]]]:
        def running() -> list[str]:
            return [c["Id"] for c in client.containers() if c.get("State") == "running"]

        yield "GET /version", lambda: f"Docker {client.version().get('Version', 'of unknown version')}"
        yield "GET /info", lambda: f"engine {client.info().get('ID', 'without ID')}"
        yield "GET /networks", lambda: f"{len(client.networks())} networks"
        yield "GET /volumes", lambda: f"{len(client.volumes())} volumes"
        yield "GET /images/json", lambda: f"{len(client.images())} images"
        yield "GET /containers/json", lambda: f"{len(client.containers())} containers"
        yield "GET /containers/{id}/json", lambda: _first(client.containers(), lambda c: client.container(c["Id"]))
        if self.settings.volume_sizes:
            yield "GET /system/df", lambda: f"{len(client.volume_sizes())} sizes"
        if self.settings.stats:
            yield "GET /containers/{id}/stats", lambda: _first(running(), client.stats)
        yield "GET /events", lambda: _subscribed(client)

    def _engine(self, client: EngineClient) -> tuple[Engine, ScopeResult]:
        info, version = client.info(), client.version()
        for key in ("ID", "Name"):
            if not info.get(key) or not isinstance(info[key], str) or len(info[key]) > _LONGEST_NAME:
                raise missing_key(key, self.settings, "GET /info")
        address = self.settings.address or self.settings.remote_host or info["Name"]
        answer = engine_answer(info, version, self._machine_id_hash(info))
        return Engine(info["ID"], info["Name"], address), ScopeResult("engine", "complete", [answer])

    def _machine_id_hash(self, info: dict[str, Any]) -> str | None:
        """Return this machine's hash where the engine runs on it, so that both become one host.

        A socket may lead elsewhere (Docker Desktop, a forwarded one): name and kernel have to agree as well.
        """
        machine = os.uname()
        here = info.get("KernelVersion") == machine.release and info["Name"] in (machine.nodename, socket.gethostname())
        if self.settings.socket_path is None or not here or inside_container():
            return None
        return read_machine_id_hash()

    def _networks(self, client: EngineClient, engine: Engine) -> tuple[Engine, ScopeResult]:
        try:
            raw = client.networks()
        except CollectionError as error:
            return replace(engine, networks_known=False), ScopeResult("networks", "failed", errors=(_words(error),))
        facts = {}
        names = {}
        for one in raw:
            with contextlib.suppress(*MALFORMED):  # told below, where the answers are made
                facts[one["Id"]] = network_facts(one, engine)
                names[one["Name"]] = one["Id"]
        answers, errors = self._each(raw, lambda n: network_answer(n, engine), "GET /networks")
        engine = replace(engine, networks=facts, network_ids=names, networks_known=not errors)
        return engine, ScopeResult("networks", _status(answers, errors), answers, errors)

    def _volumes(self, client: EngineClient, engine: Engine, *, sizes: bool) -> ScopeResult:
        try:
            raw = client.volumes()
        except CollectionError as error:
            return ScopeResult("volumes", "failed", errors=(_words(error),))
        measured: dict[str, int] = {}
        if sizes and raw:
            try:
                measured = client.volume_sizes()
            except (CollectionError, *MALFORMED):
                measured = {}  # refused or too slow: sizes are a courtesy, `doctor` tells
        answers, errors = self._each(raw, lambda v: volume_answer(v, engine, measured.get(v["Name"])), "GET /volumes")
        return ScopeResult("volumes", _status(answers, errors), answers, errors)

    def _each(
        self, raw: Sequence[Any], make: Callable[[Any], Answer], call: str
    ) -> tuple[list[Answer], tuple[str, ...]]:
        """Return the answers about the things of a list, and what of it is not of the documented shape."""
        answers = []
        failed: list[CollectionError] = []
        for one in raw:
            try:
                answers.append(make(one))
            except MALFORMED as error:
                failed.append(missing_key(str(error), self.settings, call))
        errors = (f"{len(failed)} of {len(raw)} make no sense: {_words(failed[0])}",) if failed else ()
        return answers, errors

    def _images(self, client: EngineClient, engine: Engine) -> tuple[Engine, tuple[str, ...]]:
        try:
            return replace(engine, images=images_by_id(client.images())), ()
        except CollectionError as error:
            return engine, (f"images stay without digest, some without name: {_words(error)}",)
        except MALFORMED as error:
            why = missing_key(str(error), self.settings, "GET /images/json")
            return engine, (f"images stay without digest, some without name: {_words(why)}",)

    def _containers(self, client: EngineClient, engine: Engine, problems: tuple[str, ...]) -> ScopeResult:
        try:
            listed = [str(c["Id"]) for c in client.containers()]
        except CollectionError as error:
            return ScopeResult("containers", "failed", errors=(*problems, _words(error)))
        except MALFORMED as error:
            why = missing_key(str(error), self.settings, "GET /containers/json")
            return ScopeResult("containers", "failed", errors=(*problems, _words(why)))
        answers, _, errors = self._inspect(client, engine, listed)
        if not engine.networks_known:
            problems += ("containers stay without addresses, because the networks could not be read",)
        complete = not errors and engine.networks_known
        status = "complete" if complete else "partial" if answers or not errors else "failed"
        return ScopeResult("containers", status, answers, (*problems, *errors))  # type: ignore[arg-type]

    def _inspect(
        self, client: EngineClient, engine: Engine, native_ids: Iterable[str]
    ) -> tuple[list[Answer], list[str], tuple[str, ...]]:
        """Return the answers, the ids of what has vanished, and what failed."""
        failed: list[CollectionError] = []

        def read(native_id: str) -> Answer | Vanished | None:
            if len(failed) >= _GIVE_UP_AFTER and isinstance(failed[-1], SourceUnreachable):
                return None
            try:
                raw = client.container(native_id)
                if isinstance(raw, Vanished):
                    return raw
                return container_answer(raw, engine, self._used_memory(client, raw))
            except CollectionError as error:
                failed.append(error)
            except MALFORMED as error:
                failed.append(missing_key(str(error), self.settings, "GET /containers/{id}/json"))
            return None

        wanted = list(native_ids)
        with ThreadPoolExecutor(client.parallel, thread_name_prefix="docker-inspect") as pool:
            read_ones = list(pool.map(read, wanted))
        answers = [one for one in read_ones if isinstance(one, Answer)]
        vanished = [one.native_id for one in read_ones if isinstance(one, Vanished)]
        missing = len(wanted) - len(answers) - len(vanished)
        errors = (f"{missing} of {len(wanted)} containers could not be read: {_words(failed[0])}",) if failed else ()
        return answers, vanished, errors

    def _used_memory(self, client: EngineClient, raw: dict[str, Any]) -> int | None:
        if not self.settings.stats or raw["State"]["Status"] != "running":
            return None
        try:
            memory = client.stats(raw["Id"]).get("memory_stats") or {}
            details = memory.get("stats") or {}
            # Pages of files that can be dropped any time do not count (`docker stats` does the same).
            cached = details.get("total_inactive_file", details.get("inactive_file", 0))
            return max(0, int(memory["usage"]) - int(cached)) // 2**20 if "usage" in memory else None
        except (CollectionError, *MALFORMED):
            return None  # measured values are a courtesy, `doctor` tells what is refused

    def _run_of_batch(self, client: EngineClient, engine: Engine, batch: Batch) -> tuple[Engine, CollectionRun]:
        started_at, client.log = clock.now(), CallLog()
        scopes = []
        engine, networks = self._networks(client, engine)
        if batch.networks or batch.gone("network"):
            # A watch never says what is absent, except what was seen to end.
            said = "failed" if networks.status == "failed" else "partial"
            scopes.append(replace(networks, status=said, gone=batch.gone("network")))  # type: ignore[arg-type]
        if batch.volumes or batch.gone("volume"):
            volumes = self._volumes(client, engine, sizes=False)
            said = "failed" if volumes.status == "failed" else "partial"
            scopes.append(replace(volumes, status=said, gone=batch.gone("volume")))  # type: ignore[arg-type]
        if batch.containers or batch.gone("container"):
            engine, problems = self._images(client, engine)
            answers, vanished, errors = self._inspect(client, engine, sorted(batch.containers))
            gone = sorted({*batch.gone("container"), *(f"container/{native_id}" for native_id in vanished)})
            scopes.append(ScopeResult("containers", "partial", answers, (*problems, *errors), tuple(gone)))
        return engine, CollectionRun(self.name, started_at, tuple(scopes), calls=client.log.made())


def _proof(needs: str, call: Callable[[], object]) -> Diagnosis:
    try:
        return Diagnosis(needs, ok=True, detail=str(call()))
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)


def _subscribed(client: EngineClient) -> str:
    client.events()
    return "follows"


def _first(things: Sequence[Any], read: Callable[[Any], object]) -> str:
    if not things:
        return "nothing there to try it on"
    read(things[0])
    return "readable"


def _status(answers: Sequence[Answer], errors: Sequence[str]) -> ScopeStatus:
    return "complete" if not errors else "partial" if answers else "failed"


def _words(error: CollectionError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
