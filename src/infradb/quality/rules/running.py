"""What runs where it cannot, and what does not run where it should."""

from collections.abc import Iterator

from infradb.quality.rule import Defect, Question, Rule

_REMEMBERED_SECONDS = 14 * 86400


def _lost_parts(question: Question) -> Iterator[Defect]:
    """Find mounts and networks that were retired lately while their container lives and has no other in their place."""
    since = question.before(_REMEMBERED_SECONDS)
    parts = {
        "the mount {}": """
SELECT c.id, v.mount_path, v.retired_at FROM docker_container_volumes v
JOIN docker_containers c ON c.id = v.docker_container_id AND c.retired_at IS NULL AND c.status = 'running'
WHERE v.retired_at > ? AND coalesce(v.host_path, '') NOT LIKE '%docker.sock'
  AND NOT EXISTS (SELECT 1 FROM docker_container_volumes w
  WHERE w.docker_container_id = c.id AND w.mount_path = v.mount_path AND w.retired_at IS NULL)""",
        "the network {}": """
SELECT c.id, n.network_name, v.retired_at FROM docker_container_networks v
JOIN docker_networks n ON n.id = v.docker_network_id
JOIN docker_containers c ON c.id = v.docker_container_id AND c.retired_at IS NULL AND c.status = 'running'
WHERE v.retired_at > ? AND NOT EXISTS (SELECT 1 FROM docker_container_networks w
  JOIN docker_networks m ON m.id = w.docker_network_id
  WHERE w.docker_container_id = c.id AND m.network_name = n.network_name AND w.retired_at IS NULL)""",
    }
    for words, sql in parts.items():
        for id_, name, until in question.query(sql, (since,)):
            part = words.format(name)
            yield Defect(int(id_), part, evidence={"part": part, "until": str(until)[:16].replace("T", " ")})


