"""What can go wrong between us and a device, in the user's words."""

from typing import Any

from infradb.collectors.snmp.settings import SnmpSettings

VIEW = "its view of the account has to include what `infradb sources add snmp` lists"
_STATUS = {
    1: "the answer would be too big for the device",
    2: f"the device says that there is no such thing; {VIEW}",
    5: "the device failed inside (genErr); its own log says more",
    6: f"the account has no right to it; {VIEW}",
    13: "the device lacks the resources to answer; read it less often",
    16: f"the account has no right to it; {VIEW}",
}
"""Statuses of answers (RFC 3416, 3) that reading may meet."""


class Refusal(Exception):
    """A question that was not answered, with why and what to do in one sentence."""

    def __init__(self, message: str, *, status: int = 0, silent: bool = False) -> None:
        super().__init__(message)
        self.status, self.silent = status, silent


def status_refusal(status: int, settings: SnmpSettings) -> Refusal:
    """Return what a status in an answer means."""
    said = _STATUS.get(status, f"the device answers with the error status {status}")
    if status in (6, 16) and settings.user and not settings.priv_key:
        said += ", and the device may want this user to set both auth_key and priv_key"
    return Refusal(said, status=status)


def wordless(indication: Any, settings: SnmpSettings) -> Refusal:
    """Return what an error of the engine, or a report of the device's, means (RFC 3414, 3.2)."""
    from pysnmp.proto import errind

    if isinstance(indication, errind.RequestTimedOut):
        return Refusal(_silence(settings), silent=True)
    for kinds, meaning in (
        (
            (errind.UnknownUserName, errind.UnknownSecurityName),
            "the device knows no such SNMPv3 user: check `user`, or make it as `infradb sources add snmp` says",
        ),
        (
            (errind.WrongDigest, errind.AuthenticationFailure, errind.AuthenticationError),
            "the authentication is refused: `auth_key` or `auth_protocol` is not what the device has",
        ),
        (
            (errind.DecryptionError,),
            "the device cannot decrypt: `priv_key` or `priv_protocol` is not what it has",
        ),
        (
            (errind.UnsupportedSecurityLevel, errind.UnsupportedAuthProtocol, errind.UnsupportedPrivProtocol),
            "the device does not let this user speak with this security level: set both auth_key and priv_key",
        ),
        (
            (errind.NotInTimeWindow,),
            "the device's SNMP clock does not fit, as where two devices share one engine ID: set another one on it",
        ),
        (
            (errind.NoSuchContext,),
            "the device has no such context: check `context` of the source",
        ),
    ):
        if isinstance(indication, kinds):
            return Refusal(meaning, status=16)
    said = str(indication)[:200]
    return Refusal(f"the answer cannot be read: {said}; does an SNMP agent listen there?")


def _silence(settings: SnmpSettings) -> str:
    if settings.user is None:
        account = "that `community` is right (SNMPv2c does not answer a wrong one)"
    else:
        account = "that `user`, `auth_key` and `priv_key` are right (many devices do not answer wrong ones)"
    return (
        f"no answer within {settings.timeout_seconds:g} s, asked {settings.retries + 1} times: check that SNMP is "
        f"enabled there, that its access list and firewalls let this machine ask UDP port 161, and {account}"
    )
