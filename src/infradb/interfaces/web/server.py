"""Serves a site: takes the port, opens the door as far as it may be opened, and runs until it is told to end."""

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from infradb.errors import Conflict, SettingsError
from infradb.interfaces.web.app import application
from infradb.interfaces.web.site import Place, Site, place_of
from infradb.operations import people
from infradb.operations.databases import Database

__all__ = ["Place", "Site", "bind", "door", "place_of", "run"]

LAST_ANSWERS_SECONDS = 1
"""Time that requests in progress get to be answered when the end has come."""


def bind(place: Place) -> socket.socket:
    """Take the port; raise `Conflict` or `SettingsError` that says what is in the way."""
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if place.address == "::":
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        taken.bind((place.address, place.port))
        # Listening at once: with SO_REUSEADDR two may bind, but only one may listen.
        taken.listen(128)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {place.port} of {place.address} is in use, perhaps by another `infradb up`",
                hint=f"end that one, or take another port: --port {place.port % 65535 + 1}",
            ) from error
        if error.errno == errno.EACCES:
            raise SettingsError(
                f"you may not take port {place.port}", hint="ports below 1024 are for root; take --port 8420"
            ) from error
        raise SettingsError(
            f"{place.address}:{place.port} cannot be listened on: {error.strerror}",
            hint="is it an address of this machine?",
        ) from error
    return taken


def door(database: Database, place: Place, *, may_make_link: bool) -> str | None:
    """Return the one-time link for the first user where one is needed; raise `SettingsError` where none may be made."""
    if place.is_private or people.any_user(database):
        return None
    if not may_make_link:
        raise SettingsError(
            f"{place.address} is reached from other machines, and there is no user yet",
            hint="`infradb up --listen ADDRESS` prints a link that makes the first one; or listen on 127.0.0.1",
        )
    return f"{place.url}/first-user?token={people.first_user_token(database)}"


def run(site: Site, taken: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        application(site),
        log_config=None,
        access_log=False,  # the one-time link would stand in it
        server_header=False,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        timeout_keep_alive=15,
        limit_concurrency=500,
        lifespan="off",
        ws="none",
    )
    _Server(config).run(sockets=[taken])


class _Server(uvicorn.Server):
    """uvicorn's server, whose end is the caller's end: it does not send itself the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._asked_to_end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_end(self, _number: int, _frame: FrameType | None) -> None:
        # The second time nothing is waited for.
        self.force_exit = self.should_exit
        self.should_exit = True
