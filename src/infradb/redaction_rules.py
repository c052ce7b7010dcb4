"""What secrets look like inside a text: in URLs, assignments, options, headers, and tokens of known shapes.

A rule is a function from text to text. It is tried only where its gate and its piece occur in the text, because
almost no text holds a secret and looking for a short piece is what Python does fastest.
"""

import re
from collections.abc import Callable
from functools import partial

from infradb.secret_names import HARMLESS, Verdict, name_verdict

REDACTED = "***"
Rule = Callable[[str], str]

_METHODS = frozenset(
    {"basic", "digest", "oauth", "oauth2", "oidc", "ldap", "saml", "pam", "trust", "md5", "scram-sha-256", "peer"}
)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,6})?\s?[a-z]{0,7}")

_QUOTED = r"""\\+"(?:(?!\\+")[^\n])*\\+"|"(?:[^"\\]|\\.)*"|'[^']*'"""
# Up to a blank or the quote that ends the argument; a list of settings goes on after `;`, `,`, `&` and `|`.
_BARE = r"""(?:(?![;,&|]\s*\\*["']?[\w.\- ]{1,40}["']?[=:])[^\s"']|["'](?![\s,\]})]|$)(?:[^"'\\\n]|\\.)*["'])+"""
_VALUE = re.compile(rf"""(?:{_QUOTED})(?:(?=[^\s,;&\]}})"']){_BARE})?|{_BARE}|["'][^\n]*""")
_NAME = r"(?<![\w.\-])(?P<name>[\w.\-\[\]]++)"
_LOOSE = r"(?:[\w\-]*[_\-])?(?:password|passwd|passwort|kennwort|pwd|pass|secret|token)"
_EQUALS = rf"""{_NAME}\\*["']?\s*=\s*"""
_COLON = rf"""{_NAME}(?:\\*["']\s*:\s*|\s*:(?=[ "'])\s*)"""
# `host:port` and `image:tag` look the same: without a blank, only a plain name of a secret counts.
_TIGHT = rf"(?i)(?<![\w.\-])(?P<name>{_LOOSE})\s*:(?!//)\s*"
_OPTION = r"(?<![\w.\-])(?P<name>--?[A-Za-z][\w.\-]++)\s+(?!-)"
_CREDENTIALS = r"(?i)([a-z][a-z0-9+.\-]*://[^\s:/?#@\"']*:)"


def is_secret(name: str, value: object) -> bool:
    """Tell whether a value must not be shown because of its name."""
    verdict = name_verdict(name)
    if verdict is Verdict.HARMLESS or value is None or isinstance(value, bool):
        return False
    text = value.strip().lower() if isinstance(value, str) else str(value)
    if text in HARMLESS or text == REDACTED:
        return False
    if verdict is Verdict.UNLESS_METHOD:
        return text not in _METHODS
    return verdict is Verdict.SECRET or not _NUMBER.fullmatch(text)


def applicable(text: str) -> list[Rule]:
    """Return the rules that may change the text; the others certainly do not."""
    lowered = f"\n{text.lower()}"  # so that an option at the very start is one after a blank
    found = []
    for gate, rules in _RULES:
        if gate in lowered:
            for piece, rule in rules:
                if piece in lowered:
                    found.append(rule)
    return found


def _shape(pattern: str, replacement: str = REDACTED) -> Rule:
    return partial(re.compile(pattern).sub, replacement)


def _named(name_pattern: str) -> Rule:
    """Return the rule for a value after its name; what follows a harmless name is searched for further names."""
    pattern = re.compile(name_pattern)

    def redact(text: str) -> str:
        pieces: list[str] = []
        kept_to = position = 0
        while found := pattern.search(text, position):
            position = found.end()
            name = found["name"]
            if len(name.lstrip("-")) < 2 or name_verdict(name) is Verdict.HARMLESS:
                continue
            value = _VALUE.match(text, position)
            if value and is_secret(name, value[0].strip("\\\"'")):
                pieces += (text[kept_to:position], _requoted(value[0]))
                kept_to = position = value.end()
        return "".join((*pieces, text[kept_to:])) if pieces else text

    return redact


