"""What reverse proxies lead to, and the certificates that they show."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

import orjson

from infradb import clock
from infradb.quality.rule import Defect, Question, Rule, Severity

_SOON: tuple[tuple[int, int, Severity], ...] = ((7, 12, "high"), (14, 6, "medium"), (30, 3, "low"))
"""Days left, the part of its whole time that they may be at most, and how bad it is.

A certificate of 90 days is renewed with 30 left; one of a few days is not late for having a few left.
"""

_STANDING = """\
FROM certificates c WHERE c.retired_at IS NULL AND (
  EXISTS (SELECT 1 FROM proxy_routes r WHERE r.certificate_id = c.id AND r.retired_at IS NULL)
  OR NOT EXISTS (SELECT 1 FROM certificates n WHERE n.subject = c.subject AND n.not_after_at > c.not_after_at
                 AND n.retired_at IS NULL))"""
"""Without those that were renewed, and that nothing shows any more."""


def _expired(question: Question) -> Iterator[Defect]:
    sql = f"SELECT c.id, c.not_after_at {_STANDING} AND c.not_after_at <= ?"
    for id_, until in question.query(sql, (question.now,)):
        yield Defect(id_, evidence={"until": _day(until)})


def _expiring(question: Question) -> Iterator[Defect]:
    now = clock.to_moment(question.now)
    latest = clock.to_instant(now + timedelta(days=_SOON[-1][0]))
    sql = f"SELECT c.id, c.not_before_at, c.not_after_at {_STANDING} AND c.not_after_at > ? AND c.not_after_at <= ?"
    for id_, since, until in question.query(sql, (question.now, latest)):
        left = clock.to_moment(until) - now
        whole = clock.to_moment(until) - clock.to_moment(since) if since else timedelta.max
        for days, part, severity in _SOON:
            if left <= min(timedelta(days=days), whole / part):
                yield Defect(id_, evidence={"until": _day(until)}, severity=severity)
                break


def _day(instant: str) -> str:
    return instant[:10]


def _misnamed(question: Question) -> Iterator[Defect]:
    # A name with several backends or paths is one name.
    sql = (
        "SELECT min(r.id), c.id, r.hostname, CAST(c.names AS TEXT), c.subject FROM proxy_routes r"
        " JOIN certificates c ON c.id = r.certificate_id AND c.retired_at IS NULL"
        " WHERE r.retired_at IS NULL AND r.enabled AND r.tls AND r.hostname <> '*'"
        " GROUP BY r.proxy, r.entry, r.hostname, c.id, CAST(c.names AS TEXT), c.subject"
    )
    for id_, certificate_id, hostname, text, subject in question.query(sql):
        # RFC 9525, 6.3: the common name counts for nothing.
        names = orjson.loads(text) if text else []
        if not _names(names, hostname):
            shown = ", ".join(names[:5]) or subject
            yield Defect(id_, other_id=certificate_id, evidence={"hostname": hostname, "names": shown})


def _names(names: Sequence[str], hostname: str) -> bool:
    """Tell whether one of a certificate's names is a host's; a wildcard stands for one label (RFC 9525, 6.3)."""
    wanted = hostname.lower().rstrip(".")
    try:
        wanted = str(ipaddress.ip_address(wanted))
    except ValueError:
        return wanted in names or f"*.{wanted.partition('.')[2]}" in names
    return wanted in names


def _down(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT id, proxy, entry, hostname, path, backend_url, backend_status FROM proxy_routes"
        " WHERE retired_at IS NULL AND enabled ORDER BY hostname, path, id"
    )
    pools: dict[tuple[str, ...], list[str | None]] = defaultdict(list)
    down: dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    for id_, proxy, entry, hostname, path, url, status in question.query(sql):
        pool = (proxy, entry, hostname, path)
        pools[pool].append(status)
        if status == "down":
            down[proxy, url].append((id_, pool))
    for (proxy, url), routes in down.items():
        names = list(dict.fromkeys(hostname + path for _, (_, _, hostname, path) in routes))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        alone = any(set(pools[pool]) == {"down"} for _, pool in routes)
        evidence = {"backend": url, "proxy": proxy, "names": ", ".join(names[:3]) + more}
        yield Defect(routes[0][0], evidence=evidence, severity="high" if alone else "medium")


RULES = (
    Rule(
        "certificate-expired",
        "critical",
        "A certificate has expired",
        "Browsers refuse what shows it, and programs simply stop to connect.",
        "Renew it, and make what shows it read the new one (`nginx -s reload`). Where nothing shows it, remove it.",
        "{thing} was valid until {until}",
        check=_expired,
    ),
    Rule(
        "certificate-expires-soon",
        "low",
        "A certificate is valid for less than 30 days",
        "Certificates that renew themselves do so with a third of their time left. One with less was not renewed, or"
        " was renewed and never loaded. It is medium with 14 days left and high with 7. One that is made for less than"
        " 90 days is late later: with a third, a sixth, a twelfth of its time left.",
        "Look why it was not renewed (`certbot renew --dry-run`, the log of Traefik or Caddy), or renew it by hand. If"
        " the file is new, reload what shows it.",
        "{thing} is valid until {until}",
        check=_expiring,
    ),
    Rule(
        "certificate-does-not-name-the-route",
        "medium",
        "A proxy shows a certificate that does not have the name asked for",
        "Browsers warn of it. Mostly the proxy has no certificate for the name and shows its default one, because"
        " getting one failed.",
        "Get a certificate with that name, or name the right one in the proxy's configuration.",
        "{thing} shows {other}, which is valid for {names}",
        check=_misnamed,
    ),
    Rule(
        "backend-down",
        "high",
        "A proxy says that a backend does not answer",
        "Users see an error in the place of the service. Where other backends of the same route are up, it is medium:"
        " the service answers, with less in reserve.",
        "Look at what runs at the backend's address; if it moved, correct the proxy's configuration.",
        "{proxy} says that {backend} is down; it is the backend of {names}",
        check=_down,
    ),
    Rule(
        "route-taken-twice",
        "medium",
        "Two routes of one proxy have the same name and path, and lead to different places",
        "Only one of them is used, and which one hangs on order or luck: users reach the wrong service after a reload.",
        "Remove one of them, or give it another name or path.",
        "{first} and {second} both take {thing}: one leads to {leads_to}, the other to {other_leads_to}",
        sql="""\
WITH routes AS (
  SELECT proxy, entry, hostname, path, native_name, min(id) AS id, min(backend_url) AS backend_url
  FROM proxy_routes
  WHERE retired_at IS NULL AND enabled AND rule IS NULL AND native_name IS NOT NULL
  GROUP BY proxy, entry, hostname, path, native_name)
SELECT a.id AS entity_id, b.id AS other_id, a.native_name AS first, b.native_name AS second,
       a.backend_url AS leads_to, b.backend_url AS other_leads_to
FROM routes a JOIN routes b ON b.proxy = a.proxy AND b.entry = a.entry AND b.hostname = a.hostname AND b.path = a.path
 AND b.id > a.id""",
    ),
)
