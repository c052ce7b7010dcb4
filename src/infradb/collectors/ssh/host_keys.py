"""Which host keys are known, and what to say of one that is not."""

import base64
import hmac
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infradb.collectors.ssh.targets import DEFAULT_PORT, Target
from infradb.errors import SettingsError, SourceRefused

if TYPE_CHECKING:
    import asyncssh

_BEST = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
KeysOfHost = tuple[Sequence["asyncssh.SSHKey"], Sequence["asyncssh.SSHKey"], Sequence["asyncssh.SSHKey"]]


class KnownHosts:
    """The public keys by which machines are known, read once for all of them."""

    def __init__(self, given: Path | None, targets: Iterable[Target]) -> None:
        import asyncssh

        self._names = [name.encode() for target in targets for name in {target.host, _place_of(target)}]
        self.path = given or Path("~/.ssh/known_hosts").expanduser()
        self._hosts = asyncssh.SSHKnownHosts()
        for path in [self.path] if given else [self.path, Path("/etc/ssh/ssh_known_hosts")]:
            self._load(path, needed=given is not None)

    def of(self, host: str, address: str, port: int | None) -> KeysOfHost:
        """Return the trusted keys, authorities and revoked keys of a machine, the best kind of key first."""
        keys, authorities, revoked = self._hosts.match(host, address, port)[:3]
        return sorted(keys, key=_rank), authorities, revoked

    def kinds(self, target: Target) -> list[str]:
        """Return the algorithms to ask a machine for: those of its known keys first, so that one of these is shown."""
        from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

        port = target.port if target.port != DEFAULT_PORT else None
        keys, authorities, _ = self.of(target.host, "", port)
        known = [kind for key in keys for kind in key.sig_algorithms]
        signed = get_default_certificate_algs() if authorities else []
        return [kind.decode() for kind in dict.fromkeys([*signed, *known, *get_default_public_key_algs()])]

    def refusal(self, target: Target, shown: "asyncssh.SSHKey | None", why: str) -> SourceRefused:
        """Return the error for a key that is not trusted: which was shown, which are known, and what to do."""
        port = f"-p {target.port} " if target.port != DEFAULT_PORT else ""
        place = _place_of(target)
        if shown is None:
            return SourceRefused(
                f"its host key is not accepted: {why}", hint=f"see the lines of {place} in {self.path}"
            )
        said = f"{shown.get_fingerprint()} ({shown.algorithm.decode()})"
        keys, authorities, _ = self.of(target.host, "", target.port if port else None)
        # A key that is new beside known ones of other kinds is no change, but nobody has looked at it either.
        if old := [key.get_fingerprint() for key in keys if key.algorithm == shown.algorithm]:
            return SourceRefused(
                f"its host key has changed: it shows {said}, known is {', '.join(old)}",
                hint="find out why before you trust it: was the machine installed anew, or does another one answer? "
                f"Then `ssh-keygen -f {self.path} -R '{place}'` and add the new key",
            )
        hint = (
            "compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` (or the like) says on the machine "
            f"itself, then `ssh-keyscan {port}{target.host} >> {self.path}`"
        )
        others = f"; known are {', '.join(k.get_fingerprint() for k in keys)}" if keys or authorities else ""
        return SourceRefused(f"its host key is not known: it shows {said}{others}", hint=hint)

    def _load(self, path: Path, *, needed: bool) -> None:
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError as error:
            if needed:
                raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="check `known_hosts`") from error
            return
        for line in lines:
            try:
                self._hosts.load(self._unhashed(line) if line.startswith("|1|") else line)
            except ValueError:
                continue  # as ssh(1) does: a line that makes no sense trusts nothing

    def _unhashed(self, line: str) -> str:
        """Return a line for a hashed name as one for the name, where it is one of ours; raise `ValueError`.

        A name is hashed with each line's own salt, so that a thousand machines are a million hashes: once here, and
        not several times a machine.
        """
        pattern, _, key = line.partition(" ")
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
        return "\n".join(f"{n.decode()} {key}" for n in self._names if hmac.digest(salt, n, "sha1") == digest)


def _place_of(target: Target) -> str:
    """Return a machine as known_hosts names it."""
    return target.host if target.port == DEFAULT_PORT else f"[{target.host}]:{target.port}"


def _rank(key: "asyncssh.SSHKey") -> int:
    kind = key.algorithm.decode()
    return _BEST.index(kind) if kind in _BEST else len(_BEST)
