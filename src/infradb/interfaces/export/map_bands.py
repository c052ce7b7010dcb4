"""Draws what stands around the map's boxes: the networks with their addresses above, the legend below."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from infradb.interfaces.export import map_states
from infradb.interfaces.export.map_states import StateName
from infradb.interfaces.export.map_tree import MapData, Row
from infradb.interfaces.export.svg import columns, escape, fit

_CHIP, _STEP, _ROW = 176, 182, 22
_HEAD = 34
_MOST = 48
"""How many addresses of a network are shown."""


def draw_networks(data: MapData, x: float, y: float, width: float) -> tuple[list[str], float]:
    """Return the bands of all networks, one below the other, and where they end."""
    holders = {row["id"]: str(row.get("hostname") or "") for row in data.hosts}
    members: dict[Any, list[Row]] = defaultdict(list)
    known = {row["id"] for row in data.networks}
    for address in data.ip_addresses:
        network = address.get("network_id")
        members[network if network in known else None].append(address)
    bands: list[tuple[str, str, list[Row]]] = [(*_named(n), members[n["id"]]) for n in _in_order(data.networks, "cidr")]
    if members[None]:
        bands.append(("No known network", "", members[None]))
    parts: list[str] = []
    for name, about, addresses in bands:
        band, y = _band(name, about, _in_order(addresses, "ip_address"), holders, (x, y, width))
        parts += band
    return parts, y


def _named(row: Row) -> tuple[str, str]:
    facts = [str(row.get("cidr") or "")]
    if row.get("vlan_id") is not None:
        facts.append(f"VLAN {row['vlan_id']}")
    facts += [str(row["security_zone"])] if row.get("security_zone") else []
    facts += [f"gateway {row['gateway']}"] if row.get("gateway") else []
    return str(row.get("network_name") or f"network {row['id']}"), " · ".join(f for f in facts if f)


def _band(
    name: str, about: str, addresses: Sequence[Row], holders: dict[Any, str], place: tuple[float, float, float]
) -> tuple[list[str], float]:
    x, y, width = place
    per_row = max(1, int((width - 20) // _STEP))
    shown = addresses[:_MOST]
    height = _HEAD + _ROW * -(-(len(shown) + (len(addresses) > _MOST)) // per_row) + (6 if shown else 0)
    name = fit(name, 40)
    parts = [
        f'<rect class="band" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>',
        f'<text class="name" x="{x + 12:g}" y="{y + 22:g}">{escape(name)}</text>',
        f'<text class="dim" x="{x + 24 + columns(name) * 8.4:g}" y="{y + 22:g}">{escape(fit(about, 90))}</text>',
    ]
    for number, row in enumerate(shown):
        line, column = divmod(number, per_row)
        parts.append(_address(row, holders, x + 10 + column * _STEP, y + _HEAD + line * _ROW))
    if len(addresses) > _MOST:
        line, column = divmod(_MOST, per_row)
        left, top = x + 16 + column * _STEP, y + _HEAD + line * _ROW + 13
        parts.append(f'<text class="dim small" x="{left:g}" y="{top:g}">and {len(addresses) - _MOST} more</text>')
    return parts, y + height + 8


def _address(row: Row, holders: dict[Any, str], x: float, y: float) -> str:
    address = str(row.get("ip_address") or "")
    holder = holders.get(row.get("host_id")) or str(row.get("hostname") or "")
    room = 27 - columns(address) - 1
    return (
        f'<g class="chip weight-none"><title>{escape(f"{address} {holder}")}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{_CHIP}" height="{_ROW - 4}" rx="4"/>'
        f'<text class="small" x="{x + 6:g}" y="{y + 13:g}"><tspan class="mono">{escape(fit(address, 24))}</tspan>'
        f'<tspan class="dim" dx="6">{escape(fit(holder, room)) if room > 2 else ""}</tspan></text></g>'
    )


def _in_order(rows: Iterable[Row], name: str) -> list[Row]:
    def place(row: Row) -> tuple[int, int, str]:
        text = str(row.get(name) or "")
        try:
            address = ipaddress.ip_interface(text)
        except ValueError:
            return 99, 0, text
        return address.version, int(address), text

    return sorted(rows, key=lambda row: (place(row), row["id"]))


def draw_legend(
    states: Iterable[StateName], edges: Sequence[str], left_out: int, x: float, y: float
) -> tuple[list[str], float]:
    """Return the legend of what is in the picture, and where it ends to the right."""
    parts: list[str] = []
    for name in map_states.MEANINGS:
        if name in set(states):
            parts.append(map_states.shape(name, x, y - 10))
            x = _word(parts, map_states.MEANINGS[name], x + 18, y)
    parts.append(f'<rect class="host weight-critical" x="{x:g}" y="{y - 10:g}" width="18" height="12" rx="3"/>')
    x = _word(parts, "thick border: critical, high", x + 24, y)
    for kind in edges:
        parts.append(f'<g class="edge {escape(kind)}"><path class="wire" d="M{x:g} {y - 4:g}h26"/></g>')
        x = _word(parts, f"needs ({kind})", x + 32, y)
    if left_out:
        x = _word(parts, f"{left_out} dependencies are not drawn", x, y)
    return parts, x


def _word(parts: list[str], text: str, x: float, y: float) -> float:
    parts.append(f'<text class="dim" x="{x:g}" y="{y:g}">{escape(text)}</text>')
    return x + columns(text) * 6.9 + 22
