"""What HAProxy's configuration and its statistics mean (configuration manual and management guide, 2.6)."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infradb.collectors.haproxy.conditions import Lookup, condition, mapped, named
from infradb.collectors.haproxy.configuration import Section, sections
from infradb.collectors.reverse_proxy.matches import ANYTHING, Match
from infradb.collectors.reverse_proxy.names import ANY
from infradb.collectors.reverse_proxy.routes import ProxyFacts, Route, port_of
from infradb.errors import SourceMalformed

States = Mapping[tuple[str, str], str]
"""Backend and server -> up, down, maint …"""

_EVERYWHERE = ("*", "0.0.0.0", "::", "[::]")  # noqa: S104  (read, not bound)


@dataclass(frozen=True, slots=True)
class _Bind:
    """Where a frontend listens."""

    listen: str
    tls: bool


def parse(
    text: str, states: States, lookup: Lookup, version: str | None = None, problems: tuple[str, ...] = ()
) -> ProxyFacts:
    """Return the routes; raise `SourceMalformed` where the text is no configuration of HAProxy."""
    found, wrong = sections(text)
    if not found:
        raise SourceMalformed("there is neither frontend nor listen in it", hint="`path` is that of haproxy.cfg")
    backends = {s.name: s for s in found if s.kind != "frontend"}
    routes: list[Route] = []
    for section in found:
        if section.kind != "backend":
            bind = _bind(section)
            for match, rule, backend in _ways(section, lookup):
                routes += _routes(section, bind, match, rule, backend, backends.get(backend), states)
    return ProxyFacts(routes, version, problems=(*problems, *wrong)[:10])


def parse_states(text: str) -> dict[tuple[str, str], str]:
    """Return the state of every server in `show stat` (management guide, 9.1); raise `SourceMalformed`."""
    lines = text.removeprefix("# ").splitlines()
    if not text.startswith("# pxname,svname,"):
        raise SourceMalformed("`show stat`: the answer is not HAProxy's", hint="does HAProxy listen there?")
    found: dict[tuple[str, str], str] = {}
    try:
        for row in csv.DictReader(lines):
            state = (row.get("status") or "").split(" ")[0].lower()
            # `no check`: HAProxy does not know.
            if row.get("type") == "2" and state not in ("", "no"):
                found[row["pxname"], row["svname"]] = state
    except (csv.Error, KeyError) as error:
        raise SourceMalformed("`show stat`: the answer is cut", hint="read the source again") from error
    return found


def parse_version(text: str) -> str | None:
    """Return the version in `show info`: `2.6.12`."""
    for line in text.splitlines():
        if line.startswith("Version: "):
            return line.removeprefix("Version: ").split("-")[0].strip() or None
    return None


def _ways(section: Section, lookup: Lookup) -> Iterator[tuple[Match, str, str]]:
    """Yield what has to hold, the rule in HAProxy's words, and the backend that is then used."""
    acls = named(section, lookup)
    for words in section.all("use_backend"):
        if not words:
            continue
        rule = " ".join(words[1:])
        chosen = mapped(words[0], lookup) if words[0].startswith("%[") else [(Match(), words[0])]
        for own, backend in chosen if chosen is not None else [(Match(exact=False), words[0])]:
            for match in condition(words[1:], acls, lookup):
                hostname = own.hostname if own.hostname != ANY else match.hostname
                yield Match(hostname, match.path, own.exact and match.exact), rule or words[0], backend
    if default := section.last("default_backend"):
        yield ANYTHING[0], "", default[0]
    elif section.kind == "listen" and any(True for _ in section.all("server")):
        yield ANYTHING[0], "", section.name


def _routes(
    frontend: Section, bind: _Bind, match: Match, rule: str, name: str, backend: Section | None, states: States
) -> Iterator[Route]:
    # Named by SNI without TLS of its own: the backend speaks TLS, and shows its own certificate.
    through = not bind.tls and frontend.mode == "tcp" and match.hostname != ANY
    servers = list(_servers(backend)) if backend else []
    for server, url, enabled in servers or [("", name, True)]:
        yield Route(
            entry=frontend.name,
            listen=bind.listen,
            hostname=match.hostname,
            path=match.path,
            backend_url=url,
            tls=bind.tls or through,
            rule=rule if not match.exact else None,
            enabled=enabled and not frontend.disabled and not (backend and backend.disabled),
            native_name=f"{frontend.name}/{name}",
            backend_status=states.get((name, server)),
            asked=not through,
        )


def _servers(backend: Section) -> Iterator[tuple[str, str, bool]]:
    """Yield name, URL and whether it is in force, of each server."""
    for words in backend.all("server"):
        if len(words) > 1:
            yield words[0], f"{_scheme(backend, words[2:])}://{_address(words[1])}", "disabled" not in words[2:]
    for words in backend.all("server-template"):
        if len(words) > 2:
            yield f"{words[0]}1", f"{_scheme(backend, words[3:])}://{_address(words[2])}", "disabled" not in words[3:]


def _scheme(backend: Section, options: Sequence[str]) -> str:
    if backend.mode != "http":
        return "tcp"
    if "fcgi" in options or any(True for _ in backend.all("use-fcgi-app")):
        return "fastcgi"
    return "https" if "ssl" in options else "h2c" if "h2" in options else "http"


def _address(text: str) -> str:
    """Return a server's address as the middle of a URL (manual, 11: "Address formats")."""
    family, at, rest = text.partition("@")
    if family in ("unix", "abns") or text.startswith("/"):
        return f"unix:{rest or text}"
    return rest if at and family.startswith(("ipv", "tcp", "udp", "quic")) else text


def _bind(section: Section) -> _Bind:
    """Return where a frontend listens: of several places one with TLS, because users are sent there."""
    found: list[_Bind] = []
    for words in section.all("bind"):
        for address in words[0].split(",") if words else []:
            host, _, port = _address(address).rpartition(":")
            listen = f"{'' if host in _EVERYWHERE else host}:{port.partition('-')[0]}"
            if port_of(listen):
                found.append(_Bind(listen, "ssl" in words[1:]))
    return next((b for b in found if b.tls), found[0] if found else _Bind("", tls=False))
