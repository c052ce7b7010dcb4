"""What can go wrong between us and an engine, in the user's words."""

from collections.abc import Callable, Iterator, Sequence

from infradb.collectors.docker.settings import DockerSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.observation import Observation, Rejected
from infradb.redaction import redact_text

MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python says of an answer that is not of the documented shape; pydantic's errors are among them."""

RIGHTS_HINT = (
    "run infradb with sudo, or `sudo usermod -aG docker $USER` and log in again (members of that group can become "
    "root through Docker), or point the source at a socket proxy"
)
PROXY_HINT = (
    "a socket proxy in front of the engine refuses it: `infradb sources calls NAME` lists the calls to allow "
    "(tecnativa/docker-socket-proxy: INFO=1 CONTAINERS=1 IMAGES=1 NETWORKS=1 VOLUMES=1 SYSTEM=1; EVENTS, PING and "
    "VERSION are on by default)"
)
_WORDS: tuple[tuple[tuple[str, ...], type[CollectionError], str, str], ...] = (
    (
        ("not found in known_hosts",),
        SourceRefused,
        "the SSH host key is not known",
        "compare its fingerprint with what the host itself shows, then log in once with `ssh` so that it is noted",
    ),
    (
        ("AuthenticationException", "Authentication failed", "No authentication methods", "PasswordRequired"),
        SourceRefused,
        "the SSH login was refused",
        "infradb logs in by key only: check `ssh USER@HOST docker version` from the account that infradb runs under",
    ),
    (
        ("BadHostKeyException",),
        SourceRefused,
        "the SSH host key is another one than the known one",
        "find out why before you trust it: it may be another machine",
    ),
    (
        ("TLSParameterError", "NO_CERTIFICATE_OR_CRL_FOUND", "KEY_VALUES_MISMATCH", "[SSL] PEM lib"),
        SourceRefused,
        "a TLS file is missing or no PEM file",
        "check the paths in tls_ca, tls_cert and tls_key, and that infradb may read them",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "doesn't match", "SSLCertVerificationError"),
        SourceRefused,
        "the engine's TLS certificate is not trusted",
        "set tls_ca to the authority that signed it, and use the name that stands in the certificate",
    ),
    (
        ("certificate required", "bad certificate", "CERTIFICATE_REQUIRED", "unknown ca"),
        SourceRefused,
        "the engine wants a client certificate",
        "set tls_cert and tls_key to one that its authority signed",
    ),
    (
        ("WRONG_VERSION_NUMBER", "HTTP request to an HTTPS server", "SSLError", "SSLEOFError", "BadStatusLine"),
        SourceUnreachable,
        "one side speaks TLS and the other does not",
        "port 2376 usually is https://, port 2375 tcp://",
    ),
    (("PermissionError", "Permission denied"), SourceRefused, "no right to use the engine's socket", RIGHTS_HINT),
    (
        ("FileNotFoundError", "No such file"),
        SourceUnreachable,
        "there is no engine's socket",
        "is Docker installed and running (`systemctl status docker`)? `url` of the source says where it listens",
    ),
    (
        ("ConnectionRefusedError", "Connection refused", "NoValidConnectionsError"),
        SourceUnreachable,
        "nothing listens there",
        "is Docker running (`systemctl status docker`), and is the port right?",
    ),
    (
        ("gaierror", "Name or service not known", "NameResolutionError", "getaddrinfo"),
        SourceUnreachable,
        "the host's name is not known",
        "check `url` of the source, or the DNS",
    ),
    (
        ("timed out", "ReadTimeout", "ConnectTimeout", "TimeoutError"),
        SourceUnreachable,
        "no answer in time",
        "is the engine overloaded? timeout_seconds of the source says how long to wait",
    ),
    (
        ("JSONDecodeError", "Expecting value", "ContentDecodingError"),
        SourceMalformed,
        "the answer is no JSON",
        "does a Docker engine listen there, or something else?",
    ),
    (
        ("RemoteDisconnected", "Connection aborted", "ConnectionResetError", "BrokenPipe", "ProtocolError", "EOFError"),
        SourceUnreachable,
        "the connection broke off",
        "did the engine stop or restart? `journalctl -u docker` tells",
    ),
)


def failure(error: BaseException, settings: DockerSettings, call: str) -> CollectionError:
    """Return an error of the SDK, of HTTP, of TLS or of SSH as one of ours, with what to do about it."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _refusal(status, str(getattr(error, "explanation", "") or ""), settings, call)
    text = " | ".join(f"{type(e).__name__}: {e}" for e in _chain(error))
    for words, kind, meaning, hint in _WORDS:
        if any(word in text for word in words):
            return kind(f"{call} at {settings.url}: {meaning}", hint=hint)
    return SourceUnreachable(f"{call} at {settings.url}: {redact_text(str(error))}")


def missing_key(key: str, settings: DockerSettings, call: str) -> SourceMalformed:
    """Return the error for an answer that lacks what every engine says."""
    hint = "does a Docker engine listen there? infradb reads engines from 1.13 (API 1.24) on"
    return SourceMalformed(f"{call} at {settings.url}: the answer has no {key!r}", hint=hint)


def guarded(
    key: str, parse: Callable[[], Sequence[Observation | Rejected]]
) -> Callable[[], Sequence[Observation | Rejected]]:
    """Return a parser of one answer that rejects the thing where the answer is not of the documented shape."""

    def parsed() -> Sequence[Observation | Rejected]:
        try:
            return parse()
        except MALFORMED as error:
            return [senseless(key, error)]

    return parsed


def senseless(key: str, error: BaseException) -> Rejected:
    """Return the rejection of what makes no sense; what it held is not repeated, it may be anything."""
    return Rejected(key, f"what the engine says of it makes no sense ({type(error).__name__})", None)


def _refusal(status: int, explanation: str, settings: DockerSettings, call: str) -> CollectionError:
    where = f"{call} at {settings.url}"
    said = redact_text(explanation.strip())[:200]
    if status in (401, 403, 405, 407):
        return SourceRefused(f"{where} is refused (HTTP {status})", hint=PROXY_HINT)
    if status == 400 and "HTTPS server" in explanation:
        return SourceUnreachable(f"{where}: the engine speaks TLS", hint="write https:// instead of tcp://")
    if status == 404:
        return SourceMalformed(f"{where}: not there (HTTP 404)", hint="does a Docker engine listen there?")
    return SourceUnreachable(f"{where} failed (HTTP {status}): {said}", hint="the engine's own log says more")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, and the errors that libraries wrap as arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [e for e in (*one.args, one.__cause__, one.__context__) if isinstance(e, BaseException)]
