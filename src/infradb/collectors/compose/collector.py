"""Joins reading and understanding of compose files: what is written, as claims beside what runs."""

import socket
from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.compose.client import READ, READ_ENV, SEARCH, ComposeClient
from infradb.collectors.compose.parse import PARSER_VERSION, Place, parse_project
from infradb.collectors.compose.project import Project, read_project
from infradb.collectors.compose.settings import ComposeSettings
from infradb.errors import CollectionError
from infradb.machine_id import inside_container, read_machine_id_hash
from infradb.model.physical import Host
from infradb.observation import Answer, CollectionRun, ScopeResult, ScopeStatus, answer_of, observed
from infradb.transport.calls import CallLog

GRANT = """infradb reads compose files and the `.env` beside them, and needs to be let into their folder. Of `.env` it
keeps only what the files put into the name of an image, a port, a path, a limit:

    sudo setfacl -R -m u:infradb:rX -m d:u:infradb:rX /srv/compose
"""


class ComposeCollector:
    """Reads what compose files say is to run."""

    kind = "compose"
    Settings = ComposeSettings

    def __init__(self, name: str, settings: ComposeSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to let infradb read the files."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what is written now; raise `CollectionError` where there is no file, or none can be understood.

        A file that cannot be understood makes the scope partial, so that nothing it held is taken for gone.
        """
        started_at, log = clock.now(), CallLog()
        projects, errors = self._projects(ComposeClient(self.settings.path, log))
        host = self._host()
        place = Place(host.key, self.settings.separator, is_here=self.settings.engine is None)
        answers = [host, *(a for p in projects.values() for a in parse_project(p, place))]
        status: ScopeStatus = "partial" if errors else "complete"
        scope = ScopeResult("projects", status, answers, tuple(errors))
        return CollectionRun(self.name, started_at, (scope,), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read every file once, and say what cannot be understood."""
        needs = f"reading {self.settings.path}"
        try:
            projects, errors = self._projects(ComposeClient(self.settings.path, CallLog()))
        except CollectionError as error:
            return [Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)]
        names = ", ".join(sorted(projects)[:10]) + ("…" if len(projects) > 10 else "")
        found = Diagnosis(needs, ok=True, detail=f"{len(projects)} projects: {names}")
        return [
            found,
            *(
                Diagnosis(
                    "whole projects",
                    ok=False,
                    detail=e,
                    hint="what the sentence names; `docker compose config` shows the rest",
                )
                for e in errors
            ),
        ]

    def calls(self) -> Sequence[str]:
        """Return what is read; compose and the engine are not asked."""
        return (SEARCH, READ, READ_ENV)

    def _projects(self, client: ComposeClient) -> tuple[dict[str, Project], list[str]]:
        """Return the projects by name, and what is wrong with the files."""
        found: dict[str, Project] = {}
        errors: list[str] = []
        failure: CollectionError | None = None
        for path, written in client.projects():
            try:
                if isinstance(written, CollectionError):
                    raise written
                given = self.settings
                project = read_project(written, client.extended, name=given.project, profiles=given.profiles)
            except CollectionError as error:
                failure = failure or error
                errors.append(f"{error} ({error.hint})")
                continue
            errors += project.errors
            if project.name in found:
                other = found[project.name].folder
                errors.append(f"{path}: {other} makes a project {project.name!r} too (`name:` tells them apart)")
            found.setdefault(project.name, project)
        if failure and not found:
            raise failure
        return found, errors

    def _host(self) -> Answer:
        """Return the engine's host: by its name, and on this machine also by its identity."""
        here = self.settings.engine is None
        name = self.settings.engine or socket.gethostname().split(".")[0]
        said: dict[str, object] = {"hostname": name, "is_docker_host": True}
        if here and not inside_container() and (own := read_machine_id_hash()):
            said["machine_id_hash"] = own
        return answer_of(observed(f"engine/{name}", Host, said), PARSER_VERSION)
