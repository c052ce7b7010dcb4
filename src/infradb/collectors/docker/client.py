"""Reads an engine through the Docker SDK; understands nothing. Only GET requests are ever sent."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from infradb.collectors.docker.failures import failure, missing_key
from infradb.collectors.docker.settings import DockerSettings
from infradb.errors import CollectionError
from infradb.transport.calls import CallLog

OLDEST_API = "1.24"
EVENT_FILTERS = {"type": ["container", "network", "volume"]}
_SIZES_TIMEOUT = 5.0
_SIZES_ALONE_SINCE = (1, 42)


@dataclass(frozen=True, slots=True)
class Vanished:
    """Says that something was gone before it could be read."""

    native_id: str


class EngineClient:
    """One connection to one engine; every method is one call and raises `CollectionError` with the call's name."""

    def __init__(self, settings: DockerSettings) -> None:
        self.settings = settings
        self.log = CallLog()
        self._streams: list[Any] = []
        if path := settings.socket_path:
            _prove_socket(path, settings)
        # Any: what the stubs know of the SDK ends before its request methods.
        self._api: Any = self._connect()

    @property
    def parallel(self) -> int:
        """Return how many calls may run at once: sshd allows ten sessions per connection by default."""
        return 4 if self.settings.url.startswith("ssh:") else 8

    def version(self) -> dict[str, Any]:
        """Return `GET /version`."""
        return self._object("GET /version", lambda: self._api.version(api_version=False))

    def info(self) -> dict[str, Any]:
        """Return `GET /info`."""
        return self._object("GET /info", self._api.info)

    def networks(self) -> list[dict[str, Any]]:
        """Return `GET /networks`: every network with its IPAM configuration."""
        return self._list("GET /networks", self._api.networks)

    def images(self) -> list[dict[str, Any]]:
        """Return `GET /images/json`: every image with its tags and digests."""
        return self._list("GET /images/json", self._api.images)

    def volumes(self) -> list[dict[str, Any]]:
        """Return `GET /volumes`."""
        found = self._object("GET /volumes", self._api.volumes)
        return list(found.get("Volumes") or ())

    def volume_sizes(self) -> dict[str, int]:
        """Return `GET /system/df`: volume name -> bytes; the engine needs time for it, and gets five seconds."""

        def read() -> Any:
            version = tuple(int(n) for n in str(self._api._version).split("."))
            # Older engines size images and containers as well, whatever they are asked for.
            params = {"type": "volume"} if version >= _SIZES_ALONE_SINCE else {}
            timeout = min(_SIZES_TIMEOUT, self.settings.timeout_seconds)
            return self._api._result(self._api._get(self._api._url("/system/df"), params=params, timeout=timeout), True)

        found = self._object("GET /system/df", read)
        sizes = {v["Name"]: (v.get("UsageData") or {}).get("Size", -1) for v in found.get("Volumes") or ()}
        return {name: size for name, size in sizes.items() if size >= 0}

    def containers(self) -> list[dict[str, Any]]:
        """Return `GET /containers/json`: every container, running or not, in short."""
        return self._list("GET /containers/json", lambda: self._api.containers(all=True))

    def container(self, native_id: str) -> dict[str, Any] | Vanished:
        """Return `GET /containers/{id}/json`, or that the container is gone."""
        from docker.errors import NotFound

        def read() -> Any:
            try:
                return self._api.inspect_container(native_id)
            except NotFound:
                return Vanished(native_id)

        found = self._call("GET /containers/{id}/json", read)
        if not isinstance(found, Vanished) and not (isinstance(found, dict) and found.get("Id")):
            raise missing_key("Id", self.settings, "GET /containers/{id}/json")
        return found

    def stats(self, native_id: str) -> dict[str, Any]:
        """Return `GET /containers/{id}/stats`: one reading."""

        def read() -> Any:
            url = self._api._url("/containers/{0}/stats", native_id)
            # Engines before API 1.41 do not know one-shot and take a second longer.
            return self._api._result(self._api._get(url, params={"stream": False, "one-shot": True}), True)

        return self._object("GET /containers/{id}/stats", read)

    def events(self) -> Iterator[dict[str, Any]]:
        """Subscribe to `GET /events` now, and yield until the engine goes away or the client is closed."""
        call = "GET /events"
        stream = self._call(call, lambda: self._api.events(decode=True, filters=EVENT_FILTERS))
        self._streams.append(stream)

        def follow() -> Iterator[dict[str, Any]]:
            try:
                yield from stream
            except Exception as error:  # noqa: BLE001  (as in `_call`)
                raise failure(error, self.settings, call) from None

        return follow()

    def close(self) -> None:
        """End everything that runs on the connection; may be called from another thread, and twice."""
        from docker.errors import DockerException

        for stream in self._streams:
            # Over SSH a stream ends with its connection, below.
            with contextlib.suppress(OSError, DockerException, AttributeError):
                stream.close()
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _connect(self) -> Any:
        from docker import APIClient

        make: Any = APIClient  # the stubs take whole seconds only
        url, tls = self.settings.url, self._tls()
        if url.startswith("https:") or tls:
            url, tls = url.replace("tcp:", "https:", 1), tls or True
        try:
            # Not version="auto": a proxy from the environment would be asked before it can be switched off.
            api = make(url, version=OLDEST_API, timeout=self.settings.timeout_seconds, tls=tls)
        except Exception as error:  # noqa: BLE001  (the SDK lets SSH's, TLS's and its own errors through)
            raise failure(error, self.settings, "connecting") from None
        api.trust_env = False
        try:
            answer = self._object("GET /version", lambda: api.version(api_version=False))
            if not isinstance(answer.get("ApiVersion"), str):
                raise missing_key("ApiVersion", self.settings, "GET /version")
            api._version = answer["ApiVersion"]
        except BaseException:
            api.close()
            raise
        return api

    def _tls(self) -> Any:
        if not self.settings.uses_tls:
            return None
        from docker.errors import TLSParameterError
        from docker.tls import TLSConfig

        given = self.settings
        pair = (str(given.tls_cert), str(given.tls_key)) if given.tls_cert else None
        try:
            return TLSConfig(client_cert=pair, ca_cert=str(given.tls_ca) if given.tls_ca else None, verify=True)
        except TLSParameterError as error:
            raise failure(error, self.settings, "reading the TLS files") from None

    def _call(self, call: str, read: Any) -> Any:
        try:
            with self.log.recording(call):
                return read()
        except CollectionError:
            raise
        except Exception as error:  # noqa: BLE001  (requests, urllib3, paramiko and the SDK share no base)
            raise failure(error, self.settings, call) from None

    def _object(self, call: str, read: Any) -> dict[str, Any]:
        found = self._call(call, read)
        if not isinstance(found, dict):
            raise missing_key("object", self.settings, call)
        return found

    def _list(self, call: str, read: Any) -> list[dict[str, Any]]:
        found = self._call(call, read)
        if not isinstance(found, list):
            raise missing_key("list", self.settings, call)
        return found


def _prove_socket(path: str, settings: DockerSettings) -> None:
    """Raise what is wrong with a socket before the SDK tries it, which leaves its own one open when it fails."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(settings.timeout_seconds)
        try:
            probe.connect(path)
        except OSError as error:
            raise failure(error, settings, "connecting") from None
