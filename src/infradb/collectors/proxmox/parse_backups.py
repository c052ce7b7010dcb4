"""When each guest was last backed up, and how that ended: from the logs of vzdump and from the backups on storages."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from infradb import clock
from infradb.collectors.proxmox.values import number, objects, text
from infradb.redaction import redact_text

_LINE = re.compile(
    r"(?:INFO|ERROR): (?:Starting Backup of VM (?P<begun>\d{1,9})\b|Backup started at (?P<started>[\d-]+ [\d:]+)"
    r"|Finished Backup of VM (?P<good>\d{1,9})\b|Backup of VM (?P<bad>\d{1,9}) failed - (?P<why>.*)"
    r"|(?:Backup finished|Failed) at (?P<ended>[\d-]+ [\d:]+))"
)
_QUARTER = 900
_LATEST = 2**33


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup of one guest."""

    vmid: int
    ended: int
    """When, in seconds since 1970."""
    outcome: str
    """OK, or what went wrong."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of vzdump."""

    upid: str
    vmid: int | None
    """The guest, where it was one; else the log tells which."""
    started: int
    ended: int
    outcome: str

    @property
    def alone(self) -> Backup | None:
        """Return the backup that a job for one guest made."""
        return Backup(self.vmid, self.ended, self.outcome) if self.vmid is not None else None


def read_jobs(tasks: Sequence[Any]) -> list[Job]:
    """Return a node's finished runs of vzdump, newest first (pve-manager, API2/Tasks)."""
    jobs = []
    for entry in objects(tasks):
        upid, ended = text(entry.get("upid"), 400), _moment(entry.get("endtime"))
        if entry.get("type") == "vzdump" and upid and ended is not None:
            started = _moment(entry.get("starttime")) or ended
            jobs.append(Job(upid, number(entry.get("id")), started, ended, _outcome(entry.get("status"))))
    return sorted(jobs, key=lambda j: -j.ended)


def read_log(job: Job, lines: Sequence[Any]) -> list[Backup]:
    """Return the backups that a run of vzdump made, as its log tells (pve-manager, VZDump).

    Times in the log are the node's own without a zone; how far that is from UTC follows from when the job began.
    """
    offset: int | None = None
    begun: list[int] = []
    done: dict[int, Backup] = {}
    last: int | None = None
    for entry in objects(lines):
        match = _LINE.match(str(entry.get("t"))[:2000])
        if match is None:
            continue
        if match["begun"]:
            begun.append(int(match["begun"]))
        elif vmid := match["good"] or match["bad"]:
            last, why = int(vmid), redact_text((match["why"] or "").strip())[:200]
            done[last] = Backup(last, job.ended, f"failed: {why}" if match["bad"] else "OK")
        elif (local := _local(match["started"] or match["ended"])) is not None:
            if offset is None:
                offset = round((local - job.started) / _QUARTER) * _QUARTER
            if match["ended"] and last is not None:
                done[last] = replace(done[last], ended=local - offset)
    # What was begun and never ended was cut off with the job.
    cut_off = [Backup(vmid, job.ended, job.outcome) for vmid in begun if vmid not in done and job.outcome != "OK"]
    return [*done.values(), *cut_off]


def read_volumes(content: Sequence[Any]) -> list[Backup]:
    """Return the backups on a storage (pve-storage, API2/Storage/Content); they are there, so they went well."""
    found = []
    for entry in objects(content):
        vmid, made = number(entry.get("vmid")), _moment(entry.get("ctime"))
        if vmid is not None and made is not None:
            found.append(Backup(vmid, made, "OK"))
    return found


def newest(backups: Iterable[Backup]) -> dict[int, dict[str, str]]:
    """Return what is noted of the last backup of each guest; of two at one time, the one that went wrong counts."""
    last: dict[int, Backup] = {}
    for backup in backups:
        known = last.get(backup.vmid)
        if known is None or (backup.ended, backup.outcome) > (known.ended, known.outcome):
            last[backup.vmid] = backup
    return {
        vmid: {
            "last_backup_at": clock.to_instant(datetime.fromtimestamp(backup.ended, UTC)),
            "last_backup_status": backup.outcome,
        }
        for vmid, backup in last.items()
    }


def _outcome(status: Any) -> str:
    said = text(status, 200) or "unknown"
    return said if said == "OK" or said.upper().startswith("WARNING") else f"failed: {redact_text(said)}"


def _moment(value: Any) -> int | None:
    found = number(value)
    return found if found is not None and 0 < found < _LATEST else None


def _local(said: str) -> int | None:
    try:
        return int(datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