def _requoted(value: str) -> str:
    """Return the replacement in the quotes that the value had, so that the text around it stays well-formed."""
    opening = re.match(r"\\*[\"']", value)
    if opening and len(value) > len(opening[0]) and value.endswith(opening[0]):
        return f"{opening[0]}{REDACTED}{opening[0]}"
    return REDACTED


def _short_option(programs: str, option: str) -> Rule:
    """Return the rule for an option that is a password only because these programs take it for one."""
    return _shape(rf"(\b(?:{programs})[\w\-]*\b[^|;&\n]*?\s{option})[^\s\"'\-=]\S*", r"\1***")


_equals, _colon, _tight, _option = _named(_EQUALS), _named(_COLON), _named(_TIGHT), _named(_OPTION)
# 32 bytes in base64 are WireGuard's keys, of which nobody can tell which are the private ones.
_wireguard = _shape(r"(?<![\w+/])[A-Za-z0-9+/]{42}[AEIMQUYcgkosw480]=(?![\w+/=])")
_connection = _shape(
    r"(?i)\b((?:password|pwd|accountkey|sharedaccesskey(?!name)|sharedsecret)\s*=\s*)(?![\"'])[^;\"'\n]+(?=;)", r"\1***"
)
_underscored = _shape(
    r"\b(?:gh[pousr]_|github_pat_|dckr_pat_|npm_|hf_|gls?[ac]_|shp(?:at|ss|pa|ca)_|do[opr]_v1_|lin_api_|sntry[su]_|rnd_"
    r"|secret_|(?:sk|rk|pk|whsec)_(?:live_|test_)?)\w{16,}"
)
_private_key = _shape(r"(?s)-----BEGIN[A-Z0-9 ]* PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[A-Z0-9 ]*-----|\Z)")
# Crypt and htpasswd hashes; compose files write $$ for $.
_crypt = _shape(
    r"\$\$?(?:1|2[abxy]?|5|6|7|y|gy|apr1|P|H|S|s?crypt|pbkdf2[\w-]*|bcrypt)\$[^\s\"',:;]+"
    r"|\$\$?argon2\w{0,2}\$[^\s\"':;]+"
)
# scheme://user:password@host, with a password that may hold @ and, where it is no port, even a slash.
_userinfo = _shape(_CREDENTIALS + r"[^\s/?#\"']*@", r"\1***@")
_slashed_userinfo = _shape(_CREDENTIALS + r"(?!\d{1,5}(?:[/?#,;]|$))[^\s@\"']+@", r"\1***@")
_lone_userinfo = _shape(r"(?i)([a-z][a-z0-9+.\-]*://)[^\s:/?#@\"']{16,}@", r"\1***@")
_authorization = _shape(
    r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer|digest|token|apikey)\s+)?[^\s\"']+", r"\1***"
)
_bearer = _shape(r"(?i)\b(bearer\s+)(?=[^\s\"']*[0-9._\-]|[^\s\"']{16,})[^\s\"',;]{6,}", r"\1***")
_basic = _shape(r"\b([Bb]asic\s+)(?=\S*[0-9=]|\S{24,})[A-Za-z0-9+/]{6,}={0,2}", r"\1***")
_curl = _shape(
    r"(\b(?:curl|wget|http|https|xh)\b[^|;&\n]*?\s(?:-[ua]|--(?:proxy-)?user)[\s=]*[\"']?[^\s:\"']+:)(?!//)[^\s\"']+",
    r"\1***",
)

# In a note: "password is hunter2", "pw: x1". Letters alone are prose and no secret: "password is in the vault".
_prose = _shape(
    r"(?i)\b((?:pass(?:word|wort|wd)?|kennwort|pwd?|passphrase)\s*(?:\s(?:is|ist|was|war)|:)?\s+[\"']?)"
    r"(?=[^\s\"']*[\d!@#$%^&*+=?])(?!\*\*\*)[^\s\"']{4,}",
    r"\1***",
)

