"""What the answers of Nginx Proxy Manager mean (its own API schema, versions 2.9 to 2.12)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infradb.collectors.reverse_proxy.names import ANY, host_name, path_start
from infradb.collectors.reverse_proxy.routes import ProxyFacts, Route
from infradb.collectors.reverse_proxy.shapes import objects, part, shaped, texts
from infradb.errors import CollectionError, SourceMalformed
from infradb.model.services import Certificate
from infradb.transport.certificates import certificate_in, understand

_HTTP, _HTTPS = ":80", ":443"


def parse(
    status: Mapping[str, Any],
    lists: Mapping[str, list[Any]],
    problems: tuple[str, ...] = (),
    certificate_problems: tuple[str, ...] = (),
) -> ProxyFacts:
    """Return the routes; what is malformed is left out, and named among the problems."""
    found, hidden = list(problems), list(certificate_problems)
    certificates = dict(_certificates(lists.get("certificates", []), hidden))
    routes: list[Route] = []
    for name, read in (("proxy-hosts", _proxied), ("redirection-hosts", _redirected), ("streams", _streamed)):
        for raw in lists.get(name, []):
            try:
                row = shaped(raw, dict, name)
                made = list(read(row))
                known = certificates.get(_number(row, "certificate_id"))
                routes += [replace(r, fingerprint=known.fingerprint if known and r.tls else None) for r in made]
            except SourceMalformed as error:
                found.append(f"one of {name} is not understood: {error}")
    by_print = {c.fingerprint: c for c in certificates.values()}
    return ProxyFacts(routes, version(status), by_print, _few(found), _few(hidden))


def version(status: Mapping[str, Any]) -> str | None:
    """Return the version: `2.12.3`."""
    said = status.get("version")
    numbers = [said.get(n) for n in ("major", "minor", "revision")] if isinstance(said, Mapping) else []
    return ".".join(map(str, numbers)) if numbers and all(isinstance(n, int) for n in numbers) else None


def hidden_from(me: Mapping[str, Any]) -> list[str]:
    """Return what the user may not see, in words: lists are then shorter than they are, without an error."""
    permissions = part(me, "permissions", dict, default={})
    if not permissions:
        return ["what the user may see is not told"]
    own = permissions.get("visibility") != "all"
    return ["the user sees only what is its own"] if own else []


def _few(problems: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problems))[:10]


def _proxied(raw: dict[str, Any]) -> Iterator[Route]:
    yield from _named(raw, _target(raw, "forward_scheme", "forward_host", "forward_port"))
    for location in objects(raw, "locations"):
        path = part(location, "path", str)
        for route in _named(raw, _target(location, "forward_scheme", "forward_host", "forward_port")):
            # nginx takes `= /x` and `~ ^/x` there as well.
            plain = path.startswith("/")
            yield replace(route, path=path_start(path)) if plain else replace(route, rule=f"location {path}")


def _redirected(raw: dict[str, Any]) -> Iterator[Route]:
    scheme = part(raw, "forward_scheme", str, default="auto")
    target = part(raw, "forward_domain_name", str)
    code = _number(raw, "forward_http_code") or 301
    for route in _named(raw, ""):
        to = scheme if scheme in ("http", "https") else "https" if route.tls else "http"
        yield replace(route, backend_url=f"{to}://{target}", rule=f"redirects with {code}")


def _streamed(raw: dict[str, Any]) -> Iterator[Route]:
    port = _number(raw, "incoming_port")
    host, to = part(raw, "forwarding_host", str), _number(raw, "forwarding_port")
    secured = _number(raw, "certificate_id") > 0
    for protocol in ("tcp", "udp"):
        if _is(raw, f"{protocol}_forwarding"):
            yield Route(
                entry=f":{port}" if protocol == "tcp" else f":{port}/udp",
                listen=f":{port}",
                hostname=ANY,
                backend_url=f"{protocol}://{_bracketed(host)}:{to}",
                tls=secured and protocol == "tcp",
                enabled=_is(raw, "enabled"),
                native_name=f"stream {_number(raw, 'id')}",
            )


def _named(raw: dict[str, Any], url: str) -> Iterator[Route]:
    """Yield a route per name and port: with a certificate on 443, and on 80 where nothing forces TLS."""
    secured = _number(raw, "certificate_id") > 0
    listens = [(_HTTPS, True)] if secured else []
    listens += [] if secured and _is(raw, "ssl_forced") else [(_HTTP, False)]
    for listen, tls in listens:
        for name in texts(raw, "domain_names"):
            yield Route(
                entry=listen,
                listen=listen,
                hostname=host_name(name),
                backend_url=url,
                tls=tls,
                enabled=_is(raw, "enabled"),
                native_name=f"host {_number(raw, 'id')}",
            )


def _target(raw: dict[str, Any], scheme: str, host: str, port: str) -> str:
    name, slash, path = part(raw, host, str).partition("/")
    return f"{part(raw, scheme, str, default='http')}://{_bracketed(name)}:{_number(raw, port)}{slash}{path}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _certificates(raw: list[Any], problems: list[str]) -> Iterator[tuple[int, Certificate]]:
    """Yield the certificates that people uploaded; of those that it gets itself the API shows only the names."""
    for one in raw:
        try:
            row = shaped(one, dict, "certificate")
            text = part(part(row, "meta", dict, default={}), "certificate", str, default="")
            if text:
                yield _number(row, "id"), understand(certificate_in(text))
        except CollectionError as error:
            problems.append(f"a certificate is not understood: {error}")


def _number(raw: Mapping[str, Any], name: str) -> int:
    found = raw.get(name)
    if found is None:
        return 0
    if isinstance(found, str) and found.isdigit() and len(found) < 10:
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**31:
        # `new` while a certificate is being made
        if isinstance(found, str):
            return 0
        raise SourceMalformed(f"{name!r} is no number")
    return found


def _is(raw: Mapping[str, Any], name: str) -> bool:
    """Return a switch, which older versions write as 0 and 1."""
    found = raw.get(name, False)
    if isinstance(found, bool) or found in (0, 1):
        return bool(found)
    raise SourceMalformed(f"{name!r} is neither true nor false")
