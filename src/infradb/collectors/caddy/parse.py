"""What Caddy's configuration means (caddyserver.com/docs/json, version 2)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infradb.collectors.reverse_proxy.names import ANY, host_name, path_start
from infradb.collectors.reverse_proxy.routes import ProxyFacts, Route, port_of
from infradb.collectors.reverse_proxy.shapes import objects, part, shaped, texts
from infradb.errors import SourceMalformed

_KNOWN = frozenset({"admin", "logging", "storage", "apps", "@id"})
_DEEPEST = 40
_NESTING = ("subroute", "handle_path")


@dataclass(frozen=True, slots=True)
class _Way:
    """What has to hold on the way to a handler."""

    server: str
    listens: tuple[str, ...]
    tls: bool
    asked: bool
    hosts: tuple[str, ...] = (ANY,)
    paths: tuple[str, ...] = ("",)
    also: tuple[str, ...] = ()
    """Names of further matchers."""
    root: str = ""
    """Folder of files, as `vars` set it."""


def parse(config: Mapping[str, Any], upstreams: list[Any] | None, problems: tuple[str, ...] = ()) -> ProxyFacts:
    """Return a Caddy's routes; raise `SourceMalformed` where it is no configuration of Caddy."""
    if strange := sorted(set(config) - _KNOWN):
        hint = "does `url` lead to Caddy's admin API?"
        raise SourceMalformed(f"GET /config/: Caddy has no {strange[0]!r:.40}", hint=hint)
    found: list[str] = list(problems)
    apps = part(config, "apps", dict, default={})
    http = part(apps, "http", dict, default={})
    failing = _failing(upstreams or [], found)
    routes: list[Route] = []
    for name, raw in part(http, "servers", dict, default={}).items():
        try:
            server = shaped(raw, dict, "server")
            way = _server(str(name), server, http, on_demand=_on_demand(apps))
            for route in _walk(objects(server, "routes"), way, 0):
                routes += _checked(route, failing)
        except SourceMalformed as error:
            found.append(f"the server {name!r:.60} is not understood: {error}")
    return ProxyFacts(routes, problems=tuple(dict.fromkeys(found))[:10])


def certificate_files(config: Mapping[str, Any]) -> list[Path]:
    """Return the certificate files that the configuration loads; their keys are not among them."""
    found: list[Path] = []
    holder: Any = config
    for name in ("apps", "tls", "certificates", "load_files"):
        holder = holder.get(name) if isinstance(holder, Mapping) else None
    for one in holder if isinstance(holder, list) else []:
        path, key = (one.get("certificate"), one.get("key")) if isinstance(one, Mapping) else (None, None)
        if isinstance(path, str) and path.startswith("/") and "\x00" not in path and path != key:
            found.append(Path(path))
    return sorted(set(found))


def _server(name: str, server: dict[str, Any], http: Mapping[str, Any], *, on_demand: bool) -> _Way:
    listens = tuple(_listen(text) for text in texts(server, "listen"))
    automatic = part(server, "automatic_https", dict, default={})
    plain = http.get("http_port") or 80
    # Caddy speaks TLS where it is told how, or by itself where a server has names (docs: "Automatic HTTPS").
    told = bool(part(server, "tls_connection_policies", list, default=[]))
    by_itself = not automatic.get("disable") and any(port_of(one) != plain for one in listens)
    names = {name for r in objects(server, "routes") for m in objects(r, "match") for name in texts(m, "host")}
    named = bool(names - set(texts(automatic, "skip")))
    return _Way(name, listens or ("",), told or (by_itself and named), asked=not on_demand)


def _listen(text: str) -> str:
    """Return a listening address without its network (docs: "Network addresses")."""
    return text.removeprefix("tcp/").removeprefix("tcp4/").removeprefix("tcp6/")


def _on_demand(apps: Mapping[str, Any]) -> bool:
    """Tell whether asking for a name may make Caddy fetch a certificate for it."""
    automation = part(part(apps, "tls", dict, default={}), "automation", dict, default={})
    return any(policy.get("on_demand") for policy in objects(automation, "policies"))


