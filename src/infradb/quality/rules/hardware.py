"""Disks, backups and contracts."""

from collections.abc import Iterator

from infradb.quality.rule import Defect, Question, Rule

_FULL_PERCENT = 90


def _ended(column: str) -> str:
    return (
        f"SELECT id, {column} FROM hosts WHERE retired_at IS NULL AND {column} < ?"  # noqa: S608  names of ours
        " AND status <> 'decommissioned'"
    )


def _support_ended(question: Question) -> Iterator[Defect]:
    for id_, day in question.query(_ended("end_of_support_at"), (question.now[:10],)):
        yield Defect(id_, evidence={"day": day})


def _warranty_over(question: Question) -> Iterator[Defect]:
    for id_, day in question.query(_ended("warranty_until"), (question.now[:10],)):
        yield Defect(id_, evidence={"day": day})


RULES = (
    Rule(
        "disk-failing",
        "critical",
        "A disk says that it fails",
        "SMART reports a failure only when little time is left. A pool that still says `online` has not noticed yet.",
        "Make sure that the last backup is good, then replace the disk.",
        "{thing} failed its SMART check",
        sql="""\
SELECT d.id AS entity_id, coalesce(d.model, '') AS model, coalesce(d.serial_number, '') AS serial_number
FROM storage_devices d WHERE d.retired_at IS NULL AND d.smart_status = 'failed'""",
    ),
    Rule(
        "array-degraded",
        "critical",
        "An array or pool has lost redundancy",
        "The next disk that fails takes the data along.",
        "Replace the failed member (`zpool status`, `cat /proc/mdstat`, `btrfs device stats` name it).",
        "{thing} is {state}",
        sql="""\
SELECT d.id AS entity_id, lower(d.health_status) AS state FROM storage_devices d
WHERE d.retired_at IS NULL
  AND lower(d.health_status) IN ('degraded', 'faulted', 'failed', 'offline', 'unavail', 'removed', 'suspended')""",
    ),
    Rule(
        "storage-nearly-full",
        "medium",
        f"More than {_FULL_PERCENT} % of a file system or pool is used",
        "Databases stop when they cannot write, and ZFS and Btrfs become slow long before.",
        "Remove what nobody needs (`docker system prune`, old snapshots, logs), or enlarge it.",
        f"more than {_FULL_PERCENT} % of {{thing}} is used",
        sql=f"""\
SELECT d.id AS entity_id, d.mount_point FROM storage_devices d
WHERE d.retired_at IS NULL AND d.device_type <> 'loop' AND d.used_gb > 0
  AND coalesce(d.filesystem_type, '') NOT IN ('squashfs', 'iso9660', 'udf', 'erofs')
  AND d.used_gb * 100 > {_FULL_PERCENT} * (d.used_gb + d.available_gb)""",  # noqa: S608  a constant of ours
    ),
    Rule(
        "backup-failed",
        "high",
        "The last backup of a guest failed",
        "What changed since the one before is lost if the guest's disk fails today.",
        "The task log of its node tells why; run the backup again.",
        "the last backup of {other} ended with: {said}",
        sql="""\
SELECT g.id AS entity_id, g.host_id AS other_id, g.last_backup_status AS said FROM proxmox_containers g
WHERE g.retired_at IS NULL AND g.last_backup_status IS NOT NULL
  AND lower(g.last_backup_status) NOT LIKE 'ok%' AND lower(g.last_backup_status) NOT LIKE 'success%'
  AND lower(g.last_backup_status) NOT LIKE 'warning%'""",
    ),
    Rule(
        "support-ended",
        "low",
        "The vendor of a host no longer supports it",
        "Faults that are found in its software from now on stay open.",
        "Replace it, or keep it away from networks that are not trusted; then waive the finding.",
        "support of {thing} ended on {day}",
        check=_support_ended,
    ),
    Rule(
        "warranty-over",
        "info",
        "The warranty of a host has run out",
        "Spare parts are yours to find from now on.",
        "Nothing, where that is known; note the new date where the warranty was extended.",
        "the warranty of {thing} ended on {day}",
        check=_warranty_over,
    ),
)
