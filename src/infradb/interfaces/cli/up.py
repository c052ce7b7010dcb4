"""`infradb up` and `infradb serve`."""

import sys
import threading
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

import click

from infradb import clock, settings
from infradb.interfaces.cli.session import database
from infradb.operations import sources
from infradb.operations.absorb import RunReport
from infradb.operations.databases import Database
from infradb.operations.following import Follower, Told, changes_in_words, keep_turn
from infradb.queries import overview

FIRST_ROUND_SECONDS = 20.0
"""Time after which the address is shown even if a source is still being read."""
LAST_WRITE_SECONDS = 0.7
DEMO_BANNER = "This is a demo: a lab of invented data. Nothing of it exists."


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where to listen."""
    options = (
        click.option("--listen", metavar="ADDRESS[:PORT]", help="Address to listen on; 0.0.0.0 for all (127.0.0.1)."),
        click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (8420)."),
        click.option(
            "--name", "names", multiple=True, help="A further name under which browsers reach it; repeatable."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(epilog="Examples:  infradb up    infradb up --listen 0.0.0.0    infradb up --port 9000")
@place_options
@click.option("--no-discover-first", is_flag=True, help="Read the sources when they are next due, not at once.")
@click.pass_context
def up(
    ctx: click.Context, listen: str | None, port: int | None, names: tuple[str, ...], no_discover_first: bool
) -> None:
    """Discover, serve, and keep doing it, until Ctrl-C.

    Makes the database if there is none, reads this machine and its Docker engine, serves the pages, reads every source
    again when it is due, and follows Docker's own events.
    """
    given, web = settings.load(), _web()
    place = web.place_of(listen or given.listen, port, names, given.port)
    opened = database(ctx, create=True)
    sources.ensure_defaults(opened)
    give_back = keep_turn(opened, place.url)
    try:
        taken = web.bind(place)
        link = web.door(opened, place, may_make_link=True)
        speaker = _Speaker(opened, place.url, link)
        told = Told(speaker.say, speaker.begun, speaker.done, debug=bool(ctx.find_root().obj.get("debug")))
        follower = Follower(opened, given, told, at_once=not no_discover_first)
        follower.start()
        threading.Thread(target=speaker.welcome, args=(follower,), name="welcome", daemon=True).start()
        site = web.Site(
            opened,
            place,
            reading=lambda: tuple(follower.reading),
            added=follower.look_again,
            follows=not no_discover_first,
        )
        web.run(site, taken)
        follower.stop(LAST_WRITE_SECONDS)
    finally:
        give_back()
    click.echo("stopped")


@click.command(epilog="Example:  infradb serve --port 8421")
@place_options
@click.pass_context
def serve(ctx: click.Context, listen: str | None, port: int | None, names: tuple[str, ...]) -> None:
    """Serve what is known, without discovering, until Ctrl-C."""
    given = settings.load()
    opened, web = database(ctx), _web()
    with opened.read() as connection:
        is_demo = any(e.kind == "demo" for e in sources.entries(connection))
    place = web.place_of(listen or given.listen, port, names, given.port)
    taken = web.bind(place)
    try:
        web.door(opened, place, may_make_link=False)
        click.echo(f"{place.url}   (Ctrl-C ends it)")
        web.run(web.Site(opened, place, banner=DEMO_BANNER if is_demo else ""), taken)
    finally:
        taken.close()
    click.echo("stopped")


def _web() -> Any:
    """Return the server, found by name: the ways in do not know each other, except that this one starts that one."""
    return import_module("infradb.interfaces.web.server")


class _Speaker:
    """Writes what happens to the terminal, from several threads."""

    def __init__(self, opened: Database, url: str, link: str | None) -> None:
        self._database, self._url, self._link = opened, url, link
        self._lock = threading.Lock()
        self._shows_progress = sys.stderr.isatty()

    def say(self, line: str) -> None:
        """Write a line with the time."""
        with self._lock:
            self._write(f"{datetime.now().astimezone():%H:%M:%S} {line}")

    def begun(self, source: str) -> None:
        """Tell at a terminal that a source is being read."""
        if self._shows_progress:
            with self._lock:
                click.echo(f"reading {source} …", err=True)

    def done(self, report: RunReport) -> None:
        """Tell what came of a source's first reading."""
        seen = f"{report.counts['seen']} found" if report.status != "failed" else "cannot be read"
        changed = changes_in_words(report)
        with self._lock:
            self._write(f"{report.source}: {seen}{f' ({changed})' if changed else ''}")
            for error in report.errors:
                self._write(f"  {'✕' if report.status == 'failed' else '▲'} {error}")

    def welcome(self, follower: Follower) -> None:
        """Tell what there is and where to look, when every source was read or enough was waited."""
        whole = follower.first_round.wait(FIRST_ROUND_SECONDS)
        if follower.ended.is_set():
            return
        with self._database.read() as connection:
            counted = overview.counted(connection)
            findings = overview.open_findings(connection, clock.now())
        with self._lock:
            self._write("")
            self._write("  ".join(f"{number:,} {noun}" for noun, number in counted) or "nothing is known yet")
            if findings:
                worst = ", ".join(f"{count} {severity}" for severity, count in findings.items())
                self._write(f"findings: {worst}   (infradb findings)")
            if not whole:
                self._write(f"still reading: {', '.join(sorted(follower.reading))}")
            if self._link:
                self._write("there is no user yet; this link makes the first one, once, within an hour:")
                self._write(f"  {self._link}")
            self._write(f"{self._url}   (Ctrl-C ends it)")

    def _write(self, line: str) -> None:
        try:
            click.echo(line)
        except OSError:
            # Nobody reads any more (`infradb up | head`): serving goes on.
            return
