"""Joins reading and understanding: one run over one Proxmox VE cluster."""

import time
from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.proxmox.client import CALLS, ProxmoxClient
from infradb.collectors.proxmox.parse_tasks import read_actors
from infradb.collectors.proxmox.reading import Reader
from infradb.collectors.proxmox.rights import Permissions, grant_text
from infradb.collectors.proxmox.scopes import Scopes
from infradb.collectors.proxmox.settings import ProxmoxSettings
from infradb.errors import CollectionError, InfradbError, SourceRefused
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog


class ProxmoxCollector:
    """Reads a cluster: nodes, guests inside and out, storages, networks, firewalls, backups."""

    kind = "proxmox"
    Settings = ProxmoxSettings

    def __init__(self, name: str, settings: ProxmoxSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return the lines that make a role, a user and a token with just the rights that reading takes."""
        return grant_text(name)

    def collect(self) -> CollectionRun:
        """Return what the cluster shows now; a node that is offline or a call that fails makes its own scopes partial.

        Raises `CollectionError` where the token has no right at all or the cluster does not list what it has.
        """
        started_at, log = clock.now(), CallLog()
        client = ProxmoxClient(self.settings, log)
        try:
            reading = Reader(client, self._permissions(client)).read()
        finally:
            client.close()
        scopes = Scopes(reading)
        tasks = reading.lists["/cluster/tasks"]
        actors = (
            {}
            if isinstance(tasks, CollectionError)
            else read_actors(tasks, reading.cluster.guests, scopes.parts(), int(time.time()))
        )
        found = tuple(scopes.all())
        return CollectionRun(self.name, started_at, found, actors, log.made(), scopes.has_scope(found))

    def diagnose(self) -> Sequence[Diagnosis]:
        """Prove the connection, the token and each right, and say how to give what is missing."""
        needs = f"the API at {self.settings.url}, with the token {self.settings.token_id}"
        try:
            client = ProxmoxClient(self.settings, CallLog())
        except InfradbError as error:
            return [Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)]
        try:
            raw = client.get_object("/access/permissions")
            release = client.get_object("/version").get("version", "of unknown version")
        except CollectionError as error:
            return [Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)]
        finally:
            client.close()
        there = Diagnosis(needs, ok=True, detail=f"Proxmox VE {release}")
        return [there, *Permissions(raw).proofs(self.settings.token_id)]

    def calls(self) -> Sequence[str]:
        """Return every call that may be made; all are GET."""
        return CALLS

    def _permissions(self, client: ProxmoxClient) -> Permissions:
        permissions = Permissions(client.get_object("/access/permissions"))
        if permissions.none:
            raise SourceRefused(
                f"the token {self.settings.token_id} has no rights at all",
                hint="a token with privilege separation has only what both it and its user were given:"
                " `infradb sources doctor NAME` shows the lines",
            )
        return permissions
