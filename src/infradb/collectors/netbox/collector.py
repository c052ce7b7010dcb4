"""Joins reading and understanding of one NetBox: each list is a scope."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.netbox.client import LISTS, PARALLEL, Listing, NetboxClient
from infradb.collectors.netbox.parse import parse_rows
from infradb.collectors.netbox.settings import NetboxSettings
from infradb.errors import CollectionError
from infradb.observation import CollectionRun, ScopeResult, ScopeStatus
from infradb.transport.calls import CallLog

_GRANT = """Run this in NetBox's own folder (`python manage.py nbshell`, NetBox 4.0 to 4.4). It makes an account that
may view eight kinds of objects and nothing else, and a token that cannot write:

    from core.models import ObjectType
    from users.models import ObjectPermission, Token, User
    reader = User.objects.create_user("infradb-{name}")
    may = ObjectPermission.objects.create(name="infradb-{name} reads", actions=["view"])
    may.object_types.set(ObjectType.objects.filter(app_label__in=["dcim", "ipam", "virtualization"], model__in=[
        "site", "device", "interface", "virtualmachine", "vminterface", "prefix", "ipaddress", "service"]))
    may.users.add(reader)
    print(Token.objects.create(user=reader, write_enabled=False).key)

Give the token to the source, as a reference: token=env:NETBOX_TOKEN
"""


class NetboxCollector:
    """Reads what people wrote down in NetBox: sites, machines, interfaces, networks, addresses, services."""

    kind = "netbox"
    Settings = NetboxSettings

    def __init__(self, name: str, settings: NetboxSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return the lines that make an account that only reads."""
        return _GRANT.format(name=name)

    def collect(self) -> CollectionRun:
        """Return what NetBox holds now; raise `CollectionError` where no list can be read.

        A list of which a page fails is partial; one that is refused fails alone. An empty list is left out of the run:
        an account that may see none of its objects gets the same answer as one for whom there are none.
        """
        started_at, log = clock.now(), CallLog()
        client = NetboxClient(self.settings, log)
        try:
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix="netbox") as pool:
                read = dict(zip(LISTS, pool.map(client.rows, LISTS.values()), strict=True))
        finally:
            client.close()
        errors = [listing.error for listing in read.values()]
        if all(errors) and not any(listing.rows for listing in read.values()) and (first := errors[0]):
            raise first
        scopes = [_scope(name, listing) for name, listing in read.items() if listing.rows or listing.error]
        return CollectionRun(self.name, started_at, scopes, calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Ask for one object of each list, and say what came of it."""
        client = NetboxClient(self.settings, CallLog())
        try:
            return [_proof(client, path) for path in LISTS.values()]
        finally:
            client.close()

    def calls(self) -> Sequence[str]:
        """Return every call that is made; all are GET."""
        return [f"GET {path}" for path in LISTS.values()]


def _scope(name: str, listing: Listing) -> ScopeResult:
    answers, errors = parse_rows(name, listing.rows)
    if listing.error:
        errors = (f"{listing.error} ({listing.error.hint})", *errors)
    status: ScopeStatus = "complete" if not errors else "partial" if answers else "failed"
    return ScopeResult(name, status, answers, errors)


def _proof(client: NetboxClient, path: str) -> Diagnosis:
    try:
        count = client.count(path)
    except CollectionError as error:
        return Diagnosis(f"GET {path}", ok=False, detail=str(error), hint=error.hint)
    detail = f"it holds {count}" if count else "none, or none that the account may view"
    return Diagnosis(f"GET {path}", ok=True, detail=detail)
