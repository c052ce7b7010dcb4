"""Which names say that their value is a secret: `POSTGRES_PASSWORD` does, `KEYCLOAK_VERSION` does not."""

import re
from enum import Enum
from functools import lru_cache


class Verdict(Enum):
    """What a name says about its value."""

    HARMLESS = 0
    """It is no secret."""

    SECRET = 1
    """It is one."""

    UNLESS_NUMBER = 2
    """It is one, unless it is a number: `MAX_TOKENS`."""

    UNLESS_METHOD = 3
    """It is one, unless it names a way to log in: `HTTP_AUTH=basic`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HARMLESS = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null"})
"""Values that are no secret whatever their name says."""

_CHUNK = re.compile(r"[^A-Za-z0-9]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = _words(
    "pass pw pwd psk pin otp totp dsn creds cred jwt salt mnemonic passkey passcode bearer authorization "
    "kennwort passwort wachtwoord motdepasse htpasswd basicauth digestauth masterauth sig signature"
)
# Within a word that was glued together: PGPASSWORD, dbpass, clientsecret.
_GLUED = re.compile(
    r"password|passwd|passphrase|passwort|passcode|kennwort|wachtwoord|secret|token(?!iz)|credential|basicauth"
    r"|digestauth|privkey|(?:api|app|auth|access|private|master|encrypt(?:ion)?|crypt|sign(?:ing)?|session|ssh|aes|rsa"
    r"|hmac|jwt|wg|wireguard|(?:pre)?shared|deploy|licen[sc]e|account|tls|ssl|client|server|admin|root|user|cookie)keys?$"
    r"|(?<!by)(?<!com)(?<!encom)(?<!tres)(?<!over)(?<!under)(?<!sur)pass$|(?<=[a-z])pwd$|(?<=[a-z])dsn$|(?<=[a-z])psk$"
)
_KEY_WORDS = frozenset({"key", "keys", "auth", "cookie", "seed"})
_TRAILERS = _words(
    "id base base64 b64 hex pem data value raw str string env old new primary secondary default current previous "
    "main text plain content secret"
)
_OPEN_KEYS = _words(
    "public pub sort primary foreign partition cache routing shard unique authorized hot gpg pgp host known group "
    "object row map lookup trusted"
)
_ABOUT = _words(
    "file files path paths dir dirs directory folder location name names username user header headers field fields "
    "type types kind algorithm algorithms algo alg method methods policy mode provider issuer host hostname port url "
    "uri endpoint version format prefix enabled disabled enable disable required rotation expired reset store manager "
    "backend engine encoder audience scope scopes realm encryption hashing strategy server service driver"
)
_ABOUT_GLUED = re.compile(r"(?:file|path|dir|filename|url|uri)s?$")
_QUANTITIES = _words(
    "max min num number count limit limits ttl timeout expiry expire expires expiration lifetime duration validity "
    "seconds secs minutes mins hours days ms age length len size bits rounds interval retries attempts delay budget "
    "per window iterations cost cache refresh leeway"
)


@lru_cache(maxsize=1 << 16)
def name_verdict(name: str) -> Verdict:
    """Return what a name says; when unsure, that its value is a secret.

    >>> [name_verdict(n).name for n in ("PGPASSWORD", "PGPASSFILE", "TOKEN_TTL", "MONKEY")]
    ['SECRET', 'HARMLESS', 'UNLESS_NUMBER', 'HARMLESS']
    """
    if name in ("PWD", "OLDPWD"):  # the shell's folder
        return Verdict.HARMLESS
    chunks = [chunk.lower() for chunk in _CHUNK.split(name) if chunk]
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return Verdict.HARMLESS
    content = _without_trailers(words)
    ends_in_key = content[-1] in _KEY_WORDS and not (len(content) > 1 and content[-2] in _OPEN_KEYS)
    strong = any(word in _SECRET_WORDS or _GLUED.search(word) for word in {*chunks, *words})
    if not strong and not ends_in_key:
        return Verdict.HARMLESS
    if words[-1] in _ABOUT or _ABOUT_GLUED.search(chunks[-1]) or "proxy_pass" in name.lower():
        return Verdict.HARMLESS
    if not _QUANTITIES.isdisjoint(words):
        return Verdict.UNLESS_NUMBER
    return Verdict.UNLESS_METHOD if content[-1] == "auth" and not strong else Verdict.SECRET


def _without_trailers(words: list[str]) -> list[str]:
    """Return the words up to the one that says what the value is: `APP_KEY_BASE64` is about a key."""
    end = len(words)
    while end > 1 and (words[end - 1] in _TRAILERS or words[end - 1].isdigit()):
        end -= 1
    return words[:end]
