"""What can go wrong between us and a machine, in the user's words."""

import os
import socket
from typing import Protocol

import asyncssh

from infradb.collectors.ssh.settings import SshSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.redaction import redact_text


class Heard(Protocol):
    """What a command printed, and how it ended."""

    printed: bytearray
    complaint: bytearray
    late: bool
    too_much: bool
    lost: bool
    status: int | None


LOGIN_HINT = (
    "does the account exist there, and is the public key in its ~/.ssh/authorized_keys? `ssh -v USER@HOST true` says "
    "what the machine thinks of it"
)
_NO_SSH = "what listens there does not speak SSH as it should"
_KINDS: tuple[tuple[tuple[type[BaseException], ...], type[CollectionError], str, str], ...] = (
    ((ConnectionRefusedError,), SourceUnreachable, "nothing listens there", "does sshd run, and is the port right?"),
    ((socket.gaierror,), SourceUnreachable, "its name is not known", "check `hosts` of the source, or the DNS"),
    (
        (TimeoutError,),
        SourceUnreachable,
        "no answer in time",
        "is it on, and does a firewall let us through? `connect_timeout_seconds` says how long to wait",
    ),
    (
        (asyncssh.KeyExchangeFailed,),
        SourceUnreachable,
        "both sides know no common way to encrypt",
        "its SSH server is very old: update it",
    ),
    (
        (asyncssh.ProtocolNotSupported, asyncssh.ProtocolError),
        SourceMalformed,
        _NO_SSH,
        "is the port right?",
    ),
    (
        (asyncssh.ChannelOpenError,),
        SourceRefused,
        "it lets us in, but runs nothing for us",
        "does sshd_config force something else there (ForceCommand, Match, MaxSessions)?",
    ),
    (
        (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError, EOFError),
        SourceUnreachable,
        "the connection broke off",
        "did it restart, or does its sshd turn away many connections at once (MaxStartups)? Lower `parallel` then",
    ),
)


def failure(error: BaseException, user: str) -> CollectionError:
    """Return an error of SSH or of the network as one of ours, with what to do about it."""
    if isinstance(error, asyncssh.PermissionDenied):
        return SourceRefused(f"the login as {user!r} is refused", hint=LOGIN_HINT)
    for kinds, kind, meaning, hint in _KINDS:
        if isinstance(error, kinds):
            detail = "" if isinstance(error, OSError | TimeoutError) else f" ({_first_line(error)})"
            return kind(meaning + detail, hint=hint)
    if not isinstance(error, OSError):
        # What a peer provokes inside asyncssh, which expects better of it, is of any type.
        return SourceMalformed(f"{_NO_SSH} ({_first_line(error)})", hint="is the port right?")
    said = os.strerror(error.errno) if error.errno else _first_line(error)
    return SourceUnreachable(f"it cannot be reached: {said}", hint="is it on, and is the network between us up?")


def no_facts(heard: "Heard", settings: SshSettings) -> CollectionError:
    """Return why a machine let us in and told nothing; `heard` is what it said instead."""
    said = _excerpt(heard.complaint or heard.printed)
    if heard.too_much:
        hint = "does a start-up file of its shell print without end, or is it no Unix machine?"
        return SourceMalformed(f"it printed without end, and no facts{said}", hint=hint)
    if heard.late:
        hint = f"`ssh HOST sh -c true` should end at once; `timeout_seconds` is {settings.timeout_seconds:g}"
        return SourceUnreachable(f"it printed no facts in time{said}", hint=hint)
    if heard.lost:
        return SourceUnreachable(f"the connection broke off before it told anything{said}", hint="did it restart?")
    if settings.sudo:
        hint = "`infradb ALL=(root) NOPASSWD: /bin/sh -s *` in its sudoers allows it; or leave out `sudo`"
        return SourceRefused(f"sudo is refused{said}", hint=hint)
    ended = f" (it ended with status {heard.status})" if heard.status else ""
    hint = "the account needs a shell that runs `sh -s`; a key with command= in authorized_keys must run the script"
    return SourceMalformed(f"its shell printed no facts{ended}{said}", hint=hint)


def _excerpt(raw: bytes | bytearray) -> str:
    text = raw[:1000].decode("utf-8", "replace")
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f": it says {redact_text(words)[:160]!r}" if words else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
