"""What people wrote about a thing in Proxmox: tags and notes, and owner, criticality and purpose in them.

A tag `criticality-high` or `owner-ann`, a line `infradb.owner: ann` of the notes. Notes say more than tags.
"""

import re
from typing import Any, get_args

from infradb.collectors.proxmox.values import words
from infradb.model.physical import Criticality
from infradb.redaction import redact_text

_FIELDS = ("owner", "criticality", "purpose")
_LINE = re.compile(rf"^[\s>*-]*infradb\.({'|'.join(_FIELDS)})\s*[:=]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(rf"^({'|'.join(_FIELDS)})-(.+)$", re.IGNORECASE)
_LONGEST = 50_000


def noted(tags: Any, notes: Any) -> dict[str, Any]:
    """Return the fields of a host that its tags and notes tell; None for what they do not."""
    labels = sorted({redact_text(tag) for tag in words(tags)})
    written = redact_text(notes[:_LONGEST].replace("\x00", "").strip()) if isinstance(notes, str) else ""
    said: dict[str, str] = {}
    for label in labels:
        if match := _TAG.match(label):
            said.setdefault(match[1].lower(), match[2])
    for name, value in _LINE.findall(written):
        said[name.lower()] = value
    criticality = said.pop("criticality", "").lower()
    return {
        "tags": labels or None,
        "notes": written or None,
        "owner": said.get("owner"),
        "purpose": said.get("purpose"),
        "criticality": criticality if criticality in get_args(Criticality) else None,
    }
