"""Reads HTTP sources within limits: of time, of size, of what the answer may be; certificates verified or pinned.

A drip of a byte a second, an answer without end, half an answer, a login page in the place of JSON: each becomes one
of `CollectionError`'s kinds with a sentence that names the call, and none of them takes longer than the time allowed.
"""

import http.client
import ssl
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson

from infradb.errors import CollectionError, SettingsError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.redaction import redact_text
from infradb.transport.calls import CallLog

MOST_BYTES = 64 * 2**20
"""Largest answer that is read; 10,000 guests with their configuration are below 20 MB."""
_CHUNK = 65536
_USER_AGENT = "infradb"
T = TypeVar("T", bound=type)


class HttpReader:
    """Connections to one server; threads may share it. Only the calls that a collector names are made.

    `fingerprint` is the SHA-256 of the server's certificate and takes the place of the authorities; without it the
    certificate is verified against `ca`, else against those that the system trusts.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        timeout_seconds: float = 30,
        fingerprint: str | None = None,
        ca: str | None = None,
        most_bytes: int = MOST_BYTES,
        parallel: int = 8,
        log: CallLog | None = None,
    ) -> None:
        import urllib3

        self.base_url = base_url.rstrip("/")
        self.timeout_seconds, self.most_bytes, self.parallel = timeout_seconds, most_bytes, parallel
        self.log = log or CallLog()
        self._headers = {"User-Agent": _USER_AGENT, "Accept": "application/json", **(headers or {})}
        if basic:
            self._headers |= urllib3.make_headers(basic_auth=":".join(basic))
        options: dict[str, Any] = {"maxsize": parallel, "block": True, "retries": False}
        if urlsplit(self.base_url).scheme == "https":
            options["ssl_context"] = _context(fingerprint, ca)
            options |= {"assert_fingerprint": fingerprint} if fingerprint else {}
        self._pool = urllib3.PoolManager(**options)

    def get(self, path: str, kind: T, *, query: Mapping[str, Any] | None = None, **names: object) -> Any:
        """Return the JSON answer of `GET path`, which must be of `kind` (dict or list).

        Names in braces in `path` are replaced by `names`, quoted. Raises `CollectionError`.
        """
        with self.log.recording(f"GET {path}"):
            return self._json("GET", path, kind, names, query, None, None)

    def text(self, path: str, *, query: Mapping[str, Any] | None = None, **names: object) -> str:
        """Return the answer of `GET path` as text. Raises `CollectionError`."""
        with self.log.recording(f"GET {path}"):
            return self._read("GET", path, names, query, None, {"Accept": "*/*"}).decode("utf-8", "replace")

    def post(self, path: str, kind: T, body: Any, *, headers: Mapping[str, str] | None = None, **names: object) -> Any:
        """Return the JSON answer of `POST path`, for servers that are logged in to or asked questions that way."""
        with self.log.recording(f"POST {path}"):
            return self._json("POST", path, kind, names, None, orjson.dumps(body), headers)

    def header(self, name: str, value: str) -> None:
        """Send a header with every later call: a token that logging in gave."""
        self._headers[name] = value

    def close(self) -> None:
        """End all connections."""
        self._pool.clear()

    def _json(
        self,
        method: str,
        path: str,
        kind: T,
        names: Mapping[str, object],
        query: Mapping[str, Any] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Any:
        extra = {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
        content = self._read(method, path, names, query, body, extra)
        where = f"{method} {path} at {self.base_url}"
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise _no_json(content, where) from error
        if not isinstance(found, kind):
            hint = "does the right program listen there, and in a version that infradb reads?"
            wanted = "an object" if kind is dict else "a list"
            raise SourceMalformed(f"{where}: the answer is not {wanted}", hint=hint)
        return found

    def _read(
        self,
        method: str,
        path: str,
        names: Mapping[str, object],
        query: Mapping[str, Any] | None,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> bytes:
        filled = path.format(**{n: quote(str(v), safe="") for n, v in names.items()}) if names else path
        url = self.base_url + filled + (f"?{urlencode(query, doseq=True)}" if query else "")
        return self._exchange(method, url, body, {**self._headers, **headers}, f"{method} {path}")

    def _exchange(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], call: str) -> bytes:
        import urllib3

        deadline = time.monotonic() + self.timeout_seconds
        where = f"{call} at {self.base_url}"
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=self.timeout_seconds),
                preload_content=False,
                redirect=False,
            )
            try:
                content = self._content(response, deadline, where)
                whole = True
            except BaseException:
                whole = False
                raise
            finally:
                if not whole:  # the rest of an answer is on the connection: the next call opens it anew
                    response.close()
                # Given back in any case: who waits for one of the pool's places would wait for ever.
                response.release_conn()
        except CollectionError:
            raise
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._failure(error, where) from error
        if response.status >= 300:
            said = _said(content, response.reason, response.status)
            refusal = _refusal(response.status, said, response.headers.get("Location"), where)
            refusal.status = response.status
            raise refusal
        return content

    def _content(self, response: Any, deadline: float, where: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK, decode_content=True):
            parts.append(chunk)
            size += len(chunk)
            if size > self.most_bytes:
                hint = "infradb stops there; does the right program listen there?"
                raise SourceMalformed(f"{where}: the answer is larger than {self.most_bytes // 2**20} MiB", hint=hint)
            if time.monotonic() > deadline:
                raise _late(self.timeout_seconds, where)
        return b"".join(parts)

    def _failure(self, error: Exception, where: str) -> CollectionError:
        text = " | ".join(f"{type(e).__name__}: {e}" for e in _chain(error))
        if "ssertFingerprint" in text or "ingerprints did not match" in text:
            return SourceRefused(
                f"{where}: the certificate is another one than the pinned one",
                hint=f"find out why before you trust it{self._shown()}",
            )
        if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text or "doesn't match" in text:
            return SourceRefused(
                f"{where}: the certificate is not trusted",
                hint="compare its fingerprint with what the server itself shows, then set `fingerprint` to it, or `ca` "
                f"to the authority that signed it{self._shown()}",
            )
        for words, kind, meaning, hint in _WORDS:
            if any(word in text for word in words):
                return kind(f"{where}: {meaning}", hint=hint)
        return SourceUnreachable(
            f"{where}: {redact_text(str(error))[:300]}", hint="is the address of the source right?"
        )

    def _shown(self) -> str:
        """Return what fingerprint the server shows, as part of a hint."""
        shown = certificate_fingerprint(self.base_url, min(self.timeout_seconds, 5))
        return f"; it shows fingerprint={shown}" if shown else ""


def certificate_fingerprint(url: str, timeout_seconds: float = 5) -> str | None:
    """Return the SHA-256 fingerprint of the certificate that a server shows, unverified; None where it shows none."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    try:
        pem = ssl.get_server_certificate((parts.hostname, parts.port or 443), timeout=timeout_seconds)
        digest = sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    except (OSError, ValueError):
        return None
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def _context(fingerprint: str | None, ca: str | None) -> ssl.SSLContext:
    """Return what all connections share: reading the authorities costs more than everything else of a connection."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    try:
        if fingerprint:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif ca:
            context.load_verify_locations(ca)
        else:
            context.load_default_certs()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"the authority's file {ca} is no PEM file", hint="check `ca` of the source") from error
    return context


_WORDS: tuple[tuple[tuple[str, ...], type[CollectionError], str, str], ...] = (
    (
        ("ConnectionRefusedError", "Connection refused", "Errno 111"),
        SourceUnreachable,
        "nothing listens there",
        "does the program run, and is the port right?",
    ),
    (
        ("gaierror", "NameResolutionError", "Name or service not known"),
        SourceUnreachable,
        "the host's name is not known",
        "check the address of the source, or the DNS",
    ),
    (
        ("WRONG_VERSION_NUMBER", "SSLEOFError", "UNEXPECTED_EOF", "BadStatusLine", "SSLError"),
        SourceUnreachable,
        "one side speaks TLS and the other does not",
        "write https:// in the place of http://, or the other way round",
    ),
    (
        ("timed out", "ReadTimeout", "ConnectTimeout", "TimeoutError"),
        SourceUnreachable,
        "no answer in time",
        "is the server overloaded? `timeout_seconds` of the source says how long to wait",
    ),
    (
        ("IncompleteRead", "InvalidChunkLength", "ProtocolError", "RemoteDisconnected", "Connection aborted", "Reset"),
        SourceUnreachable,
        "the answer broke off",
        "did the server stop or restart? Its own log tells",
    ),
    (
        ("DecodeError", "InvalidHeader", "LocationParseError", "HeaderParsingError"),
        SourceMalformed,
        "the answer is no HTTP that can be read",
        "does the right program listen there?",
    ),
)


def _late(seconds: float, where: str) -> SourceUnreachable:
    hint = "`timeout_seconds` of the source says how long one answer may take"
    return SourceUnreachable(f"{where}: the answer did not end within {seconds:g} s", hint=hint)


def _no_json(content: bytes, where: str) -> SourceMalformed:
    start = content[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<")):
        hint = "a login page or another program answers: check address and port of the source"
        return SourceMalformed(f"{where}: the answer is a web page, no JSON", hint=hint)
    if not start:
        return SourceMalformed(f"{where}: the answer is empty", hint="does the right program listen there?")
    return SourceMalformed(
        f"{where}: the answer is no JSON, or only half of it", hint="does the right program listen there?"
    )


def _said(content: bytes, reason: str | None, status: int) -> str:
    """Return what an answer that says no gives as its reason: in JSON, in the status line (Proxmox), or as text."""
    try:
        found = orjson.loads(content)
        inner = found if isinstance(found, dict) else {}
        texts = [inner[name] for name in ("message", "error", "detail") if isinstance(inner.get(name), str)]
    except orjson.JSONDecodeError:
        inner, texts = None, [content[:300].decode("utf-8", "replace")]
    if (not texts or texts[0].lstrip().startswith("<")) and reason and reason != http.client.responses.get(status):
        texts = [reason]
    elif not texts and inner:
        texts = [content[:300].decode("utf-8", "replace")]
    said = " ".join(redact_text(texts[0][:300]).split())[:150] if texts else ""
    return "" if said.startswith("<") else said


def _refusal(status: int, said: str, location: str | None, where: str) -> CollectionError:
    detail = f": {said}" if said else ""
    if status == 401:
        return SourceRefused(
            f"{where}: the credentials are refused (HTTP 401){detail}",
            hint="are they right, and not expired? `infradb sources doctor NAME` proves each right",
        )
    if status == 403:
        return SourceRefused(
            f"{where}: the account has no right to it (HTTP 403){detail}",
            hint="`infradb sources doctor NAME` says which right is missing and how to grant it",
        )
    if status == 404:
        return SourceMalformed(
            f"{where}: not there (HTTP 404)", hint="is the address right, and the program's version?"
        )
    if status == 429:
        return SourceUnreachable(
            f"{where}: too many calls (HTTP 429)", hint="the server limits calls: read it less often"
        )
    if status < 400:
        return SourceMalformed(f"{where}: redirects to {location}", hint="give that address to the source instead")
    return SourceUnreachable(f"{where} failed (HTTP {status}){detail}", hint="the server's own log says more")


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found
