"""Joins reading and understanding of the machine that infradb runs on."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.linux.actors import read_actors
from infradb.collectors.linux.diagnosis import diagnose_facts
from infradb.collectors.linux.parse import parse_facts
from infradb.collectors.linux.script import COMMANDS, FILES
from infradb.collectors.local.client import LocalClient
from infradb.collectors.local.settings import LocalSettings
from infradb.errors import SourceMalformed
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

SCRIPT = "sh facts.sh"
"""The one call of a run: what the script runs and reads is not counted one by one."""


class LocalCollector:
    """Reads this machine: host, interfaces and addresses, storage, listening services, packet filters."""

    kind = "local"
    Settings = LocalSettings

    def __init__(self, name: str, settings: LocalSettings | None = None) -> None:
        self.name = name
        self.settings = settings or LocalSettings()
        self._client = LocalClient(self.settings)

    @classmethod
    def grant(cls, name: str) -> str:
        """Return nothing: no account is needed."""
        return ""

    def collect(self) -> CollectionRun:
        """Return what this machine says about itself now.

        Each of the scopes `host`, `interfaces`, `storage`, `services` and `firewall` is partial or failed by itself.
        Raises `SettingsError` where the shell cannot be started, `SourceMalformed` where it printed nothing at all.
        """
        started_at, log = clock.now(), CallLog()
        with log.recording(SCRIPT):
            facts = self._client.read()
        if not facts.sections:
            raise SourceMalformed(
                "the shell printed no facts", hint="try another `shell`, or give it more `timeout_seconds`"
            )
        scopes = parse_facts(facts)
        return CollectionRun(self.name, started_at, scopes, read_actors(facts, scopes), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Return each tool and right that tells something, and what is missed without it."""
        return diagnose_facts(self._client.read())

    def calls(self) -> Sequence[str]:
        """Return the script, then the programs that it runs and the files that it reads."""
        return (SCRIPT, *COMMANDS, *(f"read {name}" for name in FILES))
