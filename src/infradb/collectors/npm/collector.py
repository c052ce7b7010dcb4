"""Joins reading and understanding of one Nginx Proxy Manager."""

from collections.abc import Sequence

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.npm.client import CALLS, LISTS, LOGIN, NpmClient
from infradb.collectors.npm.parse import hidden_from, parse, version
from infradb.collectors.npm.settings import NpmSettings
from infradb.collectors.reverse_proxy.routes import ProxyFacts
from infradb.collectors.reverse_proxy.run import diagnose_ports, probing_calls, proof, run_of, words
from infradb.errors import CollectionError
from infradb.observation import CollectionRun
from infradb.transport.calls import CallLog

_MEND = (
    "in Nginx Proxy Manager: Users, Permissions, Item Visibility: All Items, View Only for hosts, streams, certificates"
)
GRANT = """A user who sees all hosts, redirections, streams and certificates and may change nothing. On any machine that
reaches it, with `jq`, after setting the first three:

    NPM=http://HOST:81 ADMIN=you@example.org
    read -rsp "password of $ADMIN: " SECRET; read -rsp "new password of infradb: " NEW
    T=$(curl -s $NPM/api/tokens --json "{\\"identity\\":\\"$ADMIN\\",\\"secret\\":\\"$SECRET\\"}" | jq -r .token)
    api() { curl -s -H "Authorization: Bearer $T" -X "$1" "$NPM/api/$2" --json "$3"; }
    ID=$(api POST users '{"name":"infradb","nickname":"infradb","email":"infradb@example.org",
      "roles":[],"is_disabled":false}' | jq .id)
    api PUT users/$ID/auth "{\\"type\\":\\"password\\",\\"secret\\":\\"$NEW\\"}"
    api PUT users/$ID/permissions '{"visibility":"all","proxy_hosts":"view","redirection_hosts":"view",
      "streams":"view","certificates":"view","dead_hosts":"hidden","access_lists":"hidden"}'

Then: email=infradb@example.org, and `password` is asked.
"""


class NpmCollector:
    """Reads one Nginx Proxy Manager through its API."""

    kind = "npm"
    Settings = NpmSettings

    def __init__(self, name: str, settings: NpmSettings) -> None:
        self.name = name
        self.settings = settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to make a user who may only look."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what it is set to do; raise `CollectionError` where it cannot be logged in to."""
        started_at, log = clock.now(), CallLog()
        client = NpmClient(self.settings, log)
        try:
            facts = _read(client)
        finally:
            client.close()
        return run_of(self.kind, self.name, started_at, facts, self.settings, self.settings.host, log)

    def diagnose(self) -> Sequence[Diagnosis]:
        """Make each call once, and say what came of it."""
        client = NpmClient(self.settings, CallLog())
        try:
            found = [proof(CALLS[0], lambda: f"Nginx Proxy Manager {version(client.status())}")]
            found += [proof(LOGIN, lambda: f"as {client.log_in()}")] if found[0].ok else []
            if not found[-1].ok:
                return found
            found.append(_seen(client))
            found += [proof(f"GET /api/nginx/{n}", lambda n=n: f"{len(client.listed(n))}") for n in LISTS]  # type: ignore[misc]
            found += diagnose_ports(_read(client), self.settings, self.settings.host)
        finally:
            client.close()
        return found

    def calls(self) -> Sequence[str]:
        """Return every call that is made: GET, one that logs in, and handshakes."""
        return [*CALLS, *probing_calls(self.settings)]


def _read(client: NpmClient) -> ProxyFacts:
    status = client.status()
    client.log_in()
    problems: list[str] = []
    hidden: list[str] = []
    try:
        missing = [f"{what} ({_MEND})" for what in hidden_from(client.me())]
    except CollectionError as error:
        missing = [words(error)]
    problems += missing
    lists = {}
    for name in LISTS:
        try:
            lists[name] = client.listed(name)
        except CollectionError as error:
            (hidden if name == "certificates" else problems).append(f"{error} ({_MEND})")
    return parse(status, lists, tuple(problems), tuple(hidden))


def _seen(client: NpmClient) -> Diagnosis:
    needs = "GET /api/users/me: the right to see what others made"
    try:
        missing = hidden_from(client.me())
    except CollectionError as error:
        return Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)
    return Diagnosis(needs, ok=not missing, detail="; ".join(missing) or "all items", hint=_MEND if missing else "")