RULES = (
    Rule(
        "stopped-host-running-guests",
        "high",
        "A host is stopped, but guests of it run",
        "Both cannot be true: either the host's state is out of date, or its guests moved and nobody noted where to.",
        "Read the sources of both (`infradb discover`); `infradb why HOST status` tells who says it is stopped.",
        "{thing} is {status}, yet {running} of its guests run, such as {example}",
        sql="""\
SELECT h.id AS entity_id, h.status, count(*) AS running, min(g.hostname) AS example
FROM (SELECT id AS guest, parent_host_id AS node FROM hosts WHERE parent_host_id IS NOT NULL
      UNION SELECT host_id, proxmox_host_id FROM proxmox_containers WHERE retired_at IS NULL) AS runs_on
JOIN hosts h ON h.id = runs_on.node AND h.retired_at IS NULL AND h.status IN ('stopped', 'decommissioned')
JOIN hosts g ON g.id = runs_on.guest AND g.retired_at IS NULL AND g.status = 'active'
GROUP BY h.id, h.status""",
    ),
    Rule(
        "stopped-host-running-containers",
        "high",
        "A host is stopped, but containers on it run",
        "Both cannot be true: mostly the engine was not read since the host was stopped, so its containers look alive.",
        "Read the engine again (`infradb discover`); if the host is gone for good, retire it: its containers go with"
        " it.",
        "{thing} is {status}, yet {running} of its containers run, such as {example}",
        sql="""\
SELECT h.id AS entity_id, h.status, count(*) AS running, min(c.container_name) AS example
FROM hosts h JOIN docker_containers c ON c.docker_host_id = h.id AND c.retired_at IS NULL AND c.status = 'running'
WHERE h.retired_at IS NULL AND h.status IN ('stopped', 'decommissioned')
GROUP BY h.id, h.status""",
    ),
    Rule(
        "service-on-stopped",
        "medium",
        "A service answers, although what it runs on is stopped",
        "The checks reach something else than is noted: another machine has its address, or the service moved.",
        "Find out who answers, and correct what the service runs on: `infradb set SERVICE host=…`.",
        "{thing} is {said}, but {other}, which it runs on, is {state}",
        sql="""\
SELECT s.id AS entity_id, s.status AS said,
       CASE WHEN c.status IN ('exited', 'dead', 'created') THEN c.id ELSE h.id END AS other_id,
       CASE WHEN c.status IN ('exited', 'dead', 'created') THEN c.status ELSE h.status END AS state
FROM services s
LEFT JOIN docker_containers c ON c.id = s.docker_container_id
LEFT JOIN hosts h ON h.id = coalesce(c.docker_host_id, s.host_id)
WHERE s.retired_at IS NULL AND s.status IN ('healthy', 'degraded')
  AND (c.status IN ('exited', 'dead', 'created') OR h.status IN ('stopped', 'decommissioned'))""",
    ),
    Rule(
        "container-exited",
        "medium",
        "A container does not run, although it should be restarted",
        "Its restart policy says that it is to run always, or unless somebody stops it. It crashed and the engine"
        " gave up, or it was stopped by hand and forgotten.",
        "`docker logs` tells why it ended; start it, or remove it if nobody needs it.",
        "{thing} has ended with code {exit_code}, although its restart policy is {restart_policy}",
        sql="""\
SELECT c.id AS entity_id, c.status, coalesce(CAST(c.exit_code AS TEXT), 'unknown') AS exit_code, c.restart_policy
FROM docker_containers c
WHERE c.retired_at IS NULL AND c.status IN ('exited', 'dead')
  AND (c.restart_policy IN ('always', 'unless-stopped')
       OR (c.restart_policy LIKE 'on-failure%' AND c.exit_code <> 0))""",
    ),
    Rule(
        "container-unhealthy",
        "high",
        "A container's own health check fails",
        "Its maker says what it means to be healthy, and it is not: it may answer, but not as it should.",
        "`docker inspect --format '{{json .State.Health}}' NAME` shows what the check said last.",
        "{thing} is unhealthy",
        sql="""\
SELECT c.id AS entity_id, c.image FROM docker_containers c
WHERE c.retired_at IS NULL AND c.health_status = 'unhealthy' AND c.status IN ('running', 'paused')""",
    ),
    Rule(
        "container-restarting",
        "high",
        "A container restarts again and again",
        "It ends soon after each start, and the engine waits longer each time. It serves nobody, and fills the disk"
        " with logs.",
        "`docker logs` tells why it ends; stop it until that is mended.",
        "{thing} keeps restarting",
        sql="""\
SELECT c.id AS entity_id, c.image FROM docker_containers c
WHERE c.retired_at IS NULL AND c.status = 'restarting'""",
    ),
    Rule(
        "container-lost-part",
        "medium",
        "A container has lost a mount or a network",
        "It was there, and the container was created anew without it: a line was lost from its compose file, or it was"
        " started by hand. What it writes now may go with the container, and what it needs may be out of reach.",
        "Compare the container with its compose file; if the loss is meant, the finding closes after two weeks.",
        "{thing} had {part} until {until}, and has it no more",
        check=_lost_parts,
    ),
    Rule(
        "image-tag-moved",
        "low",
        "One tag stands for two images",
        "Containers that name the same image and tag run different ones, because the tag was moved between two pulls:"
        " one of them is older than its name says.",
        "Pull the image and create the older container anew, or name the version in the tag.",
        "{thing} and {other} both run {image}:{tag}, which are two images",
        sql="""\
SELECT min(c.id) AS entity_id, max(c.id) AS other_id, c.image, c.image_tag AS tag,
       c.image || ':' || c.image_tag AS subject
FROM docker_containers c
WHERE c.retired_at IS NULL AND c.status IN ('running', 'paused') AND c.image_tag IS NOT NULL
  AND c.image_digest LIKE 'sha256:%'
GROUP BY c.image, c.image_tag HAVING count(DISTINCT c.image_digest) > 1""",
    ),
)
