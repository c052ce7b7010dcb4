"""Joins reading and understanding of machines over SSH."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.linux.actors import read_actors
from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.parse import SCOPES, parse_facts
from infradb.collectors.linux.parse_system import boot_mark, machine_hash
from infradb.collectors.linux.script import COMMANDS, FILES
from infradb.collectors.ssh.grant import grant_lines
from infradb.collectors.ssh.settings import SshSettings
from infradb.errors import CollectionError, SourceMalformed
from infradb.observation import CollectionRun, ScopeResult
from infradb.transport.calls import CallLog

if TYPE_CHECKING:
    from infradb.collectors.ssh.client import Reading, SshClient

_NAMED = 5
"""Machines that an error about all of them names."""


class SshCollector:
    """Reads Linux and FreeBSD machines over SSH: host, interfaces and addresses, storage, listening services."""

    kind = "ssh"
    Settings = SshSettings

    def __init__(self, name: str, settings: SshSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return the lines that make an account without rights on a machine, and what root would cost."""
        return grant_lines()

    def collect(self) -> CollectionRun:
        """Return what the machines say about themselves now, four scopes each: `web1/host`, `web1/interfaces` …

        A machine that cannot be read has its own scopes failed. Raises `CollectionError` where none could be read,
        `SettingsError` where a key or a list of machines cannot be used.
        """
        started_at, log = clock.now(), CallLog()
        client = self._client(log)
        scopes: dict[str, tuple[ScopeResult, ...]] = {}
        errors: dict[str, CollectionError] = {}
        machines: dict[str, str] = {}
        actors: dict[str, str] = {}

        def taken(reading: "Reading") -> None:
            name = reading.target.name
            if reading.facts is None:
                errors[name] = reading.error or SourceMalformed("it told nothing")
                return
            facts = reading.facts
            scopes[name] = tuple(_of(name, scope) for scope in parse_facts(facts, f"{name}/"))
            actors.update(read_actors(facts, scopes[name]))
            machines[name] = f"{machine_hash(facts)}/{facts.host_key}/{boot_mark(facts)}"

        client.read(taken)
        names = [target.name for target in client.targets]
        errors |= _twice([name for name in names if name in scopes], machines)
        if not scopes:
            raise _none_of(names, errors)
        results = [
            scope for name in names for scope in (_failed(name, errors[name]) if name in errors else scopes[name])
        ]
        there = frozenset(names)
        return CollectionRun(
            self.name,
            started_at,
            results,
            actors,
            log.made(),
            has_scope=lambda scope: scope.rpartition("/")[0] in there,
        )

    def diagnose(self) -> Sequence[Diagnosis]:
        """Log in to each machine, and say what is missed for want of a tool or of root."""
        client = self._client(CallLog())
        found: dict[str, list[Diagnosis]] = {}

        def taken(reading: "Reading") -> None:
            name, login = reading.target.name, f"login as {client.user(reading.target)}"
            if reading.facts is None:
                error = reading.error or SourceMalformed("it told nothing")
                found[name] = [Diagnosis(f"{name}: {login}", ok=False, detail=str(error), hint=error.hint)]
                return
            proof = Diagnosis(login, ok=True, detail=f"host key {reading.facts.host_key}")
            told = [proof, *diagnose_facts(reading.facts)]
            found[name] = [replace(each, needs=f"{name}: {each.needs}") for each in told]

        try:
            client.read(taken)
        except CollectionError as error:
            return [Diagnosis("the jump host", ok=False, detail=str(error), hint=error.hint)]
        return [each for target in client.targets for each in found[target.name]]

    def calls(self) -> Sequence[str]:
        """Return what is done over SSH, and the programs and files that the script runs and reads there."""
        shell = "sudo -n sh -s TOKEN" if self.settings.sudo else "sh -s TOKEN"
        return ("SSH login", shell, *COMMANDS, *(f"read {name}" for name in FILES))

    def _client(self, log: CallLog) -> "SshClient":
        from infradb.collectors.ssh.client import SshClient  # 0.2 s, for asyncssh

        return SshClient(self.settings, log)


def _of(name: str, scope: ScopeResult) -> ScopeResult:
    return replace(scope, errors=tuple(f"{name}: {error}" for error in scope.errors))


def _failed(name: str, error: CollectionError) -> tuple[ScopeResult, ...]:
    said = f"{name}: {error} ({error.hint})" if error.hint else f"{name}: {error}"
    return tuple(ScopeResult(f"{name}/{scope}", "failed", errors=(said,)) for scope in SCOPES)


def _twice(names: Sequence[str], machines: dict[str, str]) -> dict[str, CollectionError]:
    """Return an error for each machine that is read under another name already: it would be two hosts."""
    first: dict[str, str] = {}
    found: dict[str, CollectionError] = {}
    for name in names:
        other = first.setdefault(machines[name], name)
        if other != name:
            hint = f"take {name} out of `hosts`"
            found[name] = SourceMalformed(f"it is the machine that is read as {other} already", hint=hint)
    return found


def _none_of(names: Sequence[str], errors: dict[str, CollectionError]) -> CollectionError:
    first = errors[names[0]]
    if len(names) == 1:
        return type(first)(f"{names[0]}: {first}", hint=first.hint)
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    said = "; ".join(f"{name}: {errors[name]}" for name in names[:_NAMED])
    return type(first)(f"none of {len(names)} machines could be read: {said}{more}", hint=first.hint)
