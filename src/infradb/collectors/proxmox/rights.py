"""Which rights of the token tell what, and which are missing.

Proxmox answers a missing right with an empty or shortened list, not with an error, so the token's own rights
(`GET /access/permissions`) are asked for first. That answer gives what holds at each path that an ACL or a pool names
(pve-access-control, get_effective_permissions); a path that it leaves out has what its nearest parent hands down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.collectors import Diagnosis
from infradb.collectors.proxmox.values import flag

PRIVILEGES = ("Datastore.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit")
AGENT_RIGHTS = ("VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted", "VM.Monitor")
"""One of them asks guest agents: from Proxmox VE 9 on the first two, before that the last."""
BACKUP_RIGHTS = ("Datastore.AllocateSpace", "Datastore.Allocate")


@dataclass(frozen=True, slots=True)
class Right:
    """One of several privileges on a path and everything below it."""

    any_of: tuple[str, ...]
    path: str
    tells: str
    """What is not known without it."""

    @property
    def words(self) -> str:
        """Return the right as people write it."""
        return f"{' or '.join(self.any_of)} on {self.path}"


STATUS = Right(("Sys.Audit",), "/", "the state of the cluster, its firewall, high availability and tasks")
NODES = Right(("Sys.Audit",), "/nodes", "nodes' systems, disks, firewalls and backup logs")
STORAGES = Right(("Datastore.Audit",), "/storage", "storages")
GUESTS = Right(("VM.Audit",), "/vms", "guests and their configuration")
POOLS = Right(("Pool.Audit",), "/pool", "the pool of each guest")
AGENTS = Right(AGENT_RIGHTS, "/vms", "addresses and systems that guest agents report")
NETWORKS = Right(("SDN.Audit",), "/sdn", "bridges, and the zones, networks and subnets of the SDN")
RIGHTS = (STATUS, NODES, STORAGES, GUESTS, POOLS, AGENTS, NETWORKS)


class Permissions:
    """What a token may do."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        """Take the answer of `GET /access/permissions`: path -> privilege -> whether it is handed down."""
        self._held: dict[str, dict[str, bool]] = {
            path: {name: bool(flag(down)) for name, down in held.items() if isinstance(name, str)}
            for path, held in raw.items()
            if isinstance(held, dict)
        }

    @property
    def none(self) -> bool:
        """Tell whether there is no right at all."""
        return not any(self._held.values())

    def has(self, right: Right, path: str | None = None) -> bool:
        """Tell whether one of the privileges holds on a path, by default the right's own."""
        return any(self._holds(name, path or right.path) for name in right.any_of)

    def gaps(self, right: Right) -> list[str]:
        """Return the paths on which a right is missing: its own, or single ones below it."""
        if not self.has(right):
            return [right.path]
        below = right.path.rstrip("/") + "/"
        # What `/` says is asked of the other rights by their own paths.
        inner = [p for p in self._held if p.startswith(below)] if right.path != "/" else []
        return sorted(p for p in inner if not self.has(right, p))

    def missing(self, *rights: Right) -> tuple[str, ...]:
        """Return a sentence for each right that is missing, with what to do."""
        sentences = []
        for right in rights:
            if gaps := self.gaps(right):
                where = ", ".join(gaps[:5]) + (f" and {len(gaps) - 5} more" if len(gaps) > 5 else "")
                name = right.any_of[0] if right is not AGENTS else "VM.GuestAgent.Audit (before PVE 9: VM.Monitor)"
                sentences.append(
                    f"the token has no {name} on {where}, so {right.tells} are incomplete"
                    " (`infradb sources doctor` shows the lines that give it to both user and token)"
                )
        return tuple(sentences)

    def proofs(self, token_id: str) -> list[Diagnosis]:
        """Return each right, whether it is there, and how to give it."""
        proofs = []
        for right in RIGHTS:
            gaps = self.gaps(right)
            hint = _how_to_give(right, gaps[0], token_id) if gaps else ""
            proofs.append(
                Diagnosis(right.words, not gaps, f"{right.tells} are incomplete" if gaps else right.tells, hint)
            )
        return proofs

    def reads_backups_of(self, storage: str) -> bool:
        """Tell whether backups on a storage are listed: that takes rights that an auditor does not have."""
        path = f"/storage/{storage}"
        may = any(self._holds(name, path) for name in BACKUP_RIGHTS[1:])
        return may or (self._holds(BACKUP_RIGHTS[0], path) and self._holds("VM.Backup", "/vms"))

    def _holds(self, name: str, path: str) -> bool:
        own = self._held.get(path)
        if own is not None:
            return name in own
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            above = self._held.get(path)
            if above is not None:
                return above.get(name, False)
        return False


def grant_text(name: str) -> str:
    """Return the lines that make the least-privileged token, and show the node's fingerprint."""
    privileges = " ".join(PRIVILEGES)
    return f"""On any node of the cluster, as root. The token gets rights of its own (privilege separation): it may do
what **both** the user and the token were given, so both ACLs are needed.

    pveum role add infradb --privs "{privileges} VM.GuestAgent.Audit"
    pveum user add infradb@pve --comment "infradb reads the inventory"
    pveum user token add infradb@pve {_token_name(name)} --privsep 1
    pveum acl modify / --users infradb@pve --roles infradb
    pveum acl modify / --tokens 'infradb@pve!{_token_name(name)}' --roles infradb

Before Proxmox VE 9, write VM.Monitor in the place of VM.GuestAgent.Audit. The third line prints the secret, once. The
certificate's fingerprint, shown by the node itself:

    pvenode cert info --output-format yaml | grep -A1 -E 'filename|fingerprint'
    openssl x509 -in /etc/pve/local/pve-ssl.pem -noout -fingerprint -sha256

Take that of pveproxy-ssl.pem where there is one, else that of pve-ssl.pem. Then, where infradb runs (it asks for the
secret):

    infradb sources add proxmox {name} url=https://NODE:8006 fingerprint=AA:BB:… \\
      token_id='infradb@pve!{_token_name(name)}'
"""


def _how_to_give(right: Right, path: str, token_id: str) -> str:
    user = token_id.partition("!")[0]
    give = f"pveum acl modify {path} --roles infradb"
    return (
        f"with a role that has {' or '.join(right.any_of)}: `{give} --users {user}` and `{give} --tokens '{token_id}'`;"
        " a token with privilege separation has only what both were given"
    )


def _token_name(name: str) -> str:
    """Return a name as tokens may have it (pve-access-control: a letter first, then letters, digits, .-_)."""
    kept = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_."))
    return kept if kept[:1].isalpha() and len(kept) > 1 else f"infradb-{kept}".rstrip("-")


def rights_of(node: str) -> Sequence[Right]:
    """Return what reading one node's own things takes."""
    return (Right(("Sys.Audit",), f"/nodes/{node}", NODES.tells),)
