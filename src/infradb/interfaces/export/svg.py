"""What all our SVG pictures share: safe text, colours for light and dark, one self-contained document.

The four colours of state stay apart in every kind of colour blindness, and no picture relies on them alone.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape as _escape_markup

SANS = "system-ui,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
MONO = "ui-monospace,'Cascadia Mono','Noto Sans Mono','DejaVu Sans Mono',monospace"

GROUND = ("#FFFFFF", "#12161C")
RAISED = ("#F6F7F9", "#1A2028")
TEXT = ("#1A1F27", "#E7EBF0")
DIM = ("#5A6473", "#9AA6B5")
BORDER = ("#7F8A9A", "#667384")
HAIRLINE = ("#E3E7EC", "#2A323D")
ACCENT = ("#1F5FBF", "#6AA8FF")
FINE = ("#075557", "#42EFDE")
DEGRADED = ("#9E6415", "#FECC4F")
DOWN = ("#970105", "#FF5140")
UNKNOWN = ("#697282", "#8C96AE")

# XML 1.0 allows no control characters, no surrogates and no U+FFFE, U+FFFF, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One CSS rule: its selector, what holds always, and its colours as property -> (light, dark)."""

    selector: str
    always: str = ""
    colours: tuple[tuple[str, tuple[str, str]], ...] = ()


def escape(value: object) -> str:
    """Return text as it may stand between tags and within quotes."""
    return _escape_markup(_FORBIDDEN.sub("�", str(value)), {'"': "&quot;", "'": "&#39;"})


def columns(text: str) -> int:
    """Return how many columns a text takes; wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(value: object, width: int) -> str:
    """Return a text of at most `width` columns; what is too long loses its middle, because ends tell apart.

    >>> fit("immich-machine-learning", 14)
    'immich-…arning'
    """
    text = str(value)
    if columns(text) <= width:
        return text
    tail_width = (width - 1) // 2
    head = _start(text, width - 1 - tail_width)
    tail = _start(text[::-1], tail_width)[::-1]
    return f"{head}…{tail}"


def fit_start(value: object, width: int) -> str:
    """Return a text of at most `width` columns; a sentence that is too long loses its end."""
    text = str(value)
    return text if columns(text) <= width else f"{_start(text, max(0, width - 1)).rstrip()}…"


def _start(text: str, width: int) -> str:
    taken = 0
    for number, character in enumerate(text):
        taken += columns(character)
        if taken > width:
            return text[:number]
    return text


def document(
    name: str, size: tuple[float, float], title: str, description: str, rules: Iterable[Rule], body: Iterable[str]
) -> str:
    """Return a whole SVG document; its CSS applies within it only, also where it is put into a page."""
    width, height = (f"{n:g}" for n in size)
    shared = (
        Rule("text", f"font:12px {SANS}", (("fill", TEXT),)),
        Rule(".ground", "", (("fill", GROUND),)),
        Rule(".dim", "", (("fill", DIM),)),
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-description">'
    )
    return "\n".join(
        [
            opening,
            f'<title id="{name}-title">{escape(title)}</title>',
            f'<desc id="{name}-description">{escape(description)}</desc>',
            f"<style>{_css(name, (*shared, *rules))}</style>",
            f'<rect class="ground" width="{width}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )


def _css(name: str, rules: Iterable[Rule]) -> str:
    light, dark = [], []
    for rule in rules:
        selector = ",".join(f".{name}{s}" if s.startswith(":") else f".{name} {s}" for s in rule.selector.split(","))
        colours = ";".join(f"{prop}:{pair[0]}" for prop, pair in rule.colours)
        light.append(f"{selector}{{{';'.join(part for part in (rule.always, colours) if part)}}}")
        if rule.colours:
            dark.append(f"{selector}{{{';'.join(f'{prop}:{pair[1]}' for prop, pair in rule.colours)}}}")
    return "\n".join(["", *light, "@media (prefers-color-scheme:dark){", *dark, "}", ""])