def _walk(raw_routes: list[dict[str, Any]], way: _Way, depth: int) -> Iterator[tuple[Route, dict[str, Any]]]:
    """Yield each route to a backend with its handler, through nested routes."""
    if depth > _DEEPEST:
        raise SourceMalformed("routes are nested too deeply", hint="is it a configuration of Caddy?")
    for raw in raw_routes:
        inner = [_narrowed(way, match) for match in objects(raw, "match")] or [way]
        for handler in objects(raw, "handle"):
            kind = part(handler, "handler", str, default="")
            if kind == "vars" and isinstance(handler.get("root"), str):
                # It holds for what comes after it on the same level as well.
                inner = [replace(one, root=handler["root"]) for one in inner]
                way = replace(way, root=handler["root"]) if not raw.get("match") else way
            for one in inner:
                if kind in _NESTING:
                    yield from _walk(objects(handler, "routes"), one, depth + 1)
                for url in _targets(kind, handler, one):
                    yield from ((route, handler) for route in _made(one, url))


def _narrowed(way: _Way, match: Mapping[str, Any]) -> _Way:
    hosts, paths = tuple(host_name(h) for h in texts(match, "host")), texts(match, "path")
    starts = tuple(path_start(p.removesuffix("*")) for p in paths)
    also = sorted(set(match) - {"host", "path"})
    if any(not p.endswith("*") or p.startswith("*") for p in paths):
        also.append("path")
    return replace(
        way,
        hosts=hosts or way.hosts,
        paths=tuple("" if s.startswith("*") else s for s in starts) or way.paths,
        also=tuple(dict.fromkeys((*way.also, *also))),
    )


def _targets(kind: str, handler: dict[str, Any], way: _Way) -> Iterator[str]:
    if kind == "file_server":
        root = part(handler, "root", str, default="") or way.root
        if root.startswith("/"):
            yield f"file://{root}"
    if kind != "reverse_proxy":
        return
    scheme = _scheme(part(handler, "transport", dict, default={}))
    for upstream in objects(handler, "upstreams"):
        dial = part(upstream, "dial", str, default="")
        if dial:
            yield f"{scheme}://{_dialled(dial)}"
    dynamic = part(handler, "dynamic_upstreams", dict, default={})
    if name := part(dynamic, "name", str, default=""):
        port = part(dynamic, "port", str, default="")
        yield f"{scheme}://{name}:{port}" if port else f"srv://{name}"


def _dialled(dial: str) -> str:
    """Return what is dialled as the middle of a URL (docs: "Network addresses")."""
    if dial.startswith("unix/"):
        return f"unix:{dial.removeprefix('unix/')}"
    return _listen(dial)


def _scheme(transport: Mapping[str, Any]) -> str:
    if transport.get("protocol") == "fastcgi":
        return "fastcgi"
    if "tls" in transport:
        return "https"
    return "h2c" if "h2c" in texts(transport, "versions") else "http"


def _made(way: _Way, url: str) -> Iterator[Route]:
    for listen in way.listens:
        for hostname in way.hosts:
            for path in way.paths:
                yield Route(
                    entry=listen or way.server,
                    listen=listen,
                    hostname=hostname,
                    path=path,
                    backend_url=url,
                    tls=way.tls,
                    rule=f"matched also by {', '.join(way.also)}" if way.also else None,
                    asked=way.asked,
                )


def _failing(upstreams: list[Any], problems: list[str]) -> dict[str, int]:
    """Return how often each backend failed within the time that its handler sets."""
    try:
        return {
            part(u, "address", str): part(u, "fails", int) for u in (shaped(u, dict, "upstream") for u in upstreams)
        }
    except SourceMalformed as error:
        problems.append(f"GET /reverse_proxy/upstreams is not understood: {error}")
        return {}


def _checked(found: tuple[Route, dict[str, Any]], failing: Mapping[str, int]) -> Iterator[Route]:
    """Yield a route, its backend `down` where its handler counts failures of real requests and they are too many.

    Nothing says that one is up: what the handler's own checks find is not in the API.
    """
    route, handler = found
    passive = part(part(handler, "health_checks", dict, default={}), "passive", dict, default={})
    fails = next((n for dial, n in failing.items() if route.backend_url.endswith(f"://{_dialled(dial)}")), None)
    most = passive.get("max_fails")
    most = most if isinstance(most, int) and most > 0 else 1
    down = fails is not None and passive.get("fail_duration") and fails >= most
    yield replace(route, backend_status="down") if down else route
