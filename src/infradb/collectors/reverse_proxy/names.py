"""Names as proxies write them: plain ones, wildcards and patterns, brought to one form."""

import re

ANY = "*"
"""Any name."""

_WILD = re.compile(
    r"^(?:\(\?P?<\w+>|\()?(?:\.[+*]\??|\[\^\.\][+*]\??|\[[\w\-\\.^]+\][+*]|\\w[+*]|\{\w*(?::[^{}]*)?\})\)?(?=\\?\.)"
)
_PLAIN = re.compile(r"[a-z0-9_.\-]+")


def host_name(text: str) -> str:
    """Return a name in lower case without port and last dot; `*` where it stands for any.

    >>> [host_name(n) for n in ("Shop.Example.org.", "a.example.org:8443", "_", ".example.org", "[::1]:80")]
    ['shop.example.org', 'a.example.org', '*', '*.example.org', '::1']
    """
    name = text.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    name = name.rstrip(".")
    return f"*{name}" if name.startswith(".") else name if name not in ("", "_") else ANY


def host_of_pattern(pattern: str) -> str:
    r"""Return the name or the wildcard that a regular expression stands for; `*` where it is neither.

    >>> [host_of_pattern(p) for p in (r"^.+\.example\.org$", r"^shop\.example\.org$", "{sub:[a-z]+}.example.org")]
    ['*.example.org', 'shop.example.org', '*.example.org']
    >>> host_of_pattern(r"^(a|b)\.example\.org$")
    '*'
    """
    inner = pattern.strip().removeprefix("^").removesuffix("$")
    wild = _WILD.match(inner)
    rest = (inner[wild.end() :] if wild else inner).replace("\\.", ".").replace("\\-", "-").lower()
    if not _PLAIN.fullmatch(rest):
        return ANY
    return f"*{rest}" if wild else rest


def path_start(text: str) -> str:
    """Return the beginning of a path; empty where any path is meant."""
    return "" if text in ("/", "/*", "*") else text
