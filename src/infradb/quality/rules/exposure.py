"""What lets others in, or gives secrets away."""

from collections.abc import Iterator

import orjson

from infradb.quality.rule import Defect, Question, Rule
from infradb.redaction import REDACTED

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  what engines write, not what we bind


def _plain_secrets(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT id, environment_vars FROM docker_containers WHERE retired_at IS NULL"
        " AND CAST(environment_vars AS TEXT) LIKE '%***%'"
    )
    for id_, text in question.query(sql):
        names = sorted(n for n, v in orjson.loads(text).items() if v == REDACTED and not n.endswith("_FILE"))
        if names:
            yield Defect(id_, evidence={"names": names, "listed": ", ".join(names)})


def _published(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT id, ports FROM docker_containers WHERE retired_at IS NULL AND status = 'running'"
        " AND CAST(ports AS TEXT) LIKE '%host_port%'"
    )
    for id_, text in question.query(sql):
        open_ = {
            f"{p['host_port']}/{p.get('protocol') or 'tcp'}"
            for p in orjson.loads(text)
            if isinstance(p, dict) and p.get("host_port") and (p.get("host_ip") or _EVERYWHERE[0]) in _EVERYWHERE
        }
        if open_:
            ports = sorted(open_, key=lambda p: (int(p.partition("/")[0]), p))
            yield Defect(id_, evidence={"ports": ports, "listed": ", ".join(ports)})


RULES = (
    Rule(
        "image-latest",
        "low",
        "A container runs an image without a fixed version",
        "The tag `latest` means another image tomorrow: the next re-creation may bring a new major version, and"
        " nobody can tell which version runs now, or go back to the one before.",
        "Name the version in the compose file (`image: name:1.2.3`), and let Renovate or Diun tell about new ones.",
        "{thing} runs {image}:latest",
        sql="""\
SELECT c.id AS entity_id, c.image FROM docker_containers c
WHERE c.retired_at IS NULL AND c.image NOT LIKE 'sha256:%'
  AND (c.image_tag = 'latest' OR (coalesce(c.image_tag, '') = '' AND c.image_digest IS NULL))""",
    ),
    Rule(
        "container-plain-secrets",
        "low",
        "A container has secrets in its environment",
        "Whoever may talk to the Docker engine reads them, they are inherited by every process in the container, and"
        " end up in crash reports. infradb itself keeps only their names.",
        "Use the image's `…_FILE` variables with compose `secrets`, where it has them; else keep the file with the"
        " values out of version control and waive the finding.",
        "{thing} gets secrets through its environment: {listed}",
        check=_plain_secrets,
    ),
    Rule(
        "container-privileged",
        "medium",
        "A container runs with all privileges",
        "It can read and write every device and disk of its host: whoever breaks into it owns the host.",
        "Remove `privileged: true`, and add only what it needs: `cap_add`, `devices`.",
        "{thing} runs privileged",
        sql="""\
SELECT c.id AS entity_id, c.image FROM docker_containers c
WHERE c.retired_at IS NULL AND c.privileged AND c.status IN ('running', 'restarting', 'paused')""",
    ),
    Rule(
        "docker-socket-mounted",
        "medium",
        "A container may control its Docker engine",
        "Through the socket it can start a privileged container, and so owns the host. Mounting it read-only does not"
        " help: that protects the file, not what is said through it. Socket proxies are left out: that is their trade.",
        "Put a socket proxy in between that lets through only what is needed (for Traefik: listing containers).",
        "{thing} has Docker's socket mounted at {mount_path}",
        sql="""\
SELECT c.id AS entity_id, min(v.mount_path) AS mount_path
FROM docker_container_volumes v JOIN docker_containers c ON c.id = v.docker_container_id AND c.retired_at IS NULL
WHERE v.retired_at IS NULL AND v.host_path IN ('/var/run/docker.sock', '/run/docker.sock')
  AND c.image NOT LIKE '%socket-proxy%'
GROUP BY c.id""",
    ),
    Rule(
        "port-published-everywhere",
        "info",
        "A container's port is open on every address of its host",
        "Docker opens published ports in the packet filter itself, past ufw and firewalld: on a machine with a public"
        " address the whole world reaches them.",
        "Bind to one address (`127.0.0.1:8080:80`), or put the container behind the reverse proxy without publishing"
        " it.",
        "{thing} publishes {listed} on every address",
        check=_published,
    ),
    Rule(
        "firewall-allows-everything",
        "medium",
        "A firewall rule allows everything from anywhere to anywhere",
        "Every rule after it is without effect. Mostly it was made for a test and stayed.",
        "Remove or narrow it; until then, disable it.",
        "the rule '{rule}' of {other} allows everything on {interface}",
        sql="""\
SELECT r.id AS entity_id, r.firewall_host_id AS other_id, coalesce(r.description, r.native_id) AS rule,
       coalesce(r.interface, 'any interface') AS interface
FROM firewall_rules r
WHERE r.retired_at IS NULL AND r.enabled AND r.action = 'allow' AND r.direction IN ('in', 'forward')
  AND r.connection_state IS NULL AND r.conditions IS NULL AND r.managed_by IS NULL AND r.out_interface IS NULL
  AND coalesce(r.hook, 'input') IN ('input', 'forward') AND coalesce(r.ruleset, '') NOT LIKE '%nat%'
  AND coalesce(r.protocol, 'any') = 'any' AND coalesce(r.interface, '') NOT IN ('lo', 'lo0')
  AND r.source_network IN ('any', '0.0.0.0/0', '::/0') AND r.destination_network IN ('any', '0.0.0.0/0', '::/0')
  AND coalesce(r.source_port, 'any') = 'any' AND coalesce(r.destination_port, 'any') = 'any'""",
    ),
)
