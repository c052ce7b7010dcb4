"""Every rule finds the defect that is planted for it, says it in a sentence, and lets go once it is mended."""

from __future__ import annotations

import pytest

from infradb.operations import findings
from tests.quality import plants
from tests.quality.lab import Lab

PAST_MENDING = {
    # Damage that no source takes back:
    *("orphan", "lifecycle-mismatch", "dangling-reference", "dependency-retired", "declared-never-seen"),
    # These have tests of their own:
    *("source-stale", "retention-outgrown", "missing-too-long", "service-on-stopped", "address-unseen"),
    *("identity-conflict", "name-taken", "mass-change-brake", "two-dhcp-servers"),
}


@pytest.mark.parametrize("name", [rule.name for rule in findings.RULES])
def test_a_planted_defect_is_found_by_its_rule_alone_until_it_is_mended(lab: Lab, name: str) -> None:
    getattr(plants, name.replace("-", "_"))(lab)
    assert lab.rules() == {name} | plants.ALSO.get(name, set())
    found = next(f for f in lab.open() if f.rule == name)
    assert found.severity == findings.rule_named(name).severity
    assert found.summary
    assert "{" not in found.summary
    assert "None" not in found.summary
    again = lab.refresh()
    assert (again.opened, again.changed, again.closed) == (0, 0, 0)
    if name not in PAST_MENDING:
        lab.mend()
        assert lab.rules() == set()
        assert lab.ask("SELECT count(*) FROM findings WHERE closed_at IS NULL") == [(0,)]
