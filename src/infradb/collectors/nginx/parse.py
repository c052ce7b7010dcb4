"""What nginx's directives mean (nginx.org/en/docs, 1.22): which name leads where, with which certificate."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infradb.collectors.reverse_proxy.names import ANY, host_name, host_of_pattern, path_start
from infradb.collectors.reverse_proxy.routes import Route

Directive = Mapping[str, Any]
PASSES = {"proxy_pass": "", "grpc_pass": "grpc", "fastcgi_pass": "fastcgi", "uwsgi_pass": "uwsgi", "scgi_pass": "scgi"}
"""Directive that passes requests on -> scheme of a backend that is given without one."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_CONDITIONS = ("if", "limit_except")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens."""

    address: str
    """Address and port; `:443` for all addresses."""

    tls: bool = False
    udp: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A server, or a location inside it."""

    upstreams: Mapping[str, Sequence[tuple[str, bool]]]
    listens: tuple[Listen, ...]
    names: tuple[tuple[str, str | None], ...]
    """Name, and the rule where that is a pattern."""
    file: str | None = None
    certificate: Path | None = None
    path: str = ""
    rule: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def routes(configuration: Sequence[Directive]) -> list[tuple[Route, Path | None]]:
    """Return each route, with the file of the certificate that it is configured with."""
    found: list[tuple[Route, Path | None]] = []
    for kind in ("http", "stream"):
        for outer in _all(configuration, kind):
            block = _block(outer)
            upstreams = {args[0]: _servers(_block(u)) for u in _all(block, "upstream") if (args := _args(u))}
            for server in _all(block, "server"):
                found += _http(server, block, upstreams) if kind == "http" else _stream(server, block, upstreams)
    return found


def _http(server: Directive, outer: Sequence[Directive], upstreams: Mapping[str, Any]) -> Iterator[tuple[Route, Any]]:
    block = _block(server)
    on = _first(block, "ssl") == "on"
    listens = tuple(dict.fromkeys(_listen(_args(d), on=on) for d in _all(block, "listen"))) or (Listen(":80", on),)
    names = tuple(_name(text) for d in _all(block, "server_name") for text in _args(d)) or ((ANY, None),)
    place = _Place(upstreams, listens, names, server.get("file"), _certificate(block, outer), variables=_set(block))
    passed = list(_passed(block, place, 0))
    root = _first(block, "root") or _first(outer, "root")
    if root and "$" not in root and not _answers(block) and not any(r.path == "" and not r.rule for r in passed):
        passed += _made(place, f"file://{root}")
    yield from ((route, place.certificate if route.tls else None) for route in passed)


def _stream(server: Directive, outer: Sequence[Directive], upstreams: Mapping[str, Any]) -> Iterator[tuple[Route, Any]]:
    block = _block(server)
    target = _first(block, "proxy_pass")
    listens = tuple(dict.fromkeys(_listen(_args(d), on=False) for d in _all(block, "listen")))
    if not target or not listens:
        return
    place = _Place(upstreams, listens, ((ANY, None),), server.get("file"), _certificate(block, outer))
    preread = _first(block, "ssl_preread") == "on"
    scheme = "udp" if listens[0].udp else "tcp"
    for name, rule, to in _by_name(target, outer) if preread else [(ANY, None, target)]:
        for route in _made(replace(place, names=((name, rule),)), f"{scheme}://{to}"):
            # With ssl_preread the backend itself speaks TLS, and shows its own certificate.
            yield replace(route, tls=True, asked=False) if preread else route, place.certificate


def _by_name(target: str, outer: Sequence[Directive]) -> Iterator[tuple[str, str | None, str]]:
    """Yield name, rule and target of what a `map` of names chooses (ngx_stream_map_module, ssl_preread_module)."""
    chosen = [m for m in _all(outer, "map") if _args(m)[1:] == [target] and _args(m)[0] == "$ssl_preread_server_name"]
    if not chosen:
        yield ANY, None, target
    for one in chosen:
        for line in _block(one):
            name, to = str(line["directive"]), _args(line)[:1]
            if to and name not in ("hostnames", "volatile", "include"):
                yield (*((ANY, None) if name == "default" else _name(name)), to[0])


def _passed(block: Sequence[Directive], place: _Place, depth: int) -> Iterator[Route]:
    """Yield the routes of a server or location, and of the locations inside it."""
    if depth > _DEEPEST:
        return
    for one in block:
        name, args = one["directive"], _args(one)
        if name in PASSES and args:
            yield from _made(place, _with_scheme(_resolved(args[0], place.variables), PASSES[name]))
        elif name == "location" and args:
            inner = _located(place, args)
            yield from _passed(
                _block(one), replace(inner, variables={**place.variables, **_set(_block(one))}), depth + 1
            )
        elif name in _CONDITIONS:
            condition = f"{name} {' '.join(args)}"
            yield from _passed(_block(one), replace(place, rule=place.rule or condition), depth + 1)


def _located(place: _Place, args: Sequence[str]) -> _Place:
    """Return a place narrowed by a location: a beginning (also after `^~`), an exact path, a pattern, a name."""
    sign, text = (args[0], args[-1]) if len(args) > 1 else ("", args[0])
    if sign in ("", "^~") and text.startswith("/"):
        return replace(place, path=path_start(text))
    said = f"location {' '.join(args)}"
    return replace(place, path=text, rule=said) if sign == "=" else replace(place, rule=said)


def _made(place: _Place, url: str) -> Iterator[Route]:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    servers = place.upstreams.get(host)
    targets = [(f"{scheme}://{s}{slash}{path}", up) for s, up in servers] if servers else [(url, True)]
    for listen in place.listens:
        for hostname, pattern in place.names:
            for target, up in targets:
                yield Route(
                    entry=listen.address,
                    listen=listen.address,
                    hostname=hostname,
                    path=place.path,
                    backend_url=target,
                    tls=listen.tls,
                    rule=" and ".join(r for r in (pattern, place.rule) if r) or None,
                    enabled=up,
                    native_name=place.file,
                )


def _servers(block: Sequence[Directive]) -> list[tuple[str, bool]]:
    """Return an upstream's servers, and whether each is in force."""
    return [(args[0], "down" not in args[1:]) for d in _all(block, "server") if (args := _args(d))]


