"""Writes the reference of the rules."""

from infradb.quality.catalog import RULES, TOPICS
from infradb.quality.rule import SEVERITIES, Rule

_HEAD = """\
# Rules

Standing rules over what is stored. `infradb findings` asks all of them and lists what is wrong; a finding opens when
its rule first sees it and closes by itself once the cause is gone. What is acceptable for a while is waived until a
date: `infradb findings waive ID --expires 30d --reason TEXT`; it comes back by itself. For cron and CI,
`infradb findings --fail-on high` ends with exit code 5 where something that bad is open.

Severities, worst first: {severities}. This file is written by `make generate` from the rules themselves.

| Rule | Severity | What is wrong |
|---|---|---|
{table}
"""


def rules_reference() -> str:
    """Return the page that documents every rule."""
    table = "\n".join(f"| [{r.name}](#{r.name}) | {r.severity} | {r.title} |" for r in RULES)
    parts = [_HEAD.format(severities=", ".join(SEVERITIES), table=table)]
    for topic, rules in TOPICS.items():
        parts.append(f"\n## {topic}\n")
        parts += [_section(rule) for rule in rules]
    return "".join(parts)


def _section(rule: Rule) -> str:
    noted = "\nFound while a source is taken in, not by asking afterwards.\n" if rule.is_noted else ""
    said = f"\n> {rule.summary}\n" if rule.summary else ""
    return f"""
### {rule.name}

**{rule.title}** ({rule.severity}).
{said}{noted}
Why it matters: {rule.why}

How to mend it: {rule.mend}
"""
