"""Joins reading and understanding of a folder of facts."""

from collections.abc import Sequence
from datetime import UTC, datetime

from infradb import clock
from infradb.collectors import Diagnosis
from infradb.collectors.ansible.client import LIST, READ, AnsibleClient, FactFile
from infradb.collectors.ansible.parse import age_in_words, gathered_at, parse_facts, read_facts
from infradb.collectors.ansible.settings import AnsibleSettings
from infradb.errors import CollectionError
from infradb.observation import Answer, CollectionRun, ScopeResult
from infradb.transport.calls import CallLog

_FRESH_SECONDS = 3600
_TOLD = 5
"""Files that are told one by one; of more only their number."""

GRANT = """infradb reads the files of a fact cache. Let Ansible keep one (ansible.cfg):

    [defaults]
    gathering = smart
    fact_caching = jsonfile
    fact_caching_connection = /var/cache/ansible/facts
    fact_caching_timeout = 0

and give the account that infradb runs under the right to read it. Facts hold the environment of the account that
gathers them; infradb reads none of that.

    sudo setfacl -R -m u:infradb:rX -m d:u:infradb:rX /var/cache/ansible/facts
"""


class AnsibleCollector:
    """Reads machines from Ansible's fact cache, without asking the machines."""

    kind = "ansible"
    Settings = AnsibleSettings

    def __init__(self, name: str, settings: AnsibleSettings) -> None:
        self.name, self.settings = name, settings

    @classmethod
    def grant(cls, name: str) -> str:
        """Return how to keep facts, and to let infradb read them."""
        return GRANT

    def collect(self) -> CollectionRun:
        """Return what the files say; raise `CollectionError` where there are none, or none can be read."""
        started_at, log = clock.now(), CallLog()
        client = AnsibleClient(self.settings.path, log)
        answers: dict[str, Answer] = {}
        broken: list[str] = []
        old: list[str] = []
        for file in client.files(client.names()):
            try:
                answer, age = self._answer(file)
            except CollectionError as error:
                broken.append(f"{error} ({error.hint})")
                first = error
                continue
            if age:
                old.append(f"the facts of {answer.key.partition('/')[2]} are {age} old")
            if answer.key in answers:
                broken.append(f"two files speak of {answer.key.partition('/')[2]} (remove the older one)")
            answers.setdefault(answer.key, answer)
        if not answers:
            raise first
        errors = (*_shortened(broken, "files"), *_shortened(old, "hosts with old facts", " (gather them again)"))
        status = "partial" if errors else "complete"
        scope = ScopeResult("facts", status, list(answers.values()), errors)  # type: ignore[arg-type]
        return CollectionRun(self.name, started_at, (scope,), calls=log.made())

    def diagnose(self) -> Sequence[Diagnosis]:
        """Read the folder and every file, and say what of it is of no use."""
        client = AnsibleClient(self.settings.path, CallLog())
        needs = f"reading {self.settings.path}"
        try:
            files = list(client.files(client.names()))
        except CollectionError as error:
            return [Diagnosis(needs, ok=False, detail=str(error), hint=error.hint)]
        found = [Diagnosis(needs, ok=True, detail=f"{len(files)} files")]
        for file in files:
            try:
                _, age = self._answer(file)
            except CollectionError as error:
                found.append(Diagnosis("facts in each file", ok=False, detail=str(error), hint=error.hint))
                continue
            if age and isinstance(file, FactFile):
                hint = "`ansible all -m setup` gathers them again; `max_age` of the source says how old they may be"
                found.append(Diagnosis("facts that are new enough", ok=False, detail=f"{file.name}: {age}", hint=hint))
        return found

    def calls(self) -> Sequence[str]:
        """Return what is read; nothing runs, nothing is connected to."""
        return (LIST, READ)

    def _answer(self, file: FactFile | tuple[str, CollectionError]) -> tuple[Answer, str]:
        """Return what a file says, and its age in words where that is too high."""
        if isinstance(file, tuple):
            raise file[1]
        facts = read_facts(file.content, file.name)
        now = datetime.now(UTC).timestamp()
        age = now - gathered_at(facts, file.changed_at, now)
        is_old = age > clock.parse_duration(self.settings.max_age)
        answer = parse_facts(facts, file.name, whole=not is_old, fresh=age < _FRESH_SECONDS)
        return answer, age_in_words(age) if is_old else ""


def _shortened(sentences: list[str], what: str, advice: str = "") -> list[str]:
    if len(sentences) <= _TOLD:
        return [s + advice for s in sentences]
    return [*(s + advice for s in sentences[:_TOLD]), f"and so {len(sentences) - _TOLD} more {what}"]