def _listen(args: Sequence[str], *, on: bool) -> Listen:
    """Return where a `listen` listens; IPv4's and IPv6's wildcard are one."""
    text, options = (args[0] if args else "80"), args[1:]
    if text.startswith("unix:"):
        return Listen(text, on or "ssl" in options)
    address, _, port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, "", "80")
    if (not address and port.isdigit()) or text.isdigit():
        address, port = "", port if not text.isdigit() else text
    address = "" if address in ("*", "0.0.0.0", "[::]") else address  # noqa: S104  (read, not bound)
    quic = "quic" in options
    return Listen(f"{address}:{port}", on or "ssl" in options or quic, udp="udp" in options)


def _name(text: str) -> tuple[str, str | None]:
    if text.startswith("~"):
        return host_of_pattern(re.sub(r"\?P?<\w+>", "", text[1:])), f"server_name {text}"
    return host_name(text), None


def _certificate(block: Sequence[Directive], outer: Sequence[Directive]) -> Path | None:
    """Return the certificate's file; None where it is the key's as well, or no file."""
    text, key = (_first(block, n) or _first(outer, n) for n in ("ssl_certificate", "ssl_certificate_key"))
    is_file = text.startswith("/") and "$" not in text and "\x00" not in text
    return Path(text) if is_file and text != key else None


def _answers(block: Sequence[Directive]) -> bool:
    """Tell whether a server answers by itself, such as with a redirection."""
    roots = [d for d in _all(block, "location") if _args(d) == ["/"]]
    return any(_all(b, "return") for b in (block, *map(_block, roots)))


def _set(block: Sequence[Directive]) -> dict[str, str]:
    """Return the variables that are set to plain values, as images with nginx in them do for their backends."""
    found: dict[str, str] = {}
    for one in _all(block, "set"):
        args = _args(one)
        if len(args) == 2:
            found[args[0].removeprefix("$")] = _resolved(args[1], found)
    return found


def _resolved(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda m: variables.get(m[1] or m[2], m[0]), text)


def _with_scheme(url: str, scheme: str) -> str:
    return url if "://" in url else f"{scheme or 'http'}://{url}"


def _all(block: Sequence[Directive], name: str) -> list[Directive]:
    return [d for d in block if d["directive"] == name]


def _first(block: Sequence[Directive], name: str) -> str:
    return next((args[0] for d in _all(block, name) if (args := _args(d))), "")


def _block(directive: Directive) -> list[Directive]:
    found: list[Directive] = directive.get("block") or []
    return found


def _args(directive: Directive) -> list[str]:
    found: list[str] = directive["args"]
    return found
