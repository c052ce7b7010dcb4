"""Services, what they need, and who answers for them."""

from collections.abc import Iterator, Mapping, Sequence

from infradb.quality.rule import Defect, Question, Rule
from infradb.queries.naming import labels

_SHOWN = 8

_DEAD = """\
dead AS (
  SELECT s.id, CASE WHEN c.status IN ('created', 'exited', 'dead', 'removing') THEN 'its container is ' || c.status
                    WHEN h.status IN ('stopped', 'decommissioned') THEN 'its host is ' || h.status
                    ELSE 'its checks say that it is down' END AS because
  FROM services s
  LEFT JOIN docker_containers c ON c.id = s.docker_container_id
  LEFT JOIN hosts h ON h.id = coalesce(c.docker_host_id, s.host_id)
  WHERE s.retired_at IS NULL AND (s.status = 'down' OR c.status IN ('created', 'exited', 'dead', 'removing')
                                  OR h.status IN ('stopped', 'decommissioned')))"""


def _cycles(question: Question) -> Iterator[Defect]:
    sql = (
        "SELECT dependent_service_id, dependency_service_id FROM service_dependencies"
        " WHERE retired_at IS NULL AND coalesce(dependency_type, 'hard') <> 'optional' ORDER BY 1, 2"
    )
    needs: dict[int, list[int]] = {}
    for dependent, dependency in question.query(sql):
        needs.setdefault(dependent, []).append(dependency)
    for members in _tangles(needs):
        names = labels(question.connection, members[:_SHOWN])
        listed = ", ".join(names.get(m, str(m)) for m in members[:_SHOWN])
        more = len(members) - _SHOWN
        listed += f" and {more} more" if more > 0 else ""
        yield Defect(members[0], evidence={"services": members, "listed": listed, "count": len(members)})


def _tangles(needs: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Yield the groups in which each needs each other (Tarjan 1972), without recursion: chains may be long."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in needs:
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(needs[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = _take_until(stack, node)
                    on_stack.difference_update(group)
                    if len(group) > 1:
                        yield sorted(group)
            elif child not in index:
                index[child] = low[child] = len(index)
                stack.append(child)
                on_stack.add(child)
                work.append((child, iter(needs.get(child, ()))))
            elif child in on_stack:
                low[node] = min(low[node], index[child])


def _take_until(stack: list[int], node: int) -> list[int]:
    at = stack.index(node)
    group = stack[at:]
    del stack[at:]
    return group


RULES = (
    Rule(
        "dependency-cycle",
        "medium",
        "Services need each other in a circle",
        "After a power failure none of them can start before the others, so somebody has to break the circle by hand."
        " What breaks when one dies is then all of them.",
        "One of the dependencies is wrong or weaker than noted: retire it, or set `dependency_type=optional`.",
        "{count} services need each other in a circle: {listed}",
        check=_cycles,
    ),
    Rule(
        "dependency-not-running",
        "high",
        "A service needs one that does not run",
        "It is down too, or will be at its next restart. Soft and optional dependencies are left out, and those of"
        " which enough others of their redundancy group run.",
        "Start what is needed; if it is no longer needed, retire the dependency.",
        "{thing} needs {other}, but {because}",
        sql=f"""\
WITH {_DEAD}
SELECT d.dependent_service_id AS entity_id, d.dependency_service_id AS other_id, dead.because
FROM service_dependencies d
JOIN dead ON dead.id = d.dependency_service_id
JOIN services u ON u.id = d.dependent_service_id AND u.retired_at IS NULL
WHERE d.retired_at IS NULL AND coalesce(d.dependency_type, 'hard') = 'hard' AND u.id NOT IN (SELECT id FROM dead)
  AND (d.redundancy_group IS NULL OR d.redundancy_rule = 'all'
       OR (SELECT count(*) FROM service_dependencies g
           WHERE g.dependent_service_id = d.dependent_service_id AND g.redundancy_group = d.redundancy_group
             AND g.retired_at IS NULL AND g.dependency_service_id NOT IN (SELECT id FROM dead))
          < CASE WHEN d.redundancy_rule IN ('1', '2', '3', '4', '5', '6', '7', '8', '9')
                 THEN CAST(d.redundancy_rule AS INTEGER) ELSE 1 END)""",  # noqa: S608  no values in it
    ),
    Rule(
        "dependency-retired",
        "high",
        "A service is said to need one that was retired",
        "Somebody still says that it needs what is no longer there. It is broken, or it found a replacement that nobody"
        " noted.",
        "Note what it needs now, and remove the old dependency where it was typed: `infradb why DEPENDENCY` names the"
        " source.",
        "{thing} is said to need {other}, which was retired",
        sql="""\
SELECT d.dependent_service_id AS entity_id, d.dependency_service_id AS other_id
FROM service_dependencies d
JOIN entities e ON e.id = d.id AND e.retired_with = d.dependency_service_id
JOIN services u ON u.id = d.dependent_service_id AND u.retired_at IS NULL
JOIN services n ON n.id = d.dependency_service_id AND n.retired_at IS NOT NULL
WHERE d.retired_at IS NOT NULL AND coalesce(d.dependency_type, 'hard') <> 'optional'
  AND EXISTS (SELECT 1 FROM claims c WHERE c.entity_id = d.id AND c.withdrawn_at IS NULL)""",
    ),
    Rule(
        "critical-without-check",
        "medium",
        "A critical service is checked by nothing",
        "Users notice its failure first.",
        "`infradb add checks service=NAME check_type=http target=https://…`",
        "{thing} is critical, but has no check",
        sql="""\
SELECT s.id AS entity_id, s.service_type FROM services s
WHERE s.retired_at IS NULL AND s.criticality = 'critical'
  AND NOT EXISTS (SELECT 1 FROM checks k WHERE k.service_id = s.id AND k.retired_at IS NULL AND k.enabled)""",
    ),
    Rule(
        "host-without-owner",
        "low",
        "Nobody answers for an important host",
        "When it fails, nobody knows whom to call, and nobody decides when it may be restarted.",
        "`infradb set HOST owner=…`",
        "{thing} is of {criticality} criticality, but has no owner",
        sql="""\
SELECT h.id AS entity_id, h.criticality FROM hosts h
WHERE h.retired_at IS NULL AND h.criticality IN ('critical', 'high') AND coalesce(h.owner, '') = ''
  AND h.status <> 'decommissioned'""",
    ),
)
