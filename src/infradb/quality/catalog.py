"""The list of rules. Adding one means adding it to its topic's file; a new topic adds a line here."""

from infradb.quality.rule import Rule
from infradb.quality.rules import (
    addresses,
    certificates,
    duplicates,
    exposure,
    gateways,
    hardware,
    identity,
    names,
    references,
    running,
    services,
    staleness,
)

TOPICS: dict[str, tuple[Rule, ...]] = {
    "References": references.RULES,
    "Duplicates": duplicates.RULES,
    "Identity": identity.RULES,
    "Addresses and networks": addresses.RULES,
    "Gateways": gateways.RULES,
    "Names and leases": names.RULES,
    "Stale things": staleness.RULES,
    "What runs": running.RULES,
    "Services": services.RULES,
    "Proxies and certificates": certificates.RULES,
    "Exposure": exposure.RULES,
    "Hardware and backups": hardware.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for rules in TOPICS.values() for rule in rules)
BY_NAME: dict[str, Rule] = {rule.name: rule for rule in RULES}
