"""What Uptime Kuma's monitors mean (Uptime Kuma 1.18 to 2.0: table monitor, backup, metrics). Pure.

A monitor becomes a service and, where it probes something, a check of it. What people say in tags counts:
`criticality`, `owner`, `documentation`, and `host` for the machine that it runs on.
"""

from collections.abc import Iterable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit, urlunsplit

from infradb.model.physical import Criticality, Host
from infradb.model.services import Check, Service
from infradb.observation import Answer, Observation, Rejected, answer_of, observed
from infradb.redaction import redact_text
from infradb.service_types import guess, guess_by_name
from infradb.transport.exposition import Metrics

PARSER_VERSION = 1
"""Raised whenever the same monitors are to be understood in another way."""

_HTTP = ("http", "keyword", "json-query", "real-browser")
_CHECKS = {**dict.fromkeys(_HTTP, "http"), "port": "tcp", "ping": "icmp", "dns": "dns", "tailscale-ping": "icmp"}
"""Type of monitor -> kind of check; the others probe in ways that only Uptime Kuma knows, or wait to be told."""

_CRITICALITIES = get_args(Criticality)
_STATUS = {0: "down", 1: "up", 2: "pending", 3: "maintenance"}
_NOTHING = (None, "", "null", "https://", "http://")
_LABELS = ("monitor_id", "monitor_name", "monitor_type", "monitor_url", "monitor_hostname", "monitor_port")


def parse_monitors(monitors: Iterable[Mapping[str, Any]]) -> tuple[list[Answer], tuple[str, ...]]:
    """Return the hosts that tags name, then what each monitor says, and what made no sense."""
    hosts: dict[str, Answer] = {}
    answers: dict[str, Answer] = {}
    unreadable = 0
    for monitor in monitors:
        if monitor.get("type") == "group":
            continue
        said = _monitor(monitor)
        if said is None:
            unreadable += 1
            continue
        if isinstance(said[0], Observation) and (key := said[0].values.get("host_id")):
            hosts[key] = answer_of(observed(key, Host, {"hostname": key.removeprefix("host/")}), PARSER_VERSION)
        answers.setdefault(said[0].key, answer_of(said, PARSER_VERSION, whole=True))
    errors = (f"{unreadable} monitors have no number or no name",) if unreadable else ()
    return [*hosts.values(), *answers.values()], errors


def monitors_of(metrics: Metrics) -> list[dict[str, Any]]:
    """Return the monitors that the metrics tell of, in the shape of the database's; 2.0 tells their numbers as well."""
    found = []
    for labels, value in metrics.of("monitor_status"):
        monitor = {n.removeprefix("monitor_"): labels.get(n) for n in _LABELS}
        tags = [
            {"name": name, "value": part}
            for name, value_ in labels.items()
            if name not in _LABELS and value_
            for part in value_.split(",")
        ]
        found.append({**monitor, "tags": tags, "reported_status": _STATUS.get(int(value)) if abs(value) < 9 else None})
    return found


def _monitor(monitor: Mapping[str, Any]) -> list[Observation | Rejected] | None:
    name, number = monitor.get("name"), monitor.get("id")
    if not isinstance(name, str) or not name.strip() or isinstance(number, bool):
        return None
    key = f"monitor/{number}" if isinstance(number, int) or str(number or "").isdigit() else f"monitor/{name}"
    tags = _tags(monitor.get("tags"))
    said = [
        *observed(key, Service, {n: v for n, v in _service(monitor, name, tags).items() if v not in (None, [], "")})
    ]
    wrong = tags.get("criticality", "").strip().lower()
    if wrong and wrong not in _CRITICALITIES:
        reason = f"the tag criticality is none of {', '.join(_CRITICALITIES)}"
        said.append(Rejected(key, reason, redact_text(wrong)[:100], "criticality"))
    if isinstance(said[0], Observation) and (check := _check(monitor)):
        said += observed(f"{key}/check", Check, {"service_id": key, **check})
    return said


def _service(monitor: Mapping[str, Any], name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    kind, url, port = str(monitor.get("type") or ""), _url(monitor), _port(monitor.get("port"))
    guessed = guess_by_name(name) or (guess(port, "tcp") if port and kind == "port" else None)
    criticality = tags.get("criticality", "").strip().lower()
    host = tags.get("host", "").strip().split(".")[0]
    free = sorted(n if not v or v == n else f"{n}:{v}" for n, v in tags.items() if n not in _SAID)
    return {
        "service_name": redact_text(name)[:255],
        "service_type": guessed or ("web" if kind in _HTTP else "dns" if kind == "dns" else None),
        # What users open needs no query, which is where secrets are.
        "endpoint_url": redact_text(url.split("?")[0]) if url and kind in _HTTP else None,
        # What a port monitor watches is where something listens; whether that is its own port, no URL tells.
        **({"protocol": "tcp", "port": port} if kind == "port" and port else {}),
        "criticality": criticality if criticality in _CRITICALITIES else None,
        "owner": tags.get("owner"),
        "documentation_url": tags.get("documentation"),
        "description": redact_text(str(monitor.get("description") or tags.get("description") or "")),
        "host_id": f"host/{host}" if host else None,
        "reported_status": monitor.get("reported_status"),
        "tags": free,
    }


_SAID = ("criticality", "owner", "documentation", "description", "host")


def _check(monitor: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a monitor probes; None where infradb could not do the same, or only with a secret."""
    kind = _CHECKS.get(str(monitor.get("type") or ""))
    host, port = monitor.get("hostname"), _port(monitor.get("port"))
    target = _url(monitor) if kind == "http" else host if isinstance(host, str) and host not in _NOTHING else None
    if kind == "tcp":
        target = f"[{target}]:{port}" if target and ":" in target else f"{target}:{port}" if target and port else None
    if not kind or not target or redact_text(target) != target or len(target) > 255:
        return None
    active, timeout = monitor.get("active"), _amount(monitor.get("timeout"))
    check = {
        "check_type": kind,
        "target": target,
        "interval_seconds": _amount(monitor.get("interval")),
        "timeout_ms": timeout * 1000 if timeout else None,
        "retries": _amount(monitor.get("maxretries")),
        "enabled": bool(active) if isinstance(active, bool | int) else None,
    }
    return {n: v for n, v in check.items() if v is not None}


def _url(monitor: Mapping[str, Any]) -> str | None:
    """Return the address that is watched, without name and password."""
    url = monitor.get("url")
    if not isinstance(url, str) or url in _NOTHING:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _port(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else value
    is_port = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 65536
    return number if is_port else None


def _amount(value: Any) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 10**7 else None


def _tags(value: Any) -> dict[str, str]:
    """Return the tags by name in lower case, redacted; of several of one name, the first that says something."""
    found: dict[str, str] = {}
    for tag in value if isinstance(value, list) else ():
        if isinstance(tag, Mapping) and isinstance(tag.get("name"), str) and tag["name"].strip():
            name = tag["name"].strip().lower().removeprefix("infradb.").removeprefix("infradb_")
            text = tag.get("value")
            said = redact_text(text.strip()) if isinstance(text, str) else ""
            found[name] = found.get(name) or said
    return found
