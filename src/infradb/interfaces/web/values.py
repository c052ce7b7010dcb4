"""How values are written on pages."""

from typing import Any

import orjson

from infradb.interfaces.web.html import Content, Html, tag
from infradb.interfaces.web.page import ago, mark
from infradb.model.catalog import BY_TABLE
from infradb.model.describe import FieldSpec
from infradb.queries.overview import NOUNS

LONGEST = 60
STATES = frozenset({"status", "health_status", "link_status", "smart_status"})
_MONOSPACE = (
    "_id",
    "_ip",
    "ip_",
    "cidr",
    "mac_",
    "_uuid",
    "_key",
    "_hash",
    "_digest",
    "command",
    "_path",
    "subnet",
    "gateway",
)


def kind_word(table: str) -> str:
    """Return what one thing of a table is called."""
    if table in NOUNS:
        return NOUNS[table][0]
    label = BY_TABLE[table].label if table in BY_TABLE else table
    return "".join(f" {c.lower()}" if c.isupper() else c for c in label).strip().replace("_", " ")


def kind_title(table: str) -> str:
    """Return the heading of a list: `Docker networks`."""
    words = NOUNS[table][1] if table in NOUNS else table.replace("_", " ")
    return words[:1].upper() + words[1:]


def short(value: Any) -> str:
    """Return a value as one line that fits a table; what is cut is cut in the middle, names differ at their ends."""
    line = plain(value)
    half = (LONGEST - 1) // 2
    return line if len(line) <= LONGEST else f"{line[:half]}…{line[-half:]}"


def plain(value: Any) -> str:
    """Return a value as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    if isinstance(value, list) and all(isinstance(v, str | int) for v in value):
        return ", ".join(map(str, value))
    if isinstance(value, list) and all(isinstance(v, dict) and "container_port" in v for v in value):
        return ", ".join(map(port_in_words, value))
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return " ".join(str(value).split())


def port_in_words(port: dict[str, Any]) -> str:
    """Return a port as `8080→80/tcp`."""
    inner = f"{port['container_port']}/{port.get('protocol', 'tcp')}"
    if not port.get("host_port"):
        return inner
    host = str(port.get("host_ip") or "")
    where = f"{host}:" if host not in ("", "0.0.0.0", "::") else ""  # noqa: S104  compared, not bound
    return f"{where}{port['host_port']}→{inner}"


def cell(spec: FieldSpec, row: dict[str, Any]) -> Content:
    """Return a field as it stands in a list."""
    value = row.get(spec.name)
    if spec.name in STATES:
        return mark(value, row.get("exit_code")) if value not in (None, "none") else None
    if value is None:
        return None
    if spec.is_instant:
        return ago(value)
    line = plain(row.get(spec.noun) if spec.references else value)
    return tag("span", short(line), title=line if len(line) > LONGEST else None, class_=_face(spec))


def whole(spec: FieldSpec, value: Any) -> Content:
    """Return a field as it stands on its thing's own page."""
    if spec.name in STATES and value != "none":
        return mark(value)
    if spec.is_instant:
        return Html(ago(value) + tag("span", f" {value[:10]} {value[11:19]} UTC", class_="dim"))
    if isinstance(value, dict):
        return tag("dl", [Html(tag("dt", k) + tag("dd", plain(v))) for k, v in value.items()], class_="pairs inner")
    if isinstance(value, list) and len(value) > 1 and not all(isinstance(v, str | int) for v in value):
        return tag("ul", [tag("li", plain([v]) if isinstance(v, dict) else plain(v)) for v in value], class_="plain")
    return tag("span", plain(value), class_=_face(spec))


def _face(spec: FieldSpec) -> str | None:
    """Return the class of what is compared character by character: addresses, identifiers, paths."""
    return "mono" if not spec.references and any(part in spec.name for part in _MONOSPACE) else None