# Private keys and whole tokens first: what is gone cannot be cut in two by a later rule.
_RULES: tuple[tuple[str, tuple[tuple[str, Rule], ...]], ...] = (
    ("-----begin", (("private key", _private_key),)),
    (
        "a",
        (
            ("akia", _shape(r"\bAKIA[0-9A-Z]{12,}")),
            ("asia", _shape(r"\bASIA[0-9A-Z]{12,}")),
            ("aiza", _shape(r"\bAIza[\w\-]{30,}")),
            ("atatt3", _shape(r"\bATATT3[\w\-=]{20,}")),
            ("bearer", _bearer),
            ("basic ", _basic),
        ),
    ),
    ("eyj", (("eyj", _shape(r"\beyJ[\w\-]{14,}(?:\.[\w\-]*)*={0,2}")),)),
    ("$", (("$", _crypt),)),
    ("{s", (("}", _shape(r"\{S?S?(?:HA|MD5)\d*\}[A-Za-z0-9+/=]+")),)),
    ("@", (("://", _userinfo), ("://", _slashed_userinfo), ("://", _lone_userinfo))),
    ("_", (("_", _underscored),)),
    (
        "-",
        (
            ("t-", _shape(r"\bgl(?:pat|dt|rt|ft|cbt|ptt|imt|agent|soat)-[\w\-.]{10,}")),
            ("xox", _shape(r"\bxox[a-z]-[\w\-]{8,}")),
            ("xapp-", _shape(r"\bxapp-[\w\-]{8,}")),
            ("sk-", _shape(r"\bsk-[\w\-]{16,}")),
            ("pul-", _shape(r"\bpul-[\w]{20,}")),
            ("tskey-", _shape(r"\btskey-[\w\-]{8,}")),
            ("pypi-", _shape(r"\bpypi-[\w\-]{16,}")),
            ("age-secret", _shape(r"(?i)\bAGE-SECRET-KEY-1[0-9A-Z]{20,}")),
            *((start, _option) for start in ("--", " -", "\n-")),
        ),
    ),
    (
        ".",
        (
            ("hv", _shape(r"\bhv[sb]\.[\w\-]{16,}")),
            ("ya29.", _shape(r"\bya29\.[\w\-]{16,}")),
            ("sg.", _shape(r"\bSG\.[\w\-]{10,}\.[\w\-]{10,}")),
        ),
    ),
    (
        "/",
        (
            ("hooks.slack", _shape(r"(?i)(hooks\.slack\.com/(?:services|workflows)/)[\w/\-]+", r"\1***")),
            ("/webhooks/", _shape(r"(?i)(/webhooks/\d+/)[\w\-]+", r"\1***")),
        ),
    ),
    ("pass", (("pass", _prose),)),
    ("kennwort", (("kennwort", _prose),)),
    ("pw", (("pw", _prose),)),
    ("=", (("authorization", _authorization), ("=", _wireguard), ("=", _connection), ("=", _equals))),
    (
        ":",
        (
            (":aa", _shape(r"\b\d{6,12}:AA[\w\-]{30,}")),
            ("authorization", _authorization),
            *((sign, _colon) for sign in (": ", '"', "'")),
            *((name, _tight) for name in ("pass", "kennwort", "pwd", "secret", "token")),
        ),
    ),
    (
        " -",
        (
            ("mysql", _short_option("mysql|mysqldump", r"-p\s*")),
            ("mariadb", _short_option("mariadb", r"-p\s*")),
            ("mongo", _short_option("mongo", r"-p\s+")),
            ("sshpass", _short_option("sshpass", r"-p\s*")),
            ("mosquitto", _short_option("mosquitto", r"-P\s+")),
            ("docker", _short_option("docker login|docker-login", r"-p\s+")),
            ("redis-cli", _short_option("redis-cli", r"-a\s+")),
            ("valkey-cli", _short_option("valkey-cli", r"-a\s+")),
            ("ldap", _short_option("ldap", r"-w\s+")),
            *((name, _curl) for name in ("curl", "wget", "http ", "xh ")),
            ("smbclient", _shape(r"(\bsmbclient\b[^|;&\n]*?\s-U\s*[^\s%]+%)\S+", r"\1***")),
            (
                "htpasswd",
                _shape(r"(\bhtpasswd\s+-\w*b\w*\s+(?:\S+\s+)?\S+\s+)[^\s|;&]+(?=\s*(?:$|[|;&>\"']))", r"\1***"),
            ),
        ),
    ),
)
