"""Joins reading and understanding of one OPNsense firewall."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.opnsense.client import OpnsenseClient, Readings, is_missing_right
from infradb.collectors.opnsense.dhcp import LEASES, parse_holders
from infradb.collectors.opnsense.endpoints import ENDPOINTS, OLDER_NAMES, WITHOUT_CONFIG
from infradb.collectors.opnsense.grant import grant
from infradb.collectors.opnsense.history import authors, is_recent
from infradb.collectors.opnsense.interfaces import Interface, own_networks, read_interfaces
from infradb.collectors.opnsense.nat import KINDS, nat_values
from infradb.collectors.opnsense.parse_names import parse_aliases, parse_neighbours, parse_records
from infradb.collectors.opnsense.parse_network import (
    names_of,
    parse_addresses,
    parse_host,
    parse_interfaces,
    parse_networks,
    parse_routes,
)
from infradb.collectors.opnsense.rules import FilterRule, read_known, read_rules, rule_values, tells_legacy
from infradb.collectors.opnsense.settings import OpnsenseSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.model.network import FirewallRule
from infradb.observation import Answer, CollectionRun, Observation, ScopeResult, ScopeStatus, digest_of
from infradb.transport.calls import CallLog

PARSER_VERSION = 1
"""Raised whenever the same answers are to be understood in another way."""

Measured = Mapping[str, Mapping[str, Any]]


class OpnsenseCollector:
    """Reads one firewall: itself, its networks, rules, translations, aliases, leases, names and neighbours."""

    kind = "opnsense"
    Settings = OpnsenseSettings

    def __init__(self, name: str, settings: OpnsenseSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to make the least-privileged user with its API key."""
        return grant(name)

    def collect(self) -> CollectionRun:
        """Return what the firewall shows now; raise `CollectionError` where it answers nothing at all.

        Without the configuration the scopes that need it are partial: it holds what the API does not tell.
        """
        started_at = clock.now()
        log = CallLog()
        client = OpnsenseClient(self.settings, log)
        try:
            readings = client.read()
        finally:
            client.close()
        view = _View(self.name, self.settings, readings, started_at)
        return CollectionRun(self.name, started_at, view.scopes(), view.actors(), log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once and say what came of it, and which privilege allows it."""
        if self.settings.path:
            try:
                OpnsenseClient(self.settings, CallLog()).read()
            except CollectionError as error:
                return [Diagnosis(f"the file {self.settings.path}", ok=False, detail=str(error), hint=error.hint)]
            return [Diagnosis(f"the file {self.settings.path}", ok=True)]
        client = OpnsenseClient(self.settings, CallLog())
        found: list[Diagnosis] = []
        try:
            for name in self._names():
                found.append(_proof(name, client.prove))
                # Who is not let in, or not there, stays so for the other calls.
                if not found[-1].ok and found[-1].hint and len(found) == 1 and "privilege" not in found[-1].hint:
                    break
        finally:
            client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return every call that may be made; all are GET."""
        if self.settings.path:
            return (f"read {self.settings.path}",)
        return tuple(f"GET {ENDPOINTS[name].path}" for name in (*self._names(), *WITHOUT_CONFIG))

    def _names(self) -> list[str]:
        left_out = set(WITHOUT_CONFIG) | (set() if self.settings.config else {"config"})
        return [name for name in ENDPOINTS if name not in left_out]


def _proof(name: str, prove: Callable[[str], str]) -> Diagnosis:
    endpoint = ENDPOINTS[name]
    needs = f"GET {endpoint.path}, for {endpoint.tells}"
    try:
        return Diagnosis(needs, ok=True, detail=prove(name))
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=_hint(name, error))


def _hint(name: str, error: CollectionError) -> str:
    if not is_missing_right(error):
        return error.hint or "the firewall's own log says more"
    privilege = ENDPOINTS[name].privilege
    older = f" (before 25.7: {OLDER_NAMES[privilege]!r})" if privilege in OLDER_NAMES else ""
    return f"give its user the privilege {privilege!r}{older} in System: Access: Users"


