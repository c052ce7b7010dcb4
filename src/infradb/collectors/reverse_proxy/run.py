"""Joins what was read of a proxy and what its ports show into one run."""

import socket
from collections.abc import Callable, Mapping
from typing import Any

from infradb.collectors import Diagnosis
from infradb.collectors.reverse_proxy.routes import ProxyFacts, answer, port_of, route_answers
from infradb.collectors.reverse_proxy.settings import ProxySettings
from infradb.collectors.reverse_proxy.shown import CALL, Shown, ask_ports
from infradb.errors import CollectionError
from infradb.machine_id import inside_container, read_machine_id_hash
from infradb.model.physical import Host
from infradb.model.services import Certificate, Service
from infradb.observation import CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog
from infradb.transport.certificates import understand

HOST_KEY = "host"


def run_of(
    kind: str, name: str, started_at: str, facts: ProxyFacts, settings: ProxySettings, host: str, log: CallLog
) -> CollectionRun:
    """Return a proxy's run: the scopes `proxy` (where it runs on this machine), `certificates` and `routes`.

    `host` is where the proxy is read; its ports are asked there where they listen on all addresses.
    """
    scopes: list[ScopeResult] = []
    services: dict[int, str] = {}
    if settings.this_machine:
        scope, services = _proxy_scope(kind, facts)
        scopes.append(scope)
    shown = Shown()
    if settings.probe_certificates:
        shown = ask_ports(facts.routes, host, settings.address, settings.timeout_seconds, log)
    certificates, used, problems = _certificates(facts, shown)
    problems = (*facts.certificate_problems, *shown.problems, *problems)
    owner = {"host_id": HOST_KEY} if services else {}
    answers = [
        answer(certificate_key(print_), Certificate, {**_said(found), **owner})
        for print_, found in sorted(certificates.items())
    ]
    if facts.problems and not problems:
        problems = ("where not every route is known, neither is every certificate",)
    scopes.append(ScopeResult("certificates", _status(answers, whole=not problems), answers, problems))
    routes = list(route_answers(facts.routes, name, used, services))
    scopes.append(ScopeResult("routes", _status(routes, whole=not facts.problems), routes, facts.problems))
    return CollectionRun(name, started_at, tuple(scopes), calls=log.made())


def certificate_key(fingerprint: str) -> str:
    """Return the native key of a certificate."""
    return f"certificate/{fingerprint}"


def probing_calls(settings: ProxySettings) -> list[str]:
    """Return what is called besides the proxy's own interface."""
    return [CALL] if settings.probe_certificates else []


def diagnose_ports(facts: ProxyFacts, settings: ProxySettings, host: str) -> list[Diagnosis]:
    """Prove that the proxy's ports show their certificates."""
    if not settings.probe_certificates:
        return []
    shown = ask_ports(facts.routes, host, settings.address, settings.timeout_seconds, CallLog())
    needs = "the proxy's own ports, for the certificates that they show"
    if shown.problems:
        hint = "set `address` to where users reach the proxy, or probe_certificates=false"
        return [Diagnosis(needs, ok=False, detail=shown.problems[0], hint=hint)]
    return [Diagnosis(needs, ok=True, detail=f"{len(shown.certificates)} routes show one")]


def proof(needs: str, call: Callable[[], str]) -> Diagnosis:
    """Make a call that returns what it found, and say what came of it."""
    try:
        return Diagnosis(needs, ok=True, detail=call())
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)


def words(error: CollectionError) -> str:
    """Return an error and what to do, in one sentence."""
    return f"{error} ({error.hint})" if error.hint else str(error)


def _certificates(facts: ProxyFacts, shown: Shown) -> tuple[dict[str, Certificate], dict[str, str], tuple[str, ...]]:
    """Return the certificates, which one each route has, and what was not understood.

    What is shown comes before what is configured: a renewed file counts once the proxy has read it.
    """
    certificates = dict(facts.certificates)
    used = {r.key: certificate_key(r.fingerprint) for r in facts.routes if r.fingerprint in certificates}
    read: dict[bytes, Certificate] = {}
    problems: dict[str, None] = {}
    for key, der in shown.certificates.items():
        try:
            found = read.get(der) or understand(der)
        except CollectionError as error:
            problems[words(error)] = None
            continue
        read[der] = found
        known = certificates.get(found.fingerprint)
        certificates[found.fingerprint] = known or found
        used[key] = certificate_key(found.fingerprint)
    return certificates, used, tuple(problems)


def _proxy_scope(kind: str, facts: ProxyFacts) -> tuple[ScopeResult, dict[int, str]]:
    """Return this machine with the proxy's listening ports as its services."""
    identity = None if inside_container() else read_machine_id_hash()
    if identity is None:
        hint = "`this_machine` is for an infradb that runs on the machine itself: set it to false"
        return ScopeResult("proxy", "failed", errors=(f"this machine cannot be told by its machine-id ({hint})",)), {}
    name = socket.gethostname().split(".")[0]
    answers = [answer(HOST_KEY, Host, {"hostname": name, "machine_id_hash": identity})]
    ports = sorted({(port_of(r.listen), _protocol(r.backend_url)) for r in facts.routes if port_of(r.listen)})
    services: dict[int, str] = {}
    for port, protocol in ports:
        key = f"service/{protocol}/{port}"
        said: dict[str, Any] = {
            "service_name": kind,
            "service_type": "proxy",
            "host_id": HOST_KEY,
            "protocol": protocol,
            "port": port,
        }
        answers.append(answer(key, Service, {**said, **({"version": facts.version} if facts.version else {})}))
        services.setdefault(port, key)
    return ScopeResult("proxy", "complete" if not facts.problems else "partial", answers), services


def _protocol(backend_url: str) -> str:
    return "udp" if backend_url.startswith("udp:") else "tcp"


def _status(answers: list[Any], *, whole: bool) -> ScopeStatus:
    return "complete" if whole else "partial" if answers else "failed"


def _said(entity: Certificate) -> Mapping[str, Any]:
    return {name: getattr(entity, name) for name in sorted(entity.model_fields_set)}