class _View:
    """The scopes of one reading."""

    def __init__(self, source: str, settings: OpnsenseSettings, readings: Readings, started_at: str) -> None:
        self._source, self._settings, self._readings, self._started_at = source, settings, readings, started_at
        self._interfaces: list[Interface] = read_interfaces(readings)
        self._known = read_known(readings, self._interfaces)
        self._networks = own_networks(self._interfaces)
        self._saved = settings.path is not None
        self._changed_by: dict[str, str] = {}
        self._keys: dict[str, list[str]] = {}
        self._used: set[str] = set()

    def scopes(self) -> tuple[ScopeResult, ...]:
        """Return the scopes, owners first."""
        host = parse_host(self._readings, self._interfaces, self._settings.url)
        if host is None:
            raise SourceMalformed("the firewall does not say its name", hint="does an OPNsense firewall answer there?")
        rules, nat = self._rules(), self._nat()
        return (
            self._scope("host", [host], {}, ("system",), saved=True),
            self._scope("interfaces", self._links(), {}, ("interfaces", "gateways"), wants_config=True),
            self._scope("routes", parse_routes(self._readings, self._interfaces), {}, ("routes",)),
            self._scope("aliases", self._aliases(), {}, ("aliases",)),
            rules,
            nat,
            self._dhcp(),
            self._scope("dns", parse_records(self._readings, self._source), {}, self._names_from(), wants_config=True),
            *(() if self._saved else (self._neighbours(),)),
        )

    def actors(self) -> Mapping[str, str]:
        """Return native key -> who changed it, from the rule itself, else from the history of its part."""
        by_part = authors(self._readings, clock.to_moment(self._started_at).timestamp())
        found = {key: by_part[scope] for scope, keys in self._keys.items() if scope in by_part for key in keys}
        return {**found, **self._changed_by}

    def _links(self) -> list[Observation]:
        return [
            *parse_networks(self._readings, self._interfaces),
            *parse_interfaces(self._interfaces),
            *parse_addresses(self._interfaces),
        ]

    def _aliases(self) -> list[Observation]:
        return list(parse_aliases(self._readings, names_of(self._interfaces), self._used))

    def _rules(self) -> ScopeResult:
        rules = read_rules(self._readings, self._known)
        found, measured = self._noted(rule_values(rules, self._known))
        errors: list[str] = []
        if not self._saved and not self._settings.config and not tells_legacy(self._readings):
            errors.append("this version's API leaves out rules of the old model: set config=true, or upgrade to 25.7")
        failed = self._readings.failures.get("config")
        if failed:  # without it rules of the old model have other identifiers, if any
            errors.append(_sentence("config", failed))
        return self._scope("rules", found, measured, ("filter",), errors=errors)

    def _nat(self) -> ScopeResult:
        found, measured = self._noted(nat_values(self._readings, self._known))
        return self._scope("nat", found, measured, KINDS, wants_config=True)

    def _noted(self, rules: Iterable[tuple[FilterRule, dict[str, Any]]]) -> tuple[list[Observation], Measured]:
        found, measured = [], {}
        for rule, values in rules:
            key = f"rule/{values['native_id']}"
            found.append(Observation(key, FirewallRule.table, values))
            if rule.packets is not None:
                measured[key] = {"packets": rule.packets}
            who, when = rule.changed
            if who and is_recent(when, clock.to_moment(self._started_at).timestamp()):
                self._changed_by[key] = who
            for side in ("source_network", "destination_network", "nat_to"):
                self._used |= {part.lstrip("!").strip() for part in str(values.get(side, "")).split(",")}
        return found, measured

    def _dhcp(self) -> ScopeResult:
        found, measured = [], {}
        for one, ends in parse_holders(self._readings, self._networks, self._started_at):
            found.append(one)
            if ends["lease_ends_at"]:
                measured[one.key] = ends
        return self._scope("dhcp", found, measured, LEASES, wants_config=True)

    def _names_from(self) -> tuple[str, ...]:
        return () if "config" in self._readings.answers else ("hosts", "dnsmasq_hosts")

    def _neighbours(self) -> ScopeResult:
        own = {str(place.ip) for one in self._interfaces for place in one.addresses}
        now = self._started_at
        pairs = list(parse_neighbours(self._readings, own, self._networks, now))
        return self._scope("neighbours", [one for one, _ in pairs], {one.key: m for one, m in pairs}, ("arp", "ndp"))

    def _scope(
        self,
        name: str,
        observations: Iterable[Observation],
        measured: Measured,
        needed: Sequence[str],
        *,
        wants_config: bool = False,
        saved: bool = False,
        errors: Sequence[str] = (),
    ) -> ScopeResult:
        """Return a scope: partial where one of the calls it needs failed, failed where all did."""
        failures, answers = self._readings.failures, self._readings.answers
        wanted = [*needed, "config"] if wants_config and not self._saved else [*needed]
        said = [*errors, *(_sentence(n, failures[n]) for n in wanted if n in failures)]
        said += [self._readings.short[n] for n in needed if n in self._readings.short]
        if wants_config and not self._saved and not self._settings.config:
            said.append("without the configuration (`config` of the source is off) this is not everything")
        sources = {*needed, "config"} - ({"config"} if name in ("host", "neighbours") and not saved else set())
        if not sources & answers.keys():
            if not said and sources & self._readings.absent:
                said.append("nothing that tells it is installed there")
            return ScopeResult(name, "failed", errors=tuple(said) or (f"nothing tells {name}",))
        found = {one.key: one for one in observations}
        self._keys[name] = list(found)
        status: ScopeStatus = "partial" if said else "complete"
        return ScopeResult(name, status, tuple(_answer(one, measured) for one in found.values()), tuple(said))


def _sentence(name: str, error: CollectionError) -> str:
    return f"{error}; {_hint(name, error)}"


def _answer(one: Observation, measured: Measured) -> Answer:
    own = {one.key: measured[one.key]} if one.key in measured else {}
    return Answer(one.key, digest_of([one.table, one.values], PARSER_VERSION), lambda: (one,), own)
